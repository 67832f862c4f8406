"""Fixtures that encode small media into the test's own folder."""

from __future__ import annotations

import wave
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.makers import encode_tone, heic_of, numbered


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Encode numbered frames; `ticks` gives the time of each in units of 1/rate."""

    def make(
        name: str = "clip.mp4",
        codec: str = "libx264",
        n: int = 30,
        *,
        size_px: tuple[int, int] = (192, 128),
        rate: int = 25,
        pixels: str = "yuv420p",
        muxer: str | None = None,
        options: dict[str, str] | None = None,
        container_options: dict[str, str] | None = None,
        ticks: Sequence[int] | None = None,
        sound: str | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", format=muxer, options=container_options or {}) as container:
            video = container.add_stream(codec, rate=rate, options=options or {})
            video.width, video.height, video.pix_fmt = *size_px, pixels
            if ticks is not None:
                video.codec_context.time_base = video.time_base = Fraction(1, rate)
            speech = container.add_stream(sound, rate=48000) if sound else None
            for number in range(n):
                frame = av.VideoFrame.from_ndarray(numbered(number, size_px), format="rgb24")
                frame = frame.reformat(format=pixels)
                frame.pts = ticks[number] if ticks is not None else number
                frame.time_base = Fraction(1, rate)
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            if speech is not None:
                encode_tone(container, speech, n / rate, 48000)
        return path

    return make


@pytest.fixture
def make_sound(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str, codec: str, *, rate_hz: int = 48000, seconds: float = 2.0, muxer=None):
        path = tmp_path / name
        with av.open(str(path), "w", format=muxer) as container:
            stream = container.add_stream(codec, rate=rate_hz)
            stream.layout, stream.bit_rate = "mono", 96000
            encode_tone(container, stream, seconds, rate_hz)
        return path

    return make


@pytest.fixture
def make_wav(tmp_path: Path) -> Callable[..., Path]:
    def make(samples: np.ndarray, rate_hz: int = 16000, name: str = "sound.wav") -> Path:
        """`samples` is (n,) or (n, channels) int16."""
        path = tmp_path / name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(samples.astype("<i2").tobytes())
        return path

    return make


@pytest.fixture
def heic(make_video: Callable[..., Path], tmp_path: Path) -> Path:
    mp4 = make_video(
        "one.mp4", "libx265", 1, options={"x265-params": "log-level=none:keyint=1:info=0"}
    )
    path = tmp_path / "picture.heic"
    path.write_bytes(heic_of(mp4.read_bytes(), (192, 128)))
    return path
