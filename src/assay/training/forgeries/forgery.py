"""What a forgery is, and what a forger offers. Every forger is found by `forgeries.discover()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assay.types import Array, FloatArray, ForgeryKind

Needs = Literal["face", "two_faces", "picture", "nothing"]


@dataclass(frozen=True, slots=True)
class Forgery:
    """A forged picture beside the genuine one it was made of, and the mask of the change.

    `fake` and `genuine` are (h, w, 3) uint8, `mask` is (h, w) float32 in [0, 1]. Where the whole
    picture was generated the mask is one everywhere; where nothing genuine lies behind it,
    `genuine` is the forgery itself.
    """

    fake: Array
    genuine: Array
    mask: FloatArray
    name: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A genuine picture to forge: (h, w, 3) uint8 RGB, and its face's 468 mesh points (468, 2) in
    pixels, where it has a face."""

    rgb: Array
    landmarks_px: FloatArray | None = None


Make = Callable[[Subject | None, Subject | None, np.random.Generator], Forgery]


@dataclass(frozen=True, slots=True)
class Forger:
    """One way to forge. `make(subject, donor, rng)` draws everything random from `rng`.

    `needs`: a face, two faces (the second lends its own), any picture, or nothing. `source` names
    the paper or the package, with its licence. `make` raises ConfigError with a remedy where a
    part that it needs (weights, a package) is missing, and InputError where the picture cannot be
    forged this way.
    """

    name: str
    title: str
    kind: ForgeryKind
    needs: Needs
    source: str
    make: Make
    modality: Literal["picture"] = "picture"
