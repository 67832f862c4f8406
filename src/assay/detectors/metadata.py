"""What the tags of a file say: camera, dates, software, place, traces of AI generators."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from assay.case import Case
from assay.media.generator_traces import Trace, find_traces
from assay.media.program_names import group_programs
from assay.media.tag_dates import gap, read_date
from assay.media.tag_text import clean_values
from assay.media.tags import Tags, read_tags
from assay.types import Evidence, Finding, Media, MediaKind, Severity

FORGEABLE = "Anyone can write, change or remove such tags."
MAX_PROMPT = 500
MIN_LIKENESS = 0.7
# Cameras rarely write their time zone, and a GPS date is in UTC: less than this proves nothing.
TOLERANCE = timedelta(hours=26)
FIRST_DIGITAL_YEAR = 1990

MADE_BY_MODEL = ("trainedalgorithmicmedia",)
PARTLY_MODEL = ("compositewithtrainedalgorithmicmedia", "compositesynthetic")
CAPTURED = ("digitalcapture", "computationalcapture", "negativefilm", "positivefilm")
MAKE_TAGS = ("Make", "tiff:Make", "com.apple.quicktime.make", "com.android.manufacturer")
MODEL_TAGS = ("Model", "tiff:Model", "com.apple.quicktime.model", "com.android.model")
PLACE_TAGS = ("Position", "exif:GPSLatitude", "com.apple.quicktime.location.ISO6709", "location")
REMARK_TAGS = (
    "Comment", "UserComment", "ImageDescription", "Description", "Caption", "Headline", "Title",
    "Artist", "Byline", "Author", "Copyright", "Credit", "Source", "photoshop:Credit",
    "photoshop:Source", "dc:description", "dc:creator", "dc:rights", "dc:title", "album", "genre",
    "date",
)  # fmt: skip
# What every container says of itself, which tells nothing of its history.
STRUCTURAL = {
    "major_brand", "minor_version", "compatible_brands", "handler_name", "language", "vendor_id",
    "orientation", "pixelxdimension", "pixelydimension", "duration", "encoded_by_mux",
}  # fmt: skip


class MetadataDetector:
    """The tags of a file as findings in plain language; never a score.

    Looks at: EXIF, XMP, IPTC, PNG text, container and stream tags, the EXIF thumbnail, hidden
    generator parameters. Abstains when: never. Fails on: forged and removed tags. Licences:
    Pillow (MIT-CMU), pi_heif (BSD-3-Clause), PyAV (BSD-3-Clause, FFmpeg LGPL).
    """

    name = "metadata"
    version = "1"
    family = "metadata"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image", "video", "audio")
    looks_at = "Camera, dates, software, place and generator tags that the file carries."
    fails_on = "Tags can be forged or removed by anyone; missing tags say nothing at all."
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One piece of evidence for the file, with all findings, warnings first."""
        started = time.monotonic()
        tags = read_tags(case.media)
        findings: list[Finding] = []
        for rule in RULES:
            # A rule that stumbles over hostile text must not cost the other rules' findings.
            tags.attempt(
                f"rule {rule.__name__}",
                lambda rule=rule: findings.extend(rule(tags, case.media)),  # type: ignore[misc]
            )
        findings = findings or _nothing(tags)
        findings += _damaged(tags)
        ranks: dict[Severity, int] = {"strong": 0, "notable": 1, "info": 2}
        evidence = Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject="file",
            status="reported",
            findings=tuple(sorted(findings, key=lambda one: ranks[one.severity])),
            details={"n_tags": len(tags.found)},
            licence=self.licence,
            seconds_taken=time.monotonic() - started,
        )
        return [evidence]


def _finding(
    code: str,
    severity: Severity,
    title: str,
    meaning: str,
    values: Mapping[str, Any],
    limit: int = 300,
) -> Finding:
    meaning = f"{meaning} {FORGEABLE}"
    return Finding(f"metadata_{code}", title, meaning, severity, clean_values(values, limit))


def _generators(tags: Tags, media: Media) -> list[Finding]:
    traces = find_traces(tags)
    if media.media_type == "image/png":
        traces += _hidden(media.path)
    return [
        _finding("ai_generator", "strong", title, meaning, values, MAX_PROMPT)
        for title, meaning, values in map(_described, _grouped(traces))
    ]


def _grouped(traces: list[Trace]) -> list[list[Trace]]:
    generators = dict.fromkeys(trace.generator for trace in traces)
    return [[trace for trace in traces if trace.generator == name] for name in generators]


def _described(traces: list[Trace]) -> tuple[str, str, dict[str, Any]]:
    generator = traces[0].generator
    longest = max(traces, key=lambda trace: len(trace.text))
    meaning = (
        "The file carries the tags that this program, or one like it, writes into what it "
        "generates or edits."
    )
    places = [f"{trace.place}:{trace.tag}" for trace in traces]
    values = {"generator": generator, "text": longest.text, "tags": places}
    return f"Traces of an AI generator: {generator}", meaning, values


def _hidden(path: str) -> list[Trace]:
    from assay.media.stealth_text import read_stealth_text

    try:
        text = read_stealth_text(path)
    except Exception:  # pixels that cannot be decoded hide nothing readable; others report them
        return []
    if not text:
        return []
    return [Trace("Stable Diffusion (hidden in the pixels)", "pixels", "lowest bits", text)]


def _source_type(tags: Tags, _media: Media) -> list[Finding]:
    found = {
        tag.text.rstrip("/").rsplit("/", 1)[-1].lower(): tag.text
        for tag in tags.found
        if tag.name.lower().endswith("digitalsourcetype")
    }
    findings = []
    for code, severity, title, meaning, wanted in _SOURCE_TYPES:
        texts = [text for term, text in found.items() if term in wanted]
        if texts:
            values = {"digital_source_type": texts[0]}
            findings.append(_finding(code, severity, title, meaning, values))
    return findings


_SOURCE_TYPES: tuple[tuple[str, Severity, str, str, tuple[str, ...]], ...] = (
    (
        "declares_ai_generation", "strong", "The tags declare AI generation",
        "The file's IPTC source type says that a generative model made it.", MADE_BY_MODEL,
    ),
    (
        "declares_ai_elements", "strong", "The tags declare AI-generated parts",
        "The file's IPTC source type says that parts of it were made by a generative model.",
        PARTLY_MODEL,
    ),
    (
        "declares_capture", "info", "The tags declare a camera capture",
        "The file's IPTC source type says that a camera or a scanner took it.", CAPTURED,
    ),
)  # fmt: skip


def _camera(tags: Tags, _media: Media) -> list[Finding]:
    make, model = tags.texts(*MAKE_TAGS)[:1], tags.texts(*MODEL_TAGS)[:1]
    lens = tags.texts("LensModel", "aux:Lens")[:1]
    # ComfyUI keeps its workflow in these tags of WebP files.
    if not (make or model) or any("{" in text for text in make + model):
        return []
    values = {"make": "".join(make), "model": "".join(model), "lens": "".join(lens)}
    meaning = "The file names the camera or phone that took it."
    return [_finding("camera", "info", "Camera named", meaning, values)]


def _dates(tags: Tags, _media: Media) -> list[Finding]:
    names = {
        "taken": ("DateTimeOriginal", "com.apple.quicktime.creationdate", "creation_time"),
        "digitised": ("DateTimeDigitized",),
        "taken (XMP)": ("exif:DateTimeOriginal", "photoshop:DateCreated"),
        "satellite": ("GPSDateStamp",),
        "changed": ("DateTime", "xmp:ModifyDate"),
    }
    texts = {role: tags.texts(*tag_names)[:1] for role, tag_names in names.items()}
    written = {role: text[0] for role, text in texts.items() if text}
    dates = {role: date for role, text in written.items() if (date := read_date(text))}
    if not dates:
        return []
    meaning = "The file says when it was taken, written or changed."
    findings = [_finding("dates", "info", "Dates in the file", meaning, written)]
    return findings + _doubtful_dates(dates, written)


def _doubtful_dates(dates: dict[str, datetime], written: dict[str, str]) -> list[Finding]:
    findings = []
    taken = dates.get("taken")
    others = [role for role in ("digitised", "taken (XMP)", "satellite") if role in dates]
    now = datetime.now() + TOLERANCE
    if taken and any(gap(taken, dates[role]) > TOLERANCE for role in others):
        meaning = (
            "The dates of taking differ by more than a day: a clock was set wrongly, the picture "
            "is a scan or a copy, or a tag was changed."
        )
        findings.append(
            _finding("dates_disagree", "notable", "Dates disagree", meaning, written)
        )  # fmt: skip
    if taken and "changed" in dates and dates["changed"] < taken - TOLERANCE:
        meaning = "The file was changed before it was taken: a clock or a tag is wrong."
        findings.append(
            _finding("changed_before_taken", "notable", "Impossible dates", meaning, written)
        )
    if any(date > now for date in dates.values()):
        meaning = "A date lies in the future of this computer's clock: one of the clocks is wrong."
        findings.append(
            _finding("date_in_future", "notable", "A date in the future", meaning, written)
        )
    if taken and taken.year < FIRST_DIGITAL_YEAR:
        meaning = "The date of taking is before digital cameras: the clock was never set."
        findings.append(_finding("clock_not_set", "info", "Clock not set", meaning, written))
    return findings


def _software(tags: Tags, _media: Media) -> list[Finding]:
    groups = group_programs(tags)
    return [
        _finding(group, severity, title, meaning, {"programs": groups[group]}, 500)
        for group, severity, title, meaning in _SOFTWARE
        if groups[group]
    ]


_SOFTWARE: tuple[tuple[str, Severity, str, str], ...] = (
    (
        "retouching", "strong", "Written by a face-editing program",
        "The file names a program whose purpose is to change faces.",
    ),
    (
        "editing", "notable", "Written by an editing program",
        "The file went through an editing program. Most published pictures and films did: it may "
        "have been cropped, brightened or altered.",
    ),
    (
        "encoder", "info", "Encoded again by a program",
        "The file was written by an encoding program and not by a camera. Web sites, messengers "
        "and converters all do this.",
    ),
    ("software", "info", "Program named", "The file names the program or firmware that wrote it."),
)  # fmt: skip


def _place(tags: Tags, _media: Media) -> list[Finding]:
    found = tags.texts(*PLACE_TAGS)[:1]
    if not found:
        return []
    meaning = (
        "The file says where it was taken. Publishing the file publishes that place: remove it to "
        "protect a source."
    )
    return [_finding("location", "strong", "Location present", meaning, {"coordinates": found[0]})]


def _thumbnail(tags: Tags, media: Media) -> list[Finding]:
    from assay.media.thumbnail import thumbnail_likeness

    if not tags.thumbnail or media.media_type != "image/jpeg":
        return []
    try:
        likeness = thumbnail_likeness(media.path, tags.thumbnail)
    except Exception:  # a preview or picture that cannot be decoded cannot be compared
        return []
    if likeness is None or likeness >= MIN_LIKENESS:
        return []
    meaning = (
        "The small preview inside the file shows something else than the picture, so the picture "
        "was cropped, edited or replaced by a program that left the preview alone."
    )
    title, rounded = "The preview shows another picture", round(likeness, 3)
    return [_finding("thumbnail_disagrees", "notable", title, meaning, {"likeness": rounded})]


def _size(tags: Tags, media: Media) -> list[Finding]:
    sides = [
        tags.texts(name, places=("exif",))[:1] for name in ("PixelXDimension", "PixelYDimension")
    ]
    written = sorted(int(text[0]) for text in sides if text and text[0].isdigit())
    if media.size_px is None or len(written) != 2 or 0 in written:
        return []
    if written == sorted(media.size_px):
        return []
    meaning = (
        "The file's tags give another size than the picture has, so it was cropped or resized by a "
        "program that left the tags alone."
    )
    values = {"size_in_tags": " x ".join(text[0] for text in sides), "size_px": media.size_px}
    return [_finding("size_disagrees", "notable", "Cropped or resized", meaning, values)]


def _platform(tags: Tags, _media: Media) -> list[Finding]:
    if not any(text.startswith("FBMD") for text in tags.texts("SpecialInstructions")):
        return []
    meaning = "Facebook or Instagram wrote a mark into the file: it was downloaded from there."
    return [_finding("platform", "info", "Passed through Facebook or Instagram", meaning, {})]


def _remarks(tags: Tags, _media: Media) -> list[Finding]:
    values = {name: texts[0] for name in REMARK_TAGS if (texts := tags.texts(name))}
    if not values:
        return []
    meaning = "The file carries captions, credits or comments."
    return [_finding("remarks", "info", "Captions, credits and comments", meaning, values)]


def _nothing(tags: Tags) -> list[Finding]:
    telling = [tag for tag in tags.found if tag.name.lower() not in STRUCTURAL]
    if telling:
        names = list(dict.fromkeys(f"{tag.place}:{tag.name}" for tag in telling))
        meaning = "The file carries tags, none of which tells of its origin."
        return [_finding("other", "info", "Only technical tags", meaning, {"tags": names})]
    meaning = (
        "The file carries no tags of its origin. That is usual for files from messengers, social "
        "networks and screenshots, and is not suspicious."
    )
    return [Finding("metadata_none", "No metadata", meaning, "info")]


def _damaged(tags: Tags) -> list[Finding]:
    if not tags.damaged:
        return []
    meaning = (
        "Some tags could not be read because they are damaged. Careless programs do this as well "
        "as deliberate hands."
    )
    return [_finding("damaged", "notable", "Damaged tags", meaning, {"blocks": tags.damaged})]


RULES: tuple[Callable[[Tags, Media], list[Finding]], ...] = (
    _generators, _source_type, _camera, _dates, _software, _place, _thumbnail, _size, _platform,
    _remarks,
)  # fmt: skip

DETECTOR = MetadataDetector
