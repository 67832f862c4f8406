from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("imagehash", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.datasets import verifying  # noqa: E402
from assay.training.datasets.looking import Seen  # noqa: E402
from assay.training.datasets.manifest_file import Manifest  # noqa: E402
from assay.training.datasets.records import Record  # noqa: E402
from assay.training.datasets.scanning import scan  # noqa: E402
from assay.training.datasets.seen_items import look_at_all  # noqa: E402
from assay.training.datasets.verifying import (  # noqa: E402
    Verified,
    as_json,
    cleaned,
    verify,
    with_hashes,
)
from tests.real_faces import portrait, textured  # noqa: E402
from tests.training.datasets.media_sets import record  # noqa: E402
from tests.training.datasets.readers.made_sets import MADE, reader_of  # noqa: E402


def save(root: Path, name: str, rgb: np.ndarray, **how: int) -> str:
    Image.fromarray(rgb).save(root / name, **how)
    return name


def verified(root: Path, *rows: Record) -> Verified:
    manifest = Manifest(root, rows)
    return verify(manifest, look_at_all(manifest, None))


def found(answer: Verified) -> list[tuple[str, tuple[int, ...]]]:
    return [(problem.kind, problem.items) for problem in answer.problems]


def test_a_clean_set_is_clean(tmp_path: Path) -> None:
    rows = [
        record(save(tmp_path, f"{k}.png", textured(80, 80, k)), identity=f"p{k}", split="train")
        for k in range(3)
    ]
    answer = verified(tmp_path, *rows)
    assert answer.problems == ()
    assert as_json(answer)["clean"] is True
    assert cleaned(answer).records == answer.manifest.records


def test_missing_broken_and_mistaken_files(tmp_path: Path) -> None:
    save(tmp_path, "a.png", textured(80, 80))
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c.mp4").write_bytes(whole)
    answer = verified(
        tmp_path,
        record("gone.png"),
        record("b.png"),
        record("c.mp4"),
        record("a.png", sha256="ab" * 32, note="stays"),
    )
    kinds = found(answer)
    assert kinds[:4] == [
        ("missing", (0,)), ("corrupt", (1,)), ("wrong_kind", (2,)), ("changed", (3,)),
    ]  # fmt: skip
    assert cleaned(answer).records == ()
    assert answer.by_kind["missing"] == 1


def test_the_same_bytes_with_one_label_and_with_two(tmp_path: Path) -> None:
    for name, seed in (("a.png", 1), ("b.png", 1), ("c.png", 2), ("d.png", 2), ("e.png", 1)):
        save(tmp_path, name, textured(80, 80, seed))
    rows = [
        record("a.png", split="train"), record("b.png", split="test"), record("e.png"),
        record("c.png"), record("d.png", "fake"),
    ]  # fmt: skip
    answer = verified(tmp_path, *rows)
    assert found(answer) == [("duplicate", (0, 1, 2)), ("contradiction", (3, 4))]
    # The one in the test split stays.
    assert [one.path for one in cleaned(answer).records] == ["b.png"]


def test_eyes_that_are_open_and_closed_contradict_each_other(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save(tmp_path, name, textured(80, 80, 1))
    answer = verified(tmp_path, record("a.png", eye="open"), record("b.png", eye="closed"))
    assert found(answer) == [("contradiction", (0, 1))]


def test_saved_again_in_another_split_or_with_another_label(tmp_path: Path) -> None:
    save(tmp_path, "a.png", portrait())
    save(tmp_path, "b.jpg", portrait(), quality=60)
    save(tmp_path, "c.jpg", portrait(), quality=80)
    split = [record("a.png", split="train"), record("b.jpg", split="test")]
    answer = verified(tmp_path, *split)
    assert found(answer) == [("near_duplicate", (0, 1))]
    assert [one.path for one in cleaned(answer).records] == ["b.jpg"]
    labels = [record("a.png", split="train"), record("c.jpg", "fake", split="train")]
    answer = verified(tmp_path, *labels)
    assert found(answer) == [("near_duplicate", (0, 1))]
    assert cleaned(answer).records == ()
    same = [replace(one, split="train") for one in split]
    assert verified(tmp_path, *same).problems == ()


def test_a_forgery_near_its_own_footage_is_no_problem(tmp_path: Path) -> None:
    save(tmp_path, "a.png", portrait())
    save(tmp_path, "b.jpg", portrait(), quality=60)
    rows = [record("a.png", source="clip"), record("b.jpg", "fake", source="clip")]
    answer = verified(tmp_path, *rows)
    assert answer.problems == ()
    assert answer.related == 1


def test_people_donors_and_footage_leak(tmp_path: Path) -> None:
    rows = [
        record(save(tmp_path, f"{k}.png", textured(80, 80, k)), label, **facts)  # type: ignore[arg-type]
        for k, (label, facts) in enumerate(
            [
                ("real", {"identity": "ann", "split": "train"}),
                ("real", {"identity": "ann", "split": "test"}),
                ("real", {"identity": "bob", "split": "train"}),
                ("fake", {"identity": "cid", "donor": "bob", "split": "test"}),
                ("real", {"source": "clip", "split": "val"}),
                ("fake", {"source": "clip", "split": "train"}),
                ("real", {"identity": "ann", "dataset": "another", "split": "val"}),
                ("real", {"identity": "cid"}),
            ]
        )
    ]
    answer = verified(tmp_path, *rows)
    assert found(answer) == [
        ("leaking_identity", (0, 1)), ("leaking_donor", (2, 3)), ("leaking_footage", (4, 5)),
    ]  # fmt: skip
    assert answer.problems[0].text == "person ann of made: 1 in test, 1 in train"
    assert as_json(answer, ["leaking_identity"])["clean"] is False
    ignored = ["leaking_identity", "leaking_donor", "leaking_footage"]
    assert as_json(answer, ignored)["clean"] is True
    assert len(cleaned(answer).records) == len(rows)


def test_hashes_are_filled(tmp_path: Path) -> None:
    save(tmp_path, "a.png", textured(80, 80))
    manifest = Manifest(tmp_path, (record("a.png"), record("gone.png")))
    seen = look_at_all(manifest, None)
    hashed = with_hashes(manifest, seen)
    assert [len(one.sha256) for one in hashed.records] == [64, 0]
    # The first digits of a hash are enough, as some lists have them.
    short = Manifest(tmp_path, (record("a.png", sha256=hashed.records[0].sha256[:16].upper()),))
    assert verify(short, look_at_all(short, None)).problems == ()


def test_what_cannot_be_seen_is_said(tmp_path: Path) -> None:
    save(tmp_path, "a.png", np.zeros((50, 50, 3), np.uint8))
    notes = verified(tmp_path, record("a.png")).notes
    assert any("too plain" in note for note in notes)
    assert any("neither a person nor a footage" in note for note in notes)


def test_a_set_of_one_picture_over_and_over_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "MOST_PAIRS", 10)
    seen = [Seen(sha256=f"{k:064x}", codes=("5a" * 32,)) for k in range(40)]
    rows = [record(f"{k}.png", split="train" if k % 2 else "test") for k in range(40)]
    answer = verify(Manifest(tmp_path, tuple(rows)), seen)
    assert len(answer.problems) < 10
    assert "more than 10 pairs" in answer.notes[0]


@pytest.mark.parametrize(
    "name", ["casia_webface", "faceforensics++/frames", "eye_blinking", "lav_df", "wavefake"]
)
def test_known_sets_are_decoded_however_they_are_packed(name: str, tmp_path: Path) -> None:
    """Records in a .rec file, folders of frames, videos, sound: from the folder to the check."""
    root = MADE[name](tmp_path, media=True)
    manifest, reader = scan(root)
    assert reader.about.name == reader_of(name)
    kinds = {problem.kind for problem in verify(manifest, look_at_all(manifest, None)).problems}
    assert not kinds & {"corrupt", "wrong_kind", "changed"}
