import base64
import io
import re

import numpy as np
from PIL import Image
from tests.report.conftest import a_sound, a_waveform

from assay.report.sound_pictures import spectrogram_png, spectrogram_text, wave, wave_text


def test_the_outline_fills_its_box_and_returns() -> None:
    peak, path = wave(a_sound().envelope)
    points = np.array(re.findall(r"([\d.]+) ([\d.]+)", path), float)
    assert len(points) == 2000
    assert re.fullmatch(r"M[\d. L]+Z", path)
    assert points[:, 0].min() < 1
    assert points[:, 0].max() > 999
    assert 0 <= points[:, 1].min() < 3
    assert 97 < points[:, 1].max() <= 100
    assert 0.3 < peak < 0.45


def test_a_silent_sound_is_a_line() -> None:
    silent = np.zeros((1, 2), np.float32)
    peak, path = wave(silent)
    assert peak == 0
    assert path == "M500 50L500 50.4Z"
    assert wave_text(a_sound(), peak) == "Waveform of 0:12.0: silent."


def test_the_spectrogram_is_a_grey_picture_with_low_bands_below() -> None:
    levels = np.zeros((4, 6), np.uint8)
    levels[0, 2] = 255
    source = spectrogram_png(a_sound(spectrogram=levels))
    data = base64.b64decode(source.removeprefix("data:image/png;base64,"))
    image = np.asarray(Image.open(io.BytesIO(data)))
    assert image.shape == (4, 6)
    assert image[3, 2] < 10
    assert image[0, 2] == 255


def test_a_telephone_is_told_to_hold_nothing_above_its_band() -> None:
    assert "Above" not in spectrogram_text(a_sound())
    telephone = a_sound(a_waveform(rate_hz=8000))
    assert "Above 4 kHz this sound can hold nothing." in spectrogram_text(telephone)
