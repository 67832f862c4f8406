import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tests.report.conftest import heat

from assay import types as t
from assay.findings import FileView
from assay.report import file_views, overlays
from assay.report.forensic_view import PLACES, forensic_view, heat_tables


def held_by(source: str) -> bytes:
    return base64.b64decode(source.partition(",")[2])


def with_views(verdict: t.Verdict, *views: FileView) -> t.Verdict:
    one = t.Evidence("d", "1", "f", "file", "reported", views=views)
    return replace(verdict, evidence=(one,))


def a_view(**more: object) -> FileView:
    values: dict = {"name": "n", "title": "T", "caption": "C.", "weakness": "W.", "values": heat()}
    return FileView(**values | more)


def test_each_view_lies_over_the_one_picture(make: dict) -> None:
    held = forensic_view(make["forensic"]())
    assert held is not None
    assert len(held.sheets) == 1
    places, noise, preview, copied = held.plates
    assert {mark.number for mark in places.marks} == {1, 2, 3}
    assert (noise.width, noise.height) == (640, 420)
    assert noise.layer.heat
    assert (noise.layer.x, noise.layer.y, noise.layer.width, noise.layer.height) == (0, 0, 640, 420)
    (mark,) = noise.marks
    assert (mark.number, mark.left, mark.top, mark.width) == (1, 10.0, 10.0, 20.0)
    assert not preview.over
    assert preview.sheet is held.sheets[0]
    assert (copied.layer.x, copied.layer.width) == (16, 608)
    assert [(one.number, one.dashed) for one in copied.marks] == [(3, True), (3, False)]
    assert copied.links == (("384.0", "260.0", "96.0", "300.0"),)
    assert "x 16–624, y 16–400 px" in copied.extent


def test_boxes_follow_a_shrunken_picture(make: dict) -> None:
    verdict = make["forensic"]()
    large = t.Picture(0, 0.0, np.zeros((210, 320, 3), np.uint8), 0.5)
    copied = forensic_view(replace(verdict, pictures=(large,))).plates[3]
    assert (copied.layer.x, copied.layer.width) == (8, 304)
    assert copied.marks[1].left == 50.0
    assert copied.links[0][0] == "192.0"
    assert copied.picture_width == 640


def test_places_of_detectors_without_a_map_are_drawn_once(make: dict) -> None:
    (places,) = forensic_view(make["image"]()).plates
    assert places.key == PLACES
    assert places.layer is None
    assert [mark.number for mark in places.marks] == [1, 1]
    assert "Saved by an editing program" in places.alt


def test_nothing_to_show_is_no_view(make: dict) -> None:
    assert forensic_view(make["audio"]()) is None
    assert forensic_view(make["failed"]()) is None
    assert forensic_view(make["faceless"]()) is None


def test_a_view_without_its_picture_stands_alone(make: dict) -> None:
    held = forensic_view(with_views(replace(make["audio"](), pictures=()), a_view()))
    assert held.sheets == ()
    assert not held.plates[0].over
    assert held.plates[0].sheet is None


def test_a_frame_of_a_video_is_named(make: dict) -> None:
    plate = forensic_view(with_views(make["video"](), a_view(time_s=14.5))).plates[0]
    assert plate.over
    assert "of 0:14.5; drawn over the frame at 0:15.0, the nearest" in plate.extent


NAN = float("nan")


@pytest.mark.parametrize(
    "view",
    [
        a_view(box_px=(NAN, 0.0, 1.0, 1.0)),
        a_view(box_px=(-1e30, -1e30, 1e30, 1e30)),
        a_view(box_px=(5000.0, 0.0, 6000.0, 10.0)),
        a_view(box_px=(3.0, 3.0, 3.0, 3.0)),
        a_view(links_px=((NAN, 0.0, 1.0, 1.0), (1e300, 0.0, 1.0, 1.0))),
        a_view(time_s=NAN),
        a_view(time_s=-1e9),
        a_view(values=np.zeros((1, 1), np.float32)),
    ],
)
def test_odd_views_give_numbers_that_can_be_drawn(make: dict, view: FileView) -> None:
    held = forensic_view(with_views(make["forensic"](), view))
    (plate,) = held.plates
    numbers = (plate.layer.x, plate.layer.y, plate.layer.width, plate.layer.height)
    assert all(abs(number) < 1e5 for number in numbers)
    assert plate.links == ()


def test_all_pictures_together_stay_within_their_bounds(make: dict) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (1280, 1280, 3), dtype=np.uint8)
    views = tuple(a_view(values=rng.random((1500, 1500), dtype=np.float32)) for _ in range(14))
    verdict = replace(make["forensic"](), pictures=(t.Picture(0, 0.0, noise, 1.0),))
    for beside_film, most in ((False, file_views.MAX_ALL_BYTES), (True, 700_000)):
        held = forensic_view(with_views(verdict, *views), beside_film)
        assert held.n_bytes <= most
        assert held.n_left_out == 2
        for source in [p.layer.source for p in held.plates] + [s.source for s in held.sheets]:
            assert len(held_by(source)) <= file_views.MAX_BYTES


def test_the_page_colours_a_map_as_the_other_maps_of_the_house() -> None:
    (red, _, blue), opacity = heat_tables()
    assert red.split()[0] == f"{overlays.HEAT_STOPS[0][0] / 255:.3f}"
    assert blue.split()[-1] == f"{overlays.HEAT_STOPS[-1][2] / 255:.3f}"
    assert opacity.split()[0] == "0.000"
    assert opacity.split()[-1] == "0.780"


def test_a_map_is_embedded_in_grey(make: dict) -> None:
    plate = forensic_view(with_views(make["forensic"](), a_view())).plates[0]
    image = Image.open(io.BytesIO(held_by(plate.layer.source)))
    assert image.mode == "L"
    assert image.size == (28, 28)
    assert plate.layer.coarse
