"""Both eyes of one face: lids, iris, and an upright picture of each iris.

The network is MediaPipe's iris landmark network (Ablavatski et al., "Real-time Pupil Tracking
from Monocular Video for Digital Puppetry", 2020), 64 px, bundle `iris`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.bundles import open_network
from assay.media.resample import quickly_resized, warped
from assay.subjects.landmarks import LEFT_EYE, RIGHT_EYE
from assay.types import Array, FloatArray

INPUT_PX = 64
REGION_SCALE = 2.3
# The lids among the network's 71 points, from the outer corner to the inner one.
LOWER_LID, UPPER_LID = (0, 1, 2, 3, 4, 5, 6, 7, 8), (0, 9, 10, 11, 12, 13, 14, 15, 8)
PATCH_PX = 49
PATCH_REACH = 1.5  # in iris radii from the iris centre to the patch's edge


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye in the pixels of the picture it was found in.

    `centre_px` (2,) and `radius_px` are the iris's; `iris_px` (5, 2) holds its centre, left,
    top, right and bottom point; `lower_lid_px` and `upper_lid_px` (9, 2) run from corner to
    corner.
    """

    centre_px: FloatArray
    radius_px: float
    iris_px: FloatArray
    lower_lid_px: FloatArray
    upper_lid_px: FloatArray

    @property
    def openness(self) -> float:
        """The widest distance between the lids over the distance of the corners."""
        width = float(np.linalg.norm(self.lower_lid_px[8] - self.lower_lid_px[0]))
        gaps = np.linalg.norm(self.upper_lid_px[1:8] - self.lower_lid_px[1:8], axis=1)
        return float(gaps.max()) / max(width, 1e-6)

    @property
    def position(self) -> float:
        """Where the iris stands between the corners: 0 at the outer one, 1 at the inner one."""
        outer, inner = self.lower_lid_px[0], self.lower_lid_px[8]
        along = inner - outer
        return float((self.centre_px - outer) @ along / max(float(along @ along), 1e-6))


def find_eyes(rgb: Array, landmarks_px: FloatArray) -> tuple[Eye, Eye]:
    """The eyes of one face, the viewer's left one first.

    `rgb` is (h, w, 3) uint8, `landmarks_px` (468, 2) the mesh in it. Closed eyes get a guess:
    ask `openness`.
    """
    return (
        _find_eye(rgb, landmarks_px[list(RIGHT_EYE)], mirrored=False),
        _find_eye(rgb, landmarks_px[list(LEFT_EYE)], mirrored=True),
    )


def _find_eye(rgb: Array, corners_px: FloatArray, mirrored: bool) -> Eye:
    """`corners_px` (2, 2) from the viewer's left to right."""
    along = corners_px[1] - corners_px[0]
    side = max(4.0, float(np.linalg.norm(along)) * REGION_SCALE)
    to_picture = _placed(corners_px.mean(axis=0), along, side / INPUT_PX, INPUT_PX, mirrored)
    patch = cut(rgb, to_picture, INPUT_PX)
    outputs = open_network("iris").run(patch[None].astype(np.float32) / 255.0)
    lids = next(v for v in outputs.values() if v.size == 213).reshape(71, 3)[:, :2]
    iris = next(v for v in outputs.values() if v.size == 15).reshape(5, 3)[:, :2]
    lids, iris = (
        np.asarray(p @ to_picture[:, :2].T + to_picture[:, 2], np.float32) for p in (lids, iris)
    )
    across = float(np.linalg.norm(iris[3] - iris[1])) + float(np.linalg.norm(iris[4] - iris[2]))
    return Eye(iris[0], across / 4, iris, lids[list(LOWER_LID)], lids[list(UPPER_LID)])


def iris_patches(rgb: Array, eyes: tuple[Eye, Eye]) -> tuple[IrisPatch, IrisPatch]:
    """Both irises cut alike: same size in iris radii, level with the line between the eyes.

    Neither is mirrored: a far lamp is reflected at the same side of both.
    """
    along = eyes[1].centre_px - eyes[0].centre_px
    first, second = (_iris_patch(rgb, eye, along) for eye in eyes)
    return first, second


@dataclass(frozen=True, slots=True)
class IrisPatch:
    """`rgb` (49, 49, 3) uint8, the iris in its middle, 1.5 radii to each side; `open` (49, 49)
    bool: between the lids; `radii` (49, 49): distance from the centre in iris radii."""

    rgb: Array
    open: Array
    radii: FloatArray


def _iris_patch(rgb: Array, eye: Eye, along: FloatArray) -> IrisPatch:
    scale = max(eye.radius_px, 0.5) * 2 * PATCH_REACH / (PATCH_PX - 1)
    to_picture = _placed(eye.centre_px, along, scale, PATCH_PX, mirrored=False)
    turn = np.linalg.inv(to_picture[:, :2])
    lower, upper = (
        (lid - to_picture[:, 2]) @ turn.T for lid in (eye.lower_lid_px, eye.upper_lid_px)
    )
    ys, xs = np.mgrid[:PATCH_PX, :PATCH_PX].astype(np.float32)
    radii = np.hypot(xs - PATCH_PX // 2, ys - PATCH_PX // 2) / (PATCH_PX // 2) * PATCH_REACH
    between = (ys > _height_at(upper, xs)) & (ys < _height_at(lower, xs))
    return IrisPatch(cut(rgb, to_picture, PATCH_PX), between, np.asarray(radii, np.float32))


def _height_at(lid: FloatArray, xs: FloatArray) -> FloatArray:
    order = np.argsort(lid[:, 0])
    return np.asarray(np.interp(xs, lid[order, 0], lid[order, 1]), np.float32)


def _placed(
    centre: FloatArray, along: FloatArray, scale: float, size_px: int, mirrored: bool
) -> FloatArray:
    """The map (2, 3) from a square patch around `centre` to the picture; `along` points right."""
    length = float(np.linalg.norm(along))
    unit = (along / length if length > 1e-6 else np.array([1.0, 0.0])) * scale
    turn = np.array([[unit[0], -unit[1]], [unit[1], unit[0]]])
    if mirrored:
        turn[:, 0] *= -1
    middle = np.full(2, (size_px - 1) / 2)
    return np.column_stack([turn, centre - turn @ middle]).astype(np.float32)


def cut(rgb: Array, to_picture: FloatArray, size_px: int) -> Array:
    """Sample a square patch (size_px, size_px, 3); what would be shrunk is shrunk by area first.

    Outside of the picture it is black.
    """
    corners = np.array([[0, 0], [size_px, 0], [0, size_px], [size_px, size_px]], np.float32)
    corners = corners @ to_picture[:, :2].T + to_picture[:, 2]
    limit = np.array([rgb.shape[1], rgb.shape[0]])
    low = np.clip(np.floor(corners.min(axis=0)) - 2, 0, limit - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 3, low + 1, limit).astype(int)
    part, moved = rgb[low[1] : high[1], low[0] : high[0]], to_picture.astype(np.float64)
    moved[:, 2] -= low
    scale = float(np.hypot(*moved[:, 0]))
    if scale > 1.2:
        size = [max(1, round(length / scale)) for length in (part.shape[1], part.shape[0])]
        factor = np.array([size[0] / part.shape[1], size[1] / part.shape[0]])
        # Counted at pixel centres, so half a pixel goes along.
        moved = moved * factor[:, None]
        moved[:, 2] += 0.5 * factor - 0.5
        part = quickly_resized(part, (size[0], size[1]))
    return warped(part, moved.astype(np.float32), (size_px, size_px))
