from __future__ import annotations

import io

import pytest
from PIL import Image

from assay.errors import DamagedMediaError
from assay.training.datasets.webp_quantiser import quantiser_of, saved_with
from tests.real_faces import textured


def picture(seed: int = 1) -> Image.Image:
    return Image.fromarray(textured(200, 240, seed))


def webp(**options: object) -> bytes:
    saved = io.BytesIO()
    picture().save(saved, "WEBP", **options)
    return saved.getvalue()


def test_the_index_falls_from_127_to_0_as_the_quality_rises() -> None:
    found = [quantiser_of(webp(quality=quality), "a") for quality in (0, 20, 50, 80, 95, 100)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 100
    assert found[-1] == 0


def test_an_alpha_channel_does_not_hide_the_frame() -> None:
    saved = io.BytesIO()
    layered = picture().convert("RGBA")
    layered.putalpha(120)
    layered.save(saved, "WEBP", quality=80)
    assert quantiser_of(saved.getvalue(), "a") == quantiser_of(webp(quality=80), "a")


@pytest.mark.parametrize("wanted", [4, 6, 12, 20, 36, 42])
def test_a_picture_is_saved_with_the_wanted_index(wanted: int) -> None:
    data = saved_with(picture(), wanted)
    assert abs(quantiser_of(data, "a") - wanted) <= 1
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (240, 200)


def test_what_is_no_still_lossy_webp_is_refused() -> None:
    animated = io.BytesIO()
    frames = [picture(2), picture(3)]
    frames[0].save(animated, "WEBP", save_all=True, append_images=frames[1:])
    png = io.BytesIO()
    picture().save(png, "PNG")
    for data in (b"", b"RIFF", webp(lossless=True), animated.getvalue(), png.getvalue()):
        with pytest.raises(DamagedMediaError, match=r"a\.webp"):
            quantiser_of(data, "a.webp")


def test_a_cut_off_header_is_refused() -> None:
    whole = webp(quality=80)
    start = whole.index(b"\x9d\x01\x2a") + 7
    for length in range(12, start + 8):
        with pytest.raises(DamagedMediaError):
            quantiser_of(whole[:length], "a")
