from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import AssayError, ConfigError, DamagedMediaError
from assay.media.image import read_image
from assay.media.probe import probe
from assay.training.datasets import web_generated
from assay.training.datasets.manifest import Item, read_manifest
from assay.training.datasets.web_generated import Config, Genuine, Made, Saving, Source
from assay.training.datasets.web_photos import COLUMNS, Package
from assay.training.datasets.webp_quantiser import quantiser_of
from tests.real_faces import textured
from tests.training.datasets.changed_config import changed
from tests.training.datasets.test_web_photos import brought, integrity, jpeg, wheel

CONFIG = Path(__file__).parents[3] / "configs" / "web_generated.toml"


def saved(seed: int, side: int = 256, kind: str = "WEBP", **options: object) -> bytes:
    data = io.BytesIO()
    Image.fromarray(textured(side, side, seed)).save(data, kind, **options)
    return data.getvalue()


def genuine_folder(folder: Path, count: int, split: str = "train", side: int = 320) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(count):
        (folder / f"{split}-{number}.jpg").write_bytes(jpeg(100 + number, side, side))
        row = dict.fromkeys(COLUMNS, "") | {"path": f"{split}-{number}.jpg", "label": "real"}
        facts = {"modality": "image", "method": "camera", "split": split, "licence": "CC0"}
        rows.append(row | facts | {"identity": f"person-{number}"})
    manifest = folder / "manifest.csv"
    is_new = not manifest.is_file()
    with manifest.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerows(rows)
    return folder


def source(archive: Path, *pictures: Made) -> Source:
    package = Package(
        registry="pypi",
        name="templates",
        version="1.2.0",
        licence="MIT",
        photographs="",
        date="",
        dated_by="",
        integrity=integrity(archive),
        one_identity=False,
        split="train",
        pictures=(),
    )
    return Source(package, archive.name, "as the package", pictures)


def config(folder: Path, *sources: Source, twins: int = 1) -> Config:
    return Config(1, twins, (str(folder),), {"old": "train", "new": "val"}, sources)


@pytest.fixture
def packed(tmp_path: Path) -> tuple[Path, Source]:
    members = {
        "t/a.webp": saved(1, quality=80),
        "t/b.webp": saved(2, quality=40),
        "t/c.png": saved(3, kind="PNG"),
    }
    archive = wheel(tmp_path / "templates.whl", members)
    pictures = (
        Made("t/a.webp", "old", "workflow loads old.safetensors", ""),
        Made("t/b.webp", "new", "file name", "lettering"),
        Made("t/c.png", "old", "file name", ""),
    )
    return archive, source(archive, *pictures)


def never(_: Package, __: Path) -> Path:
    raise AssertionError


def test_pictures_keep_their_bytes_and_say_what_made_them(
    tmp_path: Path, packed: tuple[Path, Source]
) -> None:
    archive, held = packed
    genuine = genuine_folder(genuine_folder(tmp_path / "g", 4), 2, "val")
    rows = web_generated.make(config(genuine, held), tmp_path / "out", tmp_path, never)
    first, second, third = (row for row in rows if row["label"] == "fake")
    assert (tmp_path / "out" / first["path"]).read_bytes() == saved(1, quality=80)
    assert first["identity"] == "web-templates-1.2.0-a"
    assert first["source"] == "templates@1.2.0:t/a.webp"
    assert [row["method"] for row in (first, second, third)] == ["old", "new", "old"]
    assert [row["split"] for row in (first, second, third)] == ["train", "val", "train"]
    assert second["note"] == "file name; lettering"
    assert archive.is_file()


def test_twins_are_saved_as_the_generated_pictures_are(
    tmp_path: Path, packed: tuple[Path, Source]
) -> None:
    genuine = genuine_folder(genuine_folder(tmp_path / "g", 4), 2, "val")
    out = tmp_path / "out"
    rows = web_generated.make(config(genuine, packed[1]), out, tmp_path, never)
    assert {item.path for item in read_manifest(out)} == {out / row["path"] for row in rows}
    how: dict[str, list[tuple[str, tuple[int, int], int | None]]] = {"fake": [], "real": []}
    for row in rows:
        data = (out / row["path"]).read_bytes()
        size = Image.open(io.BytesIO(data)).size
        is_webp = data.startswith(b"RIFF")
        how[row["label"]].append((row["split"], size, quantiser_of(data, "") if is_webp else None))
    assert [x[:2] for x in sorted(how["fake"], key=str)] == [
        x[:2] for x in sorted(how["real"], key=str)
    ]
    quantisers = [[x[2] for x in sorted(how[label], key=str)] for label in ("fake", "real")]
    for fake, real in zip(*quantisers, strict=True):
        assert fake == real or abs((fake or 0) - (real or 0)) <= 1
    twins = [row for row in rows if row["label"] == "real"]
    assert {row["method"] for row in twins} == {"webp-camera"}
    assert all(row["identity"].removeprefix("val-").startswith("person-") for row in twins)
    assert len({row["sha256"] for row in twins}) == len(twins) == 3


def test_assays_own_reader_opens_them(tmp_path: Path, packed: tuple[Path, Source]) -> None:
    out = tmp_path / "out"
    web_generated.make(config(genuine_folder(tmp_path / "g", 4), packed[1]), out, tmp_path, never)
    (webp,) = out.glob("templates-1.2.0/a.webp")
    assert read_image(probe(webp), 10).rgb.shape == (256, 256, 3)


def test_two_runs_make_the_same(tmp_path: Path, packed: tuple[Path, Source]) -> None:
    wanted = config(genuine_folder(tmp_path / "g", 6), packed[1], twins=2)
    runs = [web_generated.make(wanted, tmp_path / name, tmp_path, never) for name in "ab"]
    assert runs[0] == runs[1]
    assert web_generated.make(wanted, tmp_path / "a", tmp_path, never) == runs[0]


def test_a_name_that_both_splits_use_is_two_people(tmp_path: Path) -> None:
    folder = genuine_folder(genuine_folder(tmp_path / "g", 1), 1, "val")
    groups = [one.group for one in web_generated.genuine_of(config(folder))]
    assert groups == ["person-0", "val-person-0"]


def item(method: str, number: int, side: int, split: str = "train") -> Genuine:
    path = Path(f"{method}-{number}.jpg")
    held = Item(path, "image", "real", method, f"{method}-{number}", split, "", "")
    return Genuine(held, held.group, (side, side))


def test_large_enough_pictures_come_first_and_sources_take_turns(tmp_path: Path) -> None:
    held = [item("many", n, 500) for n in range(9)] + [item("few", n, 500) for n in range(2)]
    held += [item("small", n, 100) for n in range(9)]
    savings = [Saving("train", (400, 400), 6)] * 4
    drawn = [g.item.method for g, _ in web_generated.pairs(savings, held, config(tmp_path))]
    assert sorted(drawn) == ["few", "few", "many", "many"]


def test_what_nothing_is_large_enough_for_comes_last(tmp_path: Path) -> None:
    held = [item("a", 0, 500), item("b", 0, 300)]
    savings = [Saving("train", (1000, 1000), 6), Saving("train", (400, 400), 6)]
    found = web_generated.pairs(savings, held, config(tmp_path))
    assert [(g.item.method, s.size_px[0]) for g, s in found] == [("a", 400), ("b", 1000)]


def test_each_picture_is_used_once_and_none_for_the_other_split(tmp_path: Path) -> None:
    held = [item("a", n, 500) for n in range(3)] + [item("b", 0, 500, "val")]
    savings = [Saving("train", (400, 400), 6)] * 5
    found = list(web_generated.pairs(savings, held, config(tmp_path, twins=2)))
    assert sorted(g.item.path.name for g, _ in found) == ["a-0.jpg", "a-1.jpg", "a-2.jpg"]


def test_shrinking_takes_the_middle_by_area_and_never_enlarges() -> None:
    rgb = np.zeros((400, 800, 3), np.uint8)
    rgb[:, 200:600:2] = 200
    small = web_generated.shrunk(Image.fromarray(rgb), (200, 200))
    assert small.size == (200, 200)
    assert set(np.asarray(small).ravel().tolist()) == {100}
    assert web_generated.shrunk(Image.fromarray(rgb), (1000, 1000)).size == (400, 400)


def test_near_duplicates_are_left_out(tmp_path: Path) -> None:
    archive = wheel(tmp_path / "t.whl", {"a.webp": saved(1), "b.webp": saved(1, quality=50)})
    held = source(archive, Made("a.webp", "old", "", ""), Made("b.webp", "new", "", ""))
    wanted = config(genuine_folder(tmp_path / "g", 2), held)
    rows = web_generated.make(wanted, tmp_path / "out", tmp_path, never)
    assert [row["method"] for row in rows if row["label"] == "fake"] == ["old"]


def test_another_file_of_that_name_is_refused(tmp_path: Path, packed: tuple[Path, Source]) -> None:
    packed[0].write_bytes(packed[0].read_bytes() + b" ")
    wanted = config(genuine_folder(tmp_path / "g", 2), packed[1])
    with pytest.raises(DamagedMediaError, match="not the published file"):
        web_generated.make(wanted, tmp_path / "out", tmp_path, never)


def test_a_package_that_is_not_there_is_fetched(
    tmp_path: Path, packed: tuple[Path, Source]
) -> None:
    (tmp_path / "none").mkdir()
    wanted = config(genuine_folder(tmp_path / "g", 2), packed[1])
    bring = brought(packed[0])
    rows = web_generated.make(wanted, tmp_path / "out", tmp_path / "none", bring)
    assert len([row for row in rows if row["label"] == "fake"]) == 3


@pytest.mark.parametrize("data", [b"", b"GIF89a", saved(1)[:300], saved(1, 200)])
def test_what_is_no_picture_or_too_small_is_refused(tmp_path: Path, data: bytes) -> None:
    archive = wheel(tmp_path / "t.whl", {"a.webp": data})
    wanted = config(
        genuine_folder(tmp_path / "g", 1), source(archive, Made("a.webp", "old", "", ""))
    )
    with pytest.raises(AssayError):
        web_generated.make(wanted, tmp_path / "out", tmp_path, never)


def test_the_shipped_configuration_can_be_used() -> None:
    shipped = web_generated.read_config(CONFIG)
    pictures = [made for held in shipped.sources for made in held.pictures]
    splits = [shipped.split_of[made.method] for made in pictures]
    assert min(splits.count("train"), splits.count("val")) >= 50
    assert {shipped.split_of[name] for name in ("flux1", "flux2", "sd35")} == {"val"}
    assert {made.method for made in pictures} == shipped.split_of.keys()
    assert all(made.known for made in pictures)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('registry = "pypi"', 'registry = "ftp"'),
        ('name = "invokeai"', 'name = "--global"'),
        ('file = "', 'file = "../'),
        ('integrity = "sha512-', 'integrity = "md5-'),
        ("seed = ", "seeds = "),
        ("[[package]]", "[[packages]]"),
        ('  "sdxl",\n', '  "sdxl",\n  "flux1",\n'),
        ('  "sdxl",\n', ""),
        ("pictures = [", "pictures = [[], "),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = changed(CONFIG, tmp_path, old, new)
    with pytest.raises(ConfigError):
        web_generated.read_config(path)


def test_the_command_tells_what_was_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        web_generated.main(["--config", str(tmp_path / "none.toml"), "--out", str(tmp_path)])
    assert "names no packages" in capsys.readouterr().err


def test_a_note_may_be_left_out() -> None:
    names = ("registry", "name", "version", "licence", "terms", "file", "integrity")
    table = dict.fromkeys(names, "x") | {"pictures": [["p.webp", "old", "file name"]]}
    assert web_generated._source(table).pictures == (Made("p.webp", "old", "file name", ""),)
