"""Cut the loose face views that tracks keep and every face detector is prepared from."""

from __future__ import annotations

import numpy as np

from assay.media.resample import bounded
from assay.subjects.landmarks import Mesh
from assay.types import FaceView, FloatArray, Frame

VIEW_SCALE = 2.0
VIEW_MAX_PX = 512


def cut_view(frame: Frame, mesh: Mesh, track_id: int) -> FaceView:
    """The face with its surroundings, about twice its box, clipped to the frame.

    Shrunk with an area filter when its longer side is over 512 px.
    """
    box = mesh.box_px
    x0, y0, x1, y1 = _window(box, frame.rgb.shape[1], frame.rgb.shape[0])
    # A copy: a slice would keep the whole frame in memory.
    rgb, scale = bounded(frame.rgb[y0:y1, x0:x1].copy(), VIEW_MAX_PX)
    offset = np.array([x0, y0], np.float32)
    return FaceView(
        track_id=track_id,
        frame_index=frame.index,
        time_s=frame.time_s,
        rgb=rgb,
        box_px=((box - np.tile(offset, 2)) * scale).astype(np.float32),
        landmarks_px=((mesh.landmarks_px - offset) * scale).astype(np.float32),
        frame_box_px=box,
        scale=scale,
        score=mesh.score,
    )


def _window(box: FloatArray, width: int, height: int) -> tuple[int, int, int, int]:
    centre = (box[:2] + box[2:]) / 2
    reach = float(max(box[2:] - box[:2])) * VIEW_SCALE / 2
    x0, y0 = (
        int(np.clip(np.floor(c - reach), 0, n - 1))
        for c, n in zip(centre, (width, height), strict=True)
    )
    x1 = int(np.clip(np.ceil(centre[0] + reach), x0 + 1, width))
    y1 = int(np.clip(np.ceil(centre[1] + reach), y0 + 1, height))
    return x0, y0, x1, y1
