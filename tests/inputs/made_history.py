"""Makers of files whose history is known: videos encoded once or twice, sounds through codecs."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from assay.case import Case
from assay.media.probe import probe
from assay.types import Evidence

Picture = np.ndarray


def scene(n: int = 160, width: int = 160, height: int = 128, seed: int = 0) -> list[Picture]:
    """A textured scene with sensor noise that is panned slowly, (height * 3 / 2, width) YUV 4:2:0;
    none of it was compressed before."""
    rng = np.random.default_rng(seed)
    small = rng.random((height // 4 + 15, (width + n) // 4 + 15))
    field = np.kron(small, np.ones((4, 4)))
    for _ in range(2):
        field = (field + np.roll(field, 1, 0) + np.roll(field, 1, 1) + np.roll(field, 2, 1)) / 4
    frames = []
    for i in range(n):
        x, y = i, 20 + int(18 * np.sin(i / 23 + 1))
        luma = 60 + 130 * field[y : y + height, x : x + width]
        luma = luma + 3 * rng.standard_normal(luma.shape)
        yuv = np.full((height * 3 // 2, width), 128, np.uint8)
        yuv[:height] = np.clip(luma, 16, 235)
        frames.append(yuv)
    return frames


def encode(
    path: Path,
    frames: Sequence[Picture],
    codec: str = "libx264",
    ticks: Sequence[int] | None = None,
    rate: int = 25,
    **options: Any,
) -> Path:
    """A video of YUV pictures; `ticks` are their times in units of one picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            codec, rate=rate, options={name: str(value) for name, value in options.items()}
        )
        stream.height, stream.width = frames[0].shape[0] * 2 // 3, frames[0].shape[1]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for i, yuv in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(yuv, "yuv420p")
            frame.pts = i if ticks is None else ticks[i]
            frame.time_base = Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decode(path: Path) -> list[Picture]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]


def join_packets(path: Path, *parts: Path) -> Path:
    """Put files of one encoder together without encoding anything again."""
    with av.open(str(path), "w") as out:
        stream, offset = None, 0
        for part in parts:
            with av.open(str(part)) as container:
                source = container.streams.video[0]
                if stream is None:
                    stream = out.add_stream_from_template(source)
                last = offset
                for packet in container.demux(source):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    last = max(last, packet.pts + (packet.duration or 1))
                    packet.stream = stream
                    out.mux(packet)
                offset = last
    return path


RATE_HZ = 44_100


def music(seconds: float, rate_hz: int = RATE_HZ, seed: int = 0) -> np.ndarray:
    """Notes with overtones over noise that falls with frequency: (n,) float32."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate_hz)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / rate_hz)
    sound = 0.02 * np.fft.irfft(spectrum / (1 + hz / 800), n)
    time_s = np.arange(n) / rate_hz
    for start in np.arange(0, seconds, 0.35):
        pitch = 110 * 2 ** (rng.integers(0, 24) / 12)
        since = np.maximum(time_s - start, 0)
        shape = (time_s >= start) * np.exp(-3 * since) * np.minimum(since / 0.01, 1)
        for k in range(1, 12):
            sound += 0.12 / k * shape * np.sin(2 * np.pi * pitch * k * since)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def lossy(
    samples: np.ndarray, rate_hz: int, codec: str, bit_rate: int, form: str
) -> tuple[bytes, np.ndarray]:
    """The bytes of a compressed mono file and what it decodes to, rounded to 16 bits."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
        frame.sample_rate, frame.pts = rate_hz, 0
        fit = av.AudioResampler(stream.format.name, "mono", rate_hz, stream.frame_size)
        for piece in [*fit.resample(frame), *fit.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    data = file.getvalue()
    with av.open(io.BytesIO(data)) as container:
        pieces = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    decoded = np.concatenate(pieces).astype(np.float32)
    return data, (np.round(np.clip(decoded, -1, 1) * 32767) / 32768).astype(np.float32)


def wav(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes())
    return path


def told(detector: Any, path: Path) -> Evidence:
    (evidence,) = detector().examine(Case(probe(str(path))))
    assert evidence.logit is None
    return evidence


def codes(evidence: Evidence) -> set[str]:
    return {finding.code.partition("_history_")[2] for finding in evidence.findings}
