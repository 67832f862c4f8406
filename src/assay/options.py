"""One set of options; CLI flags, HTTP fields and API arguments are its three faces."""

from __future__ import annotations

from dataclasses import dataclass

from assay.errors import ConfigError

OPERATING_POINTS = ("far_0.1", "far_1", "far_5")
FAIL_ON = ("strong", "some", "inconclusive", "never")


@dataclass(frozen=True, slots=True)
class Options:
    """How one file is examined. Every field can be set by flag, `ASSAY_*` variable or assay.toml.

    `operating_point` names a measured false-alarm rate in percent ("far_1" = 1 %).
    `time_range_s` limits the examination to (start, end) in seconds. `detectors` names those to
    run, all when None. `frames` is how many frames of a video are examined at most. Raises
    ConfigError on a value out of range.
    """

    operating_point: str = "far_1"
    time_range_s: tuple[float, float] | None = None
    detectors: tuple[str, ...] | None = None
    frames: int = 32
    max_faces: int = 16
    max_megapixels: float = 200.0
    max_sound_s: float = 1800.0
    time_limit_s: float = 120.0
    detector_time_limit_s: float = 60.0
    stability: bool = True
    heatmaps: bool = True
    threads: int = 0

    def __post_init__(self) -> None:
        if self.operating_point not in OPERATING_POINTS:
            known = ", ".join(OPERATING_POINTS)
            raise ConfigError(f"operating_point {self.operating_point!r} is none of {known}.")
        if self.time_range_s is not None:
            start, end = self.time_range_s
            if not 0 <= start < end:
                raise ConfigError(f"time_range_s {start}:{end} must start at 0 or later and end after.")
        for name in ("frames", "max_faces", "max_megapixels", "max_sound_s", "time_limit_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be above zero, got {getattr(self, name)!r}.")
