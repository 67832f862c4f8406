from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("imagehash", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.datasets.perceptual_hash import (  # noqa: E402
    N_BITS,
    as_words,
    near_pairs,
    picture_code,
    sound_code,
)
from assay.training.datasets.verifying import PICTURE_BITS, SOUND_BITS  # noqa: E402
from tests.real_faces import portrait, textured  # noqa: E402


def apart(a: str, b: str) -> int:
    return int(np.bitwise_count(as_words(a) ^ as_words(b)).sum())


def resaved(rgb: np.ndarray, quality: int, scale: float = 1.0) -> np.ndarray:
    image = Image.fromarray(rgb)
    image = image.resize((int(image.width * scale), int(image.height * scale)))
    store = io.BytesIO()
    image.save(store, "JPEG", quality=quality)
    return np.asarray(Image.open(store).convert("RGB"))


def test_copies_of_a_picture_are_near_and_others_are_not() -> None:
    code = picture_code(portrait())
    assert len(code) * 4 == N_BITS
    assert apart(code, picture_code(resaved(portrait(), 30))) <= PICTURE_BITS
    assert apart(code, picture_code(resaved(portrait(), 80, 0.5))) <= PICTURE_BITS
    assert apart(code, picture_code(textured(300, 300))) > 3 * PICTURE_BITS


def test_plain_pictures_have_no_code() -> None:
    assert picture_code(np.full((50, 50, 3), 7, np.uint8)) == ""
    assert picture_code(np.zeros((1, 1, 3), np.uint8)) == ""


def speech(seed: int, seconds: float = 3.0, rate_hz: int = 16000) -> np.ndarray:
    """A buzz whose pitch, loudness and colour wander."""
    rng = np.random.default_rng(seed)
    n = int(seconds * rate_hz)
    at = np.linspace(0, 24, n)
    pitch = np.interp(at, np.arange(25), rng.uniform(90, 260, 25))
    phase = 2 * np.pi * np.cumsum(pitch) / rate_hz
    loud = [np.interp(at, np.arange(25), rng.uniform(0, 1, 25)) for _ in range(12)]
    sound = sum(a * np.sin((k + 1) * phase) for k, a in enumerate(loud))
    return (np.asarray(sound) / 24).astype(np.float32)


def test_copies_of_a_sound_are_near_and_others_are_not() -> None:
    sound = speech(1)
    code = sound_code(sound, 16000)
    noise = np.random.default_rng(0).normal(0, 1e-3, len(sound)).astype(np.float32)
    assert apart(code, sound_code(0.3 * sound, 16000)) <= 2
    assert apart(code, sound_code(sound + noise, 16000)) <= SOUND_BITS
    assert apart(code, sound_code(np.r_[np.zeros(4000, np.float32), sound], 16000)) <= SOUND_BITS
    assert apart(code, sound_code(speech(2), 16000)) > 2 * SOUND_BITS


def test_silence_and_clicks_have_no_code() -> None:
    assert sound_code(np.zeros(16000, np.float32), 16000) == ""
    assert sound_code(np.zeros(0, np.float32), 16000) == ""
    assert sound_code(speech(1, 0.2), 16000) == ""


def test_no_near_pair_is_missed() -> None:
    rng = np.random.default_rng(3)
    codes = [rng.bytes(32) for _ in range(60)]
    for i in range(0, 40, 2):  # each second one is the one before with some bits turned
        bits = np.unpackbits(np.frombuffer(codes[i], np.uint8))
        bits[rng.choice(256, i, replace=False)] ^= 1
        codes[i + 1] = np.packbits(bits).tobytes()
    texts = [(code.hex(),) for code in codes]
    found = {(i, j): bits for i, j, bits in near_pairs(texts, 18)}
    brute = {(i, j): apart(texts[i][0], texts[j][0]) for i in range(60) for j in range(i + 1, 60)}
    assert found == {pair: bits for pair, bits in brute.items() if bits <= 18}
    assert found == {(i, i + 1): i for i in range(0, 20, 2)}


def test_videos_are_near_where_their_pictures_are_on_average() -> None:
    a, b, c = ("00" * 32, "ff" * 32, "0f" * 32)
    near_c = "0f" * 31 + "00"  # four bits
    far = [(a, b, c), (a, b, near_c), (a, c, c), (a, b), ("", b, c)]
    assert list(near_pairs(far, 18)) == [(0, 1, pytest.approx(4 / 3))]
    assert list(near_pairs([], 18)) == []


def test_many_equal_codes_are_all_paired() -> None:
    assert len(list(near_pairs([("ab" * 32,)] * 30, 18))) == 30 * 29 // 2
