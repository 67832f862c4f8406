from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.errors import ConfigError

from .made_video_sets import dfdc_preview, put_json
from .reading import read

NAME = "dfdc_preview"
FAKE = "method_B/1260311/1260311_C/1255229_1260311_C_001.mp4"
REAL = "original_videos/1260311/1260311_C_001.mp4"


def test_people_and_sources_are_told(tmp_path: Path) -> None:
    rows, notices = read(NAME, dfdc_preview(tmp_path))
    assert len(rows) == 4
    assert {code: notice.n for code, notice in notices.items()} == {"unlisted": 1}
    fake, real = rows[FAKE], rows[REAL]
    assert (fake.label, fake.method, fake.split, fake.subset) == ("fake", "method_B", "test", "fps")
    assert (fake.identity, fake.donor) == ("1260311", "1255229")
    assert (real.identity, real.donor, real.method) == ("1260311", "", "")
    assert fake.source == real.source == "1260311_C"


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        (REAL, {"label": "fake"}, "the folder 'original_videos' says otherwise"),
        (FAKE, {"label": "real"}, "the folder 'method_B' says otherwise"),
        (FAKE, {"label": "spoof"}, "no label real or fake"),
        (FAKE, {"set": "val"}, "no label real or fake in a set train or test"),
        ("other/a.mp4", {"label": "fake", "set": "test"}, "'other'"),
        ("../a.mp4", {"label": "fake", "set": "test"}, "leaves the set's folder"),
        ("method_A/a.mp4", {"label": "fake"}, "no field 'set'"),
    ],
)
def test_entries_that_contradict_their_folder_are_told(
    tmp_path: Path, name: str, changed: dict[str, str], said: str
) -> None:
    root = dfdc_preview(tmp_path)
    listed = json.loads((root / "dataset.json").read_text())
    listed[name] = {**listed.get(name, {}), **changed}
    put_json(root, "dataset.json", listed)
    with pytest.raises(ConfigError, match=said) as caught:
        read(NAME, root)
    assert f"dataset.json, {name!r}" in str(caught.value)


def test_without_its_list_it_is_not_read(tmp_path: Path) -> None:
    root = dfdc_preview(tmp_path)
    (root / "dataset.json").unlink()
    with pytest.raises(ConfigError, match=r"dataset\.json is not there"):
        read(NAME, root)
