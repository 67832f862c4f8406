from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tqdm", reason="the train extra is not installed")

from assay.inputs.face_cues import CUES, CueInput
from assay.training.cache import CachedView
from assay.training.cue_measuring import (
    NUISANCES,
    CueTable,
    Levelling,
    _rows,
    load_table,
    per_file,
)
from tests.real_faces import golden_landmarks, portrait

LEVELLING = Levelling((30, 40), (60, 90), 7)


def cached(twin: bool = False, method: str = "photographs") -> CachedView:
    landmarks = golden_landmarks()
    box = np.concatenate([landmarks.min(axis=0), landmarks.max(axis=0)])
    rgb = portrait()
    other = np.ascontiguousarray(rgb[:, :, ::-1]) if twin else None
    return CachedView("hopper", method, "train", rgb, landmarks, box, "hopper.jpg", other)


def table(n: int = 12, seed: int = 0) -> CueTable:
    rng = np.random.default_rng(seed)
    names = np.array([f"file{i // 3}" for i in range(n)])
    return CueTable(
        rng.normal(size=(n, len(CUES))),
        rng.normal(size=(n, len(NUISANCES))),
        np.zeros(n, bool),
        np.arange(n) >= n // 2,
        np.array(["a"] * (n // 2) + ["b"] * (n - n // 2)),
        names,
        np.array(["train"] * n),
        names,
    )


def test_each_face_is_measured_as_found_and_levelled() -> None:
    rows = _rows(cached(), set(), CueInput(), LEVELLING)
    assert [row[2] for row in rows] == [False, True]
    assert [row[3] for row in rows] == [False, False]
    as_found, levelled = (row[1][NUISANCES.index("eye_distance_px")] for row in rows)
    assert 29 < levelled < 41 < as_found
    assert all(len(row[0]) == len(CUES) for row in rows)


def test_a_twin_is_a_fake_and_a_made_method_too() -> None:
    paired = _rows(cached(twin=True), set(), CueInput(), LEVELLING)
    assert [row[3] for row in paired] == [False, False, True, True]
    made = _rows(cached(method="drawn"), {"drawn"}, CueInput(), LEVELLING)
    assert all(row[3] for row in made)


def test_a_twin_is_levelled_like_its_original() -> None:
    rows = _rows(cached(twin=True), set(), CueInput(), LEVELLING)
    place = NUISANCES.index("eye_distance_px")
    assert rows[1][1][place] == pytest.approx(rows[3][1][place], rel=0.03)


def test_a_face_below_the_common_size_has_no_levelled_copy() -> None:
    rows = _rows(cached(), set(), CueInput(), Levelling((500, 600), (60, 90), 7))
    assert [row[2] for row in rows] == [False]


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = table()
    written.save(tmp_path / "cues.npz")
    read = load_table(tmp_path / "cues.npz")
    for name in CueTable.__slots__:
        assert (getattr(read, name) == getattr(written, name)).all()


def test_files_are_medians_over_the_frames_in_which_a_cue_was_seen() -> None:
    rows = table()
    rows.cues[0, 0] = np.nan
    rows.cues[:3, 1] = np.nan
    files = per_file(rows)
    assert len(files) == 4
    first = files.rows(files.source == "file0")
    assert first.cues[0, 0] == pytest.approx(np.mean(rows.cues[1:3, 0]))
    assert np.isnan(first.cues[0, 1])
    assert first.cues[0, 2] == pytest.approx(np.median(rows.cues[:3, 2]))
