from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from tests.media.tag_makers import jpeg, png, with_chunk

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_metadata", ROOT / "benchmarks/metadata.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    block = Image.Exif()
    block[0x0131] = "GIMP 2.10"
    (tmp_path / "a.jpg").write_bytes(jpeg(block))
    (tmp_path / "b.png").write_bytes(with_chunk(png(), b"tEXt", b"Software\x00NovelAI"))
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    return tmp_path


def test_files_are_counted_by_finding(benchmark: ModuleType, folder: Path) -> None:
    ((name, paths),) = benchmark.groups(folder)
    table = benchmark.measured(name, paths)
    assert (table["n_files"], table["n_unreadable"], table["tools"]) == (2, 1, {"NovelAI": 1})
    assert table["findings"]["strong"] == {"generator_metadata": 1}
    assert table["findings"]["notable"] == {"metadata_editing": 1}


def test_a_manifest_parts_pristine_files_from_others(benchmark: ModuleType, folder: Path) -> None:
    rows = "path,pristine\na.jpg,yes\nb.png,no\n"
    (folder / "manifest.csv").write_text(rows)
    first, second = benchmark.groups(folder)
    assert [path.name for path in first[1]] == ["a.jpg"]
    assert [path.name for path in second[1]] == ["b.png"]
