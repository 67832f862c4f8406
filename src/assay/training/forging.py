"""Forge one picture of any size: find its faces, let a forger work, put the result back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.errors import AssayError, InstallationError, NoFaceError, TooLargeError, UsageError
from assay.subjects.tracks import TrackBuilder
from assay.subjects.views import VIEW_SCALE
from assay.training.forgeries.forgery import Forger, Forgery, Subject
from assay.types import Array, FloatArray, Frame

MAX_WHOLE_MEGAPIXELS = 50.0
"""A forger that changes a whole picture holds it several times over as floats."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture: pixels x0 to x1 and y0 to y1, the last ones not included."""

    x0: int
    y0: int
    x1: int
    y1: int

    def cut(self, picture: Array) -> Array:
        """A copy of that part of a picture or mask."""
        return picture[self.y0 : self.y1, self.x0 : self.x1].copy()


def forge_picture(
    forger: Forger, rgb: Array | None, donor_rgb: Array | None, seed: int, face: int | None = None
) -> Forgery:
    """The forgery at the picture's own size; the same arguments give the same one.

    `rgb` and `donor_rgb` are (h, w, 3) uint8, None where the forger needs none. `face` counts from
    1, the largest; of the donor the largest face is taken. A face forger sees the picture around
    its face, twice the face's box, and what lies outside stays as it is, unless the forger changed
    the surroundings too: then it is given the whole picture.

    Raises UsageError, NoFaceError, TooLargeError, InstallationError (the forger failed or gave
    something that is no forgery), and what the forger says itself (ConfigError, InputError).
    """
    if forger.needs == "nothing":
        return _made(forger, None, None, seed)
    if rgb is None:
        raise UsageError(f"{forger.name} needs a picture.")
    if forger.needs == "picture":
        return _made(forger, _whole(forger, rgb, _face_if_any(rgb, face)), None, seed)
    donor = _donor(donor_rgb) if forger.needs == "two_faces" else None
    landmarks_px = find_face(rgb, face)
    window = window_around(landmarks_px, rgb.shape[1], rgb.shape[0])
    view = _view(rgb, landmarks_px, window)
    forgery = _made(forger, view, donor, seed)
    if np.array_equal(forgery.genuine, window.cut(rgb)):
        return _put_back(forgery, rgb, window)
    # The surroundings changed as well: pasted, they would end in a visible rectangle.
    return _made(forger, _whole(forger, rgb, landmarks_px), donor, seed)


def find_face(rgb: Array, face: int | None = None, where: str = "the picture") -> FloatArray:
    """The mesh (468, 2) in px of the face number `face` (1, the default, is the largest).

    Raises NoFaceError.
    """
    builder = TrackBuilder()
    builder.add(Frame(0, 0.0, rgb))
    tracks, _views = builder.finish()
    if not tracks:
        raise NoFaceError(f"No face was found in {where}.")
    if face is not None and face > len(tracks):
        count = "one face" if len(tracks) == 1 else f"{len(tracks)} faces"
        raise NoFaceError(
            f"There is no face {face}: {count} found in {where}.",
            remedy="Faces count from 1, the largest.",
        )
    return np.asarray(tracks[(face or 1) - 1].landmarks_px[0], np.float32)


def window_around(landmarks_px: FloatArray, width: int, height: int) -> Window:
    """The square of twice the face's longer side around it, clipped to the picture."""
    low, high = landmarks_px.min(axis=0), landmarks_px.max(axis=0)
    centre, reach = (low + high) / 2, float((high - low).max()) * VIEW_SCALE / 2
    x0, y0 = (
        int(np.clip(np.floor(c - reach), 0, n - 1))
        for c, n in zip(centre, (width, height), strict=True)
    )
    x1 = int(np.clip(np.ceil(centre[0] + reach), x0 + 1, width))
    y1 = int(np.clip(np.ceil(centre[1] + reach), y0 + 1, height))
    return Window(x0, y0, x1, y1)


def _face_if_any(rgb: Array, face: int | None) -> FloatArray | None:
    try:
        return find_face(rgb, face)
    except NoFaceError:
        if face is not None:
            raise
        return None


def _view(rgb: Array, landmarks_px: FloatArray, window: Window) -> Subject:
    offset = np.array([window.x0, window.y0], np.float32)
    return Subject(window.cut(rgb), (landmarks_px - offset).astype(np.float32))


def _whole(forger: Forger, rgb: Array, landmarks_px: FloatArray | None) -> Subject:
    megapixels = rgb.shape[0] * rgb.shape[1] / 1e6
    if megapixels > MAX_WHOLE_MEGAPIXELS:
        raise TooLargeError(
            f"{forger.name} works on the whole picture, which has {megapixels:.0f} megapixels; "
            f"at most {MAX_WHOLE_MEGAPIXELS:g} are possible.",
            remedy="Give a smaller copy.",
        )
    return Subject(rgb.copy(), landmarks_px)


def _donor(donor_rgb: Array | None) -> Subject:
    if donor_rgb is None:
        raise UsageError("This forger needs a second face.", remedy="Give one with --donor FILE.")
    landmarks_px = find_face(donor_rgb, where="the donor's picture")
    window = window_around(landmarks_px, donor_rgb.shape[1], donor_rgb.shape[0])
    return _view(donor_rgb, landmarks_px, window)


def _made(forger: Forger, subject: Subject | None, donor: Subject | None, seed: int) -> Forgery:
    """What the forger makes, checked: forgers are found in a folder, so any may be wrong."""
    shape = subject.rgb.shape if subject is not None else None
    try:
        forgery = forger.make(subject, donor, np.random.default_rng(seed))
    except (AssayError, ModuleNotFoundError):
        raise
    except MemoryError as error:
        raise TooLargeError(f"The picture is too large for {forger.name}.") from error
    except Exception as error:
        raise InstallationError(
            f"The forger {forger.name} failed: {type(error).__name__}: {error}.",
            remedy="Please report it, with the picture's size and the seed.",
        ) from error
    fault = _fault(forgery, shape)
    if fault:
        raise InstallationError(
            f"The forger {forger.name} gave no forgery: {fault}.", remedy="Please report it."
        )
    return forgery


def _fault(forgery: object, shape: tuple[int, ...] | None) -> str:
    """What is wrong with a forgery of a picture of that shape; "" where nothing is."""
    if not isinstance(forgery, Forgery):
        return f"a {type(forgery).__name__}"
    for name, picture in (("fake", forgery.fake), ("genuine", forgery.genuine)):
        found = getattr(picture, "shape", ()), str(getattr(picture, "dtype", "none"))
        wanted = shape or found[0]
        is_picture = len(wanted) == 3 and wanted[-1] == 3 and min(wanted) > 0
        if not is_picture or found != (wanted, "uint8"):
            return f"{name} is {found[0]} {found[1]}"
    mask = np.asarray(forgery.mask)
    if mask.shape != forgery.fake.shape[:2] or forgery.genuine.shape != forgery.fake.shape:
        return f"the mask is {mask.shape}, the picture {forgery.fake.shape}"
    if not np.isfinite(mask).all() or mask.min() < 0 or mask.max() > 1:
        return "the mask leaves the range from 0 to 1"
    return ""


def _put_back(forgery: Forgery, rgb: Array, window: Window) -> Forgery:
    fake, mask = rgb.copy(), np.zeros(rgb.shape[:2], np.float32)
    fake[window.y0 : window.y1, window.x0 : window.x1] = forgery.fake
    mask[window.y0 : window.y1, window.x0 : window.x1] = forgery.mask
    return Forgery(fake, rgb, mask, forgery.name)
