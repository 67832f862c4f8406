"""A face replaced by a generative reconstruction of itself.

What diffusion-based face editors and restorers do: the face goes through a generator and is laid
back into the picture. The reconstruction keeps the content, so that only the generator's traces
and the seam tell. After Ricker et al., "AEROBLADE", CVPR 2024 (a decoder's traces), and Shiohara
and Yamasaki, CVPR 2022 (the mask).
"""

from __future__ import annotations

import numpy as np

from assay.errors import InputError
from assay.training.forgeries.blending import blend, match_colours
from assay.training.forgeries.faces import face_of
from assay.training.forgeries.forgery import Forger, Forgery, Subject
from assay.training.forgeries.masks import HULL_KINDS, HULL_WEIGHTS, hull_mask, soften
from assay.types import Array, FloatArray


def blend_reconstruction(
    rgb: Array, landmarks_px: FloatArray, reconstruction_rgb: Array, rng: np.random.Generator
) -> Forgery:
    """Blend `reconstruction_rgb`, of the picture's own shape, into the face's hull; in every third
    picture with slightly other colours. Raises InputError where the shapes differ."""
    if reconstruction_rgb.shape != rgb.shape:
        raise InputError("A reconstruction has the shape of its picture.")
    kind = str(rng.choice(HULL_KINDS, p=HULL_WEIGHTS))
    hull = hull_mask(landmarks_px, kind, rgb.shape[:2])
    source = reconstruction_rgb
    way = rng.random()
    if way < 0.35:
        source = _tinted(source, rng)
    elif way < 0.6:
        source = match_colours(source, rgb, hull)
    mask = soften(hull, rng)
    if rng.random() < 0.7:  # mostly the whole change; sometimes a mixture, as soften drew it
        mask = mask / max(float(mask.max()), 1e-6)
    return Forgery(blend(source, rgb, mask), rgb, mask, f"face_reconstruction/{kind}")


def _tinted(rgb: Array, rng: np.random.Generator) -> Array:
    gain = rng.uniform(0.95, 1.05, 3).astype(np.float32)
    offset = rng.uniform(-5, 5, 3).astype(np.float32)
    return np.asarray(np.clip(rgb * gain + offset + 0.5, 0, 255), np.uint8)


def _make(subject: Subject | None, donor: Subject | None, rng: np.random.Generator) -> Forgery:
    from assay.training.forgeries.vae import reconstruct_picture

    rgb, landmarks = face_of(subject)
    return blend_reconstruction(rgb, landmarks, reconstruct_picture(rgb), rng)


FORGER = Forger(
    name="face_reconstruction",
    title="Face replaced by a generative reconstruction of itself",
    kind="face_altered",
    needs="face",
    source="Ricker et al., CVPR 2024 (arXiv 2401.17879), and Shiohara and Yamasaki, CVPR 2022 "
    "(arXiv 2204.08376); own code, Apache-2.0; the generator's licence is named in vae.py",
    make=_make,
)
