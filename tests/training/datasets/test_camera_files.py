from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import ConfigError, DamagedMediaError
from assay.training.datasets.camera_files import (
    CameraFacts,
    doubts,
    facts_of,
    main,
    make,
    read_packages,
)
from tests.real_faces import textured

pytestmark = pytest.mark.train
OWN_TABLE = [3] * 64
AS_TAKEN = CameraFacts(
    form="JPEG",
    make="Canon",
    model="S20",
    software="",
    size_px=(640, 480),
    tagged_px=(640, 480),
    taken="2002:08:10 08:22:09",
    changed="2002:08:10 08:22:09",
    has_maker_note=True,
    standard_quality=None,
    segments=("APP1",),
    n_bytes=100_000,
)


def camera_file(software: str = "", *, by_library: bool = False) -> bytes:
    """A JPEG file with the tags of a camera; the EXIF first, as cameras write it, or JFIF."""
    image, exif, store = Image.fromarray(textured(256, 320)), Image.Exif(), io.BytesIO()
    exif[0x010F], exif[0x0110] = "Canon", "S20"
    if software:
        exif[0x0131] = software
    own = exif.get_ifd(0x8769)
    own[0x9003], own[0xA002], own[0xA003] = "2002:08:10 08:22:09", 320, 256
    image.save(store, "JPEG", qtables=[OWN_TABLE, OWN_TABLE], exif=exif)
    data = store.getvalue()
    if by_library:
        return data
    jfif = data.index(b"\xff\xe0")
    length = int.from_bytes(data[jfif + 2 : jfif + 4])
    return data[:jfif] + data[jfif + 2 + length :]


def packed(tmp_path: Path, files: dict[str, bytes]) -> Path:
    """A configuration of one package beside its file."""
    with zipfile.ZipFile(tmp_path / "one-1.0.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    digest = hashlib.sha256((tmp_path / "one-1.0.zip").read_bytes()).hexdigest()
    names = ", ".join(f'"{name}"' for name in files)
    config = tmp_path / "cameras.toml"
    config.write_text(
        '[[package]]\nregistry = "pypi"\nname = "one"\nversion = "1.0"\nfile = "one-1.0.zip"\n'
        f'sha256 = "{digest}"\nlicence = "MIT"\nfiles = [{names}]\n'
    )
    return config


def test_facts_are_read_from_the_file() -> None:
    facts = facts_of(camera_file())
    assert (facts.make, facts.model, facts.size_px) == ("Canon", "S20", (320, 256))
    assert facts.tagged_px == (320, 256)
    assert facts.segments == ("APP1",)
    assert facts.standard_quality is None
    assert list(doubts(facts)) == []
    assert list(doubts(facts_of(camera_file(by_library=True)))) == ["JFIF before EXIF"]
    assert facts_of(_saved(quality=83)).standard_quality == 83
    with pytest.raises(DamagedMediaError):
        facts_of(b"no picture at all")


def _saved(quality: int) -> bytes:
    store = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(store, "JPEG", quality=quality)
    return store.getvalue()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"make": ""}, "no make and model"),
        ({"software": "Adobe Photoshop CS3 Windows"}, "written by Adobe Photoshop CS3 Windows"),
        ({"software": "GIMP 2.8"}, "written by GIMP 2.8"),
        ({"tagged_px": (2272, 1704)}, "the EXIF names another size"),
        ({"tagged_px": None}, "the EXIF names no size"),
        ({"changed": "2012:01:01 00:00:00"}, "changed after it was taken"),
        ({"taken": ""}, "no date of taking"),
        ({"segments": ("APP0", "APP1")}, "JFIF before EXIF"),
        ({"segments": ("APP1", "APP13")}, "an editor's resources"),
        ({"standard_quality": 60}, "tables of a library at quality 60"),
        (
            {"standard_quality": 95, "has_maker_note": False},
            "tables of a library at quality 95",
        ),
        ({"n_bytes": 4000}, "next to nothing in it"),
        ({"size_px": (100, 75), "tagged_px": (100, 75)}, "too small for a camera's picture"),
    ],
)
def test_each_doubt_is_told(change: dict[str, object], why: str) -> None:
    assert list(doubts(replace(AS_TAKEN, **change))) == [why]  # type: ignore[arg-type]


def test_a_cameras_own_file_has_no_doubts() -> None:
    assert list(doubts(AS_TAKEN)) == []
    assert list(doubts(replace(AS_TAKEN, tagged_px=(480, 640)))) == []  # turned
    assert list(doubts(replace(AS_TAKEN, software="ILCE-6000 v1.00"))) == []
    assert list(doubts(replace(AS_TAKEN, standard_quality=80))) == []  # a maker note is there
    heif = replace(AS_TAKEN, form="HEIF", segments=())
    assert list(doubts(heif)) == []


def test_files_are_written_untouched_with_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ASSAY_SHARED", raising=False)
    monkeypatch.chdir(tmp_path)
    first, edited = camera_file(), camera_file("Picasa 3.0")
    files = {"a/one.jpg": first, "b/two.jpg": edited, "b/again.jpg": first}
    config = packed(tmp_path, files)
    out = tmp_path / "out"
    call = ["--config", str(config), "--packages", str(tmp_path), "--out", str(out)]
    assert main(call) == 0
    with (out / "manifest.csv").open(newline="") as file:
        rows = {row["software"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"", "Picasa 3.0"}  # each content once
    assert rows[""]["pristine"] == "yes"
    assert rows["Picasa 3.0"]["why"] == "written by Picasa 3.0"
    assert (out / rows[""]["path"]).read_bytes() == first
    assert rows[""]["identity"] == "canon s20"
    assert rows[""]["licence"].startswith("MIT")
    assert "2 files, 1 as their cameras wrote them, 1 cameras" in capsys.readouterr().out


def test_another_file_than_the_published_one_is_refused(tmp_path: Path) -> None:
    config = packed(tmp_path, {"one.jpg": camera_file()})
    packages = read_packages(config)
    (wrong,) = (replace(package, sha256="0" * 64) for package in packages)
    with pytest.raises(DamagedMediaError, match="not the published file"):
        make([wrong], tmp_path / "out", tmp_path)
    (lacking,) = (replace(package, files=("two.jpg",)) for package in packages)
    with pytest.raises(DamagedMediaError, match=r"holds no two\.jpg"):
        make([lacking], tmp_path / "out", tmp_path)


def test_a_package_that_is_not_to_be_had_is_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ASSAY_SHARED", raising=False)
    monkeypatch.chdir(tmp_path)
    packages = read_packages(packed(tmp_path, {"one.jpg": camera_file()}))
    assert make(packages, tmp_path / "out", tmp_path / "nowhere") == []
    assert "unearth" in capsys.readouterr().err


def test_a_configuration_that_names_no_packages_is_refused(tmp_path: Path) -> None:
    config = packed(tmp_path, {"one.jpg": camera_file()})
    text = config.read_text()
    for old, new in (("pypi", "nowhere"), ("one-1.0.zip", "../one.zip"), ('"MIT"', '""')):
        config.write_text(text.replace(old, new))
        with pytest.raises(ConfigError):
            read_packages(config)
    config.write_text("name = 1")
    with pytest.raises(ConfigError, match="names no packages"):
        read_packages(config)
