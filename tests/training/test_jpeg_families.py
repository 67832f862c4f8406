"""Tables learned from files that name their writer, with the source kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from assay.inputs.jpeg_families import ijg_luma_table
from assay.training.jpeg_families import Named, as_text, camera_files, learn, maker, shared_files


def saved(folder: Path, name: str, quality: int, size: tuple[int, int] = (80, 80)) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path, quality=quality)
    return path


def test_each_table_keeps_who_wrote_it_and_from_where(tmp_path: Path) -> None:
    files = [
        Named(saved(tmp_path, "a.jpg", 90), "Nikon", "one"),
        Named(saved(tmp_path, "b.jpg", 90), "Sony", "two"),
        Named(saved(tmp_path, "c.jpg", 90), "Sony", "three"),
        Named(saved(tmp_path, "d.jpg", 80), None, "unnamed"),
        Named(saved(tmp_path, "e.jpg", 70, (8, 8)), "Stub", "tiny"),
        Named(tmp_path / "missing.jpg", "Nobody", "nowhere"),
    ]
    (row,) = learn(files)
    assert row["seen_in"] == ["Sony", "Nikon"]
    assert (row["about_quality"], row["standard"], row["n_files"]) == (90, True, 3)
    assert row["luma"] == list(ijg_luma_table(90))
    assert json.loads(as_text([row]))["tables"] == [row]


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("NIKON CORPORATION", "Nikon"), ("eastman koda", "Kodak"),
        ("sony ericsso", "Sony Ericsson"), ("sony\0", "Sony"),
        ("?", None), ("", None), ("vtech", "Vtech"),
    ],
)  # fmt: skip
def test_makers_are_named_as_usual(name: str, usual: str | None) -> None:
    assert maker(name.replace("\0", "")) == usual


def test_manifests_are_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.csv").write_text(
        "path,method,identity,source\nx.jpg,camera-photos,camera-photos-canon,s\ny.jpg,other,o,s\n"
    )
    (one,) = shared_files(tmp_path)
    assert (one.writer, one.source) == ("Canon", "s")
    (tmp_path / "manifest.csv").write_text(
        "path,make,model,pristine,why,source\n"
        "p.jpg,Apple,iPhone 7,yes,,s\n"
        "q.jpg,Apple,iPhone 7,no,written by GIMP 2.8; changed after it was taken,s\n"
        "r.jpg,Apple,iPhone 7,no,too small for a camera's picture,s\n"
    )
    writers = [one.writer for one in camera_files(tmp_path)]
    assert writers == ["Apple iPhone 7", "GIMP 2.8", None]
    assert list(camera_files(tmp_path / "nothing")) == []
