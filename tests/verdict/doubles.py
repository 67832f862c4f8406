"""Cases, views, detectors and cards made on the spot, so that no file and no net is needed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from assay.bundles import Card, load_card
from assay.bundles import card as card_module
from assay.case import Case, _Seen
from assay.options import Options
from assay.types import Evidence, FaceTrack, FaceView, Media, Patch, PictureView, Span


def make_media(kind: str = "video", **changes: Any) -> Media:
    values: dict[str, Any] = {
        "path": "/nowhere/clip.mp4",
        "name": "clip.mp4",
        "sha256": "0" * 64,
        "n_bytes": 1_000_000,
        "kind": kind,
        "media_type": f"{kind}/test",
        "container": "test",
        "codec": "test",
        "size_px": None if kind == "audio" else (640, 480),
        "n_frames": {"video": 250, "image": 1, "audio": None}[kind],
        "fps": 25.0 if kind == "video" else None,
        "duration_s": None if kind == "image" else 10.0,
        "sample_rate_hz": 16_000 if kind == "audio" else None,
    }
    return Media(**{**values, **changes})


def make_view(
    track_id: int = 1,
    index: int = 0,
    time_s: float = 0.0,
    face_px: float = 120.0,
    brightness: float = 0.5,
    seed: int = 0,
    **changes: Any,
) -> FaceView:
    """A view of 2 x face_px with noise in it; landmarks fill the face box evenly."""
    side = int(face_px * 2)
    random = np.random.default_rng([seed, track_id, index])
    rgb = np.clip(random.normal(brightness * 255, 40, (side, side, 3)), 0, 255).astype(np.uint8)
    box = np.array([side / 4, side / 4, 3 * side / 4, 3 * side / 4], np.float32)
    steps = np.linspace(0.0, 1.0, 468, dtype=np.float32)[:, None]
    values: dict[str, Any] = {
        "track_id": track_id,
        "frame_index": index,
        "time_s": time_s,
        "rgb": rgb,
        "box_px": box,
        "landmarks_px": (box[:2] + steps * (box[2:] - box[:2])).astype(np.float32),
        "frame_box_px": box,
        "scale": 1.0,
        "score": 1.0,
    }
    return FaceView(**{**values, **changes})


class MadeCase(Case):
    """A case whose faces are given instead of found."""

    def __init__(
        self,
        views: dict[int, tuple[FaceView, ...]],
        options: Options | None = None,
        media: Media | None = None,
        n_faces_left_out: int = 0,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(media or make_media(), options)
        n_frames = max((len(of_track) for of_track in views.values()), default=1)
        self.__dict__["frame_times_s"] = tuple(0.1 * i for i in range(n_frames))
        tracks = tuple(_track(track_id, of_track) for track_id, of_track in views.items())
        self.__dict__["_seen"] = _Seen(tracks, views, (), n_frames, n_faces_left_out, notes)


class PictureCase(Case):
    """A case of whole frames without a face: one is a picture, several are a video."""

    def __init__(
        self,
        *pictures: Any,
        options: Options | None = None,
        media: Media | None = None,
        views: dict[int, tuple[FaceView, ...]] | None = None,
    ) -> None:
        kind = "image" if len(pictures) == 1 else "video"
        size = pictures[0].shape[1::-1] if pictures else (640, 480)
        super().__init__(media or make_media(kind, size_px=size), options)
        faces = MadeCase(views or {}, options, self.media)
        wholes = tuple(PictureView(i, 0.1 * i, rgb) for i, rgb in enumerate(pictures))
        self.__dict__["frame_times_s"] = tuple(0.1 * i for i in range(max(1, len(pictures))))
        seen = replace(faces._seen, wholes=wholes, n_frames=max(1, len(pictures)))
        self.__dict__["_seen"] = seen


def make_case(n_tracks: int = 1, n_frames: int = 8, **changes: Any) -> MadeCase:
    views = {
        track: tuple(make_view(track, i, 0.1 * i) for i in range(n_frames))
        for track in range(1, n_tracks + 1)
    }
    return MadeCase(views, **changes)


def _track(track_id: int, views: tuple[FaceView, ...]) -> FaceTrack:
    return FaceTrack(
        track_id,
        np.array([view.time_s for view in views], np.float32),
        np.stack([view.frame_box_px for view in views]),
        np.stack([view.landmarks_px for view in views]),
        np.array([view.score for view in views], np.float32),
    )


def write_card(folder: Path, name: str = "test_bundle", **changes: Any) -> Card:
    """A card in `folder`/`name`: identity calibration, 999 bona fide logits from -8 to 2."""
    raw: dict[str, Any] = {
        "name": name,
        "version": "1",
        "network_sha256": "a" * 64,
        "recipe": {},
        "recipe_fingerprint": "none",
        "licence": "CC0",
        "calibration": {
            "scale": 1.0,
            "bias": 0.0,
            "bona_fide_logits": np.linspace(-8.0, 2.0, 999).tolist(),
            "interval_width_logit": 0.2,
            "fitted_on": "a straight line",
        },
        "operating_points": [
            make_point("far_0.1", 2.0, 0.001),
            make_point("far_1", 1.9, 0.01),
            make_point("far_5", 1.5, 0.05),
        ],
        "in_domain": {},
    }
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "card.json").write_text(json.dumps({**raw, **changes}))
    return load_card(name, folder / name)


def make_point(name: str, threshold: float, rate: float) -> dict[str, Any]:
    return {
        "name": name,
        "threshold": threshold,
        "false_alarm_rate": rate,
        "detection_rate": 0.8,
        "measured_on": "a straight line",
    }


def install_cards(monkeypatch: Any, folder: Path) -> None:
    monkeypatch.setattr(card_module, "BUNDLES_FOLDER", folder)


def make_evidence(logit: float | None = 0.0, track_id: int | None = 1, **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "detector": "test_detector",
        "version": "1",
        "family": "test",
        "subject": "file" if track_id is None else f"face {track_id}",
        "status": "abstained" if logit is None else "scored",
        "logit": logit,
        "track_id": track_id,
        "reason": "too_dull: It is too dull." if logit is None else None,
        "kind": "face_altered",
    }
    return Evidence(**{**values, **changes})


class FaceDetector:
    """Scores each view by `score`, the track by the mean; the base of the doubles."""

    name = "test_detector"
    version = "1"
    family = "test"
    needs = "faces"
    kinds: tuple[Any, ...] = ("image", "video")
    looks_at = "The mean brightness."
    fails_on = "Everything but brightness."
    licence = "CC0"
    bundle: str | None = "test_bundle"

    def score(self, view: FaceView) -> float:
        return float(view.rgb.mean()) / 255.0

    def examine(self, case: Case) -> list[Evidence]:
        return [self._of_track(case, track.track_id) for track in case.tracks]

    def _of_track(self, case: Case, track_id: int) -> Evidence:
        views = case.face_views(track_id)
        spans = tuple(Span(v.time_s, v.time_s, self.score(v)) for v in views)
        mean = sum(span.logit for span in spans) / len(spans)
        return make_evidence(mean, track_id, detector=self.name, family=self.family, spans=spans)


class Shifting(FaceDetector):
    """Says 3 on untouched views and `changed` on every view it did not see before."""

    changed = -3.0

    def score(self, view: FaceView) -> float:
        untouched = make_view(view.track_id, view.frame_index, view.time_s)
        same = view.rgb.shape == untouched.rgb.shape and bool((view.rgb == untouched.rgb).all())
        return 3.0 if same else self.changed


def make_patch(logit: float = 0.0, box: tuple[float, ...] = (0, 0, 32, 32), **more: Any) -> Patch:
    x0, y0, x1, y1 = box
    return Patch(more.pop("time_s", 0.0), (x0, y0, x1, y1), logit, **more)


def make_picture_evidence(logit: float = 0.0, **changes: Any) -> Evidence:
    """Scored evidence of another family about the whole picture."""
    values: dict[str, Any] = {
        "detector": "other",
        "family": "picture_test",
        "subject": "picture",
        "kind": "generated",
        "patches": (make_patch(logit),),
        "spans": (Span(0.0, 0.0, logit),),
    }
    return make_evidence(logit, None, **{**values, **changes})
