from __future__ import annotations

import io

import av
import numpy as np
import pytest

from assay.errors import TooLargeError, UsageError
from assay.training.forgeries import discover_sound
from assay.training.forgeries.sound_forgery import finished
from assay.training.marks import Mark
from assay.training.sound_marks import (
    encode_marked_sound,
    sound_format,
    sound_mark_of,
    sound_media_type,
)
from tests.training.sound_makers import RATE_HZ, lag, voiced

MARK = Mark("griffin_lim/x", "t", 3, "compositeSynthetic", "recording")


@pytest.mark.parametrize("form", ["wav", "flac", "mp3"])
def test_the_sound_comes_back_and_carries_the_mark(form: str) -> None:
    sound = voiced(1.0)
    data = encode_marked_sound(sound, RATE_HZ, form, MARK)
    with av.open(io.BytesIO(data)) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
        pieces = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    back = np.concatenate(pieces).astype(np.float64)
    back /= 1 if form == "mp3" else 32767
    assert tags["comment"].startswith(MARK.sentence)
    assert "not a genuine recording" in tags["comment"]
    program = tags.get("software") or tags["encoder"]
    assert program == MARK.software
    assert MARK.source_type in (tags["comment"] if form == "wav" else tags["digitalsourcetype"])
    if form == "mp3":
        assert abs(lag(sound, back[: sound.size].astype(np.float32))) < 2500
    else:
        assert back == pytest.approx(sound, abs=1e-4)


def test_the_same_sound_gives_the_same_bytes() -> None:
    for form in ("wav", "flac", "mp3"):
        first, again = (encode_marked_sound(voiced(0.3), RATE_HZ, form, MARK) for _ in range(2))
        assert first == again


@pytest.mark.parametrize(("form", "rate_hz"), [("mp3", 9_999), ("mp3", 96_000), ("wav", 384_000)])
def test_a_rate_that_the_format_does_not_hold_is_refused(form: str, rate_hz: int) -> None:
    with pytest.raises(TooLargeError):
        encode_marked_sound(voiced(0.1), rate_hz, form, MARK)


def test_the_format_is_the_suffix() -> None:
    assert [sound_format(name) for name in ("a.WAV", "b.flac", "c.mp3")] == ["wav", "flac", "mp3"]
    assert sound_media_type("mp3") == "audio/mpeg"
    for name in ("a.ogg", "a", "a.png"):
        with pytest.raises(UsageError, match="wav"):
            sound_format(name)


def test_every_forger_of_sounds_marks_a_recording_with_synthetic_parts() -> None:
    clip = voiced(0.2)
    for forger in discover_sound().values():
        mark = sound_mark_of(forger, finished(clip, clip, RATE_HZ, ""), 3)
        assert mark.forger == forger.name
        assert mark.source_type.endswith("compositeSynthetic")
