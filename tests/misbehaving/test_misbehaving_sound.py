from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest

from assay import examine
from assay.case import Case
from assay.options import Options
from assay.types import Reason, Span, Verdict
from assay.verdict.run import run_detector
from tests.verdict.doubles import FaceDetector, install_cards, make_view, write_card
from tests.verdict.sound_doubles import VoiceCase, VoiceDetector, make_segment, make_voice_evidence


class Raises(VoiceDetector):
    def examine(self, case: Case) -> Any:
        raise RuntimeError("no ear")


class Hangs(VoiceDetector):
    def examine(self, case: Case) -> Any:
        time.sleep(5)


class GivesNaN(VoiceDetector):
    def examine(self, case: Case) -> Any:
        return [make_voice_evidence(math.nan)]


class GivesNaNInASegment(VoiceDetector):
    def examine(self, case: Case) -> Any:
        return [make_voice_evidence(1.0, spans=(Span(0.0, 2.0, math.nan),))]


class GivesASegmentWithoutAnEnd(VoiceDetector):
    def examine(self, case: Case) -> Any:
        return [make_voice_evidence(1.0, spans=(Span(0.0, math.inf, 1.0),))]


class SignsAsAnother(VoiceDetector):
    def examine(self, case: Case) -> Any:
        return [make_voice_evidence(9.0, detector="someone_else")]


FAILING: dict[type[VoiceDetector], str] = {
    Raises: "detector_error",
    Hangs: "time_limit",
    GivesNaN: "detector_error",
    GivesNaNInASegment: "detector_error",
    GivesASegmentWithoutAnEnd: "detector_error",
    SignsAsAnother: "detector_error",
}


@pytest.mark.parametrize("actor", FAILING, ids=lambda actor: actor.__name__)
def test_misbehaviour_becomes_failed_evidence(actor: type[VoiceDetector]) -> None:
    case = VoiceCase(make_segment(), options=Options(detector_time_limit_s=0.2))
    (one,) = run_detector(actor, case)
    assert (one.status, one.logit) == ("failed", None)
    assert (one.reason or "").startswith(f"{FAILING[actor]}: ")


def detected(
    monkeypatch: pytest.MonkeyPatch, folder: Path, case: Case, *detectors: type[Any], **options: Any
) -> Verdict:
    write_card(folder)
    install_cards(monkeypatch, folder)
    case.options = Options(**options)
    monkeypatch.setattr(examine, "discover", lambda: {one.name: one for one in detectors})
    monkeypatch.setattr(examine, "_probe", lambda path, deadline: case.media)
    monkeypatch.setattr(examine, "Case", lambda *arguments: case)
    return examine.detect("clip.mp4", case.options)


@pytest.mark.parametrize("actor", FAILING, ids=lambda actor: actor.__name__)
def test_the_faces_and_the_other_voices_still_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, actor: type[VoiceDetector]
) -> None:
    class Actor(actor):  # type: ignore[misc, valid-type]
        name = "actor"

    views = {1: tuple(make_view(1, i, 0.1 * i) for i in range(4))}
    case = VoiceCase(make_segment(), views=views)
    found = detected(
        monkeypatch,
        tmp_path,
        case,
        Actor,
        VoiceDetector,
        FaceDetector,
        detector_time_limit_s=0.5,
        stability=False,
    )
    assert found.status == "completed"
    assert found.agreement is not None
    assert (found.agreement.ran, found.agreement.failed) == (2, 1)
    assert any(line.startswith("actor failed on") for line in found.coverage.not_tested)


def test_a_voice_that_nobody_heard_lies_outside_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class HearsAGhost(VoiceDetector):
        def examine(self, case: Case) -> Any:
            return [make_voice_evidence(9.0, 7, spans=(Span(100.0, 104.0, 9.0),))]

    found = detected(monkeypatch, tmp_path, VoiceCase(make_segment()), HearsAGhost)
    assert found.label == "inconclusive"
    assert [reason.code for reason in found.in_domain_reasons] == ["too_short"]


def test_a_detector_that_spoils_under_change_costs_only_the_stability_test(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Once(VoiceDetector):
        n_calls = 0

        def examine(self, case: Case) -> Any:
            type(self).n_calls += 1
            if type(self).n_calls > 1:
                raise RuntimeError("once only")
            return super().examine(case)

    found = detected(monkeypatch, tmp_path, VoiceCase(make_segment()), Once)
    assert (found.status, found.stability) == ("completed", None)
    assert any("was not tested" in limit for limit in found.limits)


def test_reasons_of_segments_cannot_break_the_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from assay.report.as_json import to_line

    hostile = Reason("x\n\x1b[2J", "y\n\x1b[2J" * 10)
    case = VoiceCase(make_segment(reasons=(hostile,)))
    found = detected(monkeypatch, tmp_path, case, VoiceDetector)
    assert found.status == "declined"
    assert to_line(found).isprintable()
