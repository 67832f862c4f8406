from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from assay import examine
from assay.options import Options
from assay.types import Verdict
from assay.verdict.run import run_detector
from tests.misbehaving.detectors import FAILING, Hangs, Prints
from tests.verdict.doubles import FaceDetector, install_cards, make_case, write_card


@pytest.mark.parametrize("actor", FAILING, ids=lambda actor: actor.__name__)
def test_misbehaviour_becomes_failed_evidence(actor: type[FaceDetector]) -> None:
    case = make_case(options=Options(detector_time_limit_s=0.2))
    (one,) = run_detector(actor, case)
    assert one.status == "failed"
    assert one.logit is None
    assert one.reason is not None
    assert one.reason.startswith(f"{FAILING[actor]}: ")
    assert "\n" not in one.reason


def detected(
    monkeypatch: pytest.MonkeyPatch, folder: Path, actor: type[FaceDetector], **options: object
) -> Verdict:
    """The verdict on a made case, with a good detector beside the actor."""

    class Actor(actor):  # type: ignore[misc, valid-type]
        name = "actor"
        family = "another"

    write_card(folder)
    install_cards(monkeypatch, folder)
    detectors = {"actor": Actor, "test_detector": FaceDetector}
    case = make_case(options=Options(**options))  # type: ignore[arg-type]
    monkeypatch.setattr(examine, "discover", lambda: detectors)
    monkeypatch.setattr(examine, "_probe", lambda path, deadline: case.media)
    monkeypatch.setattr(examine, "Case", lambda *arguments: case)
    return examine.detect("clip.mp4", case.options)


@pytest.mark.parametrize("actor", [a for a in FAILING if a is not Hangs], ids=lambda a: a.__name__)
def test_the_other_detectors_still_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, actor: type[FaceDetector]
) -> None:
    verdict = detected(monkeypatch, tmp_path, actor)
    assert verdict.status == "completed"
    assert verdict.agreement is not None
    assert (verdict.agreement.ran, verdict.agreement.failed) == (1, 1)
    assert any(line.startswith("actor failed on") for line in verdict.coverage.not_tested)


def test_a_hanging_detector_does_not_hold_the_answer_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = time.monotonic()
    verdict = detected(monkeypatch, tmp_path, Hangs, detector_time_limit_s=0.3)
    assert time.monotonic() - started < 5
    assert verdict.status == "completed"
    assert any("took longer than 0.3 s" in (one.reason or "") for one in verdict.evidence)


def test_printing_detectors_leave_stdout_to_the_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detected(monkeypatch, tmp_path, Prints)
    out, err = capsys.readouterr()
    assert out == ""
    assert "look at me\nand me\n" in err


def test_no_program_waits_for_a_hanging_detector() -> None:
    _, seconds = in_a_process(
        """
        from assay.options import Options
        from tests.misbehaving.detectors import Hangs
        case = make_case(options=Options(detector_time_limit_s=0.2))
        print(json.dumps(run_detector(Hangs, case)[0].reason))
        """
    )
    assert seconds < 20


def test_eating_memory_up_to_the_systems_limit_is_survived() -> None:
    reason, _ = in_a_process(
        """
        import resource
        from tests.verdict.doubles import FaceDetector

        class Hoards(FaceDetector):
            def examine(self, case):
                hoard = []
                while True:
                    hoard.append(bytearray(16 << 20))

        case = make_case()
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        print(json.dumps(run_detector(Hoards, case)[0].reason))
        """
    )
    assert reason == "out_of_memory: MemoryError"


def in_a_process(body: str) -> tuple[str, float]:
    """What the body prints as JSON, and how long the process lived."""
    head = (
        "import json\nfrom assay.verdict.run import run_detector\n"
        "from tests.verdict.doubles import make_case\n"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(body)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return json.loads(done.stdout), time.monotonic() - started
