from __future__ import annotations

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.forgeries.face_reconstruction import FORGER, blend_reconstruction
from assay.training.forgeries.forgery import Subject
from tests.real_faces import golden_landmarks, textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]


def reconstructed(rgb: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    import cv2

    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), 1.5), np.uint8)


def test_the_face_is_the_reconstruction_and_the_rest_is_genuine() -> None:
    rgb = textured()
    other, pure = reconstructed(rgb), 0
    for seed in range(24):
        rng = np.random.default_rng(seed)
        forgery = blend_reconstruction(rgb, golden_landmarks(), other, rng)
        assert np.array_equal(forgery.genuine, rgb)
        outside = forgery.mask == 0
        assert np.array_equal(forgery.fake[outside], rgb[outside])
        full = forgery.mask == 1
        pure += bool(full.any()) and np.array_equal(forgery.fake[full], other[full])
        difference = np.abs(forgery.fake.astype(int) - rgb.astype(int))
        assert difference[forgery.mask > 0.5 * forgery.mask.max()].mean() > 1
    assert 3 <= pure <= 18  # the others are tinted, matched or weak


def test_another_shape_is_refused() -> None:
    with pytest.raises(InputError):
        blend_reconstruction(
            textured(), golden_landmarks(), textured(60, 60), np.random.default_rng(0)
        )


def test_the_forger_asks_the_autoencoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.training.forgeries.vae.reconstruct_picture", reconstructed)
    subject = Subject(textured(), golden_landmarks())
    forgery = FORGER.make(subject, None, np.random.default_rng(1))
    expected = blend_reconstruction(
        textured(), golden_landmarks(), reconstructed(textured()), np.random.default_rng(1)
    )
    assert np.array_equal(forgery.fake, expected.fake)
