"""Views, sources and configurations made on the spot for the training tests."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from assay.inputs.face import FaceInput
from tests.real_faces import golden_landmarks, textured

if TYPE_CHECKING:
    from assay.training.cache import CachedView
    from assay.training.pictures import CachedPicture
    from assay.training.voices import CachedVoice

needs_opencv = pytest.mark.skipif(
    find_spec("cv2") is None, reason="the train extra is not installed"
)
SMALL = FaceInput(size_px=32, scale=1.25)


def make_view(group: str = "a", seed: int = 0, twin: bool = False, **changes: Any) -> CachedView:
    """A textured view, 280 px wide and 240 high, with a real face's mesh left of its middle; its
    twin is brighter in the lower half of the face."""
    from assay.training.cache import CachedView

    landmarks = (golden_landmarks() - (160, 110)).astype(np.float32)
    box = np.r_[landmarks.min(axis=0), landmarks.max(axis=0)].astype(np.float32)
    rgb = textured(240, 280, seed)
    other = rgb.copy()
    if twin:
        middle = int((box[1] + box[3]) / 2)
        part = other[middle : int(box[3]), int(box[0]) : int(box[2])]
        part[:] = np.clip(part.astype(int) + 40, 0, 255)
    values: dict[str, Any] = {
        "group": group,
        "method": "made",
        "split": "train",
        "rgb": rgb,
        "landmarks_px": landmarks,
        "box_px": box,
        "source_path": f"{group}-{seed}.png",
        "twin": other if twin else None,
    }
    return CachedView(**{**values, **changes})


def make_picture(
    seed: int = 0, side: int = 96, twin: bool = False, **changes: Any
) -> CachedPicture:
    """A textured picture, genuine, or with a `twin` a forgery: it softened."""
    from assay.training.pictures import CachedPicture

    rgb = textured(side, side + 16, seed)
    values: dict[str, Any] = {
        "group": f"group-{seed}",
        "method": "made" if twin else "camera",
        "split": "train",
        "fake": twin,
        "rgb": rgb // 2 + 64 if twin else rgb,
        "source_path": f"{seed}.png",
        "twin": rgb if twin else None,
    }
    return CachedPicture(**{**values, **changes})


def make_voice(
    seed: int = 0, length_s: float = 2.0, fake: bool = False, twin: bool = False, **changes: Any
) -> CachedVoice:
    """A voice's likeness, genuine, or synthetic, or with a `twin` a forgery: it half as loud."""
    from assay.training.voices import CachedVoice, as_stored
    from tests.training.sound_makers import voiced

    samples = as_stored(voiced(length_s, seed))
    made = fake or twin
    values: dict[str, Any] = {
        "group": f"person-{seed}",
        "method": "vocoder" if made else "set",
        "split": "train",
        "fake": made,
        "samples": samples // 2 if twin else samples,
        "source_path": f"{seed}.flac",
        "twin": samples if twin else None,
        "source": "set",
    }
    return CachedVoice(**{**values, **changes})


CONFIG = """
name = "tiny"
version = "1"
kind = "face"

[data]
folders = ["{folder}"]
cache = "{cache}"
calibration_share = 0.3
calibration_groups = [{groups}]

[recipe]
size_px = 32
scale = 1.25

[mixture]
swapped_twins = 0.3
two_faces = 0.2

[schedule]
steps = 3
pairs = 2
check_every = 2
workers = 0
device = "cpu"
"""


def write_config(folder: Path, groups: str = "", **replaced: str) -> Path:
    """A configuration file; `replaced` maps a line's key to the line that takes its place."""
    text = CONFIG.format(folder=folder / "data", cache=folder / "cache", groups=groups)
    lines = text.splitlines()
    for key, line in replaced.items():
        at = next(i for i, old in enumerate(lines) if old.startswith((f"{key} ", f"[{key}]")))
        lines[at] = line
    path = folder / "tiny.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


COLUMNS = "path,modality,label,method,identity,split,box,source,licence,note,sha256"


def write_manifest(folder: Path, rows: list[dict[str, str]]) -> Path:
    """`folder`/manifest.csv with these rows; what a row leaves out is filled in."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = {"modality": "image", "label": "real", "method": "made", "split": "train"}
    lines = [COLUMNS]
    for number, row in enumerate(rows):
        full = {**plain, "sha256": f"{number:016x}", "licence": "CC0", **row}
        lines.append(",".join(full.get(name, "") for name in COLUMNS.split(",")))
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
