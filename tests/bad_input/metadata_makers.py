"""Files whose metadata were made to harm who reads them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from tests.media.tag_makers import iptc_record, jpeg, photoshop_block, png, with_chunk, with_segment
from tests.media.tag_makers import xmp as xmp_packet

XMP_MARK = b"http://ns.adobe.com/xap/1.0/\x00"
MORE_XMP_MARK = b"http://ns.adobe.com/xmp/extension/\x00"
MIB = 2**20
SCRIPT = "<script>alert('pwned')</script><img src=x onerror=alert(1)>"
TERMINAL = "\x1b[2J\x1b[31mRED\x07\x9b1m"
TURNED = "safe\u202egpj.exe\u2066\u200b"


@dataclass(frozen=True)
class Hostile:
    """A file's name, how it is made, and the finding that tells of it ("": none is needed)."""

    name: str
    make: Callable[[], bytes]
    code: str = ""


def in_xmp(packet: bytes) -> bytes:
    """A JPEG with this packet."""
    return with_segment(jpeg(), 0xE1, XMP_MARK + packet)


def in_exif(block: bytes) -> bytes:
    """A JPEG with this TIFF structure as its EXIF."""
    return with_segment(jpeg(), 0xE1, b"Exif\x00\x00" + block)


def tiff(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
    """A big-endian TIFF of one directory: entries of (tag, type, count, value or offset)."""
    body = b"".join(struct.pack(">HHII", *entry) for entry in entries)
    return b"MM\x00*\x00\x00\x00\x08" + struct.pack(">H", len(entries)) + body + struct.pack(
        ">I", following
    )  # fmt: skip


def dated(text: str) -> bytes:
    """A JPEG that says it was taken and changed then."""
    block = Image.Exif()
    block[0x0132] = text
    block.get_ifd(0x8769)[0x9003] = text
    return jpeg(block)


def commented(text: str) -> bytes:
    """A JPEG with this text in every place that a report shows."""
    block = Image.Exif()
    for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B):
        block[tag] = text
    data = with_segment(jpeg(block), 0xFE, text.encode())
    records = photoshop_block(iptc_record(120, text) + iptc_record(110, text))
    return with_segment(data, 0xED, b"Photoshop 3.0\x00" + records)


def plain_text_of_100_mb() -> bytes:
    """A PNG with 100 MB of text."""
    return with_chunk(png(), b"tEXt", b"Comment\x00" + b"a" * (100 * MIB))


def bomb(kind: bytes) -> bytes:
    """A PNG with text that unpacks to a hundred times 100 MB."""
    packed = zlib.compress(bytes(100 * MIB), 9)
    lead = b"Comment\x00\x00" if kind == b"zTXt" else b"Comment\x00\x01\x00\x00\x00"
    chunk = with_chunk(png(), kind, lead + packed)
    start = len(png()) - 12
    one = chunk[start:-12]
    return chunk[:start] + one * 100 + chunk[-12:]


def profile_bomb() -> bytes:
    """A PNG whose colour profile unpacks to 100 MB."""
    return with_chunk(png(), b"iCCP", b"x\x00\x00" + zlib.compress(bytes(100 * MIB), 9))


def a_million_chunks() -> bytes:
    """A PNG with a million texts."""
    body = b"a\x00b"
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    whole = png()
    return whole[:-12] + chunk * 1_000_000 + whole[-12:]


def a_million_properties() -> bytes:
    """A PNG whose XMP has a million properties of their own."""
    many = " ".join(f'xmp:p{number}="v"' for number in range(1_000_000))
    return with_chunk(png(), b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + xmp_packet(many))


def many_elements() -> bytes:
    """A PNG with XMP packets of millions of tiny elements."""
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + b"<a/>" * 900_000 + b"</x:xmpmeta>"
    data = png()
    for _ in range(8):
        data = with_chunk(data, b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + packet)
    return data


def packet_of_parts(n_parts: int = 65_536) -> bytes:
    """A JPEG whose extended XMP comes in 64 k parts."""
    parts = []
    for number in range(n_parts):
        body = MORE_XMP_MARK + b"A" * 32 + struct.pack(">II", n_parts, number) + b"<"
        parts.append(b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body)
    whole = jpeg()
    return whole[:2] + b"".join(parts) + whole[2:]


def segments_of_ff() -> bytes:
    """A JPEG with fill bytes where a segment should start."""
    whole = jpeg()
    return whole[:2] + b"\xff" * (8 * MIB) + whole[2:]


ENTITY_BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + at, b"&%c;" % (97 + at) * 10) for at in range(12))
    + b"]><x:x xmlns:x='adobe'>&m;</x:x>"
)
XXE = (
    b'<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">'
    b'<!ENTITY % far SYSTEM "http://127.0.0.1:9/x.dtd"> %far;]>'
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><dc:title xmlns:dc='http://purl.org/dc/elements/1.1/'>"
    b"&secret;</dc:title></x:xmpmeta>"
)
CIRCLE = tiff((0x8769, 4, 1, 8), (0x8825, 4, 1, 8), following=8)
DEEP = b"<a>" * 100_000


def mp4(*boxes: bytes) -> bytes:
    """An MP4 of these boxes behind its type."""
    return box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2mp41") + b"".join(boxes)


def box(kind: bytes, body: bytes, size: int | None = None) -> bytes:
    """One box, of a stated size that may lie."""
    return struct.pack(">I", len(body) + 8 if size is None else size) + kind + body


def nested(kind: bytes, depth: int) -> bytes:
    """A box within a box within a box."""
    total = 8 * depth
    return b"".join(struct.pack(">I", total - 8 * at) + kind for at in range(depth))


def waves(*chunks: bytes) -> bytes:
    """A second of silence as WAV with these chunks before the samples."""
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    sound = b"data" + struct.pack("<I", 32_000) + bytes(32_000)
    body = b"WAVE" + form + b"".join(chunks) + sound
    return b"RIFF" + struct.pack("<I", len(body)) + body


def info_list(n_tags: int, text: bytes = b"v\x00") -> bytes:
    """A RIFF INFO list of so many tags."""
    items = b"".join(
        b"%c%c%c%c" % (65 + at // 17576 % 26, 65 + at // 676 % 26, 65 + at // 26 % 26, 65 + at % 26)
        + struct.pack("<I", len(text)) + text
        for at in range(n_tags)
    )  # fmt: skip
    return b"LIST" + struct.pack("<I", len(items) + 4) + b"INFO" + items


def id3(n_frames: int) -> bytes:
    """An ID3 tag of so many texts of their own."""
    frames = bytearray()
    for at in range(n_frames):
        body = b"\x03k%d\x00v" % at
        frames += b"TXXX" + _synchsafe(len(body)) + b"\x00\x00" + body
    return b"ID3\x04\x00\x00" + _synchsafe(len(frames)) + bytes(frames)


def _synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def gif_comment() -> bytes:
    """A GIF with 40 MB of comment."""
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "GIF")
    data = out.getvalue()
    return data[:-1] + b"\x21\xfe" + (b"\xff" + b"c" * 255) * 160_000 + b"\x00;"


PICTURES = (
    Hostile("plain-100-mb.png", plain_text_of_100_mb, "metadata_oversized"),
    Hostile("ztxt-bomb.png", lambda: bomb(b"zTXt"), "metadata_oversized"),
    Hostile("itxt-bomb.png", lambda: bomb(b"iTXt"), "metadata_oversized"),
    Hostile("profile-bomb.png", profile_bomb),
    Hostile("circle.jpg", lambda: in_exif(CIRCLE), "metadata_damaged"),
    Hostile("65535-entries.jpg", lambda: in_exif(b"MM\x00*\x00\x00\x00\x08\xff\xff"),
            "metadata_damaged"),
    Hostile("full-65535.png", lambda: with_chunk(png(), b"eXIf", tiff(
        *[(0x010E, 2, 4, 0x61626300)] * 65_535)), "metadata_damaged"),
    Hostile("lying-size.jpg", lambda: in_exif(tiff((0x010F, 2, 0xFFFFFFFF, 8))),
            "metadata_damaged"),
    Hostile("lying-chunk.png", lambda: png()[:-12] + b"\xff\xff\xff\xfftEXtComment\x00x",
            "metadata_damaged"),
    Hostile("xxe.jpg", lambda: in_xmp(XXE), "metadata_damaged"),
    Hostile("entities.jpg", lambda: in_xmp(ENTITY_BOMB), "metadata_damaged"),
    Hostile("deep.png", lambda: with_chunk(
        png(), b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + DEEP), "metadata_damaged"),
    Hostile("parts.jpg", packet_of_parts, "metadata_oversized"),
    Hostile("elements.png", many_elements, "metadata_oversized"),
    Hostile("million-chunks.png", a_million_chunks, "metadata_oversized"),
    Hostile("million-properties.png", a_million_properties, "metadata_oversized"),
    Hostile("fill-bytes.jpg", segments_of_ff),
    Hostile("gif-comment.gif", gif_comment),
    Hostile("year-0.jpg", lambda: dated("0000:01:01 00:00:00"), "metadata_date_impossible"),
    Hostile("year-1.jpg", lambda: dated("0001:01:01 00:00:00"), "metadata_clock_not_set"),
    Hostile("year-9999.jpg", lambda: dated("9999:12:31 23:59:59"), "metadata_date_in_future"),
    Hostile("zeros.jpg", lambda: dated("0000:00:00 00:00:00"), "metadata_clock_not_set"),
    Hostile("negative.jpg", lambda: dated("-2020:01:01 00:00:00"), "metadata_date_impossible"),
    Hostile("month-99.jpg", lambda: dated("2020:99:99 99:99:99"), "metadata_date_impossible"),
    Hostile("script.jpg", lambda: commented(SCRIPT), "metadata_active_text"),
    Hostile("terminal.jpg", lambda: commented(TERMINAL), "metadata_active_text"),
    Hostile("turned.jpg", lambda: commented(TURNED), "metadata_active_text"),
    Hostile("nul-names.png", lambda: with_chunk(
        with_chunk(png(), b"tEXt", b"\x00\x00\x00value"), b"tEXt", b"Com\x00ment\x00x\x00y")),
    Hostile("appended.jpg", lambda: jpeg() + b"PK\x03\x04" + bytes(5000),
            "metadata_appended_data"),
)  # fmt: skip
SOUNDS = (
    Hostile("million-tags.wav", lambda: waves(info_list(400_000))),
    Hostile("million-tags.mp3", lambda: id3(400_000) + b"\xff\xfb\x90\x00" + bytes(413)),
    Hostile("long-tag.wav", lambda: waves(
        b"LIST" + struct.pack("<I", 50 * MIB + 12) + b"INFOICMT" + struct.pack("<I", 50 * MIB)
        + b"c" * (50 * MIB))),
    Hostile("lying-list.wav", lambda: waves(b"LIST\xff\xff\xff\xffINFOICMT\xff\xff\xff\x7fx")),
)  # fmt: skip
FILMS = (
    Hostile("box-in-itself.mp4", lambda: mp4(box(b"moov", box(b"moov", b"", 2**31 - 1), 16))),
    Hostile("size-zero.mp4", lambda: mp4(box(b"moov", box(b"udta", b"", 0)))),
    Hostile("size-one.mp4", lambda: mp4(box(b"moov", struct.pack(">Q", 2**63), 1))),
    Hostile("nested.mp4", lambda: mp4(nested(b"moov", 200_000))),
    Hostile("nested-meta.mp4", lambda: mp4(box(b"moov", nested(b"udta", 100_000)))),
    Hostile("million-keys.mp4", lambda: mp4(box(b"moov", box(b"udta", box(
        b"meta", bytes(4) + box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9)) + box(
            b"ilst", box(b"\xa9cmt", box(b"data", b"\x00\x00\x00\x01\x00\x00\x00\x00x")) * 300_000
        )))))),
)  # fmt: skip
