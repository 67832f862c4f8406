from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from assay.errors import (
    ConfigError,
    InstallationError,
    NoFaceError,
    TooLargeError,
    UsageError,
)
from assay.training import forging
from assay.training.forgeries import Forger, Forgery, Subject, discover
from assay.training.forging import find_face, forge_picture, window_around
from assay.types import Array, FloatArray
from tests.real_faces import golden_landmarks, grey, pasted, portrait, scaled, textured

Make = Callable[[Subject | None, Subject | None, np.random.Generator], Forgery]


def forger(make: Any, needs: Any = "face", kind: Any = "face_altered") -> Forger:
    return Forger("made", "Made for a test", kind, needs, "own code, Apache-2.0", make)


def darken_face(subject: Subject | None, _donor: Subject | None, rng: Any) -> Forgery:
    """A square around the face's middle becomes of one random grey."""
    assert subject is not None
    assert subject.landmarks_px is not None
    mask = np.zeros(subject.rgb.shape[:2], np.float32)
    x, y = subject.landmarks_px.mean(axis=0).astype(int)
    mask[y - 10 : y + 10, x - 10 : x + 10] = 1.0
    fake = subject.rgb.copy()
    fake[mask > 0] = rng.integers(256)
    return Forgery(fake, subject.rgb, mask, "made/square")


def whole(subject: Subject | None, _donor: Subject | None, _rng: Any) -> Forgery:
    assert subject is not None
    mask = np.ones(subject.rgb.shape[:2], np.float32)
    return Forgery(255 - subject.rgb, subject.rgb, mask, "made/inverted")


@pytest.fixture
def known_face(monkeypatch: pytest.MonkeyPatch) -> FloatArray:
    """The face is where it stands in the portrait of 512 x 600 px; nothing is searched."""
    landmarks = golden_landmarks()
    monkeypatch.setattr(forging, "find_face", lambda *_one, **_more: landmarks)
    return landmarks


def test_a_face_forger_changes_only_its_window_of_a_large_picture(known_face: FloatArray) -> None:
    rgb = textured(3000, 4000)
    seen: list[tuple[int, ...]] = []

    def make(subject: Subject, donor: Any, rng: Any) -> Forgery:
        seen.append(subject.rgb.shape)
        return darken_face(subject, donor, rng)

    forgery = forge_picture(forger(make), rgb, None, seed=1)
    window = window_around(known_face, 4000, 3000)
    assert seen == [(window.y1 - window.y0, window.x1 - window.x0, 3)]
    assert seen[0][0] < 1000
    changed = (forgery.fake != rgb).any(axis=2)
    assert changed.any()
    assert not changed[forgery.mask == 0].any()
    assert forgery.mask.sum() == 400
    x, y = known_face.mean(axis=0)
    np.testing.assert_allclose(np.argwhere(forgery.mask).mean(axis=0), (y, x), atol=2)
    assert forgery.genuine is rgb


def test_a_forger_that_changed_the_surroundings_gets_the_whole_picture(
    known_face: FloatArray,
) -> None:
    rgb = textured()
    seen: list[tuple[int, ...]] = []

    def make(subject: Subject, donor: Any, rng: Any) -> Forgery:
        seen.append(subject.rgb.shape)
        other = Subject((subject.rgb // 2).astype(np.uint8), subject.landmarks_px)
        return darken_face(other, donor, rng)

    forgery = forge_picture(forger(make), rgb, None, seed=1)
    assert seen[1] == rgb.shape
    np.testing.assert_array_equal(forgery.genuine, rgb // 2)
    # No rectangle: every pixel outside the mask went through the same change.
    np.testing.assert_array_equal(forgery.fake[forgery.mask == 0], (rgb // 2)[forgery.mask == 0])


def test_the_seed_decides(known_face: FloatArray) -> None:
    rgb = textured()
    first, again, other = (
        forge_picture(forger(darken_face), rgb, None, seed).fake for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_forger_that_writes_into_its_picture_spoils_nothing(known_face: FloatArray) -> None:
    rgb = textured()
    before = rgb.copy()

    def make(subject: Subject, donor: Any, rng: Any) -> Forgery:
        subject.rgb[:] = 0
        return whole(subject, donor, rng)

    forge_picture(forger(make), rgb, None, seed=1)
    forge_picture(forger(make, "picture"), rgb, None, seed=1)
    np.testing.assert_array_equal(rgb, before)


def test_out_of_nothing_no_picture_is_given() -> None:
    def make(subject: Subject | None, donor: Subject | None, rng: Any) -> Forgery:
        assert subject is None
        assert donor is None
        rgb = rng.integers(0, 256, (8, 9, 3)).astype(np.uint8)
        return Forgery(rgb, rgb, np.ones((8, 9), np.float32), "made")

    assert forge_picture(forger(make, "nothing"), None, None, seed=1).fake.shape == (8, 9, 3)


def test_a_picture_forger_works_without_a_face() -> None:
    seen = []

    def make(subject: Subject, donor: Any, rng: Any) -> Forgery:
        seen.append(subject.landmarks_px)
        return whole(subject, donor, rng)

    rgb = textured(120, 160)
    forgery = forge_picture(forger(make, "picture"), rgb, None, seed=1)
    np.testing.assert_array_equal(forgery.fake, 255 - rgb)
    assert seen == [None]
    with pytest.raises(NoFaceError):
        forge_picture(forger(make, "picture"), rgb, None, seed=1, face=1)


def test_a_second_face_is_needed_and_cut_from_the_donor(known_face: FloatArray) -> None:
    seen = []

    def make(subject: Subject, donor: Subject, rng: Any) -> Forgery:
        seen.append(donor)
        return darken_face(subject, donor, rng)

    with pytest.raises(UsageError, match="second face"):
        forge_picture(forger(make, "two_faces"), textured(), None, seed=1)
    forge_picture(forger(make, "two_faces"), textured(), textured(seed=2), seed=1)
    window = window_around(known_face, 512, 600)
    np.testing.assert_array_equal(seen[0].rgb, window.cut(textured(seed=2)))
    np.testing.assert_allclose(seen[0].landmarks_px, known_face - (window.x0, window.y0), atol=1e-3)


def test_the_largest_face_is_taken_unless_another_is_named() -> None:
    large, small = portrait(), scaled(portrait("astronaut"), 0.5)
    frame = pasted(pasted(grey(700, 1200), large, (600, 50)), small, (100, 200))
    first, second = find_face(frame), find_face(frame, 2)
    assert first[:, 0].mean() > 600
    assert second[:, 0].mean() < 600
    np.testing.assert_array_equal(find_face(frame, 1), first)
    with pytest.raises(NoFaceError, match=r"no face 3: 2 faces"):
        find_face(frame, 3)


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (120, 160)])
def test_without_a_face_a_face_forger_refuses(size: tuple[int, int]) -> None:
    with pytest.raises(NoFaceError, match="No face"):
        forge_picture(forger(darken_face), grey(*size), None, seed=1)


def test_a_window_stays_inside_and_has_an_area() -> None:
    corner = np.array([[-30.0, -30.0], [20.0, 10.0]], np.float32)
    window = window_around(corner, 100, 80)
    assert (window.x0, window.y0) == (0, 0)
    assert 0 < window.x1 <= 100
    assert 0 < window.y1 <= 80
    outside = window_around(corner + 500, 100, 80)
    assert outside.x1 > outside.x0
    assert outside.y1 > outside.y0


def test_whole_pictures_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forging, "MAX_WHOLE_MEGAPIXELS", 0.01)
    with pytest.raises(TooLargeError, match="megapixels"):
        forge_picture(forger(whole, "picture"), grey(120, 160), None, seed=1)


def spoilt(**changes: Any) -> Make:
    def make(subject: Subject | None, _donor: Any, _rng: Any) -> Forgery:
        assert subject is not None
        mask = np.zeros(subject.rgb.shape[:2], np.float32)
        parts: dict[str, Any] = {"fake": subject.rgb, "genuine": subject.rgb, "mask": mask}
        return Forgery(**{**parts, **changes}, name="spoilt")

    return make


NO_NUMBER = np.full((40, 50), np.nan, np.float32)
SPOILT = {
    "smaller": spoilt(fake=np.zeros((39, 50, 3), np.uint8)),
    "floats": spoilt(fake=np.zeros((40, 50, 3), np.float32)),
    "grey": spoilt(fake=np.zeros((40, 50), np.uint8)),
    "nothing": spoilt(fake=None),
    "other genuine": spoilt(genuine=np.zeros((2, 2, 3), np.uint8)),
    "no number": spoilt(mask=NO_NUMBER),
    "above one": spoilt(mask=np.full((40, 50), 255.0, np.float32)),
    "small mask": spoilt(mask=np.zeros((4, 5), np.float32)),
    "none": lambda *_: None,
    "array": lambda *_: np.zeros((40, 50, 3), np.uint8),
}


@pytest.mark.parametrize("make", SPOILT.values(), ids=SPOILT)
def test_what_is_no_forgery_is_refused(make: Any) -> None:
    with pytest.raises(InstallationError, match="made gave no forgery"):
        forge_picture(forger(make, "picture"), grey(40, 50), None, seed=1)


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (ValueError("broken"), InstallationError),
        (MemoryError(), TooLargeError),
        (ConfigError("no weights"), ConfigError),
        (NoFaceError("turned away"), NoFaceError),
        (ModuleNotFoundError("no ncnn"), ModuleNotFoundError),
    ],
)
def test_a_forger_that_fails_is_named_or_speaks_for_itself(
    raised: Exception, becomes: type[Exception]
) -> None:
    def make(*_all: Any) -> Forgery:
        raise raised

    with pytest.raises(becomes) as caught:
        forge_picture(forger(make, "picture"), grey(40, 50), None, seed=1)
    assert type(caught.value) is becomes


def test_arrays_are_checked_even_out_of_nothing() -> None:
    def make(*_all: Any) -> Forgery:
        empty: Array = np.zeros((0, 5, 3), np.uint8)
        return Forgery(empty, empty, np.zeros((0, 5), np.float32), "made")

    with pytest.raises(InstallationError, match="no forgery"):
        forge_picture(forger(make, "nothing"), None, None, seed=1)


@pytest.mark.train
@pytest.mark.parametrize("name", discover())
def test_every_forger_of_the_lab_works_here(name: str) -> None:
    pytest.importorskip("cv2", reason="the train extra is not installed")
    rgb, donor = scaled(portrait(), 0.5), scaled(portrait("astronaut"), 0.5)
    one = discover()[name]
    try:
        forgery = forge_picture(one, rgb, donor, seed=5)
    except (ConfigError, ModuleNotFoundError) as error:
        pytest.skip(f"a part of {name} is not installed: {error}")
    assert forgery.mask.max() > 0
    if one.needs != "nothing":
        assert forgery.fake.shape == rgb.shape
        assert (forgery.fake != forgery.genuine).any()
