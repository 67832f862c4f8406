"""The pictures of a report: boxes on whole frames, heat maps, as JPEG bytes."""

from __future__ import annotations

import io
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.report import wording
from assay.report.sanitise import finite
from assay.types import Evidence, FaceMark, Heatmap, Patch, Picture, Span, Verdict

if TYPE_CHECKING:
    from PIL.Image import Image

    from assay.types import FloatArray

MAX_PICTURES = 8
MAX_SCENES = 3
MAX_READ = 2
MAX_SCENE_PX = 1100
FACE_PX = 420
WINDOW_FONT_PX = 19
MAX_JPEG_BYTES = 2_300_000  # of all pictures together; base64 makes it 3.1 MB
QUALITIES = (84, 72, 58, 42, 28)
HEAT_STOPS = ((255, 214, 10), (255, 122, 0), (214, 20, 60))
ABOVE_RGB, BELOW_RGB, UNSCORED_RGB = (214, 32, 44), (22, 106, 196), (98, 104, 112)


@dataclass(frozen=True, slots=True)
class Illustration:
    """One picture for the report.

    `kind`: "scene" (whole frame), "scene_heatmap", "face" or "heatmap" (one face).
    """

    kind: str
    jpeg: bytes
    size_px: tuple[int, int]
    caption: str
    alt: str
    track_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Drawing:
    kind: str
    image: Image
    caption: str
    alt: str
    track_id: int | None = None


def illustrations(verdict: Verdict, max_bytes: int = MAX_JPEG_BYTES) -> tuple[Illustration, ...]:
    """The most telling frames and faces, highest p_fake first; at most 8 and `max_bytes` all."""
    if not verdict.pictures:
        return ()
    peaks = _peaks(verdict.faces)
    drawings = _scenes(verdict, peaks)
    for mark in peaks:
        if len(drawings) >= MAX_PICTURES:
            break
        drawings.extend(_close_ups(verdict, mark)[: MAX_PICTURES - len(drawings)])
    share = max_bytes // len(drawings)
    return tuple(_encoded(drawing, share) for drawing in drawings)


def faithful_heatmaps(verdict: Verdict, track_id: int | None = None) -> list[Heatmap]:
    """The maps that may be shown: faithfulness measured, of that track where one is named.

    A map of the whole picture says nothing of one face.
    """
    return [
        heatmap
        for evidence in verdict.evidence
        if track_id is None or (evidence.track_id in (None, track_id) and not evidence.patches)
        for heatmap in evidence.heatmaps
        if heatmap.faithful
    ]


def _peaks(faces: Sequence[FaceMark]) -> list[FaceMark]:
    """Each track's mark with the highest p_fake, the highest track first."""
    best: dict[int, FaceMark] = {}
    for mark in faces:
        if mark.track_id not in best or _rank(mark) > _rank(best[mark.track_id]):
            best[mark.track_id] = mark
    return sorted(best.values(), key=lambda mark: (-_rank(mark), mark.track_id))


def _rank(mark: FaceMark | Patch | Span) -> float:
    value = finite(mark.p_fake)
    return -1.0 if value is None else value


def _picture_at(pictures: Sequence[Picture], time_s: float) -> Picture:
    """The picture nearest in time; pictures follow in time."""
    after = bisect_left(pictures, time_s, key=lambda picture: picture.time_s)
    near = pictures[max(0, after - 1) : after + 1]
    return min(near, key=lambda picture: abs(picture.time_s - time_s))


def _scenes(verdict: Verdict, peaks: Sequence[FaceMark]) -> list[_Drawing]:
    chosen = {p.frame_index: p for p in (_picture_at(verdict.pictures, m.time_s) for m in peaks)}
    pictures, read = list(chosen.values())[:MAX_SCENES], _read_scenes(verdict)
    if not pictures and not read:
        pictures = [_middle(verdict.pictures)]
    return [*(_scene(verdict, picture) for picture in pictures), *read]


def _read_scenes(verdict: Verdict) -> list[_Drawing]:
    """The frame with the highest windows, for each of two detectors that read whole pictures."""
    drawings = []
    for one in [one for one in verdict.evidence if one.patches][:MAX_READ]:
        spans = {span.start_s: _rank(span) for span in one.spans}
        time_s = max(spans or [one.patches[0].time_s], key=lambda time: spans.get(time, 0.0))
        picture = _picture_at(verdict.pictures, time_s)
        patches = [patch for patch in one.patches if patch.time_s == time_s]
        drawings.append(_windows(verdict, one, picture, patches))
        maps = [heat for heat in one.heatmaps if heat.faithful and heat.time_s == time_s]
        drawings += [_scene_map(verdict, one, picture, heat) for heat in maps[:1]]
    return drawings


def _windows(
    verdict: Verdict, one: Evidence, picture: Picture, patches: Sequence[Patch]
) -> _Drawing:
    image, shrink = _image(picture)
    cut = wording.usable_cut(one.threshold)
    for patch in sorted(patches, key=_rank):
        box = _scaled(patch.box_px, picture.scale * shrink)
        rgb = UNSCORED_RGB
        if cut is not None and finite(patch.p_fake) is not None:
            rgb = ABOVE_RGB if _rank(patch) >= cut else BELOW_RGB
        _draw_window(image, box, wording.score(patch.p_fake), rgb)
    what = "picture" if _is_picture(verdict) else "frame"
    read = wording.counted(len(patches), "window")
    name = wording.titled(one.detector).lower()
    caption = f"The whole {what}{_when(verdict, picture.time_s)}: {read} read by {name}"
    scores = wording.listed(f"p_fake {wording.score(patch.p_fake)}" for patch in patches)
    caption += ", each with its own p_fake"
    told = f"{caption}. The score is that of all together."
    return _Drawing("scene", image, told, f"{caption}: {scores}.")


def _scene_map(verdict: Verdict, one: Evidence, picture: Picture, heatmap: Heatmap) -> _Drawing:
    image, _ = _image(_warmed(picture, heatmap))
    what = "picture" if _is_picture(verdict) else "frame"
    name = wording.titled(one.detector).lower()
    text = f"The whole {what}{_when(verdict, picture.time_s)}: heat map of {name}"
    return _Drawing("scene_heatmap", image, f"{text}.", f"{text}, {strongest(heatmap.values)}.")


def _middle(pictures: Sequence[Picture]) -> Picture:
    return pictures[len(pictures) // 2]


def _scene(verdict: Verdict, picture: Picture) -> _Drawing:
    marks = [m for m in verdict.faces if _picture_at(verdict.pictures, m.time_s) is picture]
    marks = list({mark.track_id: mark for mark in marks}.values())
    image, shrink = _image(picture)
    # lowest first, so that the most telling label is never covered
    for mark in sorted(marks, key=_rank):
        box = _scaled(mark.box_px, picture.scale * shrink)
        _draw_box(image, box, _label(mark), _rgb(verdict, mark))
    when = _when(verdict, picture.time_s)
    whole = f"The whole {'picture' if _is_picture(verdict) else 'frame'}{when}"
    return _Drawing("scene", image, whole + ".", f"{whole}; {_marks_text(marks)}.")


def _is_picture(verdict: Verdict) -> bool:
    return verdict.media is None or verdict.media.kind == "image"


def _when(verdict: Verdict, time_s: float) -> str:
    return "" if _is_picture(verdict) else f" at {wording.clock(time_s, tenths=True)}"


def _marks_text(marks: Sequence[FaceMark]) -> str:
    if not marks:
        return "no face is marked in it"
    return "boxes mark " + wording.listed(_label(mark) for mark in marks)


def _label(mark: FaceMark) -> str:
    if finite(mark.p_fake) is None:
        return f"face {mark.track_id}, not scored"
    return f"face {mark.track_id}, p_fake {wording.score(mark.p_fake)}"


def _rgb(verdict: Verdict, mark: FaceMark) -> tuple[int, int, int]:
    cut = wording.threshold(verdict)
    if finite(mark.p_fake) is None or cut is None:
        return UNSCORED_RGB
    return ABOVE_RGB if _rank(mark) >= cut else BELOW_RGB


def _image(picture: Picture) -> tuple[Image, float]:
    from PIL import Image

    image = Image.fromarray(picture.rgb).copy()
    shrink = min(1.0, MAX_SCENE_PX / max(image.size))
    if shrink < 1.0:
        width, height = (max(1, round(side * shrink)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BOX)
    return image, shrink


def _scaled(box: Sequence[float], scale: float) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(side) * scale for side in box)
    return x0, y0, x1, y1


def _draw_box(
    image: Image, box: tuple[float, float, float, float], text: str, rgb: tuple[int, int, int]
) -> None:
    """A box with a dark rim, readable on any ground, and its label on a filled tag."""
    from PIL import ImageDraw, ImageFont

    if not all(math.isfinite(side) for side in box) or box[2] <= box[0] or box[3] <= box[1]:
        return
    width, height = image.size
    line = max(4, round(max(width, height) / 220))
    size = min(34, max(12, round(min(max(width, height) / 36, min(width, height) / 16))))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    x0, y0, x1, y1 = box
    draw.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline=(16, 18, 22), width=1)
    draw.rectangle(box, outline=rgb, width=line)
    text = text.replace("p_fake ", "").replace(",", " ·")
    left, top, right, bottom = font.getbbox(text)
    tag_w, tag_h = right - left + size, bottom - top + size * 0.7
    x = min(max(0.0, x0 - 1), max(0.0, width - tag_w))
    y = y0 - tag_h if y0 >= tag_h else min(y1, height - tag_h)
    draw.rectangle((x, y, x + tag_w, y + tag_h), fill=rgb)
    draw.text((x + size * 0.5 - left, y + size * 0.35 - top), text, fill=(255, 255, 255), font=font)


def _draw_window(
    image: Image, box: tuple[float, float, float, float], text: str, rgb: tuple[int, int, int]
) -> None:
    """A thin box and, where there is room in it, its number in the upper left corner."""
    from PIL import ImageDraw, ImageFont

    if not all(math.isfinite(side) for side in box) or box[2] <= box[0] or box[3] <= box[1]:
        return
    x0, y0, x1, y1 = box
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(WINDOW_FONT_PX)
    draw.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline=(16, 18, 22), width=1)
    draw.rectangle(box, outline=rgb, width=2)
    left, top, right, bottom = font.getbbox(text)
    width, height = right - left + 8, bottom - top + 6
    if width <= x1 - x0 and height <= y1 - y0:
        draw.rectangle((x0, y0, x0 + width, y0 + height), fill=rgb)
        draw.text((x0 + 4 - left, y0 + 3 - top), text, fill=(255, 255, 255), font=font)


def _close_ups(verdict: Verdict, mark: FaceMark) -> list[_Drawing]:
    """The face as it is and, where a faithful map exists, with the map over it."""
    heatmaps = faithful_heatmaps(verdict, mark.track_id)
    heatmap = min(heatmaps, key=lambda h: _distance(h, mark), default=None)
    time_s = mark.time_s if heatmap is None else heatmap.time_s
    picture = _picture_at(verdict.pictures, time_s)
    region = _region(mark.box_px if heatmap is None else heatmap.box_px, picture)
    if region is None:
        return []
    face = f"Face {mark.track_id}{_when(verdict, picture.time_s)}"
    same_moment = heatmap is None or heatmap.time_s == mark.time_s
    scored = same_moment and finite(mark.p_fake) is not None
    text = f"{face}, p_fake {wording.score(mark.p_fake)}" if scored else face
    alt = f"{text}, as in the file."
    drawings = [_Drawing("face", _cut(picture, region), f"{text}.", alt, mark.track_id)]
    if heatmap is not None:
        warm = _cut(_warmed(picture, heatmap), region)
        alt = (
            f"The same view of face {mark.track_id} with the heat map: {strongest(heatmap.values)}."
        )
        drawings.append(_Drawing("heatmap", warm, f"{face}: heat map.", alt, mark.track_id))
    return drawings


def _distance(heatmap: Heatmap, mark: FaceMark) -> tuple[float, float]:
    """How far a map is from a mark: by time, then by the middles of their boxes."""
    gap = [
        (a0 + a1) / 2 - (b0 + b1) / 2
        for a0, a1, b0, b1 in (
            (heatmap.box_px[0], heatmap.box_px[2], mark.box_px[0], mark.box_px[2]),
            (heatmap.box_px[1], heatmap.box_px[3], mark.box_px[1], mark.box_px[3]),
        )
    ]
    return abs(heatmap.time_s - mark.time_s), math.hypot(*gap)


def _region(box: Sequence[float], picture: Picture) -> tuple[int, int, int, int] | None:
    """A square with margin around the box, in the picture's pixels, moved inside it."""
    x0, y0, x1, y1 = _scaled(box, picture.scale)
    if not all(math.isfinite(side) for side in (x0, y0, x1, y1)) or x1 <= x0 or y1 <= y0:
        return None
    height, width = picture.rgb.shape[:2]
    side = round(min(1.25 * max(x1 - x0, y1 - y0), width, height))
    left = round(min(max(0.0, (x0 + x1 - side) / 2), width - side))
    top = round(min(max(0.0, (y0 + y1 - side) / 2), height - side))
    return (left, top, left + side, top + side) if side >= 2 else None


def _cut(picture: Picture, region: tuple[int, int, int, int]) -> Image:
    from PIL import Image

    left, top, right, bottom = region
    image = Image.fromarray(picture.rgb[top:bottom, left:right])
    way = Image.Resampling.BICUBIC if right - left < FACE_PX else Image.Resampling.BOX
    return image.resize((FACE_PX, FACE_PX), way)


def _warmed(picture: Picture, heatmap: Heatmap) -> Picture:
    """The picture greyed with the map over its box, transparent where the map is low."""
    import numpy as np
    from PIL import Image

    grey = np.repeat(picture.rgb.mean(axis=2, keepdims=True), 3, axis=2) * 0.9
    height, width = picture.rgb.shape[:2]
    x0, y0, x1, y1 = (round(side) for side in _scaled(heatmap.box_px, picture.scale))
    if x1 <= x0 or y1 <= y0 or max(x1 - x0, y1 - y0) > 8 * max(width, height):
        return picture
    values = np.clip(np.nan_to_num(np.asarray(heatmap.values, dtype=np.float32)), 0, 1)
    stretched = Image.fromarray(values).resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR)
    left, top, right, bottom = max(0, x0), max(0, y0), min(width, x1), min(height, y1)
    if right > left and bottom > top:
        heat = np.asarray(stretched)[top - y0 : bottom - y0, left - x0 : right - x0]
        over = opacity(heat)[..., None]
        place = grey[top:bottom, left:right]
        grey[top:bottom, left:right] = place * (1 - over) + colours(heat) * over
    rgb = np.clip(grey, 0, 255).astype(np.uint8)
    return Picture(picture.frame_index, picture.time_s, rgb, picture.scale)


def opacity(values: FloatArray) -> FloatArray:
    """How much a map covers the picture: nothing where it is low, and never all of it."""
    import numpy as np

    covered: FloatArray = np.clip(values * 1.6 - 0.12, 0, 0.78)
    return covered


def colours(values: FloatArray) -> FloatArray:
    """Map [0, 1] to the heat scale: (h, w) to (h, w, 3)."""
    import numpy as np

    stops = np.linspace(0, 1, len(HEAT_STOPS))
    channels = [np.interp(values, stops, [rgb[i] for rgb in HEAT_STOPS]) for i in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def strongest(values: FloatArray) -> str:
    """Where a map is strongest, in words for a reader who does not see it."""
    import numpy as np

    values = np.nan_to_num(np.asarray(values, dtype=np.float32))
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    down = ("upper", "middle", "lower")[min(2, int(3 * row / values.shape[0]))]
    across = ("left", "centre", "right")[min(2, int(3 * column / values.shape[1]))]
    place = "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"
    return f"strongest at the {place} of the view"


def _encoded(drawing: _Drawing, max_bytes: int) -> Illustration:
    """JPEG within `max_bytes`: first a lower quality, then a smaller picture."""
    image, jpeg = drawing.image.convert("RGB"), b""
    while True:
        for quality in QUALITIES:
            buffer = io.BytesIO()
            # full colour resolution: thin coloured boxes fade under 4:2:0; Pillow's `optimize`
            # fails on noisy pictures, whose code overflows its buffer
            image.save(buffer, "JPEG", quality=quality, subsampling=0)
            jpeg = buffer.getvalue()
            if len(jpeg) <= max_bytes:
                return Illustration(
                    drawing.kind, jpeg, image.size, drawing.caption, drawing.alt, drawing.track_id
                )
        image = image.resize((max(1, image.width // 2), max(1, image.height // 2)))
