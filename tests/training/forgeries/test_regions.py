from __future__ import annotations

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.forgeries.forgery import Subject
from assay.training.forgeries.regions import draw_region, picture_of
from tests.real_faces import grey, textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]


@pytest.mark.parametrize("shape", [(96, 96), (200, 431), (600, 512)])
def test_a_region_is_one_piece_of_the_wanted_size_off_the_edges(shape: tuple[int, int]) -> None:
    import cv2

    rgb = textured(*shape)
    for seed in range(30):
        region = draw_region(rgb, np.random.default_rng(seed), (0.1, 0.3), 90)
        assert region.dtype == np.float32
        assert region.shape == shape
        assert set(np.unique(region)) == {0.0, 1.0}
        assert cv2.connectedComponents(region.astype(np.uint8))[0] == 2
        rows, columns = np.nonzero(region)
        for places, length in ((rows, shape[0]), (columns, shape[1])):
            assert places.min() >= 2
            assert places.max() <= length - 3
            extent = places.max() - places.min() + 1
            assert extent <= min(90, 0.3 * min(shape) + 1)
        assert region.sum() >= 0.2 * (0.1 * min(shape)) ** 2


def test_regions_lie_both_on_the_object_and_away_from_it() -> None:
    rgb = grey(300, 300)
    rgb[100:200, 100:200] = textured(100, 100)
    shares = []
    for seed in range(40):
        region = draw_region(rgb, np.random.default_rng(seed), (0.12, 0.2), 100)
        shares.append(region[95:205, 95:205].sum() / region.sum())
    assert sum(share > 0.3 for share in shares) >= 12
    assert sum(share == 0 for share in shares) >= 12


def test_boxes_and_rounder_shapes_are_drawn() -> None:
    fills = []
    for seed in range(40):
        region = draw_region(textured(), np.random.default_rng(seed), (0.2, 0.3), 200)
        rows, columns = np.nonzero(region)
        box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        fills.append(region.sum() / box)
    assert sum(fill == 1 for fill in fills) >= 5
    assert sum(fill < 0.85 for fill in fills) >= 15


def test_too_small_a_picture_is_refused() -> None:
    with pytest.raises(InputError, match="96 px"):
        draw_region(textured(95, 300), np.random.default_rng(0), (0.1, 0.2), 50)


@pytest.mark.parametrize(
    "subject",
    [
        None,
        Subject(np.zeros((0, 9, 3), np.uint8)),
        Subject(np.zeros((200, 200), np.uint8)),
        Subject(np.zeros((200, 200, 4), np.uint8)),
        Subject(np.zeros((200, 200, 3), np.float32)),  # type: ignore[arg-type]
    ],
)
def test_only_a_picture_is_a_picture(subject: Subject | None) -> None:
    with pytest.raises(InputError):
        picture_of(subject)


def test_a_flipped_picture_is_taken_as_it_looks() -> None:
    rgb = textured(100, 120)[:, ::-1]
    taken = picture_of(Subject(rgb))
    assert taken.flags.c_contiguous
    assert np.array_equal(taken, rgb)
