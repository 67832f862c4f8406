from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from assay.training.honest_processing import PROCESSING, Saving, draw_saving, process
from assay.types import Array
from tests.real_faces import textured

pytestmark = pytest.mark.train
SHAPE = (256, 320)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def tables(data: bytes) -> dict[int, list[int]]:
    return dict(opened(data).quantization)  # type: ignore[attr-defined]


def processed(kind: str, seed: int = 0) -> tuple[Array, str, str]:
    rng = np.random.default_rng(seed)
    data, saving, note = process(kind, textured(*SHAPE), Saving(90), rng)
    image = opened(data)
    assert not image.getexif()
    assert image.format == "JPEG"
    return np.asarray(image), saving.words, note


@pytest.mark.parametrize("kind", PROCESSING)
def test_the_same_seed_gives_the_same_file(kind: str) -> None:
    first, second, other = (processed(kind, seed) for seed in (1, 1, 2))
    assert first[1:] == second[1:]
    assert np.array_equal(first[0], second[0])
    assert kind == "resaved" or first[2] != other[2]


def test_sizes_after_processing() -> None:
    assert processed("resaved")[0].shape == (*SHAPE, 3)
    assert processed("tone")[0].shape == (*SHAPE, 3)
    for seed in range(12):
        height, width = processed("crop", seed)[0].shape[:2]
        assert 0.74 * SHAPE[0] <= height <= 0.96 * SHAPE[0]
        assert 0.74 * SHAPE[1] <= width <= 0.96 * SHAPE[1]
        scale = processed("resize", seed)[0].shape[0] / SHAPE[0]
        assert 0.49 <= scale <= 0.91 or 1.09 <= scale <= 1.41
        assert processed("social", seed)[0].shape[0] <= SHAPE[0]


def test_a_service_shrinks_what_is_too_large_and_chooses_the_quality() -> None:
    large = np.zeros((400, 4000, 3), np.uint8)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        data, saving, note = process("social", large, Saving(99), rng)
        assert 1080 <= opened(data).width <= 2048
        assert saving.quality is not None
        assert 70 <= saving.quality <= 85
        assert "first q" in note


def test_a_saving_is_what_it_says() -> None:
    rgb = textured(*SHAPE)
    png, jpeg = Saving(None), Saving(75, "4:4:4")
    assert (png.suffix, png.words) == (".png", "png")
    assert (jpeg.suffix, jpeg.words) == (".jpg", "q75 4:4:4")
    assert np.array_equal(png.again(rgb), rgb)
    change = np.abs(jpeg.again(rgb).astype(int) - rgb)
    assert 0 < change.mean() < 20
    reference = io.BytesIO()
    Image.fromarray(rgb).save(reference, "JPEG", quality=75)
    assert tables(jpeg.encode(rgb)) == tables(reference.getvalue())


def test_savings_are_drawn_from_the_range() -> None:
    drawn = [draw_saving(np.random.default_rng(seed), (60, 62), 0.3) for seed in range(60)]
    assert {one.quality for one in drawn} == {None, 60, 61, 62}
    assert len({one.subsampling for one in drawn}) == 3
