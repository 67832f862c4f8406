"""The values that pass between the rooms: frozen, slotted, validated; no logic.

Polarity is one everywhere: `p_fake` and `logit` are higher when manipulation is more likely.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from assay.findings import FileView, Finding, Severity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from assay.sound import Sound
    from assay.timeline import Timeline

    Array = NDArray[np.uint8]
    FloatArray = NDArray[np.float32]
else:  # numpy is not imported for its names alone: `import assay` stays quick
    Array = FloatArray = Any

MediaKind = Literal["image", "video", "audio"]
EvidenceStatus = Literal["scored", "reported", "abstained", "failed"]
Label = Literal[
    "strong_evidence", "some_evidence", "inconclusive", "no_evidence_found", "not_analysable"
]
ForgeryKind = Literal[
    "generated", "face_altered", "edited", "voice_generated", "lip_synced", "unknown"
]
ProvenanceState = Literal["valid_trusted", "valid_untrusted", "invalid", "none", "not_checked"]
__all__ = ["Finding", "Severity"]  # told of here too, where everybody looks for a type


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Media:
    """What a file is, read from its content.

    `size_px` is (width, height) after rotation as a viewer shows it. `notes` holds codes such as
    `truncated`, `rotated`, `no_audio`, `animated`, `variable_frame_rate`, `extension_mismatch`.
    """

    path: str
    name: str
    sha256: str
    n_bytes: int
    kind: MediaKind
    media_type: str
    container: str
    codec: str
    audio_codec: str | None = None
    size_px: tuple[int, int] | None = None
    rotation_deg: int = 0
    n_frames: int | None = None
    fps: float | None = None
    duration_s: float | None = None
    sample_rate_hz: int | None = None
    n_channels: int | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(len(self.sha256) == 64, "sha256 must be 64 hexadecimal digits")
        _require(self.n_bytes > 0, "a medium has at least one byte")


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture: `rgb` is (h, w, 3) uint8, `time_s` counts from the start."""

    index: int
    time_s: float
    rgb: Array

    def __post_init__(self) -> None:
        _require(self.rgb.ndim == 3 and self.rgb.shape[2] == 3, "a frame is (h, w, 3)")
        _require(str(self.rgb.dtype) == "uint8", "a frame is uint8")
        _require(self.rgb.size > 0, "a frame has an area")


@dataclass(frozen=True, slots=True)
class Waveform:
    """Decoded sound: `samples` is (n,) float32 mono in [-1, 1]."""

    samples: FloatArray
    sample_rate_hz: int
    start_s: float = 0.0

    def __post_init__(self) -> None:
        _require(self.samples.ndim == 1, "a waveform is mono")
        _require(self.sample_rate_hz > 0, "a waveform has a sample rate")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """One stretch of one person's speech, 1 to 6 s of the file: `waveform` is (n,) float32 mono.

    `speaker_id` counts from 1, the longest speaking. `reasons` is empty for valid voice, else what
    limits judging it (`too_short`, `music`, `noisy`, `clipped`, `band_limited`, `silence`).
    """

    start_s: float
    end_s: float
    waveform: FloatArray
    sample_rate_hz: int
    speaker_id: int = 1
    reasons: tuple[Reason, ...] = ()
    quality: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require(self.sample_rate_hz > 0, "a segment has a sample rate")
        _require(self.end_s > self.start_s, "a segment ends after it starts")
        _require(bool((self.waveform == self.waveform).all()), "a segment holds no NaN")


@dataclass(frozen=True, slots=True)
class FaceView:
    """One face in one frame, loosely cut: what every face detector is prepared from.

    `rgb` is (h, w, 3) uint8, about twice the face's box and clipped to the frame; `box_px` (4,)
    xyxy and `landmarks_px` (468, 2) are in its coordinates, `frame_box_px` (4,) in the frame's.
    `scale` is view pixels per frame pixel (below 1 when the view was shrunk).
    """

    track_id: int
    frame_index: int
    time_s: float
    rgb: Array
    box_px: FloatArray
    landmarks_px: FloatArray
    frame_box_px: FloatArray
    scale: float
    score: float

    def __post_init__(self) -> None:
        _require(self.rgb.ndim == 3 and str(self.rgb.dtype) == "uint8", "a view is RGB uint8")
        _require(self.landmarks_px.shape == (468, 2), "a view carries 468 landmarks")
        _require(self.box_px.shape == self.frame_box_px.shape == (4,), "a box is xyxy")


@dataclass(frozen=True, slots=True)
class PictureView:
    """A whole frame at its own resolution, or a part of one: what whole-picture detectors read.

    `rgb` is (h, w, 3) uint8; of a part, one window about `focus_px` (x, y) is read (None: whole).
    """

    frame_index: int
    time_s: float
    rgb: Array
    focus_px: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _require(self.rgb.ndim == 3 and str(self.rgb.dtype) == "uint8", "a view is RGB uint8")


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One person through time, in frame pixels.

    times_s (n,), boxes_px (n, 4) xyxy, landmarks_px (n, 468, 2), scores (n,).
    """

    track_id: int
    times_s: FloatArray
    boxes_px: FloatArray
    landmarks_px: FloatArray
    scores: FloatArray

    def __post_init__(self) -> None:
        n = len(self.times_s)
        _require(n > 0, "a track has at least one face")
        lengths = {len(self.boxes_px), len(self.landmarks_px), len(self.scores)}
        _require(lengths == {n} and self.boxes_px.shape == (n, 4), "one box a time")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time (or one frame, start_s == end_s) and what a detector said of it."""

    start_s: float
    end_s: float
    logit: float
    p_fake: float | None = None


@dataclass(frozen=True, slots=True)
class Patch:
    """One window of a frame and what a whole-picture detector said of it.

    `box_px` (x0, y0, x1, y1) is in frame pixels; `scale` is window pixels per frame pixel.
    """

    time_s: float
    box_px: tuple[float, float, float, float]
    logit: float
    p_fake: float | None = None
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Where a detector looked on one frame: `values` (h, w) float32 in [0, 1] over `box_px`.

    `box_px` is (x0, y0, x1, y1). Only a `faithful` one (measured by deletion/insertion) is shown.
    """

    time_s: float
    box_px: tuple[float, float, float, float]
    values: FloatArray
    faithful: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one detector says of one subject ("file", "picture", "face 1", "voice 1", "sound").

    `track_id` is set for a face, `speaker_id` for a voice, whose `spans` are segments of speech.
    `scored` carries a logit (p_fake once calibrated), `reported` findings, the others a reason.
    `false_alarm_rate`: the measured share of bona fide media that score at least this high.
    """

    detector: str
    version: str
    family: str
    subject: str
    status: EvidenceStatus
    logit: float | None = None
    p_fake: float | None = None
    threshold: float | None = None
    false_alarm_rate: float | None = None
    reason: str | None = None
    kind: ForgeryKind | None = None
    track_id: int | None = None
    speaker_id: int | None = None
    spans: tuple[Span, ...] = ()
    patches: tuple[Patch, ...] = ()
    heatmaps: tuple[Heatmap, ...] = ()
    findings: tuple[Finding, ...] = ()
    views: tuple[FileView, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    bundle_sha256: str | None = None
    licence: str | None = None
    seconds_taken: float = 0.0

    def __post_init__(self) -> None:
        if self.status == "scored":
            _require(self.logit is not None, "scored evidence carries a logit")
            _require(math.isfinite(self.logit or 0.0), "a logit is finite")
        else:
            _require(self.logit is None and self.p_fake is None, f"{self.status}: no score")
            _require(self.status == "reported" or bool(self.reason), "a reason is needed")
        _require(self.p_fake is None or 0.0 <= self.p_fake <= 1.0, "p_fake lies in [0, 1]")


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A cut, named by the false-alarm rate measured on held-out bona fide media."""

    name: str
    threshold: float
    false_alarm_rate: float
    detection_rate: float | None
    measured_on: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the detectors stand to each other."""

    fired: int
    ran: int
    abstained: int
    failed: int
    conflict: bool


@dataclass(frozen=True, slots=True)
class Stability:
    """The score under changes that do not change the truth: `scores` maps variant to p_fake."""

    scores: Mapping[str, float]
    flips: int
    spread: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was looked at and, as sentences for a reader, what was not."""

    n_frames_examined: int
    n_frames_total: int | None
    seconds_examined: tuple[float, float] | None
    n_faces_examined: int
    tested: tuple[str, ...]
    not_tested: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a C2PA manifest proves. It stands beside the score and is never averaged into it.

    `codes` are the C2PA validation codes that speak against it, the reader's own words.
    """

    state: ProvenanceState
    meaning: str
    values: Mapping[str, Any] = field(default_factory=dict)
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an answer is what it is: a stable code and a sentence."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One examined frame kept for the report; `scale` is its pixels per frame pixel."""

    frame_index: int
    time_s: float
    rgb: Array
    scale: float


@dataclass(frozen=True, slots=True)
class FaceMark:
    """One face's place and score, for drawing: box (x0, y0, x1, y1) in frame pixels."""

    track_id: int
    time_s: float
    box_px: tuple[float, float, float, float]
    p_fake: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole answer for one file; every report renders this and nothing else.

    `status`: completed (a score exists), declined (nothing scored), failed (`media` is None).
    """

    name: str
    path: str
    status: Literal["completed", "declined", "failed"]
    label: Label
    coverage: Coverage
    media: Media | None = None
    p_fake: float | None = None
    interval: tuple[float, float] | None = None
    kind: tuple[ForgeryKind, ...] = ()
    reasons: tuple[Reason, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    agreement: Agreement | None = None
    stability: Stability | None = None
    operating_point: OperatingPoint | None = None
    in_domain: bool | None = None
    in_domain_reasons: tuple[Reason, ...] = ()
    quality: Mapping[str, Any] = field(default_factory=dict)
    faces: tuple[FaceMark, ...] = ()
    provenance: Provenance | None = None
    limits: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    sound: Sound | None = None
    timeline: Timeline | None = None
    bundles: Mapping[str, str] = field(default_factory=dict)
    assay_version: str = ""
    device: str = "cpu"
    elapsed_ms: float = 0.0
    examined_at: str = ""  # when the examination began: ISO 8601, UTC
    rerun: str = ""
    exit_code: int = 0

    def __post_init__(self) -> None:
        completed = self.status == "completed"
        _require(completed == (self.p_fake is not None), "p_fake exists exactly when completed")
        _require(completed == (self.label != "not_analysable"), "a label needs a score")
        _require(completed or bool(self.reasons), "an unanswered file carries a reason")
        _require(self.p_fake is None or 0.0 <= self.p_fake <= 1.0, "p_fake lies in [0, 1]")
