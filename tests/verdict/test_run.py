from __future__ import annotations

import io
import math
import sys
import threading
import time
from dataclasses import replace

import pytest

from assay.case import Case, Deadline
from assay.errors import BundleMissingError, DamagedMediaError, TimeLimitError
from assay.types import Evidence
from assay.verdict.run import Ahead, bounded, run_detector
from tests.verdict.doubles import FaceDetector, make_case, make_evidence, make_patch


def test_a_step_gives_its_value_or_its_error() -> None:
    assert bounded(lambda: 7, 5, "it") == 7
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 // 0, 5, "it")


def test_a_step_that_hangs_is_left_behind() -> None:
    started = time.monotonic()
    with pytest.raises(TimeLimitError, match=r"it took longer than 0\.1 s"):
        bounded(lambda: time.sleep(1), 0.1, "it")
    assert time.monotonic() - started < 0.8


def test_no_time_means_no_beginning() -> None:
    begun: list[int] = []
    with pytest.raises(TimeLimitError):
        bounded(lambda: begun.append(1), 0.0, "it")
    assert begun == []


def test_prints_go_to_stderr_and_others_prints_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    gate, printed = threading.Event(), threading.Event()

    def step() -> None:
        print("from the step")
        printed.set()
        gate.wait(5)

    other = threading.Thread(target=lambda: bounded(step, 10, "it"))
    other.start()
    printed.wait(5)
    print("from the program")
    gate.set()
    other.join(5)
    out, err = capsys.readouterr()
    assert (out, err) == ("from the program\n", "from the step\n")


def test_stdout_is_given_back_when_the_last_step_ends() -> None:
    before = sys.stdout
    bounded(lambda: print("x", file=io.StringIO()), 5, "it")
    for _ in range(100):
        if sys.stdout is before:
            break
        time.sleep(0.01)
    assert sys.stdout is before


def test_a_step_left_behind_still_cannot_print_on_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gate, done = threading.Event(), threading.Event()

    def late() -> None:
        gate.wait(5)
        print("late")
        done.set()

    with pytest.raises(TimeLimitError):
        bounded(late, 0.05, "it")
    print("answer")
    gate.set()
    assert done.wait(5)
    out, err = capsys.readouterr()
    assert (out, err) == ("answer\n", "late\n")


def test_good_evidence_passes_with_its_time() -> None:
    found = run_detector(FaceDetector, make_case(n_tracks=2))
    assert [one.status for one in found] == ["scored", "scored"]
    assert all(one.seconds_taken > 0 for one in found)
    assert type(found[0].logit) is float


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BundleMissingError("It is gone.", remedy="Get it back."), "abstained", "bundle_missing"),
        (DamagedMediaError("It is broken."), "failed", "media_damaged"),
    ],
)
def test_known_errors_keep_their_code_and_remedy(error: Exception, status: str, code: str) -> None:
    class Refusing(FaceDetector):
        def examine(self, case: object) -> list[Evidence]:
            raise error

    (one,) = run_detector(Refusing, make_case())
    assert one.status == status
    assert one.reason == f"{code}: {error.as_text()}"  # type: ignore[attr-defined]


def test_what_a_detector_claims_as_calibrated_is_dropped() -> None:
    class Claiming(FaceDetector):
        def examine(self, case: object) -> list[Evidence]:
            return [make_evidence(1.0, p_fake=0.99, threshold=0.1)]

    (one,) = run_detector(Claiming, make_case())
    assert (one.p_fake, one.threshold) == (None, None)


def test_the_files_limit_counts_for_each_detector() -> None:
    case = make_case()
    case.deadline = Deadline(0.0, 0.0)
    (one,) = run_detector(FaceDetector, case)
    assert one.status == "failed"
    assert one.reason is not None
    assert one.reason.startswith("time_limit: ")


def test_a_window_without_a_finite_score_is_a_failure() -> None:
    class Odd(FaceDetector):
        def examine(self, case: Case) -> list[Evidence]:
            patch = make_patch(math.nan)
            return [make_evidence(1.0, None, subject="picture", patches=(patch,))]

    (found,) = run_detector(Odd, make_case())
    assert found.status == "failed"
    assert "not a finite number" in (found.reason or "")


def named(detector_name: str, wait: threading.Barrier | None) -> type[FaceDetector]:
    class One(FaceDetector):
        name = detector_name
        needs = "file"

        def examine(self, case: Case) -> list[Evidence]:
            if wait is None:
                raise MemoryError
            wait.wait(5)
            found = make_evidence(None, None, status="reported", reason=None)
            return [replace(found, detector=detector_name)]

    return One


def test_detectors_run_ahead_side_by_side_and_each_answers_for_itself() -> None:
    both = threading.Barrier(2)  # neither passes unless the other is at work too
    detectors = [named("a", both), named("b", both), named("c", None)]
    ahead = Ahead(detectors, make_case(), 2)
    assert "b" in ahead
    assert "d" not in ahead
    found = {name: ahead.evidence(name) for name in ("c", "b", "a")}
    assert [one.detector for one in found["a"] + found["b"]] == ["a", "b"]
    assert found["c"][0].status == "failed"
    assert ahead.evidence("a") is found["a"]


def test_one_that_hangs_ahead_costs_its_own_time_only() -> None:
    started = time.monotonic()
    case = make_case()
    case.options = replace(case.options, detector_time_limit_s=0.2)
    ahead = Ahead([named("slow", threading.Barrier(2)), named("c", None)], case, 2)
    (slow,) = ahead.evidence("slow")
    assert (slow.status, "time" in str(slow.reason)) == ("failed", True)
    assert time.monotonic() - started < 3
