"""Whether a picture carries the sensor pattern of a camera whose pictures are given (PRNU)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.case import Case
from assay.detectors import file_evidence
from assay.errors import UsageError
from assay.findings import Box, FileView, Finding, Region
from assay.inputs.camera_folder import (
    AGREE_PCE,
    LEAST_PICTURES,
    LEAST_SIDE_PX,
    CameraFolder,
    agreement_of,
    pattern_of,
    read_camera,
    residue_of_picture,
    stored_size,
)
from assay.inputs.fingerprint import LocalMatch, Match, Residue, local_match, match
from assay.inputs.noise_region import box_of, filled, largest_part
from assay.options import Options
from assay.types import Evidence, FloatArray, Media, MediaKind

MATCH_PCE, SEARCHED_PCE = 60.0, 75.0
"""In place, and where the picture's place in the sensor was searched for."""
GAP_EXPECTED, GAP_FOUND = 8.0, 0.1
LEAST_GAP_WINDOWS = 16
MOST_GAP_SHARE = 0.4
LEAST_FILLED = 0.35
VARIES = 0.4
"""How much the strength of the pattern varies by itself, with texture and compression."""
FULL_SCALE = 3.0
FOLDER_SHARE = 0.6
TEXTS = {
    "no_camera_folder": "No pictures of a known camera were given to compare with (--camera).",
    "too_small": f"Either side of the picture is under {LEAST_SIDE_PX} px.",
    "other_size": "The picture is larger than those of the camera: it was enlarged, or is another "
    "camera's; the patterns cannot be laid over each other.",
    "no_common_fingerprint": "The pictures of the folder do not share a sensor pattern: they are "
    "from several cameras, too few, too small, too strongly compressed or processed.",
    "in_the_folder": "The picture itself is in the folder, and too few others are.",
}
MATCHES = (
    "The noise of this picture holds the pattern that the sensor of the given pictures leaves. A "
    "correlation like that was not met between different simulated sensors. It says that most of "
    "the picture was taken with that camera, not when, nor that nothing in it was changed."
)
NO_MATCH = (
    "The noise of this picture does not hold the pattern of the given pictures to a degree that "
    "can be told. It does not follow that another camera took it: processing removes the pattern."
)
MATCH_CAUSES = (
    "The given pictures and this one show the same still scene, whose edges correlate",
    "The pictures went through the same program, which left the same marks in all of them",
)
NO_MATCH_CAUSES = (
    "Another resolution, zoom or crop mode of the same camera",
    "Strong compression, shrinking, denoising or a filter of an app",
    "Stabilisation, HDR, night mode or other merging of exposures inside the camera",
    "A dark, saturated or heavily textured picture",
)
GAP = (
    "Elsewhere in the picture the pattern of the camera is there; in this region, where it would "
    "be expected {expected:.0f} standard deviations strong, it is not. What was pasted from "
    "another picture, painted or synthesised has no such pattern. It does not tell what was "
    "changed."
)
GAP_CAUSES = (
    "A very dark, saturated, flat or strongly textured region loses its pattern to compression",
    "The camera smoothed this part (sky, face) or merged several exposures there",
    "Honest retouching, a date stamp, a logo or a blurred part",
)


class CameraFingerprint:
    """The sensor pattern of a known camera in this picture, as a whole and locally; no score.

    Looks at: the noise of the picture against the sensor pattern estimated from a folder of
    pictures from one camera (peak-to-correlation energy), also where the picture is a crop, and
    windows of it. Abstains when: no folder is given, it has fewer than five usable pictures of one
    size or they share no pattern, the picture is larger than they are or under 256 px. Fails on:
    pictures that were shrunk, turned by little, stabilised, merged or strongly compressed.
    Licences: none, plain arithmetic.
    """

    name = "camera_fingerprint"
    version = "1"
    family = "noise"
    needs = "file"
    needs_camera = True
    kinds: tuple[MediaKind, ...] = ("image",)
    looks_at = "whether the picture carries the sensor pattern of the camera that was given"
    fails_on = "pictures shrunk, stabilised, merged from exposures or strongly compressed"
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the file; a folder that cannot be used is an abstention here."""
        started = time.monotonic()
        if case.options.camera is None:
            return [self._abstained("no_camera_folder", started)]
        views = case.picture_views
        if not views or min(views[0].rgb.shape[:2]) < LEAST_SIDE_PX:
            return [self._abstained("too_small", started)]
        try:
            folder = read_camera(case.options.camera, _limit_s(case.options))
        except UsageError as error:
            return [self._abstained(error.code, started, str(error))]
        reason = _why_not(case.media, folder)
        if reason:
            return [self._abstained(reason, started)]
        residue, box = residue_of_picture(views[0].rgb, case.media, case.deadline.check)
        pattern = _pattern_without(folder, case.media, residue)
        case.deadline.check()
        found = Compared(folder, case.media, box, _matched(residue, pattern, case.media, folder))
        local = _local(residue, pattern, found)
        return [
            file_evidence(
                self,
                started,
                status="reported",
                findings=(_told(found), *_gap(found, local)),
                views=_view(found, local),
                details={"raw_logit": _raw_logit(local), "camera": found.values()},
            )
        ]

    def _abstained(self, code: str, started: float, text: str = "") -> Evidence:
        said = text or TEXTS[code]
        return file_evidence(self, started, status="abstained", reason=f"{code}: {said}")


@dataclass(frozen=True, slots=True)
class Compared:
    """A picture beside a camera: which part was read, and how it matched."""

    folder: CameraFolder
    media: Media
    box_px: tuple[int, int, int, int]
    match: Match

    @property
    def in_place(self) -> bool:
        """Whether the picture has the size of the camera's, so that nothing was searched."""
        return self.match.searched == 1

    @property
    def matches(self) -> bool:
        """Whether the pattern was found."""
        return self.match.pce >= (MATCH_PCE if self.in_place else SEARCHED_PCE)

    def values(self) -> dict[str, Any]:
        """The figures, for a reader and for a measurement."""
        told: dict[str, Any] = {
            "pce": round(self.match.pce, 1),
            "n_pictures": self.folder.n_used,
            "pictures_agree_pce": round(agreement_of(self.folder), 1),
        }
        if self.matches and not self.in_place:
            x, y = self.folder.box_px[:2]
            told["crop_at_px"] = [self.match.shift_px[0] + x, self.match.shift_px[1] + y]
        left = [f"{one.name}: {one.reason.code}" for one in self.folder.left_out if one.reason]
        return told | ({"left_out": left[:8], "n_left_out": len(left)} if left else {})


def _limit_s(options: Options) -> float:
    """How long the folder may be read, where it was not read before the file."""
    return FOLDER_SHARE * min(options.time_limit_s, options.detector_time_limit_s)


def _why_not(media: Media, folder: CameraFolder) -> str | None:
    width, height = stored_size(media)
    if width > folder.size_px[0] or height > folder.size_px[1]:
        return "other_size"
    if agreement_of(folder) < AGREE_PCE:
        return "no_common_fingerprint"
    if media.sha256 in folder.used and folder.n_used <= LEAST_PICTURES:
        return "in_the_folder"
    return None


def _pattern_without(folder: CameraFolder, media: Media, residue: Residue) -> FloatArray:
    """The camera's pattern, estimated without this very picture where it lies in the folder."""
    if media.sha256 not in folder.used:
        return pattern_of(folder)
    first, second = folder.halves
    return first.with_one(second).without_one(residue.sums()).pattern()


def _matched(residue: Residue, pattern: FloatArray, media: Media, folder: CameraFolder) -> Match:
    """In place where the sizes are equal, else anywhere; a crop cannot exceed what was read."""
    if stored_size(media) == folder.size_px:
        return match(residue.weighed, pattern)
    height, width = (min(one) for one in zip(residue.noise.shape, pattern.shape, strict=True))
    return match(residue.weighed[:height, :width], pattern, everywhere=True)


def _local(residue: Residue, pattern: FloatArray, found: Compared) -> LocalMatch | None:
    """Window by window, where the picture as a whole matches."""
    if not found.matches:
        return None
    x, y = found.match.shift_px
    height, width = (min(one) for one in zip(residue.noise.shape, pattern.shape, strict=True))
    cut = Residue(residue.noise[:height, :width], residue.light[:height, :width])
    return local_match(cut, pattern[y : y + height, x : x + width])


def _missing(local: LocalMatch) -> FloatArray:
    """How far the pattern stays behind what is expected, in spreads of what it does anyway."""
    behind = local.expected - local.found
    return behind / np.sqrt(1 + (VARIES * local.expected) ** 2)


def _raw_logit(local: LocalMatch | None) -> float:
    return round(float(np.quantile(_missing(local), 0.98)), 4) if local else 0.0


def _told(found: Compared) -> Finding:
    folder = f"{found.folder.n_used} pictures"
    if found.matches:
        crop = "" if found.in_place else " It is a crop of such a picture."
        return Finding(
            code="camera_fingerprint_match",
            title=f"The picture carries the sensor pattern of the camera given ({folder})",
            meaning=MATCHES + crop,
            values=found.values(),
            innocent_causes=MATCH_CAUSES,
        )
    return Finding(
        code="camera_fingerprint_no_match",
        title=f"The sensor pattern of the camera given ({folder}) was not found",
        meaning=NO_MATCH,
        severity="notable" if found.in_place else "info",
        values=found.values(),
        innocent_causes=NO_MATCH_CAUSES,
    )


def _gap(found: Compared, local: LocalMatch | None) -> tuple[Finding, ...]:
    """A compact region without the pattern, in a picture that has it elsewhere."""
    if local is None:
        return ()
    missing = (local.expected >= GAP_EXPECTED) & (local.found < GAP_FOUND * local.expected)
    part = largest_part(missing)
    n = int(part.sum())
    if n < LEAST_GAP_WINDOWS or n > MOST_GAP_SHARE * part.size or filled(part) < LEAST_FILLED:
        return ()
    expected = float(np.median(local.expected[part]))
    x0, y0, x1, y1 = box_of(part, local.step_px, found.box_px[:2])
    side = local.window_px - local.step_px
    return (
        Finding(
            code="camera_fingerprint_local_gap",
            title="A region lacks the camera's sensor pattern",
            meaning=GAP.format(expected=expected),
            severity="notable",
            values={
                "expected_deviations": round(expected, 1),
                "found_deviations": round(float(np.median(local.found[part])), 1),
                "n_windows": n,
            },
            innocent_causes=GAP_CAUSES,
            region=Region(box_px=_upright((x0, y0, x1 + side, y1 + side), found.media)),
        ),
    )


def _view(found: Compared, local: LocalMatch | None) -> tuple[FileView, ...]:
    if local is None:
        return ()
    values = np.clip(_missing(local) / FULL_SCALE, 0, 1).astype(np.float32)
    rows, columns = values.shape
    inset = (local.window_px - local.step_px) / 2
    x, y = found.box_px[0] + inset, found.box_px[1] + inset
    box = (x, y, x + columns * local.step_px, y + rows * local.step_px)
    return (
        FileView(
            name="camera_pattern_missing",
            title="Where the camera's pattern is missing",
            caption=(
                "The brighter a place, the further the sensor pattern stays behind what this "
                f"picture's brightness and noise let expect, in windows of {local.window_px} px."
            ),
            weakness=(
                "Compression removes the pattern from flat and dark parts, and texture covers it. "
                f"Parts smaller than a window of {local.window_px} px are not seen."
            ),
            values=np.ascontiguousarray(np.rot90(values, -(found.media.rotation_deg // 90))),
            box_px=_upright(box, found.media),
        ),
    )


def _upright(box: Box, media: Media) -> Box:
    """A box in pixels of the sensor as one in the picture as a viewer turns it."""
    width, height = stored_size(media)
    x0, y0, x1, y1 = box
    turned = {
        90: (height - y1, x0, height - y0, x1),
        180: (width - x1, height - y1, width - x0, height - y0),
        270: (y0, width - x1, y1, width - x0),
    }
    return turned.get(media.rotation_deg, box)


DETECTOR = CameraFingerprint
