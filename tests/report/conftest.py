"""Verdicts as the examination makes them, with drawn pictures, for every rendering's tests."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from assay import types as t
from assay.findings import FileView, Region
from assay.media.probe import probe
from assay.media.sound_drawing import envelope, spectrogram
from assay.report import footage, video_chart
from assay.sound import Sound, SoundSegment
from assay.timeline import FacePath, Shot, Timeline
from assay.verdict.heatmaps import heatmap_sentences
from assay.verdict.moments import moments_of
from assay.verdict.stretches import marks_of, runs_of

POINT = t.OperatingPoint(
    "far_1", 0.62, 0.0098, 0.741, "2,041 held-out genuine and 1,900 manipulated files"
)
LIMITS = (
    "The error rates hold for files like those they were measured on.",
    "A forgery made by a method that did not exist when the model was trained may go unseen.",
)


def logit(p_fake: float) -> float:
    return math.log(p_fake / (1 - p_fake))


def drawn_picture(
    width: int = 640, height: int = 420, faces: int = 2, shift: int = 0
) -> np.ndarray:
    """A landscape with drawn heads; (height, width, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rgb = np.stack([120 + 60 * y / height, 150 + 40 * x / width, 190 - 70 * y / height], axis=2)
    for i in range(faces):
        cx, cy, r = (i + 0.5) * width / faces + shift, 0.45 * height, 0.2 * height
        head = ((x - cx) / (0.8 * r)) ** 2 + ((y - cy) / r) ** 2 < 1
        rgb[head] = (224 - 60 * i, 178 - 40 * i, 150 - 40 * i)
        for side in (-1, 1):
            rgb[(x - cx - side * 0.3 * r) ** 2 + (y - cy + 0.2 * r) ** 2 < (0.1 * r) ** 2] = 30
        rgb[(abs(x - cx) < 0.35 * r) & (abs(y - cy - 0.5 * r) < 0.06 * r)] = (150, 50, 60)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def face_box(i: int, faces: int = 2, width: int = 640, height: int = 420, shift: int = 0):
    cx, cy, r = (i + 0.5) * width / faces + shift, 0.45 * height, 0.2 * height
    return (cx - r, cy - r, cx + r, cy + r)


def heat(size: int = 28) -> np.ndarray:
    """A ring: the seam of a blended face; (size, size) float32."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    values: np.ndarray = np.exp(-(((np.hypot(x, y) - 0.6) / 0.16) ** 2)).astype(np.float32)
    return values


def sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def a_media(kind: str = "image", name: str = "press-photo.jpg", **more: object) -> t.Media:
    facts: dict = {
        "image": {
            "media_type": "image/jpeg",
            "container": "jpeg",
            "codec": "jpeg",
            "size_px": (640, 420),
            "n_frames": 1,
        },
        "video": {
            "media_type": "video/mp4",
            "container": "mp4",
            "codec": "h264",
            "audio_codec": "aac",
            "size_px": (640, 420),
            "n_frames": 742,
            "fps": 25.0,
            "duration_s": 29.68,
            "sample_rate_hz": 48000,
            "n_channels": 2,
            "notes": ("variable_frame_rate",),
        },
        "audio": {
            "media_type": "audio/wav",
            "container": "wav",
            "codec": "pcm_s16le",
            "duration_s": 4.2,
            "sample_rate_hz": 16000,
            "n_channels": 1,
        },
    }[kind]
    return t.Media(
        path=f"/cases/{name}",
        name=name,
        sha256=sha(name),
        n_bytes=284_113,
        kind=kind,
        **facts | more,
    )


def scored(subject: str, p_fake: float, **more: object) -> t.Evidence:
    values: dict = {
        "detector": "face_blending",
        "version": "1",
        "family": "blending",
        "subject": subject,
        "status": "scored",
        "logit": logit(p_fake),
        "p_fake": p_fake,
        "threshold": 0.62,
        "false_alarm_rate": 0.0005 if p_fake > 0.9 else 0.21,
        "kind": "face_altered",
        "bundle_sha256": sha("bundle"),
        "licence": "Apache-2.0",
        "seconds_taken": 0.081,
    }
    return t.Evidence(**values | more)


def metadata(**more: object) -> t.Evidence:
    software = t.Finding(
        "software",
        "Saved by an editing program",
        "The file says that Adobe Photoshop 25.1 wrote it. Cropping leaves the same trace.",
        "notable",
        {"software": "Adobe Photoshop 25.1 (Macintosh)", "modified": "2024-03-02T10:11:12"},
        ("The picture was cropped.",),
        Region(box_px=(8.0, 16.0, 72.0, 80.0), source_px=(1.0, 2.0, 3.0, 4.0)),
    )
    camera = t.Finding(
        "camera",
        "A camera is named",
        "The file names a camera.",
        "info",
        {
            "make": "Canon",
            "model": "EOS R6",
            "lens": {"name": "RF 50mm F1.8", "focal_length_mm": 50.0},
        },
    )
    values: dict = {
        "detector": "metadata",
        "version": "1",
        "family": "metadata",
        "subject": "file",
        "status": "reported",
        "findings": (camera, software),
        "seconds_taken": 0.004,
    }
    return t.Evidence(**values | more)


def abstained(reason: str, detector: str = "face_blending", subject: str = "file") -> t.Evidence:
    return t.Evidence(detector, "1", "blending", subject, "abstained", reason=reason)


NO_MANIFEST = t.Provenance("none", "The file carries no C2PA manifest; most files carry none.")


def common(name: str) -> dict:
    return {
        "name": name,
        "path": f"/cases/{name}",
        "assay_version": "0.1.0",
        "elapsed_ms": 812.4,
        "rerun": f"assay detect {name!r} --operating-point far_1",
        "provenance": NO_MANIFEST,
        "bundles": {"face_blending 1": sha("bundle")},
        "limits": LIMITS,
    }


def image_verdict(name: str = "press-photo.jpg", **more: object) -> t.Verdict:
    """A completed picture with two faces; the first is altered and has a faithful heat map."""
    heatmap = t.Heatmap(0.0, face_box(0), heat(), faithful=True)
    values = common(name) | {
        "status": "completed",
        "label": "strong_evidence",
        "media": a_media(name=name),
        "p_fake": 0.968,
        "interval": (0.91, 0.99),
        "kind": ("face_altered",),
        "exit_code": 1,
        "reasons": (
            t.Reason("far_below_0.1", "Face 1 scores higher than 99.9 % of genuine faces."),
        ),
        "evidence": (
            scored("face 1", 0.968, track_id=1, heatmaps=(heatmap,)),
            scored("face 2", 0.117, track_id=2),
            metadata(),
        ),
        "agreement": t.Agreement(1, 1, 0, 0, False),
        "stability": t.Stability(
            {"as_is": 0.968, "resave": 0.941, "resize": 0.902, "crop": 0.955, "soften": 0.887},
            0,
            0.081,
        ),
        "operating_point": POINT,
        "in_domain": True,
        "quality": {"face_size_px": 168, "sharpness": 0.71, "jpeg_quality": 88, "blocky": False},
        "faces": (
            t.FaceMark(1, 0.0, face_box(0), 0.968),
            t.FaceMark(2, 0.0, face_box(1), 0.117),
        ),
        "coverage": t.Coverage(
            1,
            1,
            None,
            2,
            (
                "Both faces, for traces of a blended or swapped face.",
                "The metadata and the C2PA manifest.",
            ),
            (
                "Whether the whole picture was generated: no detector for it is installed.",
                "Edits outside the faces.",
            ),
        ),
        "pictures": (t.Picture(0, 0.0, drawn_picture(), 1.0),),
    }
    return t.Verdict(**values | more)


def video_scores(n: int = 32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (n,) and p_fake (n,) of two people; the first is swapped in the middle."""
    times = np.linspace(0, 29.0, n)
    first = 0.15 + 0.78 * np.exp(-(((times - 15) / 7) ** 4)) + 0.04 * np.sin(3 * times)
    return times, first, 0.14 + 0.08 * np.sin(2 * times) ** 2


def video_verdict(name: str = "interview.mp4", **more: object) -> t.Verdict:
    """A completed video: 32 frames, two people, the second out of sight for a while."""
    times, first, second = video_scores()
    people = []
    marks = []
    for track, series in ((1, first), (2, second)):
        held = [
            (float(s), float(p))
            for s, p in zip(times, series, strict=True)
            if not (track == 2 and 9 < s < 16)
        ]
        spans = tuple(t.Span(s, s, logit(p), p) for s, p in held)
        maps = (t.Heatmap(float(times[16]), face_box(0), heat(), True),) if track == 1 else ()
        top = max(p for _, p in held)
        people.append(scored(f"face {track}", top, track_id=track, spans=spans, heatmaps=maps))
        marks += [t.FaceMark(track, s, face_box(track - 1), p) for s, p in held]
    values = common(name) | {
        "status": "completed",
        "label": "some_evidence",
        "media": a_media("video", name),
        "p_fake": 0.842,
        "interval": (0.66, 0.93),
        "kind": ("face_altered",),
        "reasons": (t.Reason("one_family", "Only one kind of detector found something."),),
        "evidence": (*people, abstained("no_voice_detector", "voice"), metadata()),
        "agreement": t.Agreement(1, 1, 1, 0, False),
        "stability": t.Stability({"as_is": 0.842, "resave": 0.584, "resize": 0.8}, 1, 0.258),
        "operating_point": POINT,
        "in_domain": False,
        "in_domain_reasons": (
            t.Reason("too_compressed", "0.04 bits a pixel; measured down to 0.06."),
        ),
        "quality": {"face_size_px": 84, "bits_per_pixel": 0.04},
        "faces": tuple(marks),
        "coverage": t.Coverage(
            32,
            742,
            (0.0, 29.0),
            2,
            ("Every face in 32 frames, for traces of blending.",),
            (
                "The sound: no voice detector is installed.",
                "The 710 frames between the examined ones.",
            ),
        ),
        "pictures": tuple(t.Picture(int(25 * s), float(s), drawn_picture(), 1.0) for s in times),
    }
    return t.Verdict(**values | more)


def faceless_verdict(name: str = "harbour.png", **more: object) -> t.Verdict:
    values = common(name) | {
        "status": "declined",
        "label": "not_analysable",
        "media": a_media(name=name),
        "exit_code": 3,
        "reasons": (t.Reason("no_face", "No face was found in the picture."),),
        "evidence": (abstained("no_face"), metadata(findings=())),
        "agreement": t.Agreement(0, 0, 1, 0, False),
        "coverage": t.Coverage(
            1, 1, None, 0, ("The metadata and the C2PA manifest.",), ("The picture's content.",)
        ),
        "pictures": (t.Picture(0, 0.0, drawn_picture(faces=0), 1.0),),
    }
    return t.Verdict(**values | more)


def audio_verdict(name: str = "voice-note.wav", **more: object) -> t.Verdict:
    values = common(name) | {
        "status": "declined",
        "label": "not_analysable",
        "media": a_media("audio", name),
        "exit_code": 3,
        "reasons": (
            t.Reason("no_voice_detector", "not analysable: no voice detector is installed"),
        ),
        "evidence": (metadata(findings=()),),
        "quality": {"loudness_dbfs": -23.4, "silence_share": 0.12},
        "coverage": t.Coverage(0, None, (0.0, 4.2), 0, ("The metadata.",), ("The voice.",)),
    }
    return t.Verdict(**values | more)


def failed_verdict(name: str = "missing.mp4", **more: object) -> t.Verdict:
    values = common(name) | {
        "status": "failed",
        "label": "not_analysable",
        "media": None,
        "exit_code": 3,
        "provenance": None,
        "bundles": {},
        "limits": (),
        "reasons": (
            t.Reason(
                "file_missing",
                "There is nothing at /cases/missing.mp4. Check the spelling of the path.",
            ),
        ),
        "coverage": t.Coverage(0, None, None, 0, (), ("Everything.",)),
    }
    return t.Verdict(**values | more)


def clear_verdict(name: str = "portrait.jpg", **more: object) -> t.Verdict:
    """A completed picture in which nothing was found, without a faithful map."""
    heatmap = t.Heatmap(0.0, face_box(0), heat(), faithful=False)
    values = {
        "label": "no_evidence_found",
        "p_fake": 0.062,
        "interval": (0.02, 0.19),
        "kind": (),
        "reasons": (),
        "exit_code": 0,
        "agreement": t.Agreement(0, 1, 0, 0, False),
        "evidence": (scored("face 1", 0.062, track_id=1, heatmaps=(heatmap,)),),
        "faces": (t.FaceMark(1, 0.0, face_box(0), 0.062),),
    }
    return image_verdict(name, **values | more)


def inconclusive_verdict(name: str = "resent.jpg", **more: object) -> t.Verdict:
    values = {
        "label": "inconclusive",
        "p_fake": 0.64,
        "interval": (0.38, 0.84),
        "kind": (),
        "reasons": (t.Reason("flips", ""),),
        "exit_code": 0,
    }
    return image_verdict(name, **values | more)


MEASURED_MAP = {"faithful": True, "score_falls_more_by_map": 0.81, "n": 120}
WINDOWS = (((40, 60, 200, 220), 0.95), ((260, 40, 420, 200), 0.9), ((440, 240, 600, 400), 0.31))


def landscape_verdict(name: str = "coast.png", **more: object) -> t.Verdict:
    """A picture without a face that was scored as a whole, in three windows, with a map."""
    patches = tuple(t.Patch(0.0, box, logit(p_fake), p_fake) for box, p_fake in WINDOWS)
    heatmap = t.Heatmap(0.0, (0, 0, 640, 420), heat(), faithful=True)
    whole = scored(
        "picture",
        0.91,
        detector="synthetic_picture",
        family="picture_traces",
        kind="generated",
        patches=patches,
        spans=(t.Span(0.0, 0.0, logit(0.91), 0.91),),
        heatmaps=(heatmap,),
        details={"heatmap": MEASURED_MAP},
    )
    values = {
        "p_fake": 0.91,
        "interval": (0.84, 0.95),
        "kind": ("generated",),
        "evidence": (whole, metadata()),
        "agreement": t.Agreement(1, 1, 0, 0, False),
        "faces": (),
        "coverage": t.Coverage(
            1,
            1,
            None,
            0,
            ("The whole picture, in 3 windows of its own resolution by synthetic_picture.",),
            ("71 % of the picture, between the windows that synthetic_picture read.",),
        ),
        "limits": (*LIMITS, *heatmap_sentences([whole])),
        "pictures": (t.Picture(0, 0.0, drawn_picture(faces=0), 1.0),),
    }
    return image_verdict(name, **values | more)


def a_waveform(seconds: float = 12.0, rate_hz: int = 16_000, start_s: float = 0.0) -> t.Waveform:
    """A voice-like tone that comes and goes."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = np.sin(2 * np.pi * 140 * time_s) + 0.4 * np.sin(2 * np.pi * 2100 * time_s)
    samples = 0.3 * tone * (np.sin(2 * np.pi * 0.4 * time_s) > -0.4)
    return t.Waveform(samples.astype(np.float32), rate_hz, start_s)


def a_sound(waveform: t.Waveform | None = None, **more: object) -> Sound:
    """The drawing of a sound, playable as a whole."""
    held = waveform or a_waveform()
    values: dict = {
        "start_s": held.start_s,
        "duration_s": held.duration_s,
        "sample_rate_hz": held.sample_rate_hz,
        "envelope": envelope(held),
        "spectrogram": spectrogram(held),
        "top_hz": 8000.0,
        "clips": (held,),
    }
    return Sound(**values | more)


SEGMENTS = (
    SoundSegment(0.5, 3.0, 1),
    SoundSegment(3.2, 6.0, 1),
    SoundSegment(6.2, 8.0, 2),
    SoundSegment(8.1, 8.6, 2, (t.Reason("too_short", ""),)),
    SoundSegment(9.0, 11.5, 3, (t.Reason("music", "There is music behind the voice."),)),
)
PITCH = {
    "times_s": [0.5, 0.6, 0.7, 0.8, 0.9, 5.0, 5.1],
    "f0_hz": [118.0, 121.0, None, 130.0, 128.0, 99.0, 101.0],
}
LEVELS = {
    "frequencies_hz": np.linspace(0, 8000, 257),
    "level_db": -30 - np.linspace(0, 40, 257),
    "peaks_hz": [4000.0, 6000.0],
    "band_edge_hz": 7200.0,
}


def a_voice(speaker_id: int, *segments: tuple[float, float, float], **more: object) -> t.Evidence:
    """Evidence of one voice, scored in segments (start_s, end_s, p_fake)."""
    spans = tuple(t.Span(start, end, logit(p), p) for start, end, p in segments)
    values = {
        "detector": "voice_synthesis",
        "family": "voice_traces",
        "kind": "voice_generated",
        "speaker_id": speaker_id,
        "spans": spans,
    }
    top = max(p for _, _, p in segments)
    return scored(f"voice {speaker_id}", top, **values | more)


def voices_verdict(name: str = "voice-note.m4a", **more: object) -> t.Verdict:
    """A completed recording: three voices, one generated, one below the cut, one under music."""
    prosody = t.Finding(
        "even_pitch", "The pitch hardly varies", "People vary more.", "notable",
        {"start_s": 3.5, "end_s": 5.5, "spread_hz": 3.9},
    )  # fmt: skip
    splice = t.Finding(
        "background_step", "The background changes at once", "Its level jumps.", "strong",
        {"times_s": [6.1, 8.05], "step_db": 9.0},
    )  # fmt: skip
    values = common(name) | {
        "status": "completed",
        "label": "some_evidence",
        "media": a_media("audio", name, duration_s=12.0),
        "p_fake": 0.93,
        "interval": (0.8, 0.97),
        "kind": ("voice_generated",),
        "operating_point": POINT,
        "evidence": (
            a_voice(1, (0.5, 3.0, 0.93), (3.2, 6.0, 0.71)),
            a_voice(2, (6.2, 8.0, 0.12)),
            t.Evidence(
                "voice_prosody", "1", "prosody", "voice 1", "reported", speaker_id=1,
                findings=(prosody,), details={"plot": PITCH},
            ),
            t.Evidence("voice_spectrum", "1", "s", "sound", "reported", details={"plot": LEVELS}),
            t.Evidence("voice_splice", "1", "splice", "sound", "reported", findings=(splice,)),
            metadata(findings=()),
        ),
        "agreement": t.Agreement(1, 1, 0, 0, False),
        "coverage": t.Coverage(0, None, (0.0, 12.0), 0, ("Two voices.",), ("The music.",)),
        "sound": a_sound(segments=SEGMENTS),
    }  # fmt: skip
    return t.Verdict(**values | more)


CLIP = Path(__file__).parents[2] / "examples" / "portrait_in_motion.mp4"


def over_time(track: int, peak_s: float, top: float, step_s: float = 0.04) -> t.Evidence:
    """A face of which a temporal detector gives a score a frame, with one hill."""
    times = [step_s * i for i in range(round(4 / step_s))]
    values = [0.1 + (top - 0.1) * math.exp(-(((s - peak_s) / 0.3) ** 2)) for s in times]
    spans = tuple(t.Span(s, s, logit(p), p) for s, p in zip(times, values, strict=True))
    return scored(
        f"face {track}", 0.4, detector="temporal_consistency", family="motion", track_id=track,
        spans=spans,
    )  # fmt: skip


def blinks(track: int) -> t.Evidence:
    times = [0.1 * i for i in range(40)]
    plot = {"times_s": times, "eye_opening_ratio": [0.3] * 40, "blinks_s": [0.8, 2.9]}
    return t.Evidence(
        "blinking", "1", "blinking", f"face {track}", "reported", track_id=track,
        details={"plot": plot},
    )  # fmt: skip


def timeline_verdict(name: str = "two-people.mp4", **more: object) -> t.Verdict:
    """A completed video of 4 s with a cut: two people, frame by frame, the first suspicious."""
    jump = t.Finding("jump", "Another face at once", "m", "strong", {"times_s": [1.1]})
    flow = t.Evidence(
        "identity_over_time", "1", "identity", "face 1", "reported", track_id=1, findings=(jump,)
    )
    evidence = (over_time(1, 1.2, 0.9), over_time(2, 3.0, 0.3), blinks(1), flow)
    shots = (Shot(0.0, 2.0, (1, 2)), Shot(2.0, 4.0, (1, 2)))
    runs, marks = runs_of(evidence, shots), marks_of(evidence, shots)
    crop = drawn_picture(90, 90, 1)
    moments = tuple(replace(one, crop=crop) for one in moments_of(runs, marks, shots))
    held_s = np.linspace(0, 4, 21, dtype=np.float32)
    boxes = np.tile(np.array([0.1, 0.2, 0.4, 0.6], np.float32), (21, 1))
    gone = boxes.copy()
    gone[5:9] = np.nan
    values: dict = {
        "evidence": evidence,
        "media": a_media("video", name, duration_s=4.0),
        "timeline": Timeline(
            0.0,
            4.0,
            shots=shots,
            stretches=tuple(run.stretch for run in runs),
            marks=tuple(marks),
            moments=moments,
            paths=(FacePath(1, held_s, boxes), FacePath(2, held_s, gone + 0.3)),
            pieces_s=((0.0, 4.0),),
            footage=probe(str(CLIP)),
        ),
    }
    return video_verdict(name, **values | more)


TREE = {
    "title": "montage.jpg",
    "format": "image/jpeg",
    "claim_generator": "Editor 3.1",
    "issuer": "Example Press",
    "signed_at": "2026-01-02T03:04:05+00:00",
    "actions": [
        {"action": "c2pa.opened", "when": "2026-01-02T03:00:00Z"},
        {
            "action": "c2pa.placed",
            "software": "Editor 3.1",
            "digital_source_type": "http://cv.iptc.org/x/compositeWithTrainedAlgorithmicMedia",
            "description": "A sky was added.",
        },
    ],
    "validation": {"state": "valid_untrusted", "codes": ["signingCredential.untrusted"]},
    "ingredients": [
        {
            "title": "sky.png",
            "relationship": "componentOf",
            "actions": [
                {"action": "c2pa.created", "digital_source_type": "x/trainedAlgorithmicMedia"}
            ],
            "validation": {"state": "invalid", "codes": ["assertion.dataHash.mismatch"]},
        },
        {"title": "street.jpg", "relationship": "parentOf", "validation": {"state": "none"}},
    ],
}
NOISE_REGION = Region(box_px=(64.0, 42.0, 192.0, 168.0))
COPY_REGION = Region(box_px=(320.0, 210.0, 448.0, 315.0), source_px=(32.0, 252.0, 160.0, 357.0))


def file_findings() -> tuple[t.Evidence, ...]:
    """What examinations of the file report: a region with a map, a copy with links, a preview."""
    noise = t.Finding(
        "noise_residual_region", "Noise of one place differs", "It was processed otherwise.",
        "strong", {"ratio": 2.3}, ("A place out of focus.", "Smoothing of skin by the camera."),
        NOISE_REGION, 0.0, "61 pristine camera files",
    )  # fmt: skip
    copied = t.Finding(
        "copy_move_pair", "The same content lies at two places", "Copied, or repeated.", "notable",
        {"n_matches": 40}, ("Windows, tiles, printed patterns.",), COPY_REGION,
    )  # fmt: skip
    preview = drawn_picture(160, 105)
    return (
        metadata(
            views=(
                FileView("preview", "Embedded preview", "The preview in the tags.",
                         "A preview can be old or planted.", rgb=preview, over=False),
            )
        ),
        t.Evidence(
            "noise_residual", "1", "noise", "file", "reported", findings=(noise,),
            views=(FileView("noise", "Local noise level", "Bright: less noise than elsewhere.",
                            "Flat places of genuine pictures stand out too.", values=heat()),),
        ),
        t.Evidence(
            "copy_move", "1", "copy_move", "file", "reported", findings=(copied,),
            views=(FileView("matches", "Copied places", "Lines join places of one content.",
                            "What repeats in the scene looks the same.", values=heat(),
                            box_px=(16.0, 16.0, 624.0, 400.0),
                            links_px=((384.0, 260.0, 96.0, 300.0),)),),
        ),
    )  # fmt: skip


def forensic_verdict(name: str = "montage.jpg", **more: object) -> t.Verdict:
    """A picture without a high score whose file carries a strong finding, maps and a manifest."""
    told = "No score is high, but the file itself carries a strong trace: "
    values = {
        "evidence": (scored("face 1", 0.062, track_id=1), *file_findings()),
        "label": "inconclusive",
        "reasons": (t.Reason("file_findings", f"{told}Noise of one place differs."),),
        "provenance": t.Provenance(
            "valid_untrusted",
            "Intact, but anybody can sign like this.",
            {"signed_by": "Example Press", "trust_list_date": "2026-01-01", "tree": TREE},
            ("signingCredential.untrusted",),
        ),
    }
    return clear_verdict(name, **values | more)


MAKERS = {
    "forensic": forensic_verdict,
    "timeline": timeline_verdict,
    "voices": voices_verdict,
    "image": image_verdict,
    "video": video_verdict,
    "faceless": faceless_verdict,
    "audio": audio_verdict,
    "failed": failed_verdict,
    "clear": clear_verdict,
    "inconclusive": inconclusive_verdict,
    "landscape": landscape_verdict,
}


@pytest.fixture(params=sorted(MAKERS))
def verdict(request: pytest.FixtureRequest) -> t.Verdict:
    """Each kind of verdict in turn."""
    return MAKERS[request.param]()


@pytest.fixture(autouse=True)
def _one_film_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_chart, "as_film", _film)


@lru_cache
def _film(media: t.Media, pieces_s: tuple[tuple[float, float], ...]) -> footage.Film | None:
    return footage.as_film(media, pieces_s)


@pytest.fixture
def make() -> dict:
    """The makers of verdicts by name: `make["image"](name="x.jpg", p_fake=0.9)`."""
    return MAKERS
