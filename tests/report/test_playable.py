import io

import av
import numpy as np
import pytest

from assay.report import playable
from assay.report.playable import as_mp3
from assay.types import Waveform


def decoded(mp3: bytes) -> tuple[np.ndarray, int]:
    with av.open(io.BytesIO(mp3)) as container:
        pieces = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        return np.concatenate(pieces), container.streams.audio[0].rate


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100, 48_000])
def test_what_is_played_is_what_was_heard(rate_hz: int) -> None:
    time_s = np.arange(3 * rate_hz) / rate_hz
    samples = (0.5 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    mp3 = as_mp3(Waveform(samples, rate_hz, 7.0))
    assert mp3 is not None
    assert len(mp3) < 25_000
    sound, rate = decoded(mp3)
    assert rate == 24_000
    assert abs(len(sound) / rate - 3) < 0.15
    middle = sound[rate : 2 * rate]
    assert abs(np.abs(np.fft.rfft(middle)).argmax() - 440) <= 1
    assert 0.45 < np.abs(middle).max() < 0.6


def test_broken_samples_are_played_as_silence() -> None:
    samples = np.array([np.nan, np.inf, -np.inf, 9.0] * 8000, np.float32)
    assert as_mp3(Waveform(samples, 16_000)) is not None


def test_without_an_encoder_there_is_nothing_to_play(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise av.error.EncoderNotFoundError(1, "no such encoder")

    monkeypatch.setattr(av, "open", missing)
    assert playable.as_mp3(Waveform(np.zeros(100, np.float32), 16_000)) is None
