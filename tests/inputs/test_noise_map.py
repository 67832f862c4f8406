"""The pattern of the grain: classes, counts by hand, and a foreign part that stands out."""

from __future__ import annotations

import numpy as np
import pytest

from assay.errors import TimeLimitError
from assay.inputs.noise_map import (
    CELL_PX,
    CLASS_OF,
    N_CLASSES,
    NOTHING,
    block_cells,
    box_sums,
    distance_from_most,
    grain_map,
    pattern_counts,
    read_blocks,
)


def grain(height: int = 384, width: int = 448, seed: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    base = np.linspace(70, 170, width)[None, :] + np.zeros((height, 1))
    return np.round(base + rng.normal(0, 2.5, base.shape)).astype(np.float32)


def smeared(luma: np.ndarray) -> np.ndarray:
    """The same noise, correlated as resampling leaves it."""
    near = (luma + np.roll(luma, 1, 1) + np.roll(luma, 1, 0) + np.roll(luma, (1, 1), (0, 1))) / 4
    about = near.mean()
    return np.round(about + (near - about) * 1.0).astype(np.float32)


def test_mirrored_and_flipped_patterns_are_one_class() -> None:
    def number(*pattern: int) -> int:
        code = 0
        for one in pattern:
            code = code * 3 + one + 1
        return int(CLASS_OF[code])

    assert N_CLASSES == 25
    assert number(1, 0, 0, -1) == number(-1, 0, 0, 1)
    assert number(1, 1, 0, 0) == number(0, 0, 1, 1) == number(0, 0, -1, -1)
    assert number(1, 1, 0, 0) != number(1, 0, 1, 0)
    assert number(0, 0, 0, 0) == NOTHING


def test_a_flat_picture_has_only_the_empty_pattern() -> None:
    counts = pattern_counts(np.full((48, 64), 90, np.float32))
    assert counts.shape == (3, 4, 2 * N_CLASSES)
    kept = counts.reshape(3, 4, 2, N_CLASSES)
    assert (kept[..., NOTHING] == kept.sum(axis=3)).all()
    assert kept[0, 0, 0].sum() == CELL_PX * CELL_PX


def test_counts_across_and_down_change_places_when_the_picture_is_turned() -> None:
    luma = grain(64, 96)
    counts, turned = pattern_counts(luma), pattern_counts(np.ascontiguousarray(luma.T))
    assert (counts[..., :N_CLASSES] == turned[..., N_CLASSES:].swapaxes(0, 1)).all()


def test_box_sums_add_up() -> None:
    cells = np.arange(24, dtype=np.float32).reshape(4, 6, 1)
    summed = box_sums(cells, 3)
    assert summed.shape == (2, 4, 1)
    assert summed[1, 2, 0] == cells[1:4, 2:5].sum()


def test_distances_are_those_of_the_many() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0, 1, (400, 3)).astype(np.float32)
    points[:20] += 9
    distance = distance_from_most(points)
    assert distance[:20].min() > 3 * np.median(distance[20:])


def test_a_part_with_other_grain_stands_out() -> None:
    luma = grain()
    luma[128:256, 160:320] = smeared(grain(seed=7))[128:256, 160:320]
    found = grain_map(read_blocks(luma))
    assert found is not None
    assert found.distance.shape == (24, 28)
    inside = found.distance[9:15, 11:19]
    outside = found.distance.copy()
    outside[6:18, 8:22] = np.nan
    assert float(inside.min()) > float(np.nanquantile(outside, 0.99))


def test_an_even_picture_has_no_far_blocks() -> None:
    found = grain_map(read_blocks(grain()))
    assert found is not None
    assert found.used.all()
    assert float(found.distance.max()) < 4 * found.usual


@pytest.mark.parametrize("value", [0.0, 128.0, 255.0])
def test_nothing_can_be_read_of_one_value(value: float) -> None:
    assert grain_map(read_blocks(np.full((320, 320), value, np.float32))) is None


def test_dark_and_saturated_parts_are_left_out() -> None:
    luma = grain()
    luma[:, :128] = 255
    found = grain_map(read_blocks(luma))
    assert found is not None
    assert not found.used[:, :6].any()
    assert not found.distance[:, :6].any()
    assert found.used[:, 10:].all()


def test_large_pictures_have_larger_blocks() -> None:
    assert [block_cells(n) for n in (200_000, 5_000_000, 12_000_000)] == [3, 4, 6]


def test_it_can_be_stopped() -> None:
    def stop() -> None:
        raise TimeLimitError("enough")

    with pytest.raises(TimeLimitError):
        read_blocks(grain(), stop)
