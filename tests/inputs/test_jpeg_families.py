"""Quantisation tables matched: exact at every quality as Pillow writes them, near where changed."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from assay.inputs.dct_history import steps_of
from assay.inputs.jpeg_families import (
    STANDARD_CHROMA,
    STANDARD_LUMA,
    ijg_luma_table,
    ijg_table,
    known_tables,
    match_tables,
    named_families,
)


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 75, 92, 99, 100])
def test_standard_tables_are_those_of_libjpeg(quality: int) -> None:
    store = io.BytesIO()
    Image.new("RGB", (16, 16)).save(store, "JPEG", quality=quality)
    with Image.open(store) as picture:
        luma, chroma = picture.quantization[0], picture.quantization[1]
    assert tuple(luma) == ijg_table(STANDARD_LUMA, quality)
    assert tuple(chroma) == ijg_table(STANDARD_CHROMA, quality)
    match = match_tables(luma, chroma)
    assert match.exact
    assert match.chroma_exact
    assert match.mean_gap == 0
    assert ijg_luma_table(match.quality) == tuple(luma)


def test_other_tables_are_near_a_quality_and_not_exact() -> None:
    luma = list(ijg_luma_table(80))
    luma[40] += 1
    match = match_tables(luma, None)
    assert (match.quality, match.exact, match.chroma_exact) == (80, False, None)
    assert 0 < match.mean_gap < 0.01


def test_sixteen_bit_steps_are_matched() -> None:
    luma = ijg_table(STANDARD_LUMA, 5, 32767)
    assert max(luma) > 255
    match = match_tables(luma, ijg_table(STANDARD_CHROMA, 5, 32767))
    assert match.quality == 5


def test_known_tables_are_tables_with_a_source() -> None:
    for table, seen in known_tables().items():
        assert len(table) == 64
        assert min(table) >= 1
        assert seen
    for table in named_families().values():
        assert len(steps_of(table)) == 14
