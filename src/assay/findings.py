"""What a detector reports beside any score: findings in plain language, and pictures for them.

Values only. Findings never enter `p_fake`; a strong one about the file keeps the verdict from
saying that nothing was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from assay.types import Array, FloatArray

Severity = Literal["info", "notable", "strong"]
SEVERITIES: tuple[Severity, ...] = ("strong", "notable", "info")  # the gravest first
Box = tuple[float, float, float, float]


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Region:
    """Where in the file a finding lies: a place in the picture, a stretch of time, or both.

    `box_px` is (x0, y0, x1, y1) in pixels of the picture as a viewer shows it; `source_px` is the
    place that the same content was copied from; `start_s` to `end_s` are seconds of the file.
    """

    box_px: Box | None = None
    source_px: Box | None = None
    start_s: float | None = None
    end_s: float | None = None

    def __post_init__(self) -> None:
        _require(self.box_px is not None or self.start_s is not None, "a region is somewhere")
        for box in (self.box_px, self.source_px):
            _require(box is None or (box[2] > box[0] and box[3] > box[1]), "a box has an area")
        _require((self.start_s is None) == (self.end_s is None), "a stretch has two ends")
        _require(self.start_s is None or (self.end_s or 0.0) >= self.start_s, "it ends after")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact read from the file, with its meaning in plain language.

    `code` is stable. `severity`: `info` is a bare fact, `notable` is worth a look, `strong` hardly
    happens by itself (for traces in the signal: no false alarm on pristine files in the measured
    set). `innocent_causes` are harmless ways in which the same trace comes about.
    `false_alarm_rate` is the share of the pristine files of `measured_on` that show it (None: not
    measured); the verdict fills both in.
    """

    code: str
    title: str
    meaning: str
    severity: Severity = "info"
    values: Mapping[str, Any] = field(default_factory=dict)
    innocent_causes: tuple[str, ...] = ()
    region: Region | None = None
    false_alarm_rate: float | None = None
    measured_on: str = ""

    def __post_init__(self) -> None:
        _require(self.severity in SEVERITIES, f"{self.severity!r} is no severity")
        _require(isinstance(self.innocent_causes, tuple), "innocent causes are a tuple")


@dataclass(frozen=True, slots=True)
class FileView:
    """A picture that an examination of the file made, for the eyes of an examiner.

    Either `values` (h, w) float32 in [0, 1], a map in which 1 stands out most, or `rgb` (h, w, 3)
    uint8. `over` lies over the examined picture and covers `box_px` of it (xyxy, picture pixels;
    None: the whole), else it stands beside it. `caption` says what is seen; `weakness` what such a
    picture cannot show, and is always printed under it. `links_px` are lines (x0, y0, x1, y1) in
    picture pixels from one place to the place it was copied from.
    """

    name: str
    title: str
    caption: str
    weakness: str
    values: FloatArray | None = None
    rgb: Array | None = None
    over: bool = True
    box_px: Box | None = None
    time_s: float = 0.0
    links_px: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        _require((self.values is None) != (self.rgb is None), "a view has values or colours")
        if self.values is not None:
            _require(self.values.ndim == 2 and self.values.size > 0, "a map is (h, w)")
            low, high = float(self.values.min()), float(self.values.max())
            _require(low >= 0.0 and high <= 1.0, "a map lies in [0, 1]")
        if self.rgb is not None:
            _require(self.rgb.ndim == 3 and self.rgb.shape[2] == 3, "a picture is (h, w, 3)")
            _require(str(self.rgb.dtype) == "uint8" and self.rgb.size > 0, "a picture is uint8")
        _require(bool(self.weakness), "a view says what it cannot show")
