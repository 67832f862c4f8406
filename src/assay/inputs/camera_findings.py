"""Findings about the camera: its name, maker's notes, serial numbers, size, colour profile."""

from __future__ import annotations

import re

from assay.inputs.tag_findings import tag_finding
from assay.media.tags import Tags
from assay.types import Finding, Media

MAKE_TAGS = ("Make", "tiff:Make", "com.apple.quicktime.make", "com.android.manufacturer")
MODEL_TAGS = ("Model", "tiff:Model", "com.apple.quicktime.model", "com.android.model")
SOFTWARE_TAGS = ("Software", "com.apple.quicktime.software", "CameraFirmware")
SERIAL_TAGS = {
    "camera": ("BodySerialNumber", "aux:SerialNumber", "exifEX:BodySerialNumber", "Serial number"),
    "camera (internal)": ("Internal serial number",),
    "lens": ("LensSerialNumber", "aux:LensSerialNumber", "Lens serial number"),
    "owner": ("CameraOwnerName", "aux:OwnerName", "Owner"),
}
MAKERS = (
    "apple", "canon", "casio", "fujifilm", "google", "gopro", "hasselblad", "huawei", "kodak",
    "kyocera", "leica", "minolta", "motorola", "nikon", "nokia", "olympus", "oneplus", "panasonic",
    "pentax", "ricoh", "samsung", "sanyo", "sigma", "sony", "xiaomi",
)  # fmt: skip
# Makers that build, sell or took over each other's cameras.
KIN = (
    {"pentax", "ricoh", "samsung"}, {"panasonic", "leica"}, {"sony", "minolta", "hasselblad"},
    {"minolta", "leica"}, {"fujifilm", "leica"}, {"google", "motorola"}, {"kodak", "motorola"},
)  # fmt: skip
# Programs of a maker that read everyone's pictures.
TRANSFER = re.compile(
    r"transfer|viewer|photo ?\w* professional|capture|studio|photos|zoombrowser|"
    r"image ?\w* browser|silkypix|workspace|editor|google",
    re.IGNORECASE,
)
IPHONE = re.compile(r"^(iP(?:hone|ad|od)[\w ()+.-]*?) (?:front|back|rear)\b", re.IGNORECASE)


def camera(tags: Tags, _media: Media) -> list[Finding]:
    """The camera that the file names."""
    values = {
        "make": tags.first(*MAKE_TAGS),
        "model": tags.first(*MODEL_TAGS),
        "lens": tags.first("LensModel", "aux:Lens"),
    }
    # ComfyUI keeps its workflow in these tags of WebP files.
    is_workflow = any("{" in values[name] for name in ("make", "model"))
    if not (values["make"] or values["model"]) or is_workflow:
        return []
    meaning = "The file names the camera or phone that took it."
    return [tag_finding("camera", "info", "Camera named", meaning, values)]


def maker_notes(tags: Tags, _media: Media) -> list[Finding]:
    """The maker's own notes, and whether they are of the maker that the file names."""
    notes = {tag.name: tag.text for tag in tags.found if tag.place == "maker"}
    if not notes:
        return []
    meaning = (
        "The file holds notes in the camera maker's own form. Most programs drop or copy them, few "
        "can write them; their absence says nothing."
    )
    found = [tag_finding("maker_notes", "info", "Notes of the camera's maker", meaning, notes)]
    if notes.get("Fits the make") == "no":
        meaning = (
            "The camera's own notes are in the form of another maker than the one that the file "
            "names: one of the two was copied or changed."
        )
        causes = ("the camera was sold under another maker's name", "a converter wrote the make")
        title = "Maker's notes and make disagree"
        values = {"make": tags.first(*MAKE_TAGS), "maker_of_notes": notes["Maker"]}
        found.append(tag_finding("maker_notes_disagree", "notable", title, meaning, values, causes))
    return found


def serial_numbers(tags: Tags, _media: Media) -> list[Finding]:
    """Serial numbers and the owner's name: what links files of one camera."""
    texts = {role: tags.first(*names) for role, names in SERIAL_TAGS.items()}
    values = {role: text for role, text in texts.items() if text.strip("0 -/NAna")}
    if not values:
        return []
    meaning = (
        "The file holds a serial number or the owner's name. It links files of one camera, and may "
        "betray a source: remove it before publishing."
    )
    return [tag_finding("serial_number", "info", "Serial number present", meaning, values)]


def make_and_software(tags: Tags, _media: Media) -> list[Finding]:
    """A camera of one maker with the firmware, or the lens, of another."""
    make, model = tags.first(*MAKE_TAGS).lower(), tags.first(*MODEL_TAGS)
    own = {name for name in MAKERS if name in make}
    values = {"make": tags.first(*MAKE_TAGS), "model": model}
    causes = (
        "a program of another maker copied the picture from the camera",
        "an app on the phone wrote its own name over the make",
    )
    for text in tags.texts(*SOFTWARE_TAGS, places=("exif", "container")) if own else ():
        others = {name for name in MAKERS if re.search(rf"\b{name}\b", text.lower())} - own
        if (
            others
            and not TRANSFER.search(text)
            and not any(others <= kin and own & kin for kin in KIN)
        ):
            meaning = "The file names a camera of one maker and firmware of another."
            values["software"] = text
            return [_disagrees(meaning, values, causes)]
    lens = IPHONE.match(tags.first("LensModel"))
    if lens and model and not model.lower().startswith("ip"):
        return [_disagrees("The lens belongs to another phone than the file names.",
                           {**values, "lens": lens[0]}, causes)]  # fmt: skip
    if lens and model and lens[1].lower() != model.lower():
        return [_disagrees("The lens belongs to another model than the file names.",
                           {**values, "lens": lens[0]}, causes)]  # fmt: skip
    return []


def _disagrees(meaning: str, values: dict[str, str], causes: tuple[str, ...]) -> Finding:
    title = "Camera and its parts disagree"
    return tag_finding("camera_disagrees", "notable", title, meaning, values, causes)


def size(tags: Tags, media: Media) -> list[Finding]:
    """A size in the tags that is not the picture's own."""
    sides = [tags.first(name, places=["exif"]) for name in ("PixelXDimension", "PixelYDimension")]
    written = sorted(int(text) for text in sides if text.isdigit() and len(text) < 11)
    if media.size_px is None or len(written) != 2 or 0 in written:
        return []
    if written == sorted(media.size_px):
        return []
    meaning = (
        "The file's tags give another size than the picture has, so it was cropped or resized by a "
        "program that left the tags alone."
    )
    causes = (
        "honest cropping or shrinking for publication or sending",
        "a camera that stores a smaller or digitally zoomed picture without saying so",
    )
    values = {"size_in_tags": " x ".join(sides), "size_px": media.size_px}
    title = "Cropped or resized"
    return [tag_finding("size_disagrees", "notable", title, meaning, values, causes)]


def composite(tags: Tags, _media: Media) -> list[Finding]:
    """EXIF 3's own word for a picture that the camera put together from several shots."""
    if tags.first("CompositeImage") not in ("2", "3"):
        return []
    meaning = (
        "The camera says that it put this picture together from several shots, as night and HDR "
        "programmes of phones do."
    )
    return [tag_finding("composite", "info", "Put together by the camera", meaning, {})]


def colour_profile(tags: Tags, _media: Media) -> list[Finding]:
    """Which colour profile the file carries, and who wrote it."""
    values = {tag.name.lower(): tag.text for tag in tags.found if tag.place == "icc"}
    if "profile description" not in values:
        return []
    meaning = (
        "The file carries a colour profile. Cameras, phones, screens and programs each bring "
        "their own, so it hints at what wrote the file last."
    )
    return [tag_finding("colour_profile", "info", "Colour profile", meaning, values)]


RULES = (camera, maker_notes, serial_numbers, make_and_software, size, composite, colour_profile)
