"""A face that never was, drawn by MobileStyleGAN.

Source: Belousov, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity
Image Synthesis", 2021; the networks lie in the package random-face 2021.7.21.1 (Apache-2.0; they
were distilled from StyleGAN2-FFHQ, whose terms are non-commercial). Its own wrapper calls an
interface that OpenVINO has dropped, so the two networks are read directly. Both packages are
optional (docs/decisions/026).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from assay.errors import ConfigError
from assay.media.resample import resized
from assay.training.forgeries.forgery import Forger, Forgery, Subject
from assay.training.forgeries.packaged import imported, weights_folder
from assay.types import Array, FloatArray

REMEDY = "Install them: pip install openvino && pip install --no-deps random-face==2021.7.21.1"
STYLE_SIZE = 512
NATIVE_PX = 1024
TRUNCATIONS = (0.5, 1.0)


def stylegan(subject: Subject | None, donor: Subject | None, rng: np.random.Generator) -> Forgery:
    """A face of 1024 px at a truncation drawn from [0.5, 1]; needs no picture.

    Nothing genuine lies behind it: `genuine` is the face itself, the mask is one everywhere.
    Raises ConfigError when a package is missing.
    """
    fake = draw_face(rng, float(rng.uniform(*TRUNCATIONS)))
    return Forgery(fake, fake, np.ones(fake.shape[:2], np.float32), "stylegan")


def draw_face(rng: np.random.Generator, truncation: float, size_px: int = NATIVE_PX) -> Array:
    """A face (size, size, 3) uint8, shrunk by area where `size_px` is less than the native 1024.

    `truncation` moves it from the mean face (0) to the whole spread (1) of the styles.
    Raises ConfigError for another size or truncation, or when a package is missing.
    """
    if not (0 <= truncation <= 1 and 64 <= size_px <= NATIVE_PX):
        raise ConfigError(
            f"No face of {size_px} px at truncation {truncation} can be drawn.",
            remedy=f"Use 64 to {NATIVE_PX} px and a truncation from 0 to 1.",
        )
    mapping, synthesis = _networks()
    style = _style(mapping, rng)
    style = _mean_style() + np.float32(truncation) * (style - _mean_style())
    planes = np.asarray(synthesis({"style": style})[0][0], np.float32)
    values = (np.clip(planes, -1, 1) + 1) * np.float32(127.5)
    face = np.asarray(np.rint(values).transpose(1, 2, 0), np.uint8)
    return resized(np.ascontiguousarray(face), (size_px, size_px))


def _style(mapping: Any, rng: np.random.Generator) -> FloatArray:
    noise = rng.normal(size=(1, STYLE_SIZE)).astype(np.float32)
    return np.array(mapping({"var": noise})[0], np.float32)


@cache
def _mean_style() -> FloatArray:
    mapping, _ = _networks()
    rng = np.random.default_rng(0)  # its own: the mean face is one, whatever is drawn
    return np.asarray(np.mean([_style(mapping, rng) for _ in range(512)], axis=0), np.float32)


@cache
def _networks() -> tuple[Any, Any]:
    core = imported("openvino", REMEDY).Core()
    folder = weights_folder("random_face", "data", REMEDY)
    # OpenVINO takes bfloat16 by itself where the processor has it.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    mapping, synthesis = (
        core.compile_model(str(folder / f"{name}Network.xml"), "CPU", exact)
        for name in ("Mapping", "Synthesis")
    )
    return mapping, synthesis


FORGER = Forger(
    name="stylegan",
    title="A whole face drawn by a StyleGAN",
    kind="generated",
    needs="nothing",
    source="MobileStyleGAN (Belousov, 2021); random-face 2021.7.21.1, Apache-2.0, after "
    "StyleGAN2-FFHQ (non-commercial)",
    make=stylegan,
)
