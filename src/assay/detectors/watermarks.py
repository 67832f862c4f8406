"""Marks that image generators leave in their pictures: visible and published invisible ones."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from assay.case import Case
from assay.findings import Box, FileView, Region
from assay.inputs.corner_marks import Mark, find_marks
from assay.inputs.wavelet_watermark import MIN_PX, Reading, is_found, read_watermarks
from assay.media.stored_colour import stored_colour
from assay.types import Array, Evidence, Finding, FloatArray, MediaKind, PictureView

MAX_CHANCE = 1e-6  # that any of the published messages agrees so well by chance, in any look
MIN_SIDE_PX = 64
VIEW_SIDES = 3.0  # how much around a visible mark is shown, in sides of the mark


class WatermarksDetector:
    """Whether a known generator's mark is stamped on the picture or hidden in its colours.

    Looks at: the lower right corner (the sparkle of Gemini, the coloured squares of DALL-E 2), and
    the blue difference in the wavelet's coarse part (the fixed messages that the published scripts
    of Stable Diffusion, SDXL, FLUX and InvokeAI write); of a video in up to six whole frames.
    Abstains when: the picture is below 64 px, or a video gave no frame. Fails on: cropped pictures;
    invisible marks after a resize or an ordinary JPEG; marks of words, and moving ones; SynthID and
    others without a public detector. Licences: own code; messages are public facts.
    """

    name = "watermarks"
    version = "1"
    family = "watermark"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image", "video")
    looks_at = (
        "Two visible generator marks in the lower right corner, and the published invisible "
        "messages of Stable Diffusion, SDXL, FLUX and InvokeAI."
    )
    fails_on = (
        "Cropped pictures; invisible messages after resizing or JPEG with shrunken colours; marks "
        "made of words (Sora, Veo, Kling, Runway, AI labels); SynthID and every other mark without "
        "a public detector, which nothing offline can check; marks that only a network reads "
        "(Stable Signature, TrustMark)."
    )
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One piece of evidence for the file: marks found, or what was looked for."""
        started = time.monotonic()
        views = case.picture_views
        if not views:
            return [self._evidence(started, reason="no_frame: No frame could be decoded.")]
        if min(min(view.rgb.shape[:2]) for view in views) < MIN_SIDE_PX:
            reason = f"too_small: The picture has a side below {MIN_SIDE_PX} px."
            return [self._evidence(started, reason=reason)]
        is_video = case.media.kind == "video"
        visible, pictures = _visible(views, is_video)
        # Of a picture only: a film's frames are not stored as JPEG.
        stored = None if is_video else stored_colour(Path(case.media.path))
        reading, when = _best_reading(views, stored)
        findings = list(visible)
        if reading is not None and is_found(reading, MAX_CHANCE):
            findings.append(_invisible(reading, when if is_video else None))
        findings = findings or [_none(reading is not None)]
        strength = -np.log10(max(reading.chance_of_any, 1e-300)) if reading else 0.0
        return [self._evidence(started, tuple(findings), pictures, float(strength))]

    def _evidence(
        self,
        started: float,
        findings: tuple[Finding, ...] = (),
        views: tuple[FileView, ...] = (),
        strength: float = 0.0,
        reason: str | None = None,
    ) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject="file",
            status="abstained" if reason else "reported",
            reason=reason,
            findings=findings,
            views=views,
            details={} if reason else {"raw_logit": strength},
            licence=self.licence,
            seconds_taken=time.monotonic() - started,
        )


def _visible(
    views: tuple[PictureView, ...], is_video: bool
) -> tuple[list[Finding], tuple[FileView, ...]]:
    """A finding and a picture for each known mark, from the frame that shows it best."""
    best: dict[str, tuple[Mark, PictureView]] = {}
    for view in views:
        for mark in find_marks(view.rgb):
            if mark.found and (
                mark.name not in best or mark.likeness > best[mark.name][0].likeness
            ):
                best[mark.name] = (mark, view)
    findings = [_of_mark(mark, view, is_video) for mark, view in best.values()]
    return findings, tuple(_shown(mark, view) for mark, view in best.values())


def _of_mark(mark: Mark, view: PictureView, is_video: bool) -> Finding:
    when = view.time_s if is_video else None
    meaning = (
        f"In the lower right corner lies what looks like the {mark.name} that {mark.writer} stamps "
        f"on the pictures it gives out (likeness {mark.likeness:.2f}, cut {mark.cut:.2f}). That "
        "points to a generated or edited picture; it does not prove it, and its absence means "
        "nothing, for the mark is easily cut off."
    )
    causes = (
        f"A genuine photograph was edited with {mark.writer}, which marks whatever it gives out.",
        "A drawn star, a logo or coloured tiles happen to lie in the corner.",
        "Somebody pasted the mark to discredit a genuine picture.",
    )
    values = {"mark": mark.name, "generator": mark.writer, "likeness": round(mark.likeness, 3)}
    region = Region(box_px=_inside(mark.box_px, view.rgb), start_s=when, end_s=when)
    title = f"A visible mark like that of {mark.writer}"
    return Finding("watermarks_visible", title, meaning, "notable", values, causes, region)


def _inside(box: Box, rgb: Array) -> Box:
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = box
    return max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1)


def _shown(mark: Mark, view: PictureView) -> FileView:
    """The corner with the mark, enlarged to be seen."""
    x0, y0, _, y1 = mark.box_px
    height, width = view.rgb.shape[:2]
    reach = round(VIEW_SIDES * (y1 - y0))
    top, left = max(0, height - reach), max(0, min(round(x0), width - reach))
    cut = view.rgb[top:, left:]
    times = max(1, 240 // max(cut.shape[:2]))
    return FileView(
        name=f"watermarks_{mark.name.replace(' ', '_')}",
        title=f"The corner with a mark like that of {mark.writer}",
        caption="The lower right corner of the picture, enlarged without smoothing.",
        weakness="A mark can be pasted into any picture, and cut off from any.",
        rgb=np.ascontiguousarray(cut.repeat(times, axis=0).repeat(times, axis=1)),
        over=False,
        box_px=(float(left), float(top), float(width), float(height)),
        time_s=view.time_s,
    )


def _best_reading(
    views: tuple[PictureView, ...], stored: tuple[FloatArray, FloatArray] | None
) -> tuple[Reading | None, float]:
    """The least probable agreement over all frames, and the time (s) of its frame."""
    found = [
        (reading, view.time_s)
        for view in views
        for reading in read_watermarks(view.rgb, len(views), stored)
    ]
    if not found:
        return None, 0.0
    readable = [one for one in found if is_found(one[0], MAX_CHANCE)]
    return min(readable or found, key=lambda one: one[0].chance)


def _invisible(reading: Reading, when: float | None) -> Finding:
    meaning = (
        f"Hidden in the colours lies {reading.message.name}, the mark of {reading.message.writer}: "
        f"{reading.n_agreeing} of {reading.n_bits} bits agree. A picture without it agrees so "
        "well, with any of the messages looked for, with probability "
        f"{reading.chance_of_any:.0e}. That says that the picture went through such a program, not "
        "that everything in it is invented."
    )
    causes = (
        "A genuine photograph was sent through the program to be retouched, filled in or enlarged.",
        "Somebody wrote the message, which is public, into a genuine picture.",
    )
    values = {
        "message": reading.message.name,
        "writer": reading.message.writer,
        "method": reading.way.name,
        "bits_agreeing": reading.n_agreeing,
        "bits": reading.n_bits,
        "chance": reading.chance_of_any,
    }
    region = None if when is None else Region(start_s=when, end_s=when)
    title = f"An invisible watermark: {reading.message.name}"
    return Finding("watermarks_invisible", title, meaning, "strong", values, causes, region)


def _none(read: bool) -> Finding:
    small = f" The invisible ones need {MIN_PX} pixels and were not looked for."
    meaning = (
        "None of the few generator marks that can be checked offline was found. That says nothing "
        "about the picture: most generators write none, or one that only their maker can read "
        "(SynthID among them), and cropping, resizing or re-saving removes the others."
    )
    title = "No known generator mark"
    return Finding("watermarks_none", title, meaning + ("" if read else small), "info")


DETECTOR = WatermarksDetector
