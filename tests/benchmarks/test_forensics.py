"""The benchmark of file forensics on made files and made detectors whose answers are known."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("sklearn", reason="needs the train extra")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import forensics
from filed import maps, page, reading, signed, tables
from filed.files import OnHand, gather, processed_copies
from held_out.page import filled
from sklearn.metrics import f1_score, roc_auc_score

from assay.detectors import Detector
from assay.findings import FileView, Finding, Region
from assay.training.forgeries.local_edits import EDITS
from assay.types import Evidence
from tests.real_faces import textured

pytestmark = pytest.mark.train
KINDS = ("splice", "copy_move", "resaved", "crop", "pristine")
HEAD = ("path", "mask", "label", "kind", "method", "identity", "split", "quality_after", "sha256")


class Knowing:
    """Says of forgeries (their upper left pixel is red) where they are; cries wolf at crops."""

    name = "knowing"
    version = "1"
    family = "noise"
    needs = "file"
    kinds = ("image",)
    looks_at = "the upper left pixel"
    fails_on = "everything else"
    licence = "none"
    bundle = None

    def examine(self, case: Any) -> list[Evidence]:
        rgb = case.picture_views[0].rgb
        red, size = int(rgb[0, 0, 0]) > 128, rgb.shape[:2]
        if int(rgb[0, 0, 2]) > 128:
            reason = "too_blue: it is"
            return [Evidence("knowing", "1", "noise", "file", "abstained", reason=reason)]
        values = np.zeros(size, np.float32)
        values[16:32, 16:48] = 0.9 if red else 0.1
        view = FileView("place", "Place", "where", "nothing", values=values)
        found = [Finding("knowing_seen", "Seen", "It was seen.")]
        if red or size[0] < 64:
            region = Region(box_px=(16.0, 16.0, 48.0, 32.0))
            found.append(Finding("knowing_edit", "Edit", "An edit.", "strong", region=region))
        more: dict[str, Any] = {"findings": tuple(found), "views": (view,)}
        details = {"raw_logit": 2.0 if red else -1.0}
        return [Evidence("knowing", "1", "noise", "file", "reported", details=details, **more)]


def picture(path: Path, red: bool, blue: bool = False, height: int = 64) -> None:
    rgb = textured(height, 96)
    rgb[:8, :8] = (255 if red else 0, 0, 255 if blue else 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, quality=95)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Six cameras in each half; each with a splice, a copy-move, and three honest files."""
    folder, rows = tmp_path / "edited_pictures", []
    for number in range(12):
        split = "train" if number % 2 else "val"
        for kind in KINDS:
            forged = kind in EDITS
            path = f"{kind}/camera{number}-{number % 2}.jpg"
            # The last camera's pictures are ones that the detector is silent on.
            picture(folder / path, forged, number == 11, 48 if kind == "crop" else 64)
            mask = np.zeros((64, 96), np.uint8)
            mask[16:32, 16:48] = 255
            if kind == "copy_move":
                mask[40:56, 16:48] = 128
            (folder / "masks" / kind).mkdir(parents=True, exist_ok=True)
            masked = f"masks/{path}".replace(".jpg", ".png") if forged else ""
            if forged:
                Image.fromarray(mask).save(folder / masked)
            label = "fake" if forged else "real"
            quality = "" if kind == "pristine" else "q70 4:2:0"
            digest = f"{number}{kind}"
            method = "shrunk" if number % 3 else "as_saved"
            rows.append((path, masked, label, kind, method, f"c{number}", split, quality, digest))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEAD, *rows])
    return tmp_path


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the made detector is there."""

    def found(only: Iterable[str] = ()) -> tuple[dict[str, Any], dict[str, str]]:
        return {"knowing": Knowing}, {"broken": "it cannot be loaded"}

    monkeypatch.setattr(reading, "file_detectors", found)
    monkeypatch.setattr(reading, "fingerprint", lambda name: "print 1")
    monkeypatch.setattr(reading, "codes_of", lambda name: {"knowing_seen", "knowing_never"})
    monkeypatch.setattr(forensics, "signed_files", lambda: {"skipped": "made files"})
    monkeypatch.delenv("ASSAY_SHARED", raising=False)


def measured(cache: Path, *flags: str) -> dict[str, Any]:
    call = ["--cache", str(cache), "--work", str(cache / "work"), "--workers", "0"]
    chosen = forensics._parser().parse_args([*call, "--draws", "40", "--no-speed", *flags])
    chosen.work.mkdir(exist_ok=True)
    return forensics.measured(chosen)


@pytest.fixture
def result(cache: Path, knowing: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(cache)
    return measured(cache)


def test_what_is_told_apart(result: dict[str, Any]) -> None:
    table = result["separation"]["knowing"]
    assert table["all kinds"]["files"] == table["all kinds"]["answered"] == 12
    assert table["all kinds"]["against_resaved"]["value"] == 1.0
    assert set(table) == {"all kinds", "splice", "copy_move"}


def test_where_it_points(result: dict[str, Any]) -> None:
    one = result["pixels"]["knowing: place"]
    whole = one["slices"]["all kinds"]
    assert whole["files"] == 12
    assert whole["auc"]["value"] == pytest.approx(1.0)
    assert whole["f1_best"]["value"] == whole["f1_at_cut"]["value"] == pytest.approx(1.0)
    assert 0 < one["cut"] < 0.9
    assert set(one["slices"]) >= {"splice", "copy_move", "saved at 60–78", "source shrunk"}
    located = result["located"]["knowing"]["all kinds"]
    assert (located["located"]["n_with"], located["located"]["n"]) == (12, 12)


def test_false_alarms_are_counted_by_what_was_done(result: dict[str, Any]) -> None:
    columns = result["alarms"]["knowing"]["knowing_edit"]["columns"]
    # Eleven cameras are answered: the twelfth is too blue.
    assert {name: (c["n_with"], c["n"]) for name, c in columns.items()} == {
        "saved once": (0, 11),
        "resaved": (0, 11),
        "crop": (11, 11),
        "forged": (22, 22),
    }
    assert result["alarms"]["knowing"]["knowing_never"]["columns"]["forged"]["n_with"] == 0
    assert result["coverage"]["knowing"]["silent"] == {"abstained: too_blue": 5}
    assert result["skipped"]["broken"] == "it cannot be loaded"


def record(group: str, *shown: tuple[str, str], family: str = "noise") -> dict[str, Any]:
    findings = [{"code": code, "severity": severity, "boxes": []} for code, severity in shown]
    facts = {"detector": family, "group": group, "findings": findings, "status": "reported"}
    kind = "by a program" if group == "program" else "pristine"
    return {**facts, "kind": kind, "camera": f"{group} 1", "treatment": ""}


def test_rates_count_untouched_files_and_strong_findings_apart() -> None:
    files = [
        record("camera", ("noise_edit", "notable")),
        record("camera", ("noise_edit", "strong"), ("noise_seen", "info")),
        record("crop"),
        record("processed", ("noise_edit", "strong")),
        record("program", ("noise_edit", "strong")),
        record("sound", ("noise_sound", "info")),
    ]
    rates = tables.finding_rates(files, {"noise": ["noise_never"]}, {"noise": "noise"})
    counts = {c: (one["n_strong"], one["n_with"], one["n_files"]) for c, one in rates.items()}
    # A finding of sound is counted on sound; one that was never seen, on all that is untouched.
    assert counts == {
        "noise_edit": (1, 2, 3),
        "noise_seen": (0, 1, 3),
        "noise_sound": (0, 1, 1),
        "noise_never": (0, 0, 4),
    }
    assert rates["noise_edit"]["measured_on"] == "3 untouched pictures of 2 cameras"
    assert rates["noise_sound"]["measured_on"] == "1 genuine recordings as published"


def test_what_a_file_says_of_itself_is_counted_where_tags_are_kept() -> None:
    files = [record("camera", family="metadata"), record("crop", family="metadata")]
    rates = tables.finding_rates(files, {"metadata": ["metadata_a"]}, {"metadata": "metadata"})
    assert rates["metadata_a"]["n_files"] == 1


def test_the_page_takes_all_tables(result: dict[str, Any]) -> None:
    parts = page.blocks(result)
    text = filled(forensics.PAGE.read_text(encoding="utf-8"), parts)
    assert "`knowing_edit`" in text
    assert "Shown by no file: `knowing_never`" in text
    assert "100 [74, 100]" in parts["alarms"]
    assert json.dumps(result, allow_nan=False)


def test_one_command_writes_results_page_and_rates(
    cache: Path,
    knowing: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(cache)
    text = forensics.PAGE.read_text(encoding="utf-8")
    for name in ("RESULTS", "PAGE", "RATES"):
        monkeypatch.setattr(forensics, name, cache / name.lower())
    (cache / "page").write_text(text, encoding="utf-8")
    call = ["--cache", str(cache), "--work", str(cache / "work"), "--workers", "0"]
    call += ["--draws", "20", "--no-speed"]
    forensics.main([*call, "--quick"])
    assert "`knowing_edit`" in capsys.readouterr().out
    assert not (cache / "results").exists()
    forensics.main([*call, "--rates"])
    written = (cache / "page").read_text(encoding="utf-8")
    assert "`knowing_edit`" in written
    result = json.loads((cache / "results").read_text(encoding="utf-8"))
    assert result["files"] == {"edited": 24, "processed": 36}
    assert json.loads((cache / "rates").read_text(encoding="utf-8"))["codes"] == {}
    (cache / "page").write_text(text, encoding="utf-8")
    forensics.main(["--tables"])
    assert (cache / "page").read_text(encoding="utf-8") == written


def test_work_done_is_kept_while_the_code_is_the_same(
    cache: Path, knowing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cache)
    first = measured(cache)
    read: list[str] = []
    read_file = reading.read_file

    def counted(task: reading.Task) -> list[reading.Record]:
        read.append(task.file.name)
        return read_file(task)

    monkeypatch.setattr(reading, "read_file", counted)
    assert measured(cache)["separation"] == first["separation"]
    assert read == []
    monkeypatch.setattr(reading, "fingerprint", lambda name: "print 2")
    measured(cache)
    assert len(read) == 60


def test_a_file_that_is_changed_by_reading_is_told(
    cache: Path, knowing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cache)
    examine = Knowing.examine

    def meddling(self: Knowing, case: Any) -> list[Evidence]:
        if "crop" in case.media.path:
            os.utime(case.media.path, (0, 0))
        return examine(self, case)

    monkeypatch.setattr(Knowing, "examine", meddling)
    untouched = measured(cache)["untouched"]
    assert untouched["files"] == 60
    assert len(untouched["changed"]) == 12
    assert all("crop" in name for name in untouched["changed"])


def test_pixel_numbers_are_those_of_another_library() -> None:
    rng = np.random.default_rng(3)
    mask = np.zeros((40, 50), np.uint8)
    mask[5:20, 5:25], mask[30:38, 10:40] = 255, 128
    values = np.clip(rng.normal(0.4, 0.2, mask.shape) + 0.2 * (mask == 255), 0, 1)
    view = FileView("m", "M", "c", "w", values=values.astype(np.float32))
    one = maps.measured(view, mask)
    assert one is not None
    kept = mask != 128
    truth, scores = (mask == 255)[kept], values.astype(np.float32)[kept]
    assert one["auc"] == pytest.approx(roc_auc_score(truth, scores), abs=1e-3)
    for number in (4, 20, 30):
        expected = f1_score(truth, scores >= maps.CUTS[number])
        assert one["f1"][number] == pytest.approx(expected, abs=1e-6)


def test_a_map_of_a_part_misses_what_it_does_not_cover() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 10:30] = 255
    values = np.zeros((20, 40), np.float32)
    values[10:, 10:30] = 1
    view = FileView("m", "M", "c", "w", values=values, box_px=(0.0, 0.0, 40.0, 20.0))
    one = maps.measured(view, mask)
    assert one is not None
    assert one["covered"] == 0.5
    assert one["auc"] == 1.0
    assert max(one["f1"]) == pytest.approx(2 * 200 / (200 + 400))
    beside = FileView("m", "M", "c", "w", values=values, over=False)
    assert maps.measured(beside, mask) is None


def test_overlap_with_the_edit_or_with_its_source() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[0:10, 0:10], mask[20:30, 20:30] = 255, 128
    assert maps.overlap([(0, 0, 10, 10)], mask) == 1.0
    assert maps.overlap([(30, 30, 40, 40), (20, 20, 30, 25)], mask) == 0.5
    assert maps.overlap([], mask) == 0.0


def test_a_detectors_fingerprint_and_codes_come_from_its_own_code() -> None:
    found, _ = reading.file_detectors()
    assert "metadata" in found
    assert all(isinstance(one, type) and one.needs == "file" for one in found.values())
    assert reading.fingerprint("metadata") != reading.fingerprint("provenance")
    codes = reading.codes_of("provenance")
    assert "provenance_declares_ai_generation" in codes
    assert all(code.startswith("provenance_") for code in codes)


def test_a_file_that_breaks_its_process_costs_itself_alone(cache: Path, knowing: None) -> None:
    (one, *_) = gather(cache).files
    gone = OnHand(cache / "nothing.jpg", "nothing.jpg", "crop", "pristine", "c", "val", "0" * 64)
    detectors: dict[str, type[Detector]] = {"knowing": Knowing}
    records = reading.read_all([gone, one], detectors, cache / "w", 0, lambda done, total: None)
    assert [record["status"] for record in records] == ["crashed", "reported"]


def test_copies_of_camera_files_are_made_once(tmp_path: Path) -> None:
    picture(tmp_path / "large.jpg", red=False)
    one = OnHand(tmp_path / "large.jpg", "large", "camera", "pristine", "c", "", "ab" * 32)
    first = processed_copies([one], tmp_path / "copies")
    assert [copy.kind for copy in first] == ["tone", "social"]
    assert {tables.column({"group": c.group, "kind": c.kind}) for c in first} == {"tone", "social"}
    assert processed_copies([one], tmp_path / "copies") == first


@pytest.mark.parametrize(
    ("state", "reader", "agree"),
    [
        ("none", "none", True),
        ("valid_untrusted", "valid_untrusted", True),
        ("valid_trusted", "invalid", False),
        ("invalid", "unread (damaged)", True),
        ("valid_untrusted", "unread (damaged)", False),
    ],
)
def test_readers_agree_or_not(state: str, reader: str, agree: bool) -> None:
    assert signed.agrees({"state": state, "reader": reader}) is agree


def test_the_tool_is_known_by_the_files_name() -> None:
    path = Path("ai-generator-metadata/train-unclip_2pass_cropped.png")
    assert signed.wanted_tool(path) == "comfyui"
    assert signed.wanted_tool(Path("c2pa/train-C.jpg")) == ""
    assert signed.names_tool({"wanted_tool": "comfyui", "tools": ["Made by ComfyUI"]})
    assert not signed.names_tool({"wanted_tool": "comfyui", "tools": ["InvokeAI"]})
