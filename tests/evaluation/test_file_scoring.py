from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.bundles import load_card  # noqa: E402
from assay.evaluation import file_scoring  # noqa: E402
from assay.evaluation.file_scoring import (  # noqa: E402
    DetectorModel,
    ProgramModel,
    rows_of_evidence,
)
from assay.evaluation.items import Item, items_of  # noqa: E402
from assay.evaluation.models import Work  # noqa: E402
from assay.training.datasets.manifest_file import Manifest  # noqa: E402
from assay.types import Evidence, Span  # noqa: E402
from assay.verdict.calibrate import calibrate, cut_logit  # noqa: E402

from .made_models import write_pictures  # noqa: E402


def evidence(logit: float | None, track: int = 1, **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "detector": "face_blending",
        "version": "2",
        "family": "face_appearance",
        "subject": f"face {track}",
        "status": "scored" if logit is not None else "abstained",
        "logit": logit,
        "reason": None if logit is not None else "blurred: The face is blurred.",
        "track_id": track,
        "spans": (Span(0.0, 0.0, logit), Span(0.5, 0.5, logit)) if logit is not None else (),
    }
    return Evidence(**{**values, **changes})


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    return list(items_of(Manifest(tmp_path, tuple(write_pictures(tmp_path, 1))), "val").items)


def test_the_most_suspicious_subject_counts_at_the_cut_for_so_many(items: list[Item]) -> None:
    model = DetectorModel.named("face_blending")
    said = calibrate([evidence(2.0), evidence(5.0, track=2), evidence(None, track=3)], "far_1")
    rows = rows_of_evidence(items[0], model.about, said, "far_1")
    assert [(r.level, r.track_id, r.time_s) for r in rows] == [
        ("frame", 1, 0.0), ("frame", 1, 0.5), ("frame", 2, 0.0), ("frame", 2, 0.5),
        ("file", None, None),
    ]  # fmt: skip
    card = load_card("face_blending")
    assert card.calibration is not None
    assert rows[-1].logit == 5.0
    assert rows[-1].p_fake == pytest.approx(card.calibration.p_fake(5.0))
    cut = cut_logit(card, card.operating_point("far_1"), 2)
    expected = 1.0 if cut is None else card.calibration.p_fake(cut)
    assert rows[-1].threshold == pytest.approx(expected)


def test_no_score_keeps_its_reason(items: list[Item]) -> None:
    about = DetectorModel.named("face_blending").about
    assert rows_of_evidence(items[0], about, [], "far_1")[0].reason.startswith("no_answer")
    row = rows_of_evidence(items[0], about, [evidence(None)], "far_1")[0]
    assert (row.status, row.reason) == ("abstained", "blurred: The face is blurred.")
    failed = evidence(None, status="failed", reason="time_limit: too slow")
    assert rows_of_evidence(items[0], about, [evidence(None), failed], "far_1")[0].status == "failed"  # fmt: skip  # noqa: E501


def counted(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Item], Any]) -> list[str]:
    asked: list[str] = []

    def examine(item: Item, about: Any, name: str, point: str) -> Any:
        asked.append(item.name)
        return answer(item)

    monkeypatch.setattr(file_scoring, "examine_with_detector", examine)
    return asked


def test_a_run_goes_on_where_it_stopped(
    items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = DetectorModel.named("face_blending")
    rows = calibrate([evidence(2.0)], "far_1")
    asked = counted(monkeypatch, lambda i: rows_of_evidence(i, model.about, rows, "far_1"))
    work = Work(tmp_path / "cache", tmp_path / "parts")
    first = list(model.score(items, work))
    assert len(asked) == 3
    store = tmp_path / "parts" / "face_blending.jsonl"
    store.write_text(store.read_text()[:-30])  # the last line was broken off
    again = list(model.score(items, work))
    assert len(asked) == 4
    assert sorted(r.key for r in again) == sorted(r.key for r in first)
    # What the manifest says now counts, what was measured is kept.
    relabelled = [replace(i, record=replace(i.record, method="other")) for i in items]
    assert {r.method for r in model.score(relabelled, work)} == {"other"}
    assert len(asked) == 4
    other = replace(model, about=replace(model.about, sha256="another network"))
    list(other.score(items, work))
    assert len(asked) == 7


def test_an_item_that_breaks_the_detector_fails_alone_and_is_tried_again(
    items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(item: Item) -> Any:
        raise RuntimeError("out of memory")

    model = DetectorModel.named("face_blending")
    asked = counted(monkeypatch, answer)
    work = Work(tmp_path / "cache", tmp_path / "parts")
    gone = replace(items[1], reason="missing_file: There is no such file.")
    rows = list(model.score([items[0], gone], work))
    by_name = {r.path: r for r in rows}
    assert by_name[items[0].name].status == "failed"
    assert by_name[items[0].name].reason == "RuntimeError: out of memory"
    assert by_name[gone.name].reason == "missing_file: There is no such file."
    list(model.score([items[0]], work))
    assert asked == [items[0].name] * 2


def test_the_program_is_known_by_all_that_it_is_made_of(
    items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.evaluation.scores import Row

    def examine_piece(piece: Any, options: Any) -> list[Row]:
        base = Row(piece.name, piece.label, piece.method, piece.group)
        if piece.label == "real":
            return [replace(base, status="abstained", reason="no_face: none")]
        return [replace(base, detector="x"), replace(base, p_fake=0.8, threshold=0.6, fired=True)]

    monkeypatch.setattr("assay.evaluation.scoring.examine_piece", examine_piece)
    model = ProgramModel.current()
    rows = list(model.score(items, Work(tmp_path / "c", tmp_path / "p")))
    assert {r.label: (r.status, r.p_fake) for r in rows} == {
        "real": ("abstained", None),
        "fake": ("scored", 0.8),
    }
    assert len(model.about.sha256) == 64
    line = json.loads((tmp_path / "p" / "assay.jsonl").read_text().splitlines()[0])
    assert line["made_by"].startswith(model.about.sha256)
