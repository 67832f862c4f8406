from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("imagehash", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.datasets import seen_items  # noqa: E402
from assay.training.datasets.looking import Look, Seen  # noqa: E402
from assay.training.datasets.manifest_file import Manifest  # noqa: E402
from assay.training.datasets.seen_items import look_at_all, memory_of  # noqa: E402
from tests.real_faces import textured  # noqa: E402
from tests.training.datasets.media_sets import record  # noqa: E402


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    for k in range(3):
        Image.fromarray(textured(40, 40, k)).save(tmp_path / f"{k}.png")
    return Manifest(tmp_path, (*(record(f"{k}.png") for k in range(3)), record("gone.png")))


def test_what_was_seen_is_remembered(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = memory_of(tmp_path / "m.parquet")
    first = look_at_all(manifest, memory)
    assert [one.missing for one in first] == [False, False, False, True]
    looked: list[Look] = []

    def watched(job: Look) -> Seen:
        looked.append(job)
        return Seen(problem="file_missing: still gone")

    monkeypatch.setattr(seen_items, "look", watched)
    again = look_at_all(manifest, memory)
    assert again[:3] == first[:3]
    assert [job.path.name for job in looked] == ["gone.png"]  # it may be there by now


def test_a_line_that_was_cut_off_is_looked_at_again(manifest: Manifest, tmp_path: Path) -> None:
    memory = tmp_path / "m.seen.jsonl"
    first = look_at_all(manifest, memory)
    text = memory.read_text().rstrip("\n")
    memory.write_text(text[:-20] + '\n"nonsense"\n{"key": "x", "unknown": 1}\n[]\n\x00')
    assert look_at_all(manifest, memory) == first
    assert look_at_all(manifest, memory) == first


def test_a_changed_file_is_looked_at_again(manifest: Manifest, tmp_path: Path) -> None:
    memory = tmp_path / "m.seen.jsonl"
    first = look_at_all(manifest, memory)
    Image.fromarray(textured(50, 50, 9)).save(tmp_path / "1.png")
    second = look_at_all(manifest, memory)
    assert second[1].width_px == 50
    assert second[0] == first[0]


def test_without_memory_and_in_processes_it_is_the_same(manifest: Manifest, tmp_path: Path) -> None:
    here = look_at_all(manifest, None)
    assert look_at_all(manifest, tmp_path / "m.jsonl", workers=2) == here
    assert look_at_all(manifest, Path("/proc/none/m.jsonl")) == here


def test_an_empty_manifest_has_nothing_to_see(tmp_path: Path) -> None:
    assert look_at_all(Manifest(tmp_path, ()), tmp_path / "m.jsonl") == []
