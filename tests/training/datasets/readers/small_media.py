"""Write the smallest media that can be decoded, or empty files of their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

FPS, RATE_HZ = 10, 16_000


def write_medium(path: Path, *, media: bool, seed: int = 0, n_frames: int = 6) -> None:
    """A file of the kind that its suffix says; empty unless `media`. A path without a suffix of
    ours is a JPEG (as in VidTIMIT)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not media:
        path.touch()
    elif path.suffix in (".mp4", ".avi"):
        write_video(path, seed=seed, n_frames=n_frames)
    elif path.suffix in (".wav", ".flac"):
        write_sound(path, seed=seed, duration_s=n_frames / FPS)
    else:
        write_picture(path, seed=seed)


def picture(seed: int, frame: int = 0, size_px: int = 96) -> np.ndarray:
    """A smooth coloured picture (size, size, 3) uint8 with a block that moves."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:size_px, 0:size_px] / size_px
    waves = [
        np.sin(2 * np.pi * (rng.uniform(0.5, 3) * x + rng.uniform(0.5, 3) * y + rng.random()))
        for _ in range(3)
    ]
    rgb = np.stack([128 + 90 * wave for wave in waves], axis=2)
    at = 8 + 4 * frame % (size_px // 2)
    rgb[at : at + 12, at : at + 12] = 240
    return rgb.astype(np.uint8)


def write_picture(path: Path, *, seed: int = 0) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {".png": "PNG", ".bmp": "BMP", ".webp": "WEBP"}.get(path.suffix.lower(), "JPEG")
    Image.fromarray(picture(seed)).save(path, kind)


def write_video(path: Path, *, seed: int = 0, n_frames: int = 6, sound: bool = True) -> None:
    """A video of 96 x 96 pixels at 10 fps with a tone; MPEG-4 in AVI, H.264 else."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        in_avi = path.suffix == ".avi"
        video = container.add_stream("mpeg4" if in_avi else "libx264", rate=FPS)
        video.width = video.height = 96
        video.pix_fmt = "yuv420p"
        audio: Any = None
        if sound:
            audio = container.add_stream("mp3" if in_avi else "aac", rate=RATE_HZ)
            audio.layout = "mono"
        for index in range(n_frames):
            frame = av.VideoFrame.from_ndarray(picture(seed, index), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            _encode(container, audio, tone(seed, n_frames / FPS))


def tone(seed: int, duration_s: float) -> np.ndarray:
    """A tone (n,) float32 at 16 kHz; its height is told by the seed."""
    times_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * (200 + 40 * (seed % 20)) * times_s)).astype(np.float32)


def write_sound(path: Path, *, seed: int = 0, duration_s: float = 1.0) -> None:
    """A mono tone at 16 kHz as WAV or FLAC."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        codec = "flac" if path.suffix == ".flac" else "pcm_s16le"
        stream: Any = container.add_stream(codec, rate=RATE_HZ)
        stream.layout = "mono"
        _encode(container, stream, tone(seed, duration_s))


def _encode(container: Any, stream: Any, samples: np.ndarray) -> None:
    import av

    whole = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
    for start in range(0, len(whole), 1024):
        piece = np.ascontiguousarray(whole[None, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE_HZ, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
