"""Clips made on the spot for the tests of networks of clips: a mouth that opens with the sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from assay.training.datasets.manifest_file import Manifest, write_manifest
from assay.training.datasets.records import FakeSpan, Record
from assay.training.localisation_losses import clip_targets, stacked
from assay.training.video_marks import Encoding, encode_video
from assay.types import Array, FloatArray, Waveform
from tests.training.sound_makers import voiced

TINY: dict[str, Any] = {
    "n_frames": 16,
    "size_px": 48,
    "max_duration": 6,
    "video_widths": (2, 2, 4, 4),
    "audio_widths": (2, 4, 4),
    "boundary_widths": (8, 4),
    "n_samples": 4,
}


def made_batch(n: int = 2, stride: int = 1) -> tuple[tuple[Any, Any], Any]:
    """Inputs and targets: every second clip is bright and loud from its sixth frame to its tenth,
    and that is what is to be found."""
    import torch

    rng = np.random.default_rng(0)
    frames = rng.integers(0, 60, (n, 16, 48, 48, 3))
    mel = rng.normal(-3, 0.3, (n, 64, 64))
    frames[1::2, 6:10] += 180
    mel[1::2, :, 24:40] += 4
    spans = [[], [FakeSpan(6 / 25, 10 / 25)]]
    wanted = [
        clip_targets(spans[k % 2], 16 // stride, 16 // stride, 6, 25 / stride) for k in range(n)
    ]
    inputs = (torch.from_numpy(frames.astype(np.uint8)), torch.from_numpy(mel.astype(np.float32)))
    return inputs, stacked(wanted)


def falls(net: Any, inputs: tuple[Any, ...], wanted: Any, steps: int, rate: float) -> list[float]:
    """The losses of some steps on one batch."""
    import torch

    torch.manual_seed(0)
    optimiser = torch.optim.Adam(net.parameters(), rate)
    losses = []
    for _ in range(steps):
        loss = net.loss(net(*inputs), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def clip_files(folder: Path, people: int = 4, seconds: float = 0.8) -> Path:
    """A folder of small clips with a manifest.parquet: of each person two genuine ones and two
    fakes whose middle is another; half of the people are of the test side."""
    records = []
    for person in range(people):
        for number in range(4):
            fake = number >= 2
            name = f"p{person}/{number}.mp4"
            write_clip(folder / name, seconds, seed=10 * person + number, fake=fake)
            records.append(
                Record(
                    dataset="made",
                    path=name,
                    modality="video",
                    label="fake" if fake else "real",
                    method="swapped_sound" if number == 3 else "sound_span" if fake else "",
                    identity=f"p{person}",
                    source=f"p{person}-{number % 2}",
                    split="test" if person % 2 else "train",
                    spans=(FakeSpan(0.24, 0.48, "audio"),) if number == 2 else None,
                    audio_fake=fake,
                    visual_fake=False,
                    sha256=f"{person}{number}{folder.name}",
                )
            )
    write_manifest(Manifest(folder, tuple(records)), folder / "manifest.parquet")
    return folder / "manifest.parquet"


def write_clip(path: Path, seconds: float, seed: int, fake: bool) -> None:
    """One clip: a grey picture whose middle is as light as its voice is loud."""
    n = round(seconds * 25)
    sound = voiced(seconds, seed)
    if fake:
        buzz = 0.3 * np.sign(np.sin(np.arange(3840) / 5))
        sound[round(0.24 * 16000) : round(0.48 * 16000)] = buzz
    frames = speaking_frames(sound, n)
    times_s = (np.arange(n) / 25).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = Waveform(sound, 16_000, 0.0)
    path.write_bytes(encode_video(frames, times_s, wave, Encoding(preset="ultrafast")))


def speaking_frames(sound: FloatArray, n: int, side: int = 64) -> Array:
    """Frames (n, side, side, 3) whose middle follows the level of the sound."""
    level = np.array([float(np.abs(part).mean()) for part in np.array_split(sound, n)])
    frames = np.full((n, side, side, 3), 90, np.uint8)
    middle = slice(side // 4, 3 * side // 4)
    frames[:, middle, middle] = np.clip(60 + 900 * level, 0, 255)[:, None, None, None]
    return frames
