from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("cv2", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from PIL import Image  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.training.datasets.forged_faces import (  # noqa: E402
    ONLY_TESTED,
    TRAINED,
    Plan,
    main,
    make,
    plan,
)
from assay.training.datasets.manifest import Item  # noqa: E402
from assay.training.datasets.readers.real_fake_folder import RealFakeFolder  # noqa: E402
from assay.training.datasets.records import Record  # noqa: E402
from tests.real_faces import portrait_path  # noqa: E402

SMALL = Plan(train=4, val=4, test=8)


def items(picture: Path, n: int = 40) -> list[Item]:
    """One picture under the names of many people; a third of them is for the test."""
    plain = Item(picture, "image", "real", "cfp", "", "train", "own", "")
    return [
        replace(plain, group=f"person {i}", split="val" if i % 3 == 0 else "train", sha256=f"{i}")
        for i in range(n)
    ]


def test_people_stand_in_one_split_and_some_forgers_are_only_tested() -> None:
    jobs = plan(items(Path("a.jpg"), 120), Plan(train=30, val=8, test=30))
    people = {split: {j.item.group for j in jobs if j.split == split} for split in ("train", "val")}
    people["test"] = {j.item.group for j in jobs if j.split == "test"}
    assert not people["train"] & people["val"]
    assert not (people["train"] | people["val"]) & people["test"]
    assert {j.forger for j in jobs if j.split != "test"} == set(TRAINED)
    assert {j.forger for j in jobs if j.split == "test"} == {*TRAINED, *ONLY_TESTED}
    for job in jobs:
        assert job.donor.group != job.item.group
        assert job.donor.group in people[job.split]


def test_forged_and_genuine_pictures_of_other_kinds_and_labels_are_left_alone() -> None:
    rows = items(Path("a.jpg"))
    others = [replace(rows[0], label="fake"), replace(rows[0], modality="video")]
    others.append(replace(rows[0], method="camera-photos"))
    assert plan(rows, SMALL) == plan([*others, *rows], SMALL)


def test_too_few_people_are_said() -> None:
    with pytest.raises(ConfigError, match="fewer than three people"):
        plan(items(Path("a.jpg"), 4), SMALL)


def test_twins_are_saved_alike_and_a_second_run_keeps_them(tmp_path: Path) -> None:
    rows = items(portrait_path("grace_hopper"), 60)
    wanted = Plan(train=3, val=3, test=4)
    out = tmp_path / "faces"
    made = make(rows, wanted, out)
    records = [r for r in RealFakeFolder().read(out, {}) if isinstance(r, Record)]
    assert len(records) == sum(made.values()) == 20
    assert {r.method for r in records if r.split == "test"} == {"", *TRAINED, *ONLY_TESTED}
    assert all(r.identity.startswith("person-") for r in records)
    people = {s: {r.identity for r in records if r.split == s} for s in ("train", "val", "test")}
    assert not people["train"] & people["val"]
    assert not (people["train"] | people["val"]) & people["test"]
    for fake in (r for r in records if r.label == "fake"):
        real = next(r for r in records if r.label == "real" and r.path[-9:] == fake.path[-9:])
        pictures = [Image.open(BytesIO((out / r.path).read_bytes())) for r in (real, fake)]
        assert pictures[0].size == pictures[1].size
        assert pictures[0].quantization == pictures[1].quantization
        assert pictures[0].tobytes() != pictures[1].tobytes()
    times = {p: p.stat().st_mtime_ns for p in out.rglob("*.jpg")}
    assert make(rows, wanted, out) == made
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*.jpg")} == times
    with pytest.raises(ConfigError, match="another plan"):
        make(rows, replace(wanted, seed=1), out)


def test_pictures_without_a_face_are_left_out_with_their_twins(tmp_path: Path) -> None:
    flat = tmp_path / "flat.png"
    Image.new("RGB", (300, 300), (90, 120, 90)).save(flat)
    assert sum(make(items(flat), SMALL, tmp_path / "out").values()) == 0
    assert list((tmp_path / "out").rglob("*.skipped"))


def test_a_folder_of_other_things_is_not_written_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="other things"):
        make(items(Path("a.jpg")), SMALL, tmp_path)
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "x")]) == 2
    assert "manifest.csv" in capsys.readouterr().err
