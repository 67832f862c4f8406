"""Speech by programs of a Linux distribution: espeak-ng, Flite, Festival, Open JTalk.

They stand for the classic ways: rules that move formants, cut and joined recordings, hidden
Markov models. Each runs as a program of its own, so their licences stay with them.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from assay.errors import InputError
from assay.training.datasets.speech_makers import Maker, Manner, Sound, Voice

TIMEOUT_S = 60
FESTIVAL_VOICES = Path("/usr/share/festival/voices")
JTALK_DICTIONARY = Path("/var/lib/mecab/dic/open-jtalk/naist-jdic")


def read_wave(path: Path) -> Sound:
    """A 16-bit PCM file, its channels averaged. Raises InputError."""
    try:
        with wave.open(str(path)) as file:
            if file.getsampwidth() != 2:
                raise InputError(f"{path.name} is not 16-bit sound.")
            data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            samples = data.reshape(-1, file.getnchannels()).mean(axis=1) / 32768.0
            return Sound(samples.astype(np.float32), file.getframerate())
    except (OSError, EOFError, wave.Error, ValueError) as error:
        raise InputError(f"{path.name} holds no sound: {error}.") from error


def write_wave(sound: Sound, path: Path) -> None:
    """Write 16-bit PCM."""
    samples = np.clip(np.round(sound.samples * 32767.0), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate_hz)
        file.writeframes(samples.tobytes())


def run(arguments: Sequence[str | Path], text: str = "") -> bytes:
    """What a program prints, given `text` as its input. Raises InputError where it fails."""
    try:
        done = subprocess.run(
            [str(a) for a in arguments],
            input=text.encode(),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(f"{arguments[0]} failed: {error}.") from error
    return done.stdout


@lru_cache(maxsize=64)
def debian_version(package: str) -> str:
    """`package version` as dpkg knows it; without a version elsewhere."""
    try:
        version = run(["dpkg-query", "-W", "-f", "${Version}", package]).decode().strip()
    except InputError:
        version = ""
    return f"{package} {version}".strip()


class _Program:
    """One program that writes a wave file."""

    name = licence = program = package = ""

    def missing(self) -> str:
        """Empty, or the name of the package."""
        return "" if shutil.which(self.program) else f"the program {self.program} ({self.package})"

    def source(self) -> str:
        """The distribution's package and version."""
        return debian_version(self.package)


class Espeak(_Program):
    """espeak-ng: formant rules. `klatt` takes its second synthesizer, a Klatt filter bank."""

    licence = "espeak-ng GPL-3.0 (the program; its output is free)"
    program, package = "espeak-ng", "espeak-ng"

    def __init__(self, name: str, voices: Sequence[str]) -> None:
        self.name, self._voices = name, voices

    def voices(self) -> tuple[Voice, ...]:
        """Fixed pairs of a language and a variant."""
        return tuple(Voice(v, v.split("-")[0].split("+")[0]) for v in self._voices)

    def say(self, text: str, voice: Voice, manner: Manner) -> Sound:
        """By the command line, which takes words a minute and a pitch of 0 to 99."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "out.wav"
            speed, pitch = str(round(165 * manner.speed)), str(round(50 * manner.pitch))
            run(["espeak-ng", "-v", voice.name, "-s", speed, "-p", pitch, "-w", path, "--stdin"],
                text)  # fmt: skip
            return read_wave(path)


class Flite(_Program):
    """Flite: slt, rms and awb by statistics (ClusterGen), kal16 by joined diphones."""

    name = "flite"
    licence = "Flite BSD-like (CMU)"
    program, package = "flite", "flite"

    def voices(self) -> tuple[Voice, ...]:
        """Those that are built in; the talking clock is left out, kal is kal16 at 8 kHz."""
        return tuple(Voice(name, "en") for name in ("awb", "kal16", "rms", "slt"))

    def say(self, text: str, voice: Voice, manner: Manner) -> Sound:
        """By the command line; kal16 alone has a mean pitch to set."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "out.wav"
            settings = ["--setf", f"duration_stretch={1 / manner.speed:.3f}"]
            if voice.name == "kal16":
                settings += ["--setf", f"int_f0_target_mean={95 * manner.pitch:.1f}"]
            run(["flite", "-voice", voice.name, *settings, "-t", text, "-o", path])
            return read_wave(path)


FESTIVAL: dict[str, dict[str, str]] = {
    "festival-diphone": {
        "kal_diphone": "en", "ked_diphone": "en", "czech_dita": "cs", "czech_krb": "cs",
        "czech_machac": "cs", "czech_ph": "cs", "hy_fi_mv_diphone": "fi",
        "suo_fi_lj_diphone": "fi", "hindi_NSK_diphone": "hi", "marathi_NSK_diphone": "mr",
        "telugu_NSK_diphone": "te", "lp_diphone": "it", "pc_diphone": "it",
    },
    "festival-units": {"msu_ru_nsh_clunits": "ru"},
    "festival-hts": {"cmu_us_slt_arctic_hts": "en", "upc_ca_ona_hts": "ca"},
}  # fmt: skip
"""Voices by the way they are made: joined diphones, chosen units, hidden Markov models."""
ENCODINGS = {"cs": "iso-8859-2", "fi": "iso-8859-15", "it": "iso-8859-1", "ca": "iso-8859-15"}


class Festival(_Program):
    """Festival, with the voices that the distribution packs."""

    licence = "Festival BSD-like; each voice its own free licence"
    program, package = "text2wave", "festival"

    def __init__(self, name: str) -> None:
        self.name = name

    def voices(self) -> tuple[Voice, ...]:
        """Those whose folders are there."""
        there = {path.name for path in FESTIVAL_VOICES.glob("*/*")}
        known = FESTIVAL[self.name]
        return tuple(Voice(name, known[name]) for name in sorted(known) if name in there)

    def missing(self) -> str:
        """Empty, or what is not installed: the program or all of the voices."""
        return super().missing() or ("" if self.voices() else f"voices of {self.name} (festvox-*)")

    def say(self, text: str, voice: Voice, manner: Manner) -> Sound:
        """By text2wave; each language is written in the encoding its voice was made for."""
        with tempfile.TemporaryDirectory() as folder:
            path, words = Path(folder) / "out.wav", Path(folder) / "in.txt"
            words.write_bytes(text.encode(ENCODINGS.get(voice.language, "utf-8"), "replace"))
            run(["text2wave", "-eval", f"(voice_{voice.name})",
                 "-eval", f"(Parameter.set 'Duration_Stretch {1 / manner.speed:.3f})",
                 words, "-o", path])  # fmt: skip
            return read_wave(path)


class OpenJTalk(_Program):
    """Open JTalk: Japanese by hidden Markov models, with the voice inside pyopenjtalk-plus."""

    name = "open-jtalk"
    licence = "Open JTalk BSD-3; voice Mei CC-BY-3.0 (MMDAgent)"
    program, package = "open_jtalk", "open-jtalk"

    def _voice_file(self) -> Path | None:
        from importlib.util import find_spec

        spec = find_spec("pyopenjtalk")
        folder = Path(spec.origin).parent if spec and spec.origin else None
        return next(iter(folder.rglob("mei_normal.htsvoice")), None) if folder else None

    def missing(self) -> str:
        """Empty, or the first part that is not there."""
        if not JTALK_DICTIONARY.is_dir():
            return "the dictionary open-jtalk-mecab-naist-jdic"
        return super().missing() or ("" if self._voice_file() else "the voice in pyopenjtalk-plus")

    def source(self) -> str:
        """The program; the voice's package is named in the documentation."""
        return f"{debian_version(self.package)}, voice of pyopenjtalk-plus"

    def voices(self) -> tuple[Voice, ...]:
        """One."""
        return (Voice("mei", "ja"),)

    def say(self, text: str, voice: Voice, manner: Manner) -> Sound:
        """By the command line, which shifts the pitch by half tones."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "out.wav"
            tones = 12 * float(np.log2(manner.pitch))
            run(["open_jtalk", "-x", JTALK_DICTIONARY, "-m", str(self._voice_file()),
                 "-r", f"{manner.speed:.3f}", "-fm", f"{tones:.2f}", "-ow", path],
                text)  # fmt: skip
            return read_wave(path)


FORMANTS = (
    "en-us", "en-us+f2", "en-us+m3", "en-us+f4", "en-gb+m1", "en-gb+f5", "en-gb-scotland+m7",
    "en-gb-x-rp+f1", "en-029+m4", "de+m2", "de+f3", "fr-fr+f1", "es+m6", "it+f4", "pt+m5",
    "cs+f2", "fi+m1", "ru+f3", "pl+m4", "nl+f5", "sv+m3", "ca+f1",
)  # fmt: skip
KLATT = (
    "en-us+klatt", "en-us+klatt2", "en-gb+klatt3", "en-gb-scotland+klatt4", "en-us+klatt6",
    "de+klatt2", "fr-fr+klatt4", "es+klatt", "it+klatt3", "pl+klatt5",
)  # fmt: skip
MAKERS: tuple[Maker, ...] = (
    Espeak("espeak", FORMANTS),
    Espeak("klatt", KLATT),
    Flite(),
    *map(Festival, FESTIVAL),
    OpenJTalk(),
)
