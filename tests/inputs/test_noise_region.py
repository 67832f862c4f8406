"""The region that stands out: connected parts, cuts, boxes, and the distance beside texture."""

from __future__ import annotations

import numpy as np

from assay.inputs.noise_map import grain_map, read_blocks
from assay.inputs.noise_region import best_cut, box_of, filled, largest_part, standing_out
from tests.inputs.test_noise_map import grain, smeared


def test_the_largest_connected_part_is_kept() -> None:
    flags = np.zeros((6, 8), bool)
    flags[0, 0] = flags[1, 1] = True  # corner to corner is not connected
    flags[3:5, 2:6] = True
    part = largest_part(flags)
    assert part.sum() == 8
    assert part[3, 2]
    assert not largest_part(np.zeros((3, 3), bool)).any()


def test_box_and_filling_by_hand() -> None:
    flags = np.zeros((5, 5), bool)
    flags[1:3, 2] = flags[2, 3] = True
    assert box_of(flags, 16, (8, 24)) == (40.0, 40.0, 72.0, 72.0)
    assert filled(flags) == 0.75
    assert filled(np.zeros((2, 2), bool)) == 0.0


def test_the_best_cut_lies_between_two_groups() -> None:
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(2, 0.3, 900), rng.normal(9, 0.5, 100)])
    assert 2.5 < best_cut(values.astype(np.float32)) < 8


def test_a_foreign_part_is_found_and_lies_far_apart() -> None:
    luma = grain()
    luma[128:256, 160:320] = smeared(grain(seed=7))[128:256, 160:320]
    found, even = (grain_map(read_blocks(one)) for one in (luma, grain()))
    assert found is not None
    assert even is not None
    region, usual = standing_out(found), standing_out(even)
    assert region is not None
    x0, y0, x1, y1 = region.box_px((0, 0))
    assert abs(x0 - 160) <= 48
    assert abs(y0 - 128) <= 48
    assert abs(x1 - 320) <= 48
    assert abs(y1 - 256) <= 48
    assert region.filled > 0.7
    assert usual is None or region.apart > 3 * usual.apart
