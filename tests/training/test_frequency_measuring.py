from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import ConfigError
from assay.inputs.spectrum import NAMES, SpectrumInput

pytest.importorskip("cv2", reason="degradations are part of the training extra")
pytest.importorskip("tqdm", reason="progress is part of the training extra")

from assay.training.datasets.manifest import read_manifest
from assay.training.frequency_measuring import (
    WINDOWS,
    copies_of,
    load_table,
    measure_all,
    pool_of,
    reconstructed,
    samples_of,
)

RECIPE = SpectrumInput()
COLUMNS = (
    *("path", "modality", "label", "method", "identity", "split"),
    *("box", "source", "licence", "note", "sha256"),
)


def noise(seed: int, side: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two genuine sources of which one name is in both splits, and a forgery with its twin."""
    rows = [
        ("cfp-1.png", "real", "cfp", "person-1", "train"),
        ("cfp-2.png", "real", "cfp", "person-2", "train"),
        ("cfp-3.png", "real", "cfp", "person-1", "val"),
        ("web.png", "real", "web-some-site", "", "train"),
        ("0000-cfp.png", "fake", "realesrgan-x2", "person-2", "train"),
        ("tiny.png", "fake", "gan", "", "train"),
        ("sound.flac", "real", "speech", "", "train"),
    ]
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for n, (path, label, method, identity, split) in enumerate(rows):
            modality = "audio" if path.endswith("flac") else "image"
            known = {"path": path, "modality": modality, "label": label, "method": method}
            known |= {"identity": identity, "split": split, "sha256": f"{n:016x}"}
            writer.writerow({**dict.fromkeys(COLUMNS, ""), **known})
            if modality == "image":
                side = 60 if path == "tiny.png" else 200
                Image.fromarray(noise(n, side)).save(tmp_path / path)
    Image.fromarray(noise(99)).save(tmp_path / "0000-cfp.genuine.jpg")
    return tmp_path


def test_one_name_in_two_splits_is_two_groups(folder: Path) -> None:
    samples = samples_of(read_manifest(folder), 10)
    groups = {(s.split, s.group) for s in samples if s.method == "cfp"}
    assert {"train/person-1", "val/person-1"} <= {group for _, group in groups}
    assert all(group.startswith(f"{split}/") for split, group in groups)


def test_a_forgery_brings_its_twin_which_meets_the_same_draws(folder: Path) -> None:
    samples = samples_of(read_manifest(folder), 10)
    fake, twin = [s for s in samples if s.key == "realesrgan-x2/0000-cfp"]
    assert (fake.fake, twin.fake) == (True, False)
    assert (fake.group, fake.source) == (twin.group, twin.source) == ("train/person-2", "cfp")
    assert twin.path.endswith(".genuine.jpg")
    first, second = (copies_of(noise(1), fake.key, RECIPE, 3) for _ in range(2))
    for (name, one), (other_name, other) in zip(first, second, strict=True):
        assert name == other_name
        np.testing.assert_array_equal(one, other)
    names = [name for name, _ in first]
    assert names == ["found", "degraded 0", "degraded 1", "degraded 2", "jpeg 75", "resized 0.75"]
    assert first[-1][1].shape == (150, 150, 3)


def test_a_source_is_kept_within_its_share(folder: Path) -> None:
    samples = samples_of(read_manifest(folder), 1)
    counts = [(s.source, s.split) for s in samples if not s.fake and "genuine" not in s.path]
    assert len(counts) == len(set(counts)) == 3


def test_small_origins_of_web_photographs_are_one_pool() -> None:
    assert pool_of("web-some-site") == pool_of("web-uikit") == "web-photos"
    assert pool_of("web-faces") == "web-faces"
    assert pool_of("cfp") == "cfp"


def test_the_table_holds_what_was_measured(folder: Path, tmp_path: Path) -> None:
    samples = samples_of(read_manifest(folder), 10)
    table = measure_all(samples, RECIPE, copies=1)
    assert table.features.shape == (len(table), WINDOWS, len(NAMES))
    # Four copies of each of six pictures; the tiny one is under a window.
    assert len(table) == 4 * 6
    assert set(table.copy) == {"found", "degraded 0", "jpeg 75", "resized 0.75"}
    assert "gan" not in set(table.method)
    assert np.isfinite(table.features).any(axis=(1, 2)).all()
    saved = table.copy == "jpeg 75"
    assert np.median(table.blockiness[saved]) > np.median(table.blockiness[table.copy == "found"])
    table.save(tmp_path / "deep" / "table.npz")
    again = load_table(tmp_path / "deep" / "table.npz")
    np.testing.assert_array_equal(again.features, table.features)
    assert again.rows(again.fake).method.tolist() == ["realesrgan-x2"] * 4


def test_nothing_to_measure_is_said(folder: Path) -> None:
    tiny = [s for s in samples_of(read_manifest(folder), 10) if s.path.endswith("tiny.png")]
    with pytest.raises(ConfigError, match="No picture"):
        measure_all(tiny, RECIPE, copies=0)


def test_reconstructions_are_made_once_of_training_pictures_alone(folder: Path) -> None:
    samples = samples_of(read_manifest(folder), 10)
    calls = []

    def darker(rgb: np.ndarray) -> np.ndarray:
        calls.append(rgb.shape)
        return rgb // 2

    place = folder / "made"
    found = reconstructed(samples, {"darker": darker}, 4, place)
    assert len(found) == 2 * len(calls)
    assert {s.split for s in found} == {"train"}
    sources = {s.path: s for s in samples}
    for genuine, made in zip(found[::2], found[1::2], strict=True):
        assert (genuine.fake, made.fake) == (False, True)
        assert (genuine.key, genuine.group) == (made.key, made.group)
        assert made.method == "darker"
        assert genuine.method == genuine.source in {s.source for s in sources.values()}
        before, after = (np.asarray(Image.open(s.path)) for s in (genuine, made))
        np.testing.assert_array_equal(after, before // 2)
    assert reconstructed(samples, {"darker": darker}, 4, place) == found
    assert len(calls) == len(found) // 2
