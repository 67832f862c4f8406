"""Findings about the programs that wrote a file: editors, recorders, saves, sources, platforms."""

from __future__ import annotations

import re
from typing import Any

from assay.inputs.tag_findings import tag_finding
from assay.media.program_names import group_programs
from assay.media.tags import Tags
from assay.types import Finding, Media, Severity

MAX_PROGRAMS = 500
EDITING_CAUSES = (
    "cropping, brightness, sharpening or saving in another format",
    "a newsroom, agency or photographer's ordinary way of publishing",
)
PLATFORMS = (
    (re.compile(r"^FBMD"), "Facebook or Instagram", ("SpecialInstructions",)),
    (re.compile(r"google", re.IGNORECASE), "YouTube or Google", ("handler_name",)),
    (re.compile(r"twitter", re.IGNORECASE), "X (Twitter)", ("handler_name", "encoder")),
    (re.compile(r"^vid:v\d{2}"), "TikTok", ("comment",)),
    (re.compile(r"bilibili", re.IGNORECASE), "Bilibili", ("description", "comment")),
)
DERIVED = ("xmpMM:DerivedFrom/stRef:", "xmpMM:Ingredients/stRef:", "xmpMM:Pantry/stRef:")
LOCAL_WORK = (
    "crs:RetouchInfo", "crs:RetouchAreas", "crs:PaintBasedCorrections",
    "crs:MaskGroupBasedCorrections", "crs:SpotType", "crs:CorrectionAmount", "crs:MaskValue",
)  # fmt: skip


def software(tags: Tags, _media: Media) -> list[Finding]:
    """The programs that the file names, by what they are for."""
    groups = group_programs(tags)
    return [
        tag_finding(
            group, severity, title, meaning, {"programs": groups[group]}, causes, MAX_PROGRAMS
        )
        for group, severity, title, meaning, causes in _SOFTWARE
        if groups[group]
    ]


_SOFTWARE: tuple[tuple[str, Severity, str, str, tuple[str, ...]], ...] = (
    (
        "retouching", "notable", "Written by a face-editing program",
        "The file names a program whose purpose is to change faces. It does not say what was "
        "changed.",
        ("only a filter, a frame or a sticker of the program was used",
         "the program's camera was used without its effects"),
    ),
    (
        "editing", "notable", "Written by an editing program",
        "The file went through an editing program. Most published pictures and films did: it may "
        "have been cropped, brightened or altered.",
        EDITING_CAUSES,
    ),
    (
        "screen_recorder", "notable", "Recorded from a screen",
        "The file was taken off a screen, not by a camera: it shows what the screen showed, and "
        "the tags of what was shown are lost.",
        ("someone kept a post or a call before it could vanish", "a lesson or a game"),
    ),
    (
        "encoder", "info", "Encoded again by a program",
        "The file was written by an encoding program and not by a camera. Web sites, messengers "
        "and converters all do this.", (),
    ),
    (
        "software", "info", "Program named",
        "The file names the program or firmware that wrote it.", (),
    ),
)  # fmt: skip


def history(tags: Tags, _media: Media) -> list[Finding]:
    """How often which program saved the file, as XMP's history records it."""
    if not tags.history:
        return []
    saves = [event for event in tags.history if event.get("action", "").lower() == "saved"]
    by = [event["softwareAgent"] for event in tags.history if "softwareAgent" in event]
    actions = [event["action"] for event in tags.history if "action" in event]
    whens = sorted(event["when"] for event in tags.history if "when" in event)
    values: dict[str, Any] = {
        "n_saves": len(saves),
        "programs": list(dict.fromkeys(by)),
        "actions": list(dict.fromkeys(actions)),
        "first": whens[0] if whens else "",
        "last": whens[-1] if whens else "",
        "parameters": [one["parameters"] for one in tags.history if "parameters" in one],
    }
    meaning = (
        "The file keeps a record of its own saves and conversions. It tells that and with what it "
        "was worked on, not what was changed."
    )
    title = f"Saved {len(saves)} times by editing programs" if saves else "A record of its making"
    title = title.replace(" 1 times ", " once ")
    return [tag_finding("history", "notable", title, meaning, values, EDITING_CAUSES)]


def derived(tags: Tags, _media: Media) -> list[Finding]:
    """Other documents that the file says it was made from."""
    names = [tag for tag in tags.found if tag.name.startswith(DERIVED)]
    ancestors = tags.texts("photoshop:DocumentAncestors")
    documents = [tag.text for tag in names if tag.name.lower().endswith(("documentid", "filepath"))]
    if not documents and not ancestors:
        return []
    values = {
        "documents": list(dict.fromkeys(documents)),
        "pasted_from": list(dict.fromkeys(ancestors)),
    }
    is_composite = bool(ancestors) or any("Ingredients" in tag.name for tag in names)
    meaning = (
        "The file says that it was made from other documents. One of them is usually its own "
        "earlier version; several mean that content of other documents was opened or pasted."
    )
    title = "Made from other documents"
    if is_composite and len({*documents, *ancestors}) > 1:
        return [tag_finding("derived", "notable", title, meaning, values, EDITING_CAUSES)]
    return [tag_finding("derived", "info", title, meaning, values)]


def local_work(tags: Tags, _media: Media) -> list[Finding]:
    """Camera Raw's and Lightroom's record of work on parts of the picture."""
    names = [name for name in LOCAL_WORK if any(
        tag.name == name or tag.name.startswith(f"{name}/") for tag in tags.found
    )]  # fmt: skip
    if not names:
        return []
    meaning = (
        "The raw converter's settings record work on parts of the picture: spots removed, or areas "
        "brightened by brush or mask."
    )
    causes = ("dust on the sensor was removed", "a face or the sky was brightened")
    title = "Parts of the picture were worked on"
    return [tag_finding("local_work", "notable", title, meaning, {"settings": names}, causes)]


def platform(tags: Tags, _media: Media) -> list[Finding]:
    """Marks that web sites leave in what they hand out."""
    found = [
        name for form, name, fields in PLATFORMS
        if any(form.search(text[:200]) for text in tags.texts(*fields))
    ]  # fmt: skip
    if not found:
        return []
    names = ", ".join(found)
    meaning = f"The file carries a mark that {names} writes: it was downloaded from there."
    values = {"platforms": found}
    return [tag_finding("platform", "info", f"Passed through {names}", meaning, values)]


RULES = (software, history, derived, local_work, platform)
