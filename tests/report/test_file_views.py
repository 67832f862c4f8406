import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay import types as t
from assay.findings import FileView
from assay.report import file_views
from assay.report.file_views import coded_picture, coded_view, inside, write_views

SHAPES = [(1, 1), (3, 5000), (5000, 3), (900, 1600), (64, 48), (1, 100_000)]


def a_view(values: np.ndarray | None = None, **more: object) -> FileView:
    held: dict = {"values": values} if "rgb" not in more else {}
    return FileView("name", "Title", "Caption.", "Weakness.", **held | more)


def opened(coded: file_views.Coded) -> Image.Image:
    image = Image.open(io.BytesIO(coded.data))
    assert image.size == coded.size_px
    assert image.get_format_mimetype() == coded.media_type
    return image


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("budget", [150_000, 20_000])
def test_every_view_fits_its_share(shape: tuple[int, int], budget: int) -> None:
    rng = np.random.default_rng(0)
    noise = rng.random(shape, dtype=np.float32)
    colours = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    for view in (a_view(noise), a_view(rgb=colours)):
        coded = coded_view(view, budget)
        assert len(coded.data) <= budget
        assert max(coded.size_px) <= file_views.MAX_SIDE_PX
        opened(coded).load()
    picture = coded_picture(t.Picture(0, 0.0, colours, 1.0), budget)
    assert len(picture.data) <= budget
    assert picture.media_type == "image/jpeg"


def test_a_map_keeps_its_values_where_it_fits() -> None:
    values = np.linspace(0, 1, 64 * 32, dtype=np.float32).reshape(32, 64)
    coded = coded_view(a_view(values), 150_000)
    assert coded.media_type == "image/png"
    read = np.asarray(opened(coded)) / 255
    assert np.abs(read - values).max() <= 0.5 / 255 + 1e-6


def test_shrinking_keeps_the_mean_of_fine_detail() -> None:
    checks = (np.indices((2000, 2560)).sum(axis=0) % 2).astype(np.float32)
    coded = coded_view(a_view(checks), 150_000)
    assert coded.size_px == (1280, 1000)
    assert abs(np.asarray(opened(coded)).mean() - 127.5) < 1


@pytest.mark.parametrize(
    ("box", "shown"),
    [
        (None, (0, 0, 100, 50)),
        ((10, 10, 20, 20), (10, 10, 20, 20)),
        ((-5, -5, 500, 10), (0, 0, 100, 10)),
        ((200, 0, 300, 10), None),
        ((0, 0, float("nan"), 10), None),
        ((float("-inf"), 0, 10, 10), None),
    ],
)
def test_boxes_are_cut_to_the_picture(box: tuple | None, shown: tuple | None) -> None:
    assert inside(box, (100.0, 50.0)) == shown


def test_the_views_of_the_gravest_come_first_and_are_twelve_at_most(make: dict) -> None:
    verdict = make["forensic"]()
    assert [view.name for _, view in file_views.chosen(verdict)] == ["noise", "preview", "matches"]
    many = replace(verdict.evidence[2], views=verdict.evidence[2].views * 20)
    crowded = replace(verdict, evidence=(many,))
    assert len(file_views.chosen(crowded)) == 12
    assert file_views.n_views_left_out(crowded) == 8


def test_views_are_written_beside_the_report(make: dict, tmp_path: Path) -> None:
    report = tmp_path / "montage.jpg-0123.html"
    artifacts = write_views(make["forensic"](), report)
    assert [one["kind"] for one in artifacts] == ["map", "picture", "map"]
    names = [Path(one["path"]).name for one in artifacts]
    assert names == ["01-noise_residual-noise.png", "02-metadata-preview.png",
                     "03-copy_move-matches.png"]  # fmt: skip
    assert {Path(one["path"]).parent for one in artifacts} == {tmp_path / "montage.jpg-0123.files"}
    assert artifacts[0]["caption"] == (
        "Local noise level. Bright: less noise than elsewhere. "
        "Flat places of genuine pictures stand out too."
    )
    first = [Path(one["path"]).read_bytes() for one in artifacts]
    assert write_views(make["forensic"](), report) == artifacts
    assert [Path(one["path"]).read_bytes() for one in artifacts] == first
    assert len(list((tmp_path / "montage.jpg-0123.files").iterdir())) == 3


def test_nothing_is_made_where_there_is_no_view(make: dict, tmp_path: Path) -> None:
    assert write_views(make["faceless"](), tmp_path / "a.html") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../x", "", "\x00\n", "漢字", "a" * 500, "con", "-rf"])
def test_names_of_views_stay_in_the_folder(make: dict, tmp_path: Path, name: str) -> None:
    verdict = make["forensic"]()
    view = replace(verdict.evidence[2].views[0], name=name, title=name, caption=name)
    hostile = replace(verdict.evidence[2], detector=name, views=(view,))
    (artifact,) = write_views(replace(verdict, evidence=(hostile,)), tmp_path / "r.html")
    path = Path(artifact["path"])
    assert path.parent == tmp_path / "r.files"
    assert path.name.startswith("01-")
    assert len(path.name) < 100
    assert not any(ord(c) < 0x20 for c in artifact["caption"])
