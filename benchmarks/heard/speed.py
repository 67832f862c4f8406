"""How much quicker than real time, ours and a peer's in turns, so that both meet the same load."""

from __future__ import annotations

import os
import statistics
import time
import wave
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import assay
from assay.bundles import open_network
from assay.evaluation.pieces import Piece
from assay.inputs.waveform import WaveformInput, cut_windows
from assay.media.audio import read_waveform, resampled
from assay.media.probe import probe
from assay.training.peers import RATE_HZ, WINDOW, LoadedPeer
from assay.types import Waveform
from heard.scoring import MAIN

SECONDS = 30.0
AIM = 40.0
Action = Callable[[], object]


def speed(
    speech: Sequence[Piece],
    work: Path,
    peers: Sequence[LoadedPeer],
    *,
    with_main: bool,
    detectors: Sequence[str],
    repeats: int = 5,
) -> dict[str, Any]:
    """Seconds for 30 s of speech and, for each way, how many times real time that is.

    `whole_program` with its stability test and `without_stability`; `network_alone` over all
    windows; each peer over the same seconds in windows of its own, and `times_AASIST`: how many
    times quicker our network is, in the same turns.
    """
    path = work / "speech-30s.wav"
    work.mkdir(parents=True, exist_ok=True)
    samples = joined(speech)
    write_wav(path, samples)
    actions: dict[str, Action] = {}
    if detectors:
        names = tuple(detectors)
        actions["whole_program"] = lambda: assay.detect(path, detectors=names)
        actions["without_stability"] = lambda: assay.detect(path, detectors=names, stability=False)
    if with_main:
        network = open_network(MAIN)
        windows = cut_windows_of(samples)
        actions["network_alone"] = lambda: [network.run(one[None]) for one in windows]
    for peer in peers:
        actions[peer.peer.name] = _peer_action(peer, samples)
    return {
        "seconds_of_speech": SECONDS,
        "cores": os.cpu_count(),
        "load_at_start": os.getloadavg()[0],
        "aim_times_real_time": AIM,
        **summary(in_turns(actions, repeats)),
    }


def in_turns(actions: Mapping[str, Action], repeats: int) -> dict[str, list[float]]:
    """Seconds of each action, one of each per round, after one round to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(repeats + 1):
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            if number:
                taken[name].append(time.perf_counter() - started)
    return taken


def summary(taken: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Median seconds and times real time; of our network, times each peer's speed as well."""
    found: dict[str, Any] = {
        name: {"seconds": statistics.median(of), "times_real_time": SECONDS / statistics.median(of)}
        for name, of in taken.items()
    }
    own = taken.get("network_alone")
    for name in set(taken) - {"network_alone", "whole_program", "without_stability"}:
        if own:
            ratios = [theirs / ours for theirs, ours in zip(taken[name], own, strict=True)]
            found["network_alone"][f"times_{name}"] = statistics.median(ratios)
    return found


def cut_windows_of(samples: np.ndarray) -> list[np.ndarray]:
    """30 s as the detector reads speech: in stretches of at most 6 s, each in its windows."""
    recipe = WaveformInput()
    stretch = 6 * RATE_HZ
    parts = [samples[start : start + stretch] for start in range(0, len(samples), stretch)]
    return [window for part in parts for window in cut_windows(part, recipe)]


def _peer_action(peer: LoadedPeer, samples: np.ndarray) -> Action:
    starts = range(0, len(samples), WINDOW)
    parts = [Waveform(samples[start : start + WINDOW], RATE_HZ) for start in starts]
    return lambda: [peer.score(part) for part in parts]


def joined(speech: Sequence[Piece]) -> np.ndarray:
    """30 s of genuine speech at 16 kHz, clip after clip, again from the first where they end.

    Raises ValueError where there is none.
    """
    parts: list[np.ndarray] = []
    reals = [piece for piece in speech if piece.label == "real"]
    if not reals:
        raise ValueError("No genuine speech to measure the speed on.")
    wanted = round(SECONDS * RATE_HZ)
    for piece in reals:
        sound = read_waveform(probe(piece.path), None, SECONDS, lambda: None)
        parts.append(resampled(sound.samples, sound.sample_rate_hz, RATE_HZ))
        if sum(map(len, parts)) >= wanted:
            break
    return np.resize(np.concatenate(parts), wanted)


def write_wav(path: Path, samples: np.ndarray) -> None:
    """16 bits, mono, 16 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
