"""`python benchmarks/camera_fingerprint.py`: the sensor pattern on simulated sensors, known truth.

Photographs (cache/photos, 1024 x 768 from their middle) are taken again by simulated sensors: a
Gaussian pattern of 1 or 2 % multiplied in, shot noise, JPEG. Twelve pictures are the folder; of
the others each is shown as it is, through another sensor, cropped, saved again, made brighter,
shrunk, and with a part pasted from another sensor. White patterns without a colour filter are an
easy case. Writes benchmarks/results/camera_fingerprint.json.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from assay.case import Deadline
from assay.detectors.camera_fingerprint import DETECTOR
from assay.media.image import read_image
from assay.media.probe import probe
from assay.options import Options
from assay.types import Evidence, FileView, PictureView

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "camera_fingerprint.json"
WIDTH, HEIGHT = 1024, 768
SETTINGS = ((0.01, 90), (0.02, 75), (0.01, 75), (0.02, 90))
N_FOLDER, N_SHOWN = 12, 20
Rgb = np.ndarray


@dataclass
class Tally:
    """What came out for one strength of the pattern and one quality."""

    pce: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    matched: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    gaps: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    raw: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    pixel_auc: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=Path, default=ROOT / "cache" / "photos")
    parser.add_argument("--shown", type=int, default=N_SHOWN)
    chosen = parser.parse_args()
    scenes = list(_scenes(chosen.scenes, N_FOLDER + chosen.shown))
    rows: list[dict[str, Any]] = []
    for seed, setting in enumerate(SETTINGS):
        rows.append(_measured(scenes, *setting, seed))
        text = json.dumps({"n_shown": len(scenes) - N_FOLDER, "rows": rows}, indent=1)
        RESULTS.write_text(text + "\n", encoding="utf-8")
        print(json.dumps(rows[-1], indent=1), flush=True)


def _scenes(folder: Path, most: int) -> Iterator[Rgb]:
    """The middles of the photographs that are large enough, in order of their names."""
    found = 0
    for path in sorted(folder.rglob("*.jpg")):
        with Image.open(path) as picture:
            if found == most or picture.width < WIDTH or picture.height < HEIGHT:
                continue
            left, top = (picture.width - WIDTH) // 2, (picture.height - HEIGHT) // 2
            cut = picture.convert("RGB").crop((left, top, left + WIDTH, top + HEIGHT))
        found += 1
        yield np.asarray(cut)


def _measured(scenes: list[Rgb], strength: float, quality: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    own, other = rng.normal(0, strength, (2, HEIGHT, WIDTH))
    tally = Tally()
    with tempfile.TemporaryDirectory() as held:
        camera = Path(held) / "camera"
        camera.mkdir()
        for at, scene in enumerate(scenes[:N_FOLDER]):
            _save(_shot(scene, own, rng), quality, camera / f"{at}.jpg")
        shown = scenes[N_FOLDER:]
        for at, scene in enumerate(shown):
            pictures = _variants(
                scene, shown[at - 3], (own, other), quality, rng, mask := _mask(rng)
            )
            for name, (rgb, saved) in pictures.items():
                path = _save(rgb, saved, Path(held) / f"{name}.jpg")
                _count(tally, name, _examined(path, camera), mask)
    return {"strength": strength, "quality": quality, **_summary(tally)}


def _shot(scene: Rgb, pattern: Rgb, rng: np.random.Generator) -> Rgb:
    light = scene.astype(np.float64) * (1 + pattern[..., None])
    light += rng.normal(0, 1, light.shape) * np.sqrt(0.12 * np.maximum(light, 0) + 0.5)
    return np.round(light).clip(0, 255).astype(np.uint8)


def _variants(
    scene: Rgb,
    donor: Rgb,
    patterns: tuple[Rgb, Rgb],
    quality: int,
    rng: np.random.Generator,
    mask: Rgb,
) -> dict[str, tuple[Rgb, int]]:
    own, other = patterns
    taken, strange = _shot(scene, own, rng), _shot(scene, other, rng)
    pasted = np.where(mask[..., None], _shot(donor, other, rng), taken)
    held = io.BytesIO()
    Image.fromarray(taken).save(held, "JPEG", quality=quality)
    stored = np.asarray(Image.open(held)).astype(np.float64)
    small = Image.fromarray(taken).resize(
        (WIDTH * 3 // 4, HEIGHT * 3 // 4), Image.Resampling.BICUBIC
    )
    return {
        "own": (taken, quality),
        "other": (strange, quality),
        "crop": (taken[101:613, 203:907], quality),
        "other_crop": (strange[101:613, 203:907], quality),
        "spliced": (pasted, quality),
        "saved_again": (stored.astype(np.uint8), 75),
        "brighter": ((stored * 1.15 + 5).clip(0, 255).astype(np.uint8), quality),
        "shrunk": (np.asarray(small), quality),
    }


def _mask(rng: np.random.Generator) -> Rgb:
    """A random polygon of 6 to 20 % of the picture: (HEIGHT, WIDTH) bool."""
    radius = np.sqrt(rng.uniform(0.06, 0.2) * HEIGHT * WIDTH / np.pi)
    x, y = rng.uniform(0.25, 0.75, 2) * (WIDTH, HEIGHT)
    angles = np.linspace(0, 2 * np.pi, 10)[:-1]
    reach = radius * rng.uniform(0.7, 1.25, 9)
    corners = [
        (float(x + r * np.cos(a)), float(y + r * np.sin(a)))
        for r, a in zip(reach, angles, strict=True)
    ]
    drawn = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(drawn).polygon(corners, fill=255)
    return np.asarray(drawn) > 0


def _save(rgb: Rgb, quality: int, path: Path) -> Path:
    Image.fromarray(rgb).save(path, quality=quality)
    return path


def _examined(path: Path, camera: Path) -> Evidence:
    media = probe(path)
    case: Any = SimpleNamespace(
        media=media,
        picture_views=(PictureView(0, 0.0, read_image(media, 200).rgb),),
        options=Options(camera=str(camera)),
        deadline=Deadline.after(60),
    )
    return DETECTOR().examine(case)[0]


def _count(tally: Tally, name: str, one: Evidence, mask: Rgb) -> None:
    codes = {finding.code for finding in one.findings}
    tally.matched[name].append("camera_fingerprint_match" in codes)
    tally.gaps[name].append("camera_fingerprint_local_gap" in codes)
    if one.status == "reported":
        tally.pce[name].append(one.details["camera"]["pce"])
        tally.raw[name].append(one.details["raw_logit"])
    if name == "spliced" and one.views:
        tally.pixel_auc.append(_pixel_auc(one.views[0], mask))


def _pixel_auc(view: FileView, mask: Rgb) -> float:
    from sklearn.metrics import roc_auc_score

    assert view.values is not None
    assert view.box_px is not None
    x0, y0, x1, y1 = (round(edge) for edge in view.box_px)
    spread = Image.fromarray(view.values).resize((x1 - x0, y1 - y0), Image.Resampling.NEAREST)
    full = np.zeros((HEIGHT, WIDTH), np.float32)
    full[y0:y1, x0:x1] = np.asarray(spread)
    return float(roc_auc_score(mask[::3, ::3].ravel(), full[::3, ::3].ravel()))


def _summary(tally: Tally) -> dict[str, Any]:
    from sklearn.metrics import roc_auc_score

    pair = tally.raw["own"], tally.raw["spliced"]
    truth = [0] * len(pair[0]) + [1] * len(pair[1])
    return {
        "pce_median": {name: round(float(np.median(all_)), 1) for name, all_ in tally.pce.items()},
        "pce_least": {name: round(min(all_), 1) for name, all_ in tally.pce.items()},
        "pce_most": {name: round(max(all_), 1) for name, all_ in tally.pce.items()},
        "matched": {name: f"{sum(all_)}/{len(all_)}" for name, all_ in tally.matched.items()},
        "gap_told": {name: f"{sum(all_)}/{len(all_)}" for name, all_ in tally.gaps.items()},
        "pixel_auc": round(float(np.mean(tally.pixel_auc)), 3),
        "picture_auc": round(float(roc_auc_score(truth, [*pair[0], *pair[1]])), 3),
    }


if __name__ == "__main__":
    main()
