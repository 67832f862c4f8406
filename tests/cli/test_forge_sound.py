from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.tag_makers import Signer
from tests.training.sound_makers import voiced, write_wav

from .conftest import Answer

Assay = Callable[..., Answer]


@pytest.fixture
def sounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_wav("me.wav", voiced(1.2))
    write_wav("you.wav", voiced(1.0, 5, 22_050, pitch_hz=210), 22_050)


def decoded(path: str) -> np.ndarray:
    with av.open(path) as container:
        return np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])


@pytest.mark.usefixtures("sounds")
@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_a_forged_sound_is_written_marked_and_repeatable(assay: Assay, suffix: str) -> None:
    answer = assay("forge", "phase_randomised", "me.wav", f"out.{suffix}", "--seed", "3")
    assert answer.code == 0, answer.err
    assert answer.out.startswith(f"out.{suffix}: phase_randomised/")
    assert "changed 0.00-1.20 s; marked as forged by assay" in answer.out
    assert assay("forge", "phase_randomised", "me.wav", f"b.{suffix}", "--seed", "3").code == 0
    assert Path(f"b.{suffix}").read_bytes() == Path(f"out.{suffix}").read_bytes()
    assert abs(decoded(f"out.{suffix}").size - 19_200) < 3000
    found = assay("detect", "--json", "--detectors", "metadata", f"out.{suffix}").out
    assert "generator_metadata" in found
    assert "assay forge" in found
    assert ("metadata_declares_ai_elements" in found) is (suffix != "wav")
    with av.open(f"out.{suffix}") as container:
        assert "not a genuine recording" in container.metadata["comment"]


@pytest.mark.usefixtures("sounds")
def test_the_seconds_that_were_changed_are_told(assay: Assay) -> None:
    answer = assay(
        "forge", "spliced_speech", "me.wav", "out.wav", "--donor", "you.wav", "--seed", "1"
    )
    assert answer.code == 0, answer.err
    told = answer.out.split("changed ")[1].split(";")[0]
    spans = [tuple(map(float, span.removesuffix(" s").split("-"))) for span in told.split(", ")]
    changed = np.flatnonzero(decoded("out.wav") != decoded("me.wav")) / 16_000
    assert changed.min() >= spans[0][0] - 0.01
    assert changed.max() <= spans[-1][1] + 0.01


@pytest.mark.usefixtures("sounds")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("griffin_lim", "me.wav", "out.jpg"), 2, ".wav, .flac or .mp3"),
        (("griffin_lim", "me.wav", "me.wav", "--force"), 2, "also read"),
        (("griffin_lim", "me.wav", "you.wav"), 2, "there already"),
        (("griffin_lim", "me.wav", "out.wav", "--donor", "you.wav"), 2, "no --donor"),
        (("griffin_lim", "me.wav", "out.wav", "--face", "1"), 2, "no --face"),
        (("griffin_lim", "me.wav", "out.wav", "--mask", "m.png"), 2, "no --mask"),
        (("griffin_lim", "me.wav"), 2, "needs a sound"),
        (("griffin_lim", "none.wav", "out.wav"), 3, "none.wav"),
        (("griffin_lim", "picture.png", "out.wav"), 3, "no sound"),
        (("griffin_lim", "silent.wav", "out.wav"), 3, "silent"),
        (("griffin_lim", "short.wav", "out.wav"), 3, "shorter"),
        (("griffin_lim", "odd.wav", "out.mp3"), 3, "9,999 Hz"),
    ],
)
def test_what_makes_no_sense_is_refused(
    assay: Assay, arguments: tuple[str, ...], code: int, said: str
) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64)).save("picture.png")
    write_wav("silent.wav", np.zeros(16_000, np.float32))
    write_wav("short.wav", voiced(0.05))
    write_wav("odd.wav", voiced(0.5), 9_999)
    answer = assay("forge", *arguments)
    assert answer.code == code, answer.out + answer.err
    assert said in answer.err
    assert not Path("out.wav").exists()


@pytest.mark.usefixtures("sounds")
@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_a_key_signs_sounds_too(assay: Assay, suffix: str) -> None:
    signer = Signer()
    Path("key.pem").write_bytes(signer._key)
    Path("cert.pem").write_bytes(signer._chain)
    out = f"out.{suffix}"
    arguments = ("--key", "key.pem", "--cert", "cert.pem", "--seed", "0")
    answer = assay("forge", "phase_randomised", "me.wav", out, *arguments)
    assert answer.code == 0, answer.err
    assert "marked and signed" in answer.out
    found = assay("detect", "--json", "--detectors", "provenance", out).out
    assert "provenance_valid_untrusted" in found
    assert decoded(out).size > 19_000
