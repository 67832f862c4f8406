"""The contract of every face forger; forgers that need a picture or nothing are held to their own
tests, because some of them need weights."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import assay.training.forgeries as room
from assay.errors import InputError
from assay.training.forgeries import Forger, Forgery, Subject, discover
from assay.types import Array
from tests.real_faces import golden_landmarks, textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]

NAMES = ("face_reconstruction", "mouth_rendering", "self_blend", "two_faces")
every_forger = pytest.mark.parametrize("name", NAMES)
Shift = tuple[float, float]


@pytest.fixture(autouse=True)
def _reconstruction_without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    def softened(rgb: Array) -> Array:
        return np.asarray(cv2.GaussianBlur(rgb, (0, 0), 2.0), np.uint8)

    monkeypatch.setattr("assay.training.forgeries.vae.reconstruct_picture", softened)


def subject(height: int = 240, width: int = 280, shift: Shift = (-160, -110)) -> Subject:
    return Subject(textured(height, width), (golden_landmarks() + shift).astype(np.float32))


def donor() -> Subject:
    return Subject(textured(300, 256, 5), (golden_landmarks() * 0.5).astype(np.float32))


def forge(name: str, seed: int, of: Subject) -> Forgery:
    return discover()[name].make(of, donor(), np.random.default_rng(seed))


def require_contract(forgery: Forgery, of: Subject) -> None:
    shape = of.rgb.shape
    assert forgery.fake.shape == forgery.genuine.shape == shape
    assert forgery.fake.dtype == forgery.genuine.dtype == np.uint8
    assert forgery.mask.shape == shape[:2]
    assert forgery.mask.dtype == np.float32
    assert 0 <= forgery.mask.min() <= forgery.mask.max() <= 1
    untouched = forgery.mask == 0
    assert np.array_equal(forgery.fake[untouched], forgery.genuine[untouched])


def test_every_forger_is_found_once_under_its_own_name() -> None:
    found = discover()
    assert set(NAMES) <= set(found)
    assert list(found) == sorted(found)
    assert all(name == forger.name for name, forger in found.items())
    folder = Path(str(room.__file__)).parent
    with_one = [p.stem for p in folder.glob("*.py") if "\nFORGER = " in p.read_text("utf-8")]
    assert len(with_one) == len(found)
    assert set(NAMES) <= set(with_one)


def test_two_forgers_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = discover()["self_blend"]
    monkeypatch.setattr(sys.modules["assay.training.forgeries.masks"], "FORGER", twice, False)
    with pytest.raises(RuntimeError, match="self_blend"):
        discover()


def test_every_forger_says_what_it_is() -> None:
    for forger in discover().values():
        assert isinstance(forger, Forger)
        assert forger.title
        assert len(forger.source) > 20
        assert forger.needs in ("face", "two_faces", "picture", "nothing")
    kinds = {name: (discover()[name].kind, discover()[name].needs) for name in NAMES}
    assert kinds == {
        "face_reconstruction": ("face_altered", "face"),
        "mouth_rendering": ("lip_synced", "face"),
        "self_blend": ("face_altered", "face"),
        "two_faces": ("face_altered", "two_faces"),
    }


@every_forger
def test_a_forgery_keeps_the_contract_and_changes_something(name: str) -> None:
    of = subject()
    for seed in range(15):
        forgery = forge(name, seed, of)
        require_contract(forgery, of)
        assert forgery.name.split("/")[0] == name
        changed = np.abs(forgery.fake.astype(int) - forgery.genuine.astype(int)).max(axis=2) > 0
        assert changed.any()
        assert changed[forgery.mask > 0.5 * forgery.mask.max()].mean() > 0.3
    assert np.array_equal(of.rgb, textured(240, 280))


@every_forger
def test_the_same_seed_gives_the_same_forgery(name: str) -> None:
    first, again, other = (forge(name, seed, subject()) for seed in (5, 5, 6))
    assert np.array_equal(first.fake, again.fake)
    assert np.array_equal(first.genuine, again.genuine)
    assert np.array_equal(first.mask, again.mask)
    assert first.name == again.name
    assert not np.array_equal(first.fake, other.fake)


@every_forger
@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (37, 23), (211, 5), (63, 128)])
def test_pictures_of_odd_shapes_are_survived(name: str, shape: tuple[int, int]) -> None:
    low, high = golden_landmarks().min(axis=0), golden_landmarks().max(axis=0)
    landmarks = (golden_landmarks() - low) / (high - low) * np.array(shape[::-1])
    of = Subject(textured(*shape), landmarks.astype(np.float32))
    for seed in range(10):
        require_contract(forge(name, seed, of), of)


@every_forger
@pytest.mark.parametrize(
    "shift", [(-330, -110), (0, -300), (60, 20), (-160, -400), (5e3, 0), (-1e7, 1e7)]
)
def test_a_face_at_or_beyond_the_border_is_survived(name: str, shift: Shift) -> None:
    of = subject(shift=shift)
    for seed in range(10):
        require_contract(forge(name, seed, of), of)


@every_forger
def test_a_face_of_no_extent_and_a_read_only_picture_are_survived(name: str) -> None:
    rgb = textured(120, 100)
    rgb.flags.writeable = False
    of = Subject(rgb, np.full((468, 2), 40.0, np.float32))
    for seed in range(6):
        require_contract(forge(name, seed, of), of)
    mirrored = Subject(rgb[:, ::-1], subject().landmarks_px)
    require_contract(forge(name, 0, mirrored), mirrored)


@every_forger
def test_what_has_no_face_is_refused(name: str) -> None:
    maker = discover()[name].make
    rng = np.random.default_rng(0)
    for nobody in (None, Subject(textured(40, 40))):
        with pytest.raises(InputError):
            maker(nobody, donor(), rng)
    if name == "two_faces":
        with pytest.raises(InputError):
            maker(subject(), None, rng)
