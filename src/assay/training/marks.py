"""Say in a forged picture that assay forged it: XMP with the IPTC source type, EXIF, plain text.

Source of the terms: IPTC, "Digital Source Type" NewsCodes (CC BY 4.0); IPTC Photo Metadata 2023.1,
property Iptc4xmpExt:DigitalSourceType.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from assay import __version__
from assay.errors import TooLargeError, UsageError
from assay.media.tag_text import clean_text
from assay.training.forgeries.forgery import Forger, Forgery
from assay.types import Array

if TYPE_CHECKING:
    from PIL.PngImagePlugin import PngInfo

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
JPEG_QUALITY = 95
_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
_MAX_SIDE_PX = {"JPEG": 65_500, "PNG": 2**31 - 1, "WEBP": 16_383}
_IMAGE_DESCRIPTION, _SOFTWARE = 0x010E, 0x0131


@dataclass(frozen=True, slots=True)
class Mark:
    """What a forged file says of itself. `term` is an IPTC digital source type, `what` the
    kind of thing that was forged."""

    forger: str
    title: str
    seed: int
    term: str
    what: str = "picture"

    @property
    def software(self) -> str:
        """The program, as it stands where programs write their names."""
        return f"assay {__version__} forge"

    @property
    def sentence(self) -> str:
        """The whole mark in words."""
        return (
            f"Forged by assay {__version__} to test detectors; not a genuine {self.what}. "
            f"Forger: {clean_text(self.forger, 80)}; seed: {self.seed}."
        )

    @property
    def source_type(self) -> str:
        """The address of the IPTC term."""
        return SOURCE_TYPES + self.term


def mark_of(forger: Forger, forgery: Forgery, seed: int) -> Mark:
    """The mark of one forgery.

    A picture that a model drew throughout is trainedAlgorithmicMedia, one with parts that a model
    drew compositeWithTrainedAlgorithmicMedia, any other change compositeSynthetic.
    """
    is_whole = bool((forgery.mask > 0.5).all())
    if forger.kind != "generated":
        term = "compositeSynthetic"
    else:
        term = "trainedAlgorithmicMedia" if is_whole else "compositeWithTrainedAlgorithmicMedia"
    return Mark(forgery.name or forger.name, forger.title, seed, term)


def picture_format(path: str) -> str:
    """ "JPEG", "PNG" or "WEBP" by the name's suffix. Raises UsageError for any other."""
    suffix = PurePath(path).suffix.lower()
    if suffix not in _FORMATS:
        given = f"{suffix!r} is none of them" if suffix else "the name has no suffix"
        raise UsageError(f"Pictures are written as .jpg, .png or .webp; {given}.")
    return _FORMATS[suffix]


def media_type(form: str) -> str:
    """The media type of a format, such as "image/jpeg"."""
    return f"image/{form.lower()}"


def encode_marked(rgb: Array, form: str, mark: Mark) -> bytes:
    """The file's bytes with the mark in them: JPEG and WebP at quality 95, PNG without loss.

    `rgb` is (h, w, 3) uint8. No tag of the original is carried over. Raises TooLargeError where
    the format cannot hold so large a picture.
    """
    from PIL import Image

    if max(rgb.shape[:2]) > _MAX_SIDE_PX[form]:
        raise TooLargeError(
            f"{form} holds at most {_MAX_SIDE_PX[form]:,} pixels a side.", remedy="Write a PNG."
        )
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, form, exif=_exif(mark), **_particulars(form, mark))
    return out.getvalue()


def encode_mask(mask: Any) -> bytes:
    """The ground truth as a grey PNG: 0 untouched, 255 forged. `mask` is (h, w) in [0, 1]."""
    import numpy as np
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.rint(np.asarray(mask, np.float32) * 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def _particulars(form: str, mark: Mark) -> dict[str, Any]:
    packet = xmp_packet(mark)
    if form == "PNG":
        return {"pnginfo": _png_text(mark, packet)}
    if form == "JPEG":
        return {"quality": JPEG_QUALITY, "xmp": packet, "comment": mark.sentence.encode()}
    return {"quality": JPEG_QUALITY, "method": 4, "xmp": packet}


def _png_text(mark: Mark, packet: bytes) -> PngInfo:
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Software", mark.software)
    text.add_text("Comment", mark.sentence)
    text.add_itxt("XML:com.adobe.xmp", packet.decode())
    return text


def _exif(mark: Mark) -> bytes:
    from PIL import Image

    tags = Image.Exif()
    tags[_SOFTWARE] = mark.software
    tags[_IMAGE_DESCRIPTION] = mark.sentence.encode("ascii", "replace").decode()
    return tags.tobytes()


def xmp_packet(mark: Mark) -> bytes:
    """The mark as an XMP packet (ISO 16684-1): source type, creator tool, description."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f"xmp:CreatorTool={quoteattr(mark.software)} "
        f"Iptc4xmpExt:DigitalSourceType={quoteattr(mark.source_type)}>"
        "<dc:description><rdf:Alt>"
        f'<rdf:li xml:lang="x-default">{escape(mark.sentence)}</rdf:li>'
        "</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    ).encode()
