from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import InputError  # noqa: E402
from assay.training import voices  # noqa: E402
from assay.training.datasets.manifest import read_manifest  # noqa: E402
from assay.training.shared import shared_folder  # noqa: E402
from assay.training.voices import (  # noqa: E402
    as_float,
    as_stored,
    cached_voices,
    spoken_part,
    with_copies,
)
from tests.training.makers import make_voice  # noqa: E402
from tests.training.sound_makers import voiced  # noqa: E402

SPOKEN = Path(__file__).parents[2] / "examples" / "spoken.wav"


class InProcess:
    """Stands for the pool of processes."""

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map(self, work, jobs, chunksize=1):
        return map(work, jobs)


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "_workers", InProcess)


def test_stored_sound_comes_back() -> None:
    sound = voiced(0.5)
    assert np.abs(as_float(as_stored(sound)) - sound).max() < 1e-4


def test_what_is_too_loud_is_scaled_and_not_clipped() -> None:
    sound = 3 * voiced(0.5)
    back = as_float(as_stored(sound))
    assert np.abs(back).max() == pytest.approx(1, abs=1e-4)
    assert np.corrcoef(back, sound)[0, 1] > 0.9999


def test_speech_is_cut_from_its_first_to_its_last_voice() -> None:
    sound, first, last = spoken_part(SPOKEN)
    assert 0 <= first < last <= len(sound)
    assert 1.0 <= (last - first) / 16000 <= 8.0


def test_a_file_without_speech_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        spoken_part(silent(tmp_path))


def silent(folder: Path) -> Path:
    import wave

    with wave.open(str(folder / "silent.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(2 * 16000 * 3))
    return folder / "silent.wav"


def manifest(folder: Path, note: str = "") -> list:
    from tests.training.makers import write_manifest

    silent(folder)
    (folder / "a.wav").write_bytes(SPOKEN.read_bytes())
    (folder / "b.wav").write_bytes(SPOKEN.read_bytes() + b"\0\0")
    rows = [
        {"path": "a.wav", "modality": "audio", "method": "set", "identity": "someone"},
        {"path": "b.wav", "modality": "audio", "label": "fake", "method": "coder", "note": note},
        {"path": "silent.wav", "modality": "audio", "method": "set"},
    ]
    write_manifest(folder, rows)
    return read_manifest(folder)


def test_files_are_decoded_once_and_those_without_speech_left_out(tmp_path, monkeypatch) -> None:
    items = manifest(tmp_path)
    first = cached_voices(items, tmp_path / "cache")
    assert (first[0].method, first[0].fake, first[0].group) == ("set", False, "someone")
    assert [v.method for v in first] == ["set", "coder"]
    assert all(v.samples.dtype == np.int16 and v.twin is None for v in first)

    def decoded_again(_path: Path) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(voices, "spoken_part", decoded_again)
    again = cached_voices(items, tmp_path / "cache")
    assert (again[0].samples == first[0].samples).all()


def test_a_copy_of_a_sentence_has_it_as_its_twin(tmp_path: Path) -> None:
    genuine, copy = cached_voices(manifest(tmp_path, "copy of a.wav; 22 kHz"), tmp_path / "cache")
    assert copy.twin is not None
    assert copy.source == "set"
    assert copy.twin.shape == copy.samples.shape
    assert (copy.twin == genuine.samples[: len(copy.twin)]).all()


def test_copies_are_forgeries_of_the_genuine_ones_only(tmp_path: Path) -> None:
    given = [make_voice(1), make_voice(2, fake=True)]
    forgers = {"phase_randomised": 1.0, "noise_vocoder": 1.0}
    found = with_copies(given, forgers, 2, tmp_path)
    assert found[:2] == given
    copies = found[2:]
    assert {copy.method for copy in copies} == set(forgers)
    for copy in copies:
        assert copy.fake
        assert copy.group == given[0].group
        assert copy.source == given[0].method
        assert copy.twin is not None
        assert copy.twin.shape == copy.samples.shape
        assert not (copy.twin == copy.samples).all()


def test_copies_are_made_once_and_the_same_everywhere(tmp_path: Path) -> None:
    given = [make_voice(1)]
    one = with_copies(given, {"phase_randomised": 1.0}, 1, tmp_path / "a")[1]
    again = with_copies(given, {"phase_randomised": 1.0}, 1, tmp_path / "a")[1]
    elsewhere = [replace(given[0], source_path="/another/place.wav")]
    other = with_copies(elsewhere, {"phase_randomised": 1.0}, 1, tmp_path / "b")[1]
    assert (one.samples == again.samples).all()
    assert (one.samples == other.samples).all()


def test_a_voice_that_cannot_be_forged_is_passed_over(tmp_path: Path) -> None:
    silence = replace(make_voice(1), samples=np.zeros(16000, np.int16))
    assert with_copies([silence], {"phase_randomised": 1.0}, 1, tmp_path) == [silence]


@pytest.mark.shared
def test_genuine_and_synthetic_speech_of_the_shared_media_is_found(tmp_path: Path) -> None:
    try:
        folder = shared_folder() / "data"
    except Exception as error:
        pytest.skip(str(error))
    items = [i for i in read_manifest(folder) if i.modality == "audio"][::40]
    found = cached_voices(items, tmp_path)
    assert len(found) >= len(items) - 1
