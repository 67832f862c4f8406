from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.training.datasets import edited_pictures
from assay.training.datasets.edited_pictures import main
from assay.training.forgeries.local_edits import EDITS
from assay.training.honest_processing import PROCESSING
from tests.training.datasets.test_edited_sources import camera_folder, written_config
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]
Row = dict[str, str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row], list[str]]:
    """The folder, the manifest's rows, and the command line."""
    tmp_path = tmp_path_factory.mktemp("edited")
    path = written_config(tmp_path, camera_folder(tmp_path))
    path.write_text(path.read_text().replace("count = 9", "count = 3"))
    arguments = [str(path), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    return tmp_path / "out", rows_of(tmp_path / "out"), arguments


def rows_of(out: Path) -> list[Row]:
    with (out / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_source_gives_every_kind(made: tuple[Path, list[Row], list[str]]) -> None:
    _, rows, _ = made
    counts = Counter(row["kind"] for row in rows)
    assert set(counts) == {"pristine", *PROCESSING, *EDITS}
    assert counts["pristine"] == 9
    assert all(counts[kind] == 18 for kind in PROCESSING)
    assert all(counts[kind] >= 12 for kind in EDITS)  # an edit may find no place
    assert {row["label"] for row in rows if row["kind"] in EDITS} == {"fake"}
    assert {row["label"] for row in rows if row["kind"] not in EDITS} == {"real"}


def test_forged_and_honest_files_are_saved_alike(made: tuple[Path, list[Row], list[str]]) -> None:
    out, rows, _ = made
    by_path = {row["path"]: row for row in rows}
    twins = [(row, by_path[row["twin"]]) for row in rows if row["twin"]]
    assert {row["kind"] for row, _ in twins} == {*PROCESSING, *EDITS} - {"social"}
    for row, twin in twins:
        assert row["quality_after"] == twin["quality_after"]
        assert row["identity"] == twin["identity"]
        assert (out / row["path"]).suffix == (out / twin["path"]).suffix
    for row in rows:
        image = Image.open(out / row["path"])
        assert not image.getexif()
        if row["quality_after"] not in ("", "png"):
            reference = io.BytesIO()
            quality = int(row["quality_after"].removeprefix("q").split()[0])
            Image.new("RGB", (16, 16)).save(reference, "JPEG", quality=quality)
            assert image.quantization == Image.open(reference).quantization  # type: ignore[attr-defined]


def test_a_mask_marks_the_place_that_differs(made: tuple[Path, list[Row], list[str]]) -> None:
    out, rows, _ = made
    inside, outside = [], []
    for row in rows:
        assert bool(row["mask"]) == (row["kind"] in EDITS)
        if row["quality_after"] != "png" or not row["mask"]:
            continue
        mask = np.asarray(Image.open(out / row["mask"]))
        twin = np.asarray(Image.open(out / row["twin"]), int)
        change = np.abs(np.asarray(Image.open(out / row["path"]), int) - twin).max(axis=2)
        assert set(np.unique(mask)) <= {0, 128, 255}
        assert (128 in mask) == (row["kind"] == "copy_move")
        inside.append(change[mask == 255].mean())
        outside.append(change[mask != 255].mean())
    assert inside
    assert max(outside) < 0.2 < np.median(inside)


def test_a_second_run_makes_nothing_again_and_mends_what_is_gone(
    made: tuple[Path, list[Row], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, rows, arguments = made
    touched: list[str] = []
    make_one = edited_pictures.made

    def counted(job: edited_pictures.Job, config: edited_pictures.Config) -> object:
        touched.append(job.stem)
        return make_one(job, config)

    monkeypatch.setattr(edited_pictures, "made", counted)
    (gone,) = [row for row in rows if row["kind"] == "retouch"][:1]
    before = (out / gone["path"]).read_bytes()
    (out / gone["path"]).unlink()
    known = [Path(row["path"]).with_suffix("") for row in rows]
    assert main(arguments) == 0
    again = [stem for stem in touched if Path(stem) in known]
    assert again == [Path(gone["path"]).with_suffix("").as_posix()]
    assert (out / gone["path"]).read_bytes() == before
    assert rows_of(out) == rows


def test_a_bad_configuration_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.toml"), "--out", str(tmp_path / "out")]) == 2
    assert "describes no edited pictures" in capsys.readouterr().err
