"""Published detectors of synthetic voices, beside ours in a benchmark: sound in, score out.

Their weights are other people's and never ship with this program: a checkpoint is read from where
its user keeps it (`weights/peers` of the shared folder, or a path), as plain tensors and no code.
"""

from __future__ import annotations

import hashlib
import math
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from assay.errors import ConfigError
from assay.media.audio import resampled
from assay.training.nets.aasist import Aasist, from_published
from assay.training.shared import shared_folder
from assay.types import Array, Waveform

RATE_HZ = 16_000
WINDOW = 64_600
"""Samples that the peers read, 4.04 s: the first of a sound, repeated where it is shorter."""
_SPARE_S = 0.1  # so that the resampler's end does not reach into the window


@dataclass(frozen=True, slots=True)
class Peer:
    """One published detector: `paper` and `licence` of its weights, `trained_on`, the checkpoint's
    name, and how to build the network and rename the checkpoint's tensors."""

    name: str
    paper: str
    licence: str
    trained_on: str
    checkpoint: str
    build: Callable[[], nn.Module] = field(repr=False)
    rename: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] = field(repr=False)


_AASIST = "Jung et al., ICASSP 2022"
_MIT = "MIT (NAVER Corp., github.com/clovaai/aasist)"
PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "AASIST", _AASIST, _MIT, "ASVspoof 2019 LA", "AASIST.pth",
            partial(Aasist, "full"), from_published,
        ),
        Peer(
            "AASIST-L", _AASIST, _MIT, "ASVspoof 2019 LA", "AASIST-L.pth",
            partial(Aasist, "light"), from_published,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoadedPeer:
    """A peer with its weights. `sha256` is the checkpoint's."""

    peer: Peer
    sha256: str
    net: nn.Module = field(repr=False)

    def score(self, waveform: Waveform) -> float:
        """The logit of a sound at any rate: higher = more likely fake.

        Raises ValueError where it holds no sample or one that is not finite.
        """
        samples = first_window(waveform)
        with torch.inference_mode():
            logit = float(self.net(torch.from_numpy(samples)[None])[0])
        if not math.isfinite(logit):
            raise ValueError(f"{self.peer.name} gave {logit} for a sound.")
        return logit


def load_peer(name: str, checkpoint: Path | None = None) -> LoadedPeer:
    """The peer with the weights at `checkpoint`, by default in the shared folder's `weights/peers`.

    Raises ConfigError for an unknown name, where there is no such file, and where it does not hold
    that network's tensors.
    """
    if name not in PEERS:
        raise ConfigError(f"There is no peer {name!r}; there are: {', '.join(PEERS)}.")
    peer = PEERS[name]
    path = checkpoint or shared_folder() / "weights" / "peers" / peer.checkpoint
    if not path.is_file():
        raise ConfigError(
            f"There is no checkpoint of {name} at {path}.",
            remedy=f"It is published as {peer.checkpoint}: {peer.licence}.",
        )
    net = peer.build()
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        net.load_state_dict(peer.rename(stored))
    except (pickle.UnpicklingError, RuntimeError, ValueError, AttributeError, EOFError) as error:
        said = " ".join(str(error).split())[:200]
        raise ConfigError(f"{path} holds no weights of {name}: {said}") from error
    return LoadedPeer(peer, hashlib.sha256(path.read_bytes()).hexdigest(), net.eval())


def available_peers() -> list[str]:
    """The names of those whose checkpoint lies in the shared folder; none without that folder."""
    try:
        folder = shared_folder() / "weights" / "peers"
    except ConfigError:
        return []
    return [name for name, peer in PEERS.items() if (folder / peer.checkpoint).is_file()]


def first_window(waveform: Waveform) -> Array:
    """The first 64,600 samples at 16 kHz, the sound repeated where it is shorter, float32.

    Raises ValueError where it holds no sample or one that is not finite.
    """
    wanted_s = WINDOW / RATE_HZ + _SPARE_S
    samples = waveform.samples[: math.ceil(wanted_s * waveform.sample_rate_hz)]
    if not np.isfinite(samples).all():
        raise ValueError("A sound with samples that are not finite has no score.")
    samples = resampled(samples, waveform.sample_rate_hz, RATE_HZ)[:WINDOW]
    if not len(samples):
        raise ValueError("A sound without a sample has no score.")
    return np.resize(samples, WINDOW)
