from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.cache import INDEX  # noqa: E402
from assay.training.datasets.manifest import read_manifest  # noqa: E402
from assay.training.datasets.manifest_file import read_manifest_file  # noqa: E402
from tests.real_faces import textured  # noqa: E402
from tests.training.datasets.media_sets import EXAMPLES, face  # noqa: E402

from .conftest import Answer  # noqa: E402

Assay = Callable[..., Answer]
DOCS = Path(__file__).resolve().parents[2] / "docs" / "data.md"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people, each genuine (JPEG) and forged (PNG, another picture)."""
    root = tmp_path_factory.mktemp("cli") / "set"
    for label, seed, suffix in (("real", 0, "jpg"), ("fake/swap", 100, "png")):
        (root / label).mkdir(parents=True)
        for k in range(12):
            rgb = textured(72, 72, seed + k)
            Image.fromarray(rgb).save(root / label / f"id{k:03}_a.{suffix}")
    return root


@pytest.fixture(scope="module")
def manifest_file(root: Path) -> Path:
    from assay.cli import run

    path = root.parent / "m.parquet"
    assert run(["data", "scan", str(root), "--out", str(path)]) == 0
    return path


def lines_of(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_list_shows_every_reader(assay: Assay) -> None:
    rows = lines_of(assay("data", "list", "--json").out)
    names = [row["name"] for row in rows]
    assert "folder" in names
    assert all(row["licence"] and row["obtain"] and row["labels"] for row in rows)
    table = assay("data", "list")
    assert all(name in table.out for name in names)
    one = assay("data", "list", "folder")
    assert "any folder of yours" in one.out
    assert assay("data", "list", "foldr").code == 2


def test_the_table_in_the_documentation_is_current(assay: Assay) -> None:
    table = assay("data", "list", "--markdown").out
    assert table in DOCS.read_text(encoding="utf-8"), (
        "docs/data.md holds another table: put the output of `assay data list --markdown` there"
    )


def test_scan_says_what_it_takes_the_folder_for(assay: Assay, root: Path, tmp_path: Path) -> None:
    answer = assay("data", "scan", str(root), "--out", str(tmp_path / "m.parquet"))
    assert answer.code == 0
    assert "recognised by its layout" in answer.err
    assert "read as folder" in answer.err
    assert len(read_manifest_file(tmp_path / "m.parquet").records) == 24


def test_wrong_usage_is_told(assay: Assay, root: Path, tmp_path: Path, manifest_file: Path) -> None:
    out = ("--out", str(tmp_path / "m"))
    for arguments, said in (
        (("scan", str(tmp_path / "gone"), *out), "no folder"),
        (("scan", str(root), *out, "--set", "foldr"), "'folder'"),
        (("scan", str(root), *out, "--choose", "x"), "KEY=VALUE"),
        (("scan", str(root), *out, "--choose", "x=y"), "no choice 'x'"),
        (("verify", str(tmp_path / "gone")), "no manifest"),
        (("verify", str(root / "real" / "id000_a.jpg")), "is no manifest"),
        (("verify", str(manifest_file), "--ignore", "missin"), "'missin'"),
        (("split", str(manifest_file), *out, "--shares", "a,b"), "no numbers"),
        (("split", str(manifest_file), *out, "--shares", ".5,.9"), "make 1"),
        (("split", str(manifest_file), *out, "--by", "name"), "'name'"),
        (("export", str(manifest_file), *out, "--format", "xml"), "'xml'"),
        (("prepare", str(manifest_file), "--cache", str(tmp_path), "--kind", "ears"), "'ears'"),
    ):
        answer = assay("data", *arguments)
        assert (answer.code, said in answer.err) == (2, True), answer


def test_verify_ends_with_0_where_all_is_well(assay: Assay, manifest_file: Path) -> None:
    answer = assay("data", "verify", str(manifest_file), "--json", "--hash")
    assert (answer.code, json.loads(answer.out)["clean"]) == (0, True), answer
    assert all(len(one.sha256) == 64 for one in read_manifest_file(manifest_file).records)
    assert "24 items: clean." in assay("data", "verify", str(manifest_file)).out


def test_verify_ends_with_1_and_writes_a_cleaned_manifest(
    assay: Assay, root: Path, tmp_path: Path
) -> None:
    shutil.copytree(root, tmp_path / "set")
    shutil.copy(root / "real" / "id000_a.jpg", tmp_path / "set" / "fake" / "swap" / "id900_b.jpg")
    (tmp_path / "set" / "real" / "id001_a.jpg").write_bytes(b"nothing")
    manifest = str(tmp_path / "m.parquet")
    assert assay("data", "scan", str(tmp_path / "set"), "--out", manifest).code == 0
    (tmp_path / "set" / "real" / "id002_a.jpg").unlink()
    cleaned = str(tmp_path / "clean.parquet")
    answer = assay("data", "verify", manifest, "--out", cleaned)
    assert answer.code == 1
    for said in ("missing", "corrupt", "contradiction", "id900_b.jpg", "there are problems"):
        assert said in answer.out
    assert len(read_manifest_file(Path(cleaned)).records) == 25 - 4
    assert assay("data", "verify", cleaned).code == 0
    known = ("--ignore", "missing", "--ignore", "corrupt", "--ignore", "contradiction")
    assert assay("data", "verify", manifest, *known).code == 0


def test_files_that_were_moved_are_found(assay: Assay, root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "old")
    manifest = str(tmp_path / "m.parquet")
    assay("data", "scan", str(tmp_path / "old"), "--out", manifest)
    (tmp_path / "old").rename(tmp_path / "new")
    assert assay("data", "verify", manifest).code == 1
    assert assay("data", "verify", manifest, "--root", str(tmp_path / "new")).code == 0


def test_split_divides_people(assay: Assay, manifest_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.parquet"
    answer = assay("data", "split", str(manifest_file), "--shares", ".5,.25,.25", "--out", str(out))
    assert answer.code == 0
    assert "12 groups" in answer.out
    records = read_manifest_file(out).records
    assert len({(one.identity, one.split) for one in records}) == 12
    assert assay("data", "verify", str(out)).code == 0


def test_stats_name_the_shortcut(assay: Assay, manifest_file: Path, tmp_path: Path) -> None:
    answer = assay("data", "stats", str(manifest_file), "--out", str(tmp_path / "out"))
    assert answer.code == 0
    assert "image codec (1.00)" in answer.out
    assert (tmp_path / "out" / "balance-image.png").stat().st_size > 10_000
    stored = json.loads((tmp_path / "out" / "stats.json").read_text())
    assert {row["fact"] for row in stored["facts"] if row["auc"] == 1.0} >= {"codec", "container"}


def test_export_gives_what_evaluate_reads(
    assay: Assay, manifest_file: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "folder")
    assert assay("data", "export", str(manifest_file), "--format", "assay", "--out", out).code == 0
    items = read_manifest(Path(out))
    assert len(items) == 24
    assert len({item.group for item in items}) == 12
    assert all(item.path.is_file() for item in items)


def test_prepare_finds_faces_and_speech(assay: Assay, tmp_path: Path) -> None:
    for label in ("real", "fake"):
        (tmp_path / "set" / label).mkdir(parents=True)
    Image.fromarray(face()).save(tmp_path / "set" / "real" / "ann_1.png")
    shutil.copy(EXAMPLES / "kennedy.flac", tmp_path / "set" / "real" / "jfk_1.flac")
    Image.fromarray(np.zeros((60, 60, 3), np.uint8)).save(tmp_path / "set" / "fake" / "bob_1.png")
    manifest, cache = str(tmp_path / "m.parquet"), str(tmp_path / "cache")
    assay("data", "scan", str(tmp_path / "set"), "--out", manifest)
    answer = assay("data", "prepare", manifest, "--cache", cache, "--json")
    assert answer.code == 0
    rows = {(row["what"], row["label"], row["state"]): row for row in lines_of(answer.out)}
    assert rows["faces", "real", "ready"]["views"] == 1
    assert rows["faces", "fake", "no_face"]["items"] == 1
    assert rows["voices", "real", "ready"]["views"] >= 1
    assert "no_face" in assay("data", "prepare", manifest, "--cache", cache).out


@pytest.mark.slow
def test_prepare_goes_on_after_it_was_killed(assay: Assay, tmp_path: Path) -> None:
    for label in ("real", "fake"):
        (tmp_path / "set" / label).mkdir(parents=True)
        for k in range(5):
            Image.fromarray(face(k)).save(tmp_path / "set" / label / f"{label}{k:03}_1.png")
    manifest, cache = str(tmp_path / "m.parquet"), tmp_path / "cache"
    assay("data", "scan", str(tmp_path / "set"), "--out", manifest)
    command = [sys.executable, "-m", "assay", "data", "prepare", manifest, "--cache", str(cache)]

    def done() -> set[Path]:
        return {path for path in cache.rglob(INDEX) if not path.parent.name.startswith(".")}

    run = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    limit = time.monotonic() + 120
    while len(done()) < 2 and time.monotonic() < limit:
        assert run.poll() is None
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    kept = {path: path.stat().st_mtime_ns for path in done()}
    assert 2 <= len(kept) < 10
    answer = assay("data", "prepare", manifest, "--cache", str(cache), "--json")
    assert sum(row["items"] for row in lines_of(answer.out)) == 10
    assert len(done()) == 10
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
