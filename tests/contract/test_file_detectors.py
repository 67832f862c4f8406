"""What every detector that reads the file itself keeps to, over all that `discover()` finds."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.case import Case
from assay.detectors import Detector
from assay.media.probe import probe
from assay.types import Evidence
from tests.contract.test_detectors import DETECTORS, _said, examined

FILE_DETECTORS = {name: one for name, one in DETECTORS.items() if one.needs == "file"}
file_detectors = pytest.mark.parametrize(
    "detector", [pytest.param(one, id=name) for name, one in FILE_DETECTORS.items()]
)
FAMILIES = {"metadata", "provenance", "compression", "noise", "geometry", "container", "watermark"}
FAMILIES |= {"named"}  # a network of the user's, before its card says what it looks at


def scene(height: int = 240, width: int = 320) -> np.ndarray:
    """A smooth scene with texture and noise: (height, width, 3) uint8."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    base = 120 + 60 * np.sin(x / 37) + 40 * np.cos(y / 23 + x / 90)
    base[height // 3 : height // 2] += 25 * np.sin(x[height // 3 : height // 2] / 2.1)
    shades = np.stack([base, base * 0.9 + 10, base * 0.7 + 30], axis=-1)
    return np.clip(shades + rng.normal(0, 3, shades.shape), 0, 255).astype(np.uint8)


def _save(folder: Path, name: str, picture: Image.Image, **how: object) -> Path:
    path = folder / name
    picture.save(path, **how)  # type: ignore[arg-type]
    return path


def jpeg(folder: Path) -> Path:
    return _save(folder, "a.jpg", Image.fromarray(scene()), quality=88)


def progressive(folder: Path) -> Path:
    made = Image.fromarray(scene())
    return _save(folder, "a.jpg", made, quality=30, progressive=True, subsampling=0)


def cmyk(folder: Path) -> Path:
    return _save(folder, "a.jpg", Image.fromarray(scene()).convert("CMYK"), quality=80)


def grey(folder: Path) -> Path:
    return _save(folder, "a.jpg", Image.fromarray(scene()).convert("L"), quality=95)


def turned(folder: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _save(folder, "a.jpg", Image.fromarray(scene(200, 331)), quality=90, exif=exif)


def alpha(folder: Path) -> Path:
    rgba = np.dstack([scene(), np.full((240, 320), 9, np.uint8)])
    return _save(folder, "a.png", Image.fromarray(rgba))


def sixteen_bit(folder: Path) -> Path:
    return _save(folder, "a.png", Image.fromarray(scene()[..., 0].astype(np.uint16) * 257))


def palette(folder: Path) -> Path:
    return _save(folder, "a.gif", Image.fromarray(scene()).quantize(16))


def webp(folder: Path) -> Path:
    return _save(folder, "a.webp", Image.fromarray(scene()), quality=60)


def ribbon(folder: Path) -> Path:
    return _save(folder, "a.png", Image.fromarray(scene(3, 60_000)))


def pole(folder: Path) -> Path:
    return _save(folder, "a.jpg", Image.fromarray(scene(20_000, 5)), quality=70)


def one_colour(folder: Path) -> Path:
    return _save(folder, "a.jpg", Image.new("RGB", (400, 300), (255, 255, 255)), quality=75)


def two_halves(folder: Path) -> Path:
    halves = np.zeros((256, 256, 3), np.uint8)
    halves[:, 128:] = 255
    return _save(folder, "a.png", Image.fromarray(halves))


def static(folder: Path) -> Path:
    noise = np.random.default_rng(3).integers(0, 256, (256, 256, 3), np.uint8)
    return _save(folder, "a.png", Image.fromarray(noise))


def tiles(folder: Path) -> Path:
    return _save(folder, "a.png", Image.fromarray(np.tile(scene(32, 32), (9, 9, 1))))


def cut_short(folder: Path) -> Path:
    buffer = io.BytesIO()
    Image.fromarray(scene()).save(buffer, "JPEG", quality=90)
    path = folder / "a.jpg"
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) * 2 // 3])
    return path


def odd_name(folder: Path) -> Path:
    return _save(folder, "a\n\x1b[31m.jpg", Image.fromarray(scene()), quality=88)


PICTURES: tuple[Callable[[Path], Path], ...] = (
    jpeg, progressive, cmyk, grey, turned, alpha, sixteen_bit, palette, webp, ribbon, pole,
    one_colour, two_halves, static, tiles, cut_short, odd_name,
)  # fmt: skip
every_picture = pytest.mark.parametrize("make", PICTURES, ids=lambda make: make.__name__)


def _facts(path: Path) -> tuple[str, int, list[str]]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return digest, path.stat().st_mtime_ns, sorted(one.name for one in path.parent.iterdir())


def _keeps_the_rules(detector: type[Detector], case: Case, found: list[Evidence]) -> None:
    assert [one.subject for one in found] == ["file"], "one piece of evidence, for the file"
    (one,) = found
    assert one.status in ("reported", "abstained"), "what a file tells never enters a score"
    raw = one.details.get("raw_logit")
    assert raw is None or math.isfinite(raw)
    width, height = case.media.size_px or (0, 0)
    for told in one.findings:
        assert told.severity == "info" or told.innocent_causes, f"{told.code}: what else does it?"
        assert told.title
        assert told.meaning
        assert told.false_alarm_rate is None, "the verdict fills in what was measured"
        for box in (told.region.box_px, told.region.source_px) if told.region else ():
            assert box is None or (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height)
    for view in one.views:
        assert view.caption
        assert view.weakness
        x0, y0, x1, y1 = view.box_px or (0, 0, width, height)
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
    assert len({view.name for view in one.views}) == len(one.views)


@file_detectors
@every_picture
def test_any_picture_is_answered_and_left_as_it_is(
    detector: type[Detector], make: Callable[[Path], Path], tmp_path: Path
) -> None:
    if "image" not in detector.kinds or getattr(detector, "needs_camera", False):
        pytest.skip(f"{detector.name} does not examine pictures by themselves")
    path = make(tmp_path)
    before = _facts(path)
    case = Case(probe(path))
    _keeps_the_rules(detector, case, examined(detector, case))
    assert _facts(path) == before


@file_detectors
def test_the_same_pixels_give_the_same_answer(detector: type[Detector], tmp_path: Path) -> None:
    if "image" not in detector.kinds or getattr(detector, "needs_camera", False):
        pytest.skip(f"{detector.name} does not examine pictures by themselves")
    path = jpeg(tmp_path)
    first, second = ([_said(one) for one in examined(detector, Case(probe(path)))] for _ in "ab")
    assert first == second


@file_detectors
def test_it_names_its_family(detector: type[Detector]) -> None:
    assert detector.family in FAMILIES


def test_the_rules_can_fail(tmp_path: Path) -> None:
    from assay.findings import Finding, Region

    detector = FILE_DETECTORS["metadata"]
    case = Case(probe(jpeg(tmp_path)))
    (one,) = examined(detector, case)
    bare = Finding("c", "t", "m", "notable")
    outside = Finding("c", "t", "m", region=Region(box_px=(0, 0, 9000, 5)))
    for findings in ((bare,), (outside,)):
        with pytest.raises(AssertionError):
            _keeps_the_rules(detector, case, [replace(one, findings=findings)])
