import io
import tarfile
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest

from assay.errors import DamagedMediaError, TooLargeError
from assay.training.datasets import voice_files
from assay.training.datasets.voice_files import decode, read_package

HELD = {"usr/share/a/1.wav": b"one", "usr/share/a/2.txt": b"two"}


def ball(members: dict[str, bytes], mode: str = "w:gz", prefix: str = "") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as file:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo(prefix + "usr/share/a/link.wav")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    return data.getvalue()


def deb(members: dict[str, bytes]) -> bytes:
    parts = {"debian-binary": b"2.0\n", "control.tar": b"odd", "data.tar.xz": b""}
    parts["data.tar.xz"] = ball(members, "w:xz", "./")
    data = b"!<arch>\n"
    for name, content in parts.items():
        data += f"{name:16}{0:<12}{0:<6}{0:<6}{'100644':8}{len(content):<10}`\n".encode()
        data += content + b"\n" * (len(content) % 2)
    return data


def wheel(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize("pack", [ball, deb, wheel])
def test_wanted_files_of_each_kind_of_package(tmp_path: Path, pack: object) -> None:
    path = tmp_path / "package"
    path.write_bytes(pack(HELD))  # type: ignore[operator]
    assert read_package(path, lambda name: name.endswith(".wav")) == {"usr/share/a/1.wav": b"one"}


@pytest.mark.parametrize(
    "data",
    [b"", b"no archive", b"!<arch>\n", b"!<arch>\n" + b"x" * 60, deb(HELD)[:230], ball(HELD)[:60]],
)
def test_damaged_packages_are_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "package"
    path.write_bytes(data)
    with pytest.raises(DamagedMediaError, match="package"):
        read_package(path, lambda name: True)


def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "package"
    path.write_bytes(ball(HELD))
    monkeypatch.setattr(voice_files, "MOST_FILE_BYTES", 2)
    with pytest.raises(TooLargeError):
        read_package(path, lambda name: True)


def test_parts_of_the_talking_game(tmp_path: Path) -> None:
    head = b"QTBL" + bytes(9) + (1).to_bytes(2)
    part = b"020001P2.SB\0" + b"\1" + (len(head) + 21).to_bytes(4) + (3).to_bytes(4)
    path = tmp_path / "package"
    path.write_bytes(ball({"usr/share/queen.1c": head + part + b"mp3"}))
    assert read_package(path, lambda name: True) == {"usr/share/queen.1c/020001P2.SB": b"mp3"}
    path.write_bytes(ball({"usr/share/queen.1c": b"other"}))
    with pytest.raises(DamagedMediaError, match="talking"):
        read_package(path, lambda name: True)


def test_channels_are_averaged() -> None:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(22050)
        file.writeframes(np.tile(np.array([16384, 0], "<i2"), 1000).tobytes())
    samples, rate_hz = decode(data.getvalue(), "a.wav")
    assert rate_hz == 22050
    assert samples.dtype == np.float32
    assert samples == pytest.approx(np.full(1000, 0.25))


def test_raw_samples() -> None:
    data = np.array([-32768, 0, 16384], "<i2").tobytes()
    samples, rate_hz = decode(data + b"\1", "a.raw", 8000)
    assert (samples.tolist(), rate_hz) == ([-1.0, 0.0, 0.5], 8000)
    assert decode(bytes([0, 128, 192]), "a.als", 11025, "u8")[0].tolist() == [-1.0, 0.0, 0.5]


def test_at_most_so_many_seconds_are_decoded() -> None:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 80_000))
    assert len(decode(data.getvalue(), "a.wav", most_s=1.0)[0]) < 40_000


@pytest.mark.parametrize("data", [b"", b"RIFF", b"\0" * 5000])
def test_no_sound_is_named(data: bytes) -> None:
    with pytest.raises(DamagedMediaError, match=r"a\.wav"):
        decode(data, "a.wav")
