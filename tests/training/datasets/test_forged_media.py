from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import ConfigError, InputError
from assay.training.datasets import forged_media
from assay.training.datasets.forged_media import base_of, main, make, resampled
from assay.training.datasets.forged_plan import Base, Config, History, Set, bases
from assay.training.datasets.jpeg_history import block_steps, history_of
from assay.training.datasets.manifest import read_manifest
from assay.training.forgeries import stylegan, super_resolution
from assay.training.forgeries.super_resolution import ENLARGERS
from assay.types import Array
from tests.real_faces import textured
from tests.training.datasets.test_forged_plan import CONFIG, config, media, people
from tests.training.makers import COLUMNS, write_manifest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("cv2", reason="the train extra is not installed")
pytestmark = pytest.mark.train


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Plain filters in the place of the networks, and the list of their calls."""
    calls: list[str] = []

    def enlarge(network: str, rgb: Array) -> Array:
        calls.append(network)
        factor = {e.network: e.network_factor for e in ENLARGERS.values()}[network]
        size = (rgb.shape[1] * factor, rgb.shape[0] * factor)
        return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))

    def draw(rng: np.random.Generator, truncation: float, size_px: int = 512) -> Array:
        calls.append("face")
        return textured(size_px, size_px, int(rng.integers(1 << 30)))

    monkeypatch.setattr(super_resolution, "_run", enlarge)
    monkeypatch.setattr(stylegan, "draw_face", draw)
    return calls


@pytest.fixture
def small(tmp_path: Path) -> Config:
    return config(media(tmp_path / "in", people()))


def read(path: Path) -> Array:
    return np.asarray(Image.open(path).convert("RGB"))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_manifest_is_that_of_labelled_media(tmp_path: Path, small: Config) -> None:
    rows = make(small, tmp_path / "out")
    with (tmp_path / "out" / "manifest.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == rows
    assert list(rows[0]) == COLUMNS.split(",")
    items = read_manifest(tmp_path / "out")
    assert len(items) == 12
    fakes = [item for item in items if item.label == "fake"]
    controls = [item for item in items if item.label == "real"]
    assert {item.method for item in fakes} == {"sr"}
    assert {item.method for item in controls} == {"resampled-made"}
    assert all(item.licence.startswith("CC0") for item in items)
    for item in fakes:
        twin = item.path.with_suffix(".genuine.jpg")
        assert read(item.path).shape == read(twin).shape
    assert not list((tmp_path / "out" / "soft").glob("*.genuine.jpg"))


def test_a_forgery_stands_in_the_group_of_its_source(tmp_path: Path, small: Config) -> None:
    (_, folder) = small.folders[0]
    make(small, tmp_path / "out")
    groups = {i.path.relative_to(folder).as_posix(): i.group for i in read_manifest(folder)}
    with (tmp_path / "out" / "manifest.csv").open(newline="") as file:
        sources = [row["source"].removeprefix("in/") for row in csv.DictReader(file)]
    forged = [item.group for item in read_manifest(tmp_path / "out")]
    assert forged == [groups[source] for source in sources]
    assert len(set(forged)) == 6


def test_two_runs_give_the_same_bytes(tmp_path: Path, small: Config) -> None:
    make(small, tmp_path / "a")
    make(small, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    make(replace(small, seed=6), tmp_path / "c")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_a_broken_off_run_goes_on(
    tmp_path: Path, small: Config, networks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(small, tmp_path / "whole")
    whole, n_calls = contents(tmp_path / "whole"), len(networks)
    written = forged_media._written
    n_written = iter(range(100))

    def break_off(*given: object) -> object:
        if next(n_written) == 5:
            raise KeyboardInterrupt
        return written(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(forged_media, "_written", break_off)
        with pytest.raises(KeyboardInterrupt):
            make(small, tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.csv").exists()
    with (tmp_path / "out" / forged_media.JOURNAL).open("a") as journal:
        journal.write('{"key": "cut off')
    (tmp_path / "out" / "sr" / "half.part").write_bytes(b"x")
    networks.clear()
    make(small, tmp_path / "out")
    after = contents(tmp_path / "out")
    assert {n: d for n, d in after.items() if n.endswith((".jpg", ".csv"))} == {
        n: d for n, d in whole.items() if n.endswith((".jpg", ".csv"))
    }
    assert 0 < len(networks) < n_calls
    networks.clear()
    make(small, tmp_path / "out")
    assert networks == []


def test_what_changed_is_made_anew(tmp_path: Path, small: Config, networks: list[str]) -> None:
    out = tmp_path / "out"
    rows = make(small, out)
    before = contents(out)
    forged = next(row["path"] for row in rows if row["label"] == "fake")
    (out / forged).write_bytes(b"damaged")
    networks.clear()
    make(small, out)
    assert contents(out)[forged] == before[forged]
    assert len(networks) == 1
    worse = replace(small, jpeg=replace(small.jpeg, quality=60))
    assert {r["sha256"] for r in make(worse, out)}.isdisjoint(r["sha256"] for r in rows)


def test_a_higher_count_adds(tmp_path: Path, small: Config, networks: list[str]) -> None:
    rows = make(small, tmp_path / "out")
    networks.clear()
    first, *others = small.sets
    # The sets behind it may get other sources; their own pictures come without a network here.
    more = make(replace(small, sets=(replace(first, count=10), *others)), tmp_path / "out")
    forged = [row for row in rows if row["label"] == "fake"]
    assert [row for row in more if row["label"] == "fake"][:8] == forged
    assert len(networks) == 2


def test_a_set_made_in_another_way_is_left_alone(tmp_path: Path, small: Config) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.csv").write_text("path\n")
    with pytest.raises(ConfigError, match="another way"):
        make(small, tmp_path / "out")
    assert contents(tmp_path / "out") == {"manifest.csv": b"path\n"}


def one_base(folder: Path, quality: int = 40, side: int = 480) -> Base:
    (folder / "p").mkdir(parents=True)
    # Soft, as enlarged pictures are: nothing but the file's own blocks has edges.
    rgb = Image.fromarray(textured(side // 4, side // 4)).resize((side, side))
    rgb.save(folder / "p" / "train-p_0.jpg", quality=quality)
    write_manifest(folder, [{"path": "p/train-p_0.jpg", "identity": "p0"}])
    (base,) = bases(config(folder))
    return base


def test_half_carries_its_sources_blocks_and_half_none(tmp_path: Path) -> None:
    base = one_base(tmp_path / "in")
    found = config(tmp_path / "in")
    found = replace(found, sets=(replace(found.sets[0], count=16, ways={"video-x2": 1.0}),))
    make(found, tmp_path / "out")
    seen = set()
    for row, item in zip(rows_of(tmp_path), read_manifest(tmp_path / "out"), strict=True):
        fake = block_steps(read(item.path))
        genuine = block_steps(read(item.path.with_suffix(".genuine.jpg")))
        matched = base.history is not None and f"JPEG {base.history.words}" in row["note"]
        seen.add(matched)
        if matched:
            assert min(fake, genuine) > 0.25
        else:
            assert max(fake, genuine) < 0.12
    assert seen == {True, False}


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "out" / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_without_it_blocks_alone_tell_a_forgery(tmp_path: Path) -> None:
    """What the matching removes: a forger smooths its source's blocks away."""
    base = one_base(tmp_path / "in")
    found = config(tmp_path / "in")
    rng = np.random.default_rng(0)
    genuine, _ = base_of(base, "resaved", 128, found, rng)
    fake = super_resolution.enlarged_again(genuine, "video-x2").fake
    assert base.history is not None
    assert block_steps(fake) < 0.5 * block_steps(genuine)
    assert block_steps(base.history.again(fake)) > 0.9 * block_steps(genuine)


def test_windows_begin_on_the_grid_of_the_sources_blocks(tmp_path: Path) -> None:
    base = one_base(tmp_path / "in")
    found = config(tmp_path / "in")
    whole = read(base.path)
    for seed in range(12):
        cut, note = base_of(base, "resaved", 200, found, np.random.default_rng(seed))
        x, y = (int(note.split(f"{axis} ")[1].split()[0]) for axis in "xy")
        assert (x % 16, y % 16) == (0, 0)
        assert np.array_equal(cut, whole[y : y + 200, x : x + 200])


def test_shrunk_bases_keep_the_least_side(tmp_path: Path) -> None:
    base = one_base(tmp_path / "in", side=200)
    found = config(tmp_path / "in")
    found = replace(found, history=replace(found.history, least_px=104))
    for seed in range(8):
        cut, note = base_of(base, "shrunk", 0, found, np.random.default_rng(seed))
        assert 104 <= cut.shape[0] <= 120
        assert float(note.split(" of ")[1]) <= 0.6


def test_pictures_out_of_nothing_borrow_a_history(tmp_path: Path, networks: list[str]) -> None:
    folder = media(tmp_path / "in", people())
    found = config(folder)
    faces = Set("faces", "stylegan", 8, "N", method="stylegan-x", size_px=256, window_px=96)
    rows = make(replace(found, sets=(faces,)), tmp_path / "out")
    assert networks == ["face"] * 8
    assert {row["method"] for row in rows} == {"stylegan-x"}
    assert len({row["identity"] for row in rows}) == 8
    assert {"q70" in row["note"] for row in rows} == {True, False}
    shapes = {read(tmp_path / "out" / row["path"]).shape for row in rows}
    assert shapes == {(96, 96, 3)}


def test_edits_have_their_masks(tmp_path: Path) -> None:
    folder = media(tmp_path / "in", people())
    edits = Set("edits", "copy_move", 3, "ours", method="copy_move")
    make(replace(config(folder), sets=(edits,), history=big()), tmp_path / "out")
    items = read_manifest(tmp_path / "out")
    assert len(items) == 3
    for item in items:
        mask = np.asarray(Image.open(item.path.with_suffix(".mask.png")))
        assert mask.shape == read(item.path).shape[:2]
        assert 0 < (mask > 0).mean() < 0.5


def big() -> History:
    return History(shrunk=(0.7, 0.9), least_px=100)


def test_the_control_is_soft_and_genuine() -> None:
    rgb = textured(160, 160)
    names = set()
    for seed in range(30):
        forgery = resampled(rgb, np.random.default_rng(seed))
        names.add(forgery.name.split()[0])
        assert forgery.fake.shape == rgb.shape
        detail = np.abs(np.diff(forgery.fake.astype(int), axis=1)).mean()
        assert detail < np.abs(np.diff(rgb.astype(int), axis=1)).mean()
        assert abs(forgery.fake.mean() - rgb.mean()) < 2
    assert len(names) > 6
    assert any(name.startswith("resampling/area") for name in names)


def test_forgeries_say_so_and_genuine_pictures_do_not(tmp_path: Path, small: Config) -> None:
    make(small, tmp_path / "out")
    for item in read_manifest(tmp_path / "out"):
        said = Image.open(item.path).info.get("comment", b"")
        assert (b"not a genuine picture" in said) == (item.label == "fake")
    for twin in (tmp_path / "out").rglob("*.genuine.jpg"):
        assert "comment" not in Image.open(twin).info


def test_files_are_saved_as_the_configuration_says(tmp_path: Path, small: Config) -> None:
    wanted = replace(small, jpeg=replace(small.jpeg, quality=88, subsampling="4:2:0"))
    make(wanted, tmp_path / "out")
    histories = {history_of(path) for path in (tmp_path / "out").rglob("*.jpg")}
    assert {h.words for h in histories if h} == {"q88 4:2:0"}
    assert None not in histories


def test_a_picture_that_cannot_be_forged_is_left_out_aloud(
    tmp_path: Path,
    small: Config,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object) -> None:
        raise InputError("Too plain to forge.")

    monkeypatch.setattr(forged_media, "enlarged_again", refuse)
    rows = make(small, tmp_path / "out")
    assert {row["label"] for row in rows} == {"real"}
    assert capsys.readouterr().err.count("Too plain to forge.") == 8


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = media(tmp_path / "in", people())
    (tmp_path / "c.toml").write_text(CONFIG.format(folder=folder), encoding="utf-8")
    assert main([str(tmp_path / "c.toml"), "--out", str(tmp_path / "out")]) == 0
    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert said == [["8", "fake", "sr"], ["4", "real", "resampled-made"]]
    journal = (tmp_path / "out" / "made.jsonl").read_text().splitlines()
    assert [bool(json.loads(line)["files"]) for line in journal] == [True] * 12
    assert main([str(tmp_path / "none.toml"), "--out", str(tmp_path / "out")]) == 2
    assert "no forged set" in capsys.readouterr().err
