"""Do the cues of `face_geometry` see a disagreement that is surely there?

`python benchmarks/face_geometry_control.py` takes genuine pictures, gives each face the right eye
of another person, or light from the mirrored side on rim and neck, and writes how often the cue
is higher than on the untouched face (AUC) to benchmarks/results/face_geometry_control.json.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from assay.evaluation.metrics import auc, with_interval
from assay.inputs.face_cues import CueInput, _eye_band
from assay.subjects.eyes import IrisPatch, find_eyes, iris_patches
from assay.subjects.irises import colours, highlights, likeness
from assay.subjects.light import face_frame, skin_light
from assay.training.cache import cached_views
from assay.training.datasets.manifest import read_manifest
from assay.training.shared import shared_folder

METHODS = ("cfp", "utkface", "unsplash", "web-portraits")
N_FACES = 300
RESULT = Path(__file__).parent / "results" / "face_geometry_control.json"
EYE_CUES = (
    "highlights_differ",
    "highlights_apart",
    "irises_unlike",
    "iris_brightness_differs",
    "iris_colours_differ",
)


def eye_cues(pair: tuple[IrisPatch, IrisPatch]) -> list[float]:
    seen, like, both = highlights(pair), likeness(pair), colours(pair)
    reflections = [np.nan, np.nan] if seen is None else [1 - seen.overlap, seen.apart]
    if both is None:
        return [*reflections, np.nan if like is None else 1 - like, np.nan, np.nan]
    apart = both[0] - both[1]
    hue = float(np.abs(apart - apart.mean()).max())
    return [*reflections, np.nan if like is None else 1 - like, abs(float(apart.mean())), hue]


def measured() -> tuple[list[tuple[IrisPatch, IrisPatch]], list[tuple[float, ...]]]:
    """Iris patches, and slopes of light on cheeks, rim and neck (NaN: not seen), face by face."""
    recipe, patches, slopes = CueInput(), [], []
    items = [item for item in read_manifest(shared_folder() / "data") if item.method in METHODS]
    items = [item for item in items if item.modality == "image"]
    views = cached_views(items, Path("cache/views"))
    for place in np.random.default_rng(0).permutation(len(views)):
        view = views[place]
        frame, rgb = face_frame(view.landmarks_px), np.asarray(view.rgb)
        turn = abs(float(frame.inward(view.landmarks_px)[1, 0]))
        if frame.eye_distance_px < recipe.min_eye_distance_px or turn > recipe.max_turn:
            continue
        light = skin_light(rgb, view.landmarks_px)
        if light is not None:
            found = (light.cheeks, light.rim, light.neck)
            slopes.append(tuple(np.nan if value is None else value for value in found))
        band, landmarks = _eye_band(rgb, view.landmarks_px, frame, recipe.eye_distance_px)
        eyes = find_eyes(band, landmarks)
        if min(eye.openness for eye in eyes) >= recipe.min_openness:
            patches.append(iris_patches(band, eyes))
        if len(patches) == N_FACES:
            break
    return patches, slopes


def compared(own: np.ndarray, changed: np.ndarray) -> dict[str, float | int]:
    kept = np.isfinite(own), np.isfinite(changed)
    scores = np.concatenate([own[kept[0]], changed[kept[1]]])
    fake = np.arange(len(scores)) >= kept[0].sum()
    faces = [str(n) for ok in kept for n in np.flatnonzero(ok)]
    found = with_interval_of(scores, fake, faces)
    return {**found, "n_faces": int(kept[0].sum())}


def with_interval_of(scores: np.ndarray, fake: np.ndarray, faces: list[str]) -> dict[str, float]:
    found = with_interval(auc, scores, fake, faces, n_draws=300)
    return {name: round(float(getattr(found, name)), 3) for name in ("value", "low", "high")}


def main() -> None:
    patches, slopes = measured()
    own = np.array([eye_cues(pair) for pair in patches])
    other = np.array([eye_cues((patches[n][0], patches[n - 1][1])) for n in range(len(patches))])
    result = {name: compared(own[:, n], other[:, n]) for n, name in enumerate(EYE_CUES)}
    cheeks, rim, neck = np.array(slopes).T
    result["light_on_rim"] = compared(np.abs(cheeks - rim), np.abs(cheeks + rim))
    result["light_on_neck"] = compared(np.abs(cheeks - neck), np.abs(cheeks + neck))
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
