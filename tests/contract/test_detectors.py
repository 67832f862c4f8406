"""What every detector keeps to, over all that `discover()` finds."""

from __future__ import annotations

import math
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.bundles import load_card
from assay.case import Case
from assay.detectors import Detector, discover
from assay.errors import BundleMissingError
from assay.findings import FileView
from assay.types import Evidence, FaceView
from tests.verdict.doubles import MadeCase, PictureCase, make_media, make_view

DETECTORS = discover()
ROOT = Path(__file__).parents[2]
CODES = {"scored", "reported", "abstained", "failed"}
every_detector = pytest.mark.parametrize("detector", DETECTORS.values(), ids=list(DETECTORS))


def picture(folder: Path, rgb: np.ndarray) -> Path:
    from PIL import Image

    path = folder / "picture.png"
    Image.fromarray(rgb.astype(np.uint8)).save(path)
    return path


def tiny(folder: Path) -> Path:
    return picture(folder, np.full((1, 1, 3), 200))


def black(folder: Path) -> Path:
    return picture(folder, np.zeros((240, 320, 3)))


def no_face(folder: Path) -> Path:
    return picture(folder, np.random.default_rng(1).integers(0, 255, (240, 320, 3)))


def one_frame(folder: Path) -> Path:
    import av

    path = folder / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def silence(folder: Path) -> Path:
    path = folder / "silence.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(32_000))
    return path


FILES: tuple[Callable[[Path], Path], ...] = (tiny, black, no_face, one_frame, silence)
every_file = pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)


def case_of(make: Callable[[Path], Path], folder: Path) -> Case:
    from assay.media.probe import probe

    return Case(probe(make(folder)))


def examined(detector: type[Detector], case: Case) -> list[Evidence]:
    """What it says, checked; skips where its bundle is not installed."""
    try:
        found = detector().examine(case)
    except BundleMissingError:
        pytest.skip(f"the bundle of {detector.name} is not installed")
    assert isinstance(found, list)
    for one in found:
        assert isinstance(one, Evidence)
        assert (one.detector, one.version, one.family) == (
            detector.name,
            detector.version,
            detector.family,
        )
        assert one.status in CODES
        assert one.p_fake is None, "a detector gives raw logits; calibration comes later"
        assert one.logit is None or math.isfinite(one.logit)
        assert one.status != "failed"
    return found


@every_detector
@every_file
def test_it_answers_hard_files_without_a_score(
    detector: type[Detector], make: Callable[[Path], Path], tmp_path: Path
) -> None:
    case = case_of(make, tmp_path)
    if case.media.kind not in detector.kinds:
        pytest.skip(f"{detector.name} does not examine {case.media.kind} files")
    has_a_picture = make is no_face and detector.needs == "picture"
    for one in examined(detector, case):
        assert one.status != "scored" or has_a_picture, "there is nothing to judge in this file"


@every_detector
@every_file
def test_it_says_the_same_twice(
    detector: type[Detector], make: Callable[[Path], Path], tmp_path: Path
) -> None:
    case = case_of(make, tmp_path)
    if case.media.kind not in detector.kinds:
        pytest.skip(f"{detector.name} does not examine {case.media.kind} files")
    first, second = (examined(detector, case_of(make, tmp_path)) for _ in range(2))
    assert [_said(one) for one in first] == [_said(one) for one in second]


def _said(one: Evidence) -> Any:
    still = replace(one, heatmaps=(), views=(), seconds_taken=0.0)
    maps = [heatmap.values.tolist() for heatmap in one.heatmaps]
    views = [(view.name, view.box_px, view.links_px, _seen(view)) for view in one.views]
    return still, maps, views


def _seen(view: FileView) -> Any:
    seen = view.rgb if view.values is None else view.values
    return None if seen is None else seen.tolist()


face_detectors = pytest.mark.parametrize(
    "detector",
    [
        pytest.param(detector, id=name)
        for name, detector in DETECTORS.items()
        if detector.needs == "faces"
    ],
)


def with_faces(*views: FaceView) -> Case:
    return MadeCase({1: views}, media=make_media("image" if len(views) == 1 else "video"))


def _filled(value: int) -> FaceView:
    view = make_view(face_px=160.0)
    return replace(view, rgb=np.full_like(view.rgb, value))


HARD_FACES = {
    "black": _filled(0),
    "white": _filled(255),
    "small": make_view(face_px=8.0),
    "one_pixel": make_view(
        rgb=np.zeros((1, 1, 3), np.uint8), box_px=np.array([0, 0, 1, 1], np.float32)
    ),
    "no_area": make_view(box_px=np.array([50, 50, 50, 50], np.float32)),
    "outside": make_view(box_px=np.array([900, 900, 990, 990], np.float32)),
    "landmarks_nan": make_view(landmarks_px=np.full((468, 2), np.nan, np.float32)),
}


@face_detectors
@pytest.mark.parametrize("view", HARD_FACES.values(), ids=list(HARD_FACES))
def test_it_abstains_from_a_face_that_cannot_be_judged(
    detector: type[Detector], view: FaceView
) -> None:
    found = examined(detector, with_faces(view))
    assert found
    for one in found:
        assert one.status == "abstained"
        assert one.reason


@face_detectors
def test_it_gives_one_piece_of_evidence_a_track_with_a_span_a_frame(
    detector: type[Detector],
) -> None:
    views = tuple(make_view(1, i, 0.1 * i, face_px=160.0) for i in range(3))
    first, second = (examined(detector, with_faces(*views)) for _ in range(2))
    assert [one.track_id for one in first] == [1]
    (one,) = first
    if one.status == "scored":
        assert [span.start_s for span in one.spans] == pytest.approx([0.0, 0.1, 0.2], abs=1e-3)
        assert one.kind is not None
    assert [_said(one) for one in first] == [_said(one) for one in second]


@face_detectors
def test_it_does_not_change_the_views_it_is_given(detector: type[Detector]) -> None:
    view = make_view(face_px=160.0)
    before = view.rgb.copy(), view.box_px.copy(), view.landmarks_px.copy()
    examined(detector, with_faces(view))
    after = view.rgb, view.box_px, view.landmarks_px
    assert all((old == new).all() for old, new in zip(before, after, strict=True))


picture_detectors = pytest.mark.parametrize(
    "detector",
    [
        pytest.param(detector, id=name)
        for name, detector in DETECTORS.items()
        if detector.needs == "picture"
    ],
)


@picture_detectors
@pytest.mark.parametrize("n_frames", [1, 3])
def test_it_gives_one_piece_of_evidence_for_the_whole_picture(
    detector: type[Detector], n_frames: int
) -> None:
    random = np.random.default_rng(3)
    frames = [random.integers(0, 256, (500, 700, 3), dtype=np.uint8) for _ in range(n_frames)]
    kept = [frame.copy() for frame in frames]
    first, second = (examined(detector, PictureCase(*frames)) for _ in range(2))
    assert [_said(one) for one in first] == [_said(one) for one in second]
    assert all((new == old).all() for new, old in zip(frames, kept, strict=True))
    (one,) = first
    assert (one.subject, one.track_id) == ("picture", None)
    if one.status == "scored":
        assert one.kind is not None
        assert one.patches
        assert len(one.spans) == n_frames
        assert {patch.time_s for patch in one.patches} == {span.start_s for span in one.spans}


@every_detector
def test_it_is_described(detector: type[Detector]) -> None:
    assert isinstance(detector(), Detector)
    assert detector.needs in ("faces", "picture", "motion", "sound", "file")
    assert set(detector.kinds) <= {"image", "video", "audio"}
    assert detector.kinds
    for sentence in (detector.looks_at, detector.fails_on, detector.licence):
        assert sentence.strip()
    said = (detector.__doc__ or "").lower()
    for heading in ("looks at:", "abstains when:", "fails on:", "licence"):
        assert heading in said, f"the docstring lacks {heading!r}"


@every_detector
def test_it_is_documented(detector: type[Detector]) -> None:
    page = ROOT / "docs" / "detectors" / f"{detector.name}.md"
    assert page.is_file(), f"{detector.name} has no page in docs/detectors"
    assert detector.name in page.read_text(encoding="utf-8")


@every_detector
def test_higher_means_more_likely_manipulated(detector: type[Detector]) -> None:
    if detector.bundle is None:
        pytest.skip("it gives no score")
    try:
        card = load_card(detector.bundle)
    except BundleMissingError:
        pytest.skip(f"the bundle of {detector.name} is not installed")
    assert card.calibration is not None
    assert card.calibration.scale > 0
    assert list(card.calibration.bona_fide_logits) == sorted(card.calibration.bona_fide_logits)
    thresholds = {point.false_alarm_rate: point.threshold for point in card.operating_points}
    assert [thresholds[rate] for rate in sorted(thresholds)] == sorted(
        thresholds.values(), reverse=True
    )


def test_something_is_found() -> None:
    assert {"metadata", "provenance"} <= set(DETECTORS)
