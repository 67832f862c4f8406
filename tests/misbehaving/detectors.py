"""Actors that misbehave, each in its own way. None of them may stop an examination."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

import numpy as np

from assay.case import Case
from assay.types import Evidence, Span
from tests.verdict.doubles import FaceDetector, make_evidence


class Raises(FaceDetector):
    def examine(self, case: Case) -> Any:
        raise RuntimeError("a long story\nwith lines")


class Hangs(FaceDetector):
    def examine(self, case: Case) -> Any:
        time.sleep(30)


class Exits(FaceDetector):
    def examine(self, case: Case) -> Any:
        sys.exit(0)


class Interrupts(FaceDetector):
    def examine(self, case: Case) -> Any:
        raise GeneratorExit


class GivesNaN(FaceDetector):
    def examine(self, case: Case) -> Any:
        return [make_evidence(math.nan)]


class GivesNaNInASpan(FaceDetector):
    def examine(self, case: Case) -> Any:
        return [make_evidence(1.0, spans=(Span(0.0, 0.0, math.nan),))]


class GivesInfinity(FaceDetector):
    def examine(self, case: Case) -> Any:
        return [make_evidence(1.0, spans=(Span(0.0, 0.0, math.inf),))]


class GivesNone(FaceDetector):
    def examine(self, case: Case) -> Any:
        return None


class GivesANumber(FaceDetector):
    def examine(self, case: Case) -> Any:
        return 0.97


class GivesDicts(FaceDetector):
    def examine(self, case: Case) -> Any:
        return [{"p_fake": 0.97}]


class GivesTextAsLogit(FaceDetector):
    def examine(self, case: Case) -> Any:
        one = make_evidence(1.0)
        object.__setattr__(one, "logit", "very fake")
        return [one]


class GivesTextAsSpans(FaceDetector):
    def examine(self, case: Case) -> Any:
        return [make_evidence(1.0, spans="all of it")]


class SignsAsAnother(FaceDetector):
    def examine(self, case: Case) -> Any:
        return [make_evidence(9.0, detector="someone_else")]


class EatsMemory(FaceDetector):
    def examine(self, case: Case) -> Any:
        return [np.ones((1 << 40, 1 << 16))]


class BreaksWhenBuilt(FaceDetector):
    def __init__(self) -> None:
        raise OSError("no such device")


class NestsForEver(FaceDetector):
    def examine(self, case: Case) -> Any:
        return self.examine(case)


class Prints(FaceDetector):
    def examine(self, case: Case) -> list[Evidence]:
        print("look at me")
        sys.stdout.write("and me\n")
        return super().examine(case)


FAILING: dict[type[FaceDetector], str] = {
    Raises: "detector_error",
    Hangs: "time_limit",
    Exits: "detector_error",
    Interrupts: "detector_error",
    GivesNaN: "detector_error",
    GivesNaNInASpan: "detector_error",
    GivesInfinity: "detector_error",
    GivesNone: "detector_error",
    GivesANumber: "detector_error",
    GivesDicts: "detector_error",
    GivesTextAsLogit: "detector_error",
    GivesTextAsSpans: "detector_error",
    SignsAsAnother: "detector_error",
    EatsMemory: "out_of_memory",
    BreaksWhenBuilt: "detector_error",
    NestsForEver: "detector_error",
}
