"""The invisible message: read back from known truth, from another library's, and never from air."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.inputs.wavelet_watermark import (
    FLOATS,
    MESSAGES,
    MIN_PX,
    PLAIN,
    Message,
    chance_of,
    is_found,
    ranked_bits,
    read_watermarks,
    votes_by_bit,
)
from tests.inputs.made_watermarks import scene, with_message

GOLDEN = Path(__file__).parents[1] / "golden"
CUT = 1e-6
BY_NAME = {message.name: message for message in MESSAGES}
each_message = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)


@each_message
@pytest.mark.parametrize("floats", [False, True])
def test_a_written_message_is_read(message: Message, floats: bool) -> None:
    found = read_watermarks(with_message(scene(), message.bits, floats))
    assert found[0].message is message
    way = FLOATS if floats else PLAIN
    (reading,) = (one for one in found if one.message is message and one.way is way)
    assert reading.chance == found[0].chance
    assert is_found(reading, CUT)
    assert reading.n_agreeing == reading.n_bits


@each_message
def test_the_same_picture_without_it_has_none(message: Message) -> None:
    assert not any(is_found(one, CUT) for one in read_watermarks(scene()))
    # A message turned round is no message.
    turned = with_message(scene(), [1 - bit for bit in message.bits])
    assert not any(is_found(one, CUT) for one in read_watermarks(turned))


def test_a_picture_without_blue_is_read_where_a_majority_would_fail() -> None:
    message = BY_NAME["the 48-bit number of SDXL"]
    yellow = (scene() * np.array([1.0, 1.0, 0.1])).astype(np.uint8)
    reading = next(
        one
        for one in read_watermarks(with_message(yellow, message.bits))
        if one.message is message and one.way is PLAIN
    )
    assert reading.n_plain < 0.8 * reading.n_bits
    assert is_found(reading, CUT)


@pytest.mark.parametrize("seed", range(6))
def test_pictures_of_nothing_hold_no_message(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stripes = np.tile(rng.integers(0, 256, (1, 64, 3), np.uint8), (320, 5, 1))
    tiles = np.tile(rng.integers(0, 256, (64, 64, 3), np.uint8), (5, 5, 1))
    noise = rng.integers(0, 256, (320, 320, 3), np.uint8)
    flat = np.full((320, 320, 3), rng.integers(0, 256), np.uint8)
    halves = flat.copy()
    halves[:, 160:] = 255 - halves[:, 160:]
    for picture in (stripes, tiles, noise, flat, halves):
        assert not any(is_found(one, CUT) for one in read_watermarks(picture))


@pytest.mark.parametrize("shape", [(1, 1), (255, 256), (3, 60_000), (60_000, 5)])
def test_a_picture_too_small_to_be_written_is_not_read(shape: tuple[int, int]) -> None:
    found = read_watermarks(np.zeros((*shape, 3), np.uint8))
    assert found == [] or shape[0] * shape[1] >= MIN_PX


def test_only_the_top_of_a_large_picture_is_read_and_it_is_enough() -> None:
    message = BY_NAME['"SDV2"']
    marked = with_message(scene(512), message.bits)
    large = np.vstack([np.tile(marked[:, :512], (1, 8, 1))] * 6)  # 12.6 megapixels
    assert read_watermarks(large)  # and no error, with the blocks in another order
    wide = with_message(np.tile(scene(512), (5, 5, 1)), message.bits)
    assert is_found(read_watermarks(wide)[0], CUT)


def test_tied_bits_are_never_told_apart() -> None:
    assert ranked_bits(np.full(8, 0.5, np.float32), 3).sum() in (0, 8)
    means = np.array([0.9, 0.5, 0.5, 0.1], np.float32)
    assert ranked_bits(means, 1).tolist() == [1, 0, 0, 0]
    assert ranked_bits(means, 3).tolist() == [1, 1, 1, 0]
    assert chance_of(4, 2, 4, 2) == 1.0
    assert chance_of(4, 2, 0, 0) == 1.0


def test_the_chance_agrees_with_another_library() -> None:
    stats = pytest.importorskip("scipy.stats")
    for n_bits, n_ones, drawn, right in ((48, 27, 27, 20), (136, 68, 60, 40), (32, 13, 13, 13)):
        expected = stats.hypergeom.sf(right - 1, n_bits, n_ones, drawn)
        assert chance_of(n_bits, n_ones, drawn, right) == pytest.approx(expected, rel=1e-6)


def test_the_chance_is_that_of_drawing_lots() -> None:
    """Bits ranked at random reach a chance of p in no more than a share p of the draws."""
    rng = np.random.default_rng(1)
    bits = np.array(BY_NAME["the 48-bit number of SDXL"].bits)
    n_ones, chances = int(bits.sum()), []
    for _ in range(4000):
        read = ranked_bits(rng.random(len(bits)).astype(np.float32), n_ones)
        chances.append(chance_of(len(bits), n_ones, int(read.sum()), int((read & bits).sum())))
    for cut in (0.3, 0.1, 0.01):
        share = float(np.mean(np.array(chances) <= cut))
        assert share <= cut + 3 * math.sqrt(cut / 4000)


def test_votes_are_counted_by_bit() -> None:
    votes = np.array([1, 0, 1, 1, 0, 0, 1], np.float32)
    assert votes_by_bit(votes, 3).tolist() == pytest.approx([1.0, 0.0, 0.5])
    assert votes_by_bit(votes[:2], 4).tolist() == [1.0, 0.0, 0.5, 0.5]


def test_the_messages_are_those_that_were_published() -> None:
    lengths = {message.name: len(message.bits) for message in MESSAGES}
    assert lengths['"StableDiffusionV1"'] == 136
    assert lengths['"SDV2"'] == 32
    assert lengths["the 48-bit number of SDXL"] == 48
    assert lengths["the 46-bit number of FLUX"] == 46
    assert MESSAGES[0].bits[:8] == (0, 1, 0, 1, 0, 0, 1, 1)  # "S"


@pytest.mark.parametrize(
    ("file", "message", "way"),
    [
        ("watermark_sdxl_floats.png", "the 48-bit number of SDXL", FLOATS),
        ("watermark_sdv1_levels.png", '"StableDiffusionV1"', PLAIN),
    ],
)
def test_what_the_package_itself_wrote_is_read(file: str, message: str, way: object) -> None:
    rgb = np.asarray(Image.open(GOLDEN / file).convert("RGB"))
    best = read_watermarks(rgb)[0]
    assert (best.message.name, best.way, best.n_agreeing) == (message, way, best.n_bits)
    assert is_found(best, CUT)


@each_message
@pytest.mark.parametrize("method", ["dwtDct", "dwtDctSvd"])
def test_it_reads_at_least_what_the_package_reads(message: Message, method: str) -> None:
    imwatermark = pytest.importorskip("imwatermark")
    encoder = imwatermark.WatermarkEncoder()
    encoder.set_watermark("bits", list(message.bits))
    marked = encoder.encode(scene()[..., ::-1].copy(), method)
    decoder = imwatermark.WatermarkDecoder("bits", len(message.bits))
    theirs = np.asarray(decoder.decode(marked.copy(), method), dtype=int)
    agreeing = int((theirs == np.array(message.bits)).sum())
    ours = next(
        one
        for one in read_watermarks(np.ascontiguousarray(marked[..., ::-1]))
        if one.message is message and one.way.name == method
    )
    assert ours.n_plain == pytest.approx(agreeing, abs=0.04 * len(theirs) + 1)
    assert ours.n_agreeing >= agreeing
    assert is_found(ours, CUT)
