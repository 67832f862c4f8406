"""What a file is by its first bytes; the name never decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Literal

from assay.errors import UnsupportedMediaError

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Format:
    """A container and who reads it.

    `plugin` is the Pillow plugin or the FFmpeg demuxer. It is always named to the reader: one
    that guesses can be led to a playlist, which opens other files and the network.
    """

    container: str
    reader: Literal["pillow", "heif", "av"]
    plugin: str
    subtypes: tuple[str, str]
    suffixes: tuple[str, ...]

    def media_type(self, kind: str) -> str:
        """The media type for a file of this container and kind, such as "video/mp4"."""
        family = kind if self.reader == "av" else "image"
        return f"{family}/{self.subtypes[kind == 'audio']}"


def _picture(container: str, plugin: str, *suffixes: str) -> Format:
    reader: Literal["heif", "pillow"] = "heif" if plugin == "HEIF" else "pillow"
    return Format(container, reader, plugin, (container, container), suffixes)


def _stream(container: str, plugin: str, video: str, audio: str, *suffixes: str) -> Format:
    return Format(container, "av", plugin, (video, audio), suffixes)


FORMATS = {
    found.container: found
    for found in (
        _picture("jpeg", "JPEG", "jpg", "jpeg", "jpe", "jfif", "mpo"),
        _picture("png", "PNG", "png", "apng"),
        _picture("gif", "GIF", "gif"),
        _picture("webp", "WEBP", "webp"),
        _picture("tiff", "TIFF", "tif", "tiff"),
        _picture("bmp", "BMP", "bmp", "dib"),
        _picture("heic", "HEIF", "heic", "heif", "hif"),
        _picture("avif", "AVIF", "avif", "avifs"),
        _stream("mp4", "mov", "mp4", "mp4", "mp4", "m4v", "m4a", "m4b", "3gp", "3g2", "mov"),
        _stream("mov", "mov", "quicktime", "mp4", "mov", "qt", "mp4", "m4v"),
        _stream("webm", "matroska", "webm", "webm", "webm", "weba", "mkv"),
        _stream("matroska", "matroska", "x-matroska", "x-matroska", "mkv", "mka", "webm"),
        _stream("avi", "avi", "x-msvideo", "x-msvideo", "avi", "divx"),
        _stream("mpeg", "mpeg", "mpeg", "mpeg", "mpg", "mpeg", "vob", "m2p", "mp2"),
        _stream("mpegvideo", "mpegvideo", "mpeg", "mpeg", "mpg", "mpeg", "m1v", "m2v", "mpv"),
        _stream("mpegts", "mpegts", "mp2t", "mp2t", "ts", "m2ts", "mts", "m2t"),
        _stream("flv", "flv", "x-flv", "x-flv", "flv", "f4v"),
        _stream("asf", "asf", "x-ms-wmv", "x-ms-wma", "wmv", "wma", "asf"),
        _stream("wav", "wav", "wav", "wav", "wav", "wave"),
        _stream("flac", "flac", "flac", "flac", "flac"),
        _stream("mp3", "mp3", "mpeg", "mpeg", "mp3", "mp2", "mpga"),
        _stream("aac", "aac", "aac", "aac", "aac", "adts"),
        _stream("ogg", "ogg", "ogg", "ogg", "ogg", "oga", "ogv", "opus", "spx"),
        _stream("aiff", "aiff", "aiff", "aiff", "aif", "aiff", "aifc"),
    )
}

_PLAIN = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\0\0\x01\xba", "mpeg"),
    (b"\0\0\x01\xb3", "mpegvideo"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
)
_RIFF = {b"WEBP": "webp", b"AVI ": "avi", b"WAVE": "wav"}
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}
_MOV_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_REFUSED = (
    (b"%PDF", "a PDF document", "Export its pictures and give those."),
    (b"PK\x03\x04", "a zip archive or an office document", "Unpack it and give what is inside."),
    (b"Rar!", "a RAR archive", "Unpack it and give what is inside."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it and give what is inside."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it and give what is inside."),
    (b"#EXTM3U", "a playlist, which only points at media", "Fetch the media and give them."),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture", ""),
    (b"\xff\x0a", "a JPEG XL picture", ""),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", ""),
)


def sniff(file: BinaryIO) -> Format:
    """The format of a file by content. Raises UnsupportedMediaError, saying what it is if known."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    container = _container(head) or _behind_tag(head, file)
    file.seek(0)
    if container:
        return FORMATS[container]
    for magic, what, remedy in _REFUSED:
        if head.startswith(magic):
            raise UnsupportedMediaError(f"This is {what}.", remedy=remedy)
    raise UnsupportedMediaError("The content is no picture, video or sound that assay knows.")


def suffix_contradicts(form: Format, name: str) -> bool:
    """Whether the name's ending belongs to another known format than the content."""
    _, dot, suffix = name.rpartition(".")
    suffix = suffix.lower()
    known = {ending for other in FORMATS.values() for ending in other.suffixes}
    known |= {"txt", "pdf", "doc", "docx", "zip", "exe", "html", "json", "jp2", "jxl", "svg"}
    return bool(dot) and suffix in known and suffix not in form.suffixes


def _container(head: bytes) -> str | None:
    for magic, container in _PLAIN:
        if head.startswith(magic):
            return container
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "webm" if b"\x42\x82\x84webm" in head[:128] else "matroska"
    if head[4:8] in _MOV_BOXES:
        return _by_brand(head)
    return "mpegts" if _is_transport_stream(head) else _elementary_sound(head)


def _by_brand(head: bytes) -> str:
    if head[4:8] != b"ftyp":
        return "mov"
    size = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {major, *(head[at : at + 4] for at in range(16, size, 4))}
    if major in (b"avif", b"avis") or (major in (b"mif1", b"msf1") and b"avif" in brands):
        return "avif"
    if major in _HEIC_BRANDS:
        return "heic"
    return "mov" if major == b"qt  " else "mp4"


def _is_transport_stream(head: bytes) -> bool:
    """Sync bytes at five packets in a row, plain (188 bytes) or with a time stamp (192)."""
    return any(
        len(head) >= start + 5 * step
        and all(head[start + packet * step] == 0x47 for packet in range(5))
        for step, start in ((188, 0), (192, 4))
    )


def _elementary_sound(head: bytes) -> str | None:
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:  # ADTS: layer 0
        return "aac"
    has_layer = head[1] & 0xE0 == 0xE0 and head[1] & 0x06 and head[1] & 0x18 != 0x08
    has_rates = head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C
    return "mp3" if has_layer and has_rates else None


def _behind_tag(head: bytes, file: BinaryIO) -> str | None:
    """Sound behind an ID3 tag, whose cover art can be megabytes long."""
    if head[:3] != b"ID3" or len(head) < 10:
        return None
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    file.seek(10 + size)
    behind = file.read(8)
    if behind.startswith(b"fLaC"):
        return "flac"
    return _elementary_sound(behind) or "mp3"
