"""Read XMP packets with a streaming parser that refuses document types (no entity bombs)."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from assay.media.tags import MAX_BLOCK_BYTES, MAX_EVENTS, Tags

MAX_DEPTH = 64
MAX_VALUE_CHARS = 2**18
MAX_EVENT_CHARS = 300
HISTORY = "xmpMM:History"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
PREFIXES = {
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://ns.adobe.com/xap/1.0/sType/ResourceRef#": "stRef",
    "http://ns.adobe.com/camera-raw-settings/1.0/": "crs",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.google.com/photos/1.0/camera/": "GCamera",
}


class RefusedXmlError(ValueError):
    """The packet declares a document type, nests too deeply or has too many elements."""


def read_xmp(data: bytes, tags: Tags) -> None:
    """The properties of one packet as tags of place "xmp", named prefix:Name, and its history.

    Raises RefusedXmlError or expat.ExpatError; what came before the fault is kept.
    """
    reader = _Reader(tags)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.Parse(data[:MAX_BLOCK_BYTES].rstrip(b"\x00"), True)


class _Reader:
    """Turns the parser's events into tags; a value in rdf:li belongs to the property around it."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags
        self._names: list[str] = []
        self._text: list[str] = []
        self._n_chars = 0
        self._event: dict[str, str] = {}

    def refuse(self, *_declaration: Any) -> None:
        """Stop at a document type: XMP has none, entity bombs need one."""
        raise RefusedXmlError("XMP with a document type")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Enter an element; its attributes are properties in RDF's short form."""
        if len(self._names) >= MAX_DEPTH:
            raise RefusedXmlError("XMP nested too deeply")
        self._tags.room_nodes -= 1 + len(attributes)
        if self._tags.room_nodes < 0:
            self._tags.note_oversized("XMP: too many elements")
            raise RefusedXmlError("XMP with too many elements")
        self._names.append(_short(name))
        self._forget()
        for attribute, value in attributes.items():
            short = _short(attribute)
            if short and ":" in short:
                self._keep(short, value)
            elif attribute == f"{RDF} resource" and self._property():
                self._keep(self._property(), value)

    def end(self, name: str) -> None:
        """Leave an element; its text, if any, is the property's value."""
        text = "".join(self._text).strip()
        if text and self._property():
            self._keep(self._property(), text)
        self._names.pop()
        self._forget()
        if self._event and self._property() == HISTORY and name == f"{RDF} li":
            if len(self._tags.history) < MAX_EVENTS:
                self._tags.history.append(self._event)
            self._event = {}

    def characters(self, data: str) -> None:
        """Collect text up to the limit."""
        if self._n_chars < MAX_VALUE_CHARS:
            self._text.append(data)
            self._n_chars += len(data)

    def _keep(self, name: str, text: str) -> None:
        # References stand inside what refers: "derived from", "ingredients".
        around = next((one for one in reversed(self._names) if one and one != name), "")
        if name.startswith("stRef:") and around:
            name = f"{around}/{name}"
        elif name.startswith("stEvt:") and HISTORY in self._names:
            self._event[name.removeprefix("stEvt:")] = text[:MAX_EVENT_CHARS]
        self._tags.add("xmp", name, text)

    def _forget(self) -> None:
        self._text.clear()
        self._n_chars = 0

    def _property(self) -> str:
        return next((name for name in reversed(self._names) if name), "")


def _short(name: str) -> str:
    """prefix:Name, "" for RDF's own elements, the bare name of an unknown namespace with `?:`."""
    namespace, _, local = name.rpartition(" ")
    if namespace == RDF or not namespace or namespace == "adobe:ns:meta/":
        return ""
    return f"{PREFIXES.get(namespace, '?')}:{local}"
