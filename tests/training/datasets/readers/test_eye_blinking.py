"""EBV: the samples' layout; a pickle is never opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.eye_blinking import EyeBlinking
from assay.training.datasets.records import Notice, Record

from .made_image_sets import eye_blinking


def read(root: Path) -> tuple[dict[str, Record], dict[str, int]]:
    found = list(EyeBlinking().read(root, {}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def test_a_tube_is_frames_and_states_come_from_the_table(tmp_path: Path) -> None:
    rows, notices = read(eye_blinking(tmp_path))
    assert rows["sample_sq_data/tube_00000"].modality == "frames"
    assert [rows[f"sample_eye_data/0000{k}.png"].eye for k in range(3)] == ["open", "closed", ""]
    assert notices == {"no_state": 1, "pickle_not_opened": 1}


def test_the_pickle_is_not_opened(tmp_path: Path) -> None:
    eye_blinking(tmp_path)
    bomb = tmp_path / "sample_eye_data" / "train.p"
    bomb.write_bytes(f"cos\nsystem\n(S'touch {tmp_path}/ran'\ntR.".encode())
    read(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_videos_are_taken_where_the_authors_gave_them(tmp_path: Path) -> None:
    (eye_blinking(tmp_path) / "videos").mkdir()
    (tmp_path / "videos" / "01.avi").touch()
    assert read(tmp_path)[0]["videos/01.avi"].modality == "video"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("sample_eye_data/00000.png,closed", "at once"),
        ("sample_eye_data/00002.png,half", "neither open nor closed"),
        ("../00002.png,open", "leaves the set's folder"),
    ],
)
def test_a_hostile_table_is_named(tmp_path: Path, row: str, said: str) -> None:
    with (eye_blinking(tmp_path) / "eye_states.csv").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(ConfigError, match=said) as refused:
        read(tmp_path)
    assert "eye_states.csv, line 4" in str(refused.value)
