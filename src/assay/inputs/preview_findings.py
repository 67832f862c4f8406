"""Findings from the smaller pictures inside a file: do they show what the picture shows?"""

from __future__ import annotations

from dataclasses import replace

from assay.findings import FileView, Region
from assay.inputs.tag_findings import tag_finding
from assay.media.tags import Tags
from assay.media.thumbnail import Comparison, compare_preview, shrink_jpeg
from assay.types import Finding, Media

MIN_LIKENESS = 0.7
# Of 74 previews as cameras and programs wrote them the least alike window reached 0.37
# (benchmarks/metadata.py).
MIN_PART_LIKENESS = 0.2
PART_CAUSES = (
    "a coarse preview of fine, regular texture",
    "a preview taken a moment before the picture, as some phones do",
    "a date, name or frame printed onto the picture",
)
CAUSES = (
    "honest cropping by a program that leaves the preview alone",
    "a program that kept the preview of the picture before it was brightened or turned",
)
WEAKNESS = (
    "A preview can be forged, dropped or renewed by any program; one that is like the picture "
    "proves nothing, and small changes do not show at its size."
)


def previews(tags: Tags, media: Media) -> tuple[list[Finding], list[FileView]]:
    """A finding and a view (picture left, preview right) for each preview that shows another thing.

    Only JPEG files are compared.
    """
    findings: list[Finding] = []
    views: list[FileView] = []
    if media.media_type != "image/jpeg" or not tags.previews:
        return findings, views
    try:
        whole = shrink_jpeg(media.path)
    except Exception:  # what cannot be decoded cannot be compared; others report it
        whole = None
    if whole is None:
        return findings, views
    turned = tags.first("Orientation", places=["exif"])
    for name, data in tags.previews[:4]:
        try:
            compared = compare_preview(whole, data, int(turned) if turned.isdigit() else 1)
        except Exception:  # a damaged preview cannot be compared
            continue
        if compared is None:
            continue
        if compared.likeness < MIN_LIKENESS:
            findings.append(_finding(name, compared))
        elif compared.least_alike < MIN_PART_LIKENESS:
            findings.append(_part(name, compared, media))
        else:
            continue
        views.append(_view(name, compared))
    return findings, views


def _finding(name: str, compared: Comparison) -> Finding:
    meaning = (
        "The small preview inside the file shows something else than the picture, so the picture "
        "was cropped, edited or replaced by a program that left the preview alone. The preview may "
        "show the picture as it was before."
    )
    values = {
        "preview": name, "likeness": round(compared.likeness, 3), "size_px": compared.size_px
    }  # fmt: skip
    title = "The preview shows another picture"
    return tag_finding("thumbnail_disagrees", "notable", title, meaning, values, CAUSES)


def _part(name: str, compared: Comparison, media: Media) -> Finding:
    meaning = (
        "A part of the small preview inside the file shows something else than the same part of "
        "the picture, so that part may have been changed by a program that left the preview alone."
    )
    values = {
        "preview": name, "likeness": round(compared.likeness, 3),
        "likeness_there": round(compared.least_alike, 3), "size_px": compared.size_px,
    }  # fmt: skip
    title = "The preview differs in one part"
    code = "thumbnail_differs_in_part"
    found = tag_finding(code, "notable", title, meaning, values, PART_CAUSES)
    if media.size_px is None:
        return found
    width, height = media.size_px
    x0, y0, x1, y1 = compared.where
    return replace(found, region=Region((x0 * width, y0 * height, x1 * width, y1 * height)))


def _view(name: str, compared: Comparison) -> FileView:
    width, height = compared.size_px
    return FileView(
        name=f"preview_{name.replace(' ', '_').replace(chr(39), '')}",
        title="The picture and the preview inside the file",
        caption=f"Left: the picture, shrunk. Right: the {name} of {width} x {height} pixels.",
        weakness=WEAKNESS,
        rgb=compared.rgb,
        over=False,
    )
