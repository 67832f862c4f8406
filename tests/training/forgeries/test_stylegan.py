from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from assay.errors import ConfigError
from assay.training.forgeries import stylegan
from assay.training.forgeries.stylegan import FORGER, draw_face
from assay.types import FloatArray

needs_networks = pytest.mark.skipif(
    not (find_spec("openvino") and find_spec("random_face")),
    reason="the optional packages openvino and random-face are not installed",
)
pytestmark = pytest.mark.train


@pytest.fixture
def plain_networks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A mapping that doubles its noise and adds one; a synthesis that paints the style's mean in
    red, its first value in green, and what lies beyond the range in blue."""

    def mapping(inputs: dict[str, FloatArray]) -> list[FloatArray]:
        return [inputs["var"] * 2 + 1]

    def synthesis(inputs: dict[str, FloatArray]) -> list[FloatArray]:
        style = inputs["style"]
        assert style.dtype == np.float32
        assert style.shape == (1, 512)
        planes = np.empty((1, 3, 1024, 1024), np.float32)
        for channel, value in enumerate((style.mean() / 2, style[0, 0] / 8, 3.0)):
            planes[0, channel] = value
        return [planes]

    monkeypatch.setattr(stylegan, "_networks", lambda: (mapping, synthesis))
    stylegan._mean_style.cache_clear()
    yield
    stylegan._mean_style.cache_clear()


@pytest.mark.usefixtures("plain_networks")
def test_truncation_moves_from_the_mean_face_to_the_whole_spread() -> None:
    def colour(truncation: float) -> FloatArray:
        face = draw_face(np.random.default_rng(3), truncation, 64)
        assert face.shape == (64, 64, 3)
        return face[0, 0].astype(np.float32)

    # The mean of 512 styles of spread 2 about 1 is 1, to within a twelfth.
    assert colour(0)[0] == pytest.approx(127.5 * 1.5, abs=2)
    assert colour(0)[1] == pytest.approx(127.5 * (1 + 1 / 8), abs=6)
    first = np.random.default_rng(3).normal() * 2 + 1
    assert colour(1)[1] == pytest.approx(127.5 * (1 + first / 8), abs=2)
    assert colour(0.5)[1] == pytest.approx((colour(0)[1] + colour(1)[1]) / 2, abs=2)
    assert colour(0.5)[2] == 255


@pytest.mark.usefixtures("plain_networks")
def test_the_forgery_is_its_own_ground() -> None:
    forgery = FORGER.make(None, None, np.random.default_rng(1))
    again = FORGER.make(None, None, np.random.default_rng(1))
    other = FORGER.make(None, None, np.random.default_rng(2))
    assert forgery.fake.shape == (1024, 1024, 3)
    assert forgery.fake.dtype == np.uint8
    assert forgery.genuine is forgery.fake
    assert (forgery.mask == 1).all()
    assert np.array_equal(forgery.fake, again.fake)
    assert not np.array_equal(forgery.fake, other.fake)


@pytest.mark.parametrize(
    ("truncation", "size_px"), [(-0.1, 256), (1.1, 256), (float("nan"), 256), (0.5, 63), (1, 2048)]
)
def test_what_cannot_be_drawn_is_refused(truncation: float, size_px: int) -> None:
    with pytest.raises(ConfigError, match="No face") as caught:
        draw_face(np.random.default_rng(0), truncation, size_px)
    assert "1024" in caught.value.remedy


def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str, remedy: str) -> Any:
        raise ConfigError(f"no {package}", remedy=remedy)

    monkeypatch.setattr(stylegan, "imported", missing)
    stylegan._networks.cache_clear()
    with pytest.raises(ConfigError) as caught:
        FORGER.make(None, None, np.random.default_rng(0))
    assert "pip install" in caught.value.remedy
    assert "random-face" in caught.value.remedy


@needs_networks
@pytest.mark.slow
def test_it_draws_faces() -> None:
    from assay.subjects.faces import find_faces

    stylegan._networks.cache_clear()
    stylegan._mean_style.cache_clear()
    faces = [draw_face(np.random.default_rng(seed), 0.6, 512) for seed in range(2)]
    assert np.abs(faces[0].astype(int) - faces[1]).mean() > 10
    for face in faces:
        found = find_faces(face, thorough=False)
        assert len(found) == 1
        box = found[0].box_px
        assert 120 < max(box[2:] - box[:2]) < 450


def test_what_it_is() -> None:
    assert (FORGER.name, FORGER.kind, FORGER.needs) == ("stylegan", "generated", "nothing")
