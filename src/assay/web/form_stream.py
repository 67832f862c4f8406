"""A multipart form read as it comes: small fields are kept, the bytes of files are handed on.

Nothing is held back but one chunk and the fields, so a form of any size takes the same memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartState, parse_options_header

from assay.report.sanitise import encodable
from assay.web.refusals import BodyTooLargeError, UnprocessableError

MAX_FIELDS = 64
MAX_FIELD_BYTES = 64 * 1024
MAX_BOUNDARY = 200
MAX_BEHIND_BYTES = 64 * 1024  # after the last boundary; it is not read
PLAIN_ENCODINGS = (b"", b"7bit", b"8bit", b"binary")


class Taker(Protocol):
    """Who gets the parts, in the order in which they come."""

    def take_field(self, name: str, text: str) -> None:
        """A field is whole."""

    def begin_file(self, name: str, file_name: str) -> None:
        """A file begins under the field `name`; the next bytes are its own."""

    def take_bytes(self, data: bytes) -> None:
        """Bytes of the file that began last."""

    def end_file(self) -> None:
        """The file is whole."""


def boundary_of(content_type: str) -> bytes:
    """What divides the parts of a form. Raises UnprocessableError where this is no form."""
    kind, parameters = parse_options_header(content_type)
    boundary = parameters.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 1 <= len(boundary) <= MAX_BOUNDARY:
        raise UnprocessableError(
            "The request's body is no form.",
            remedy="Send multipart/form-data with the file in the field `file`.",
        )
    return boundary


class FormStream:
    """`feed` what comes, then `end`; both raise UnprocessableError on what is no form."""

    def __init__(self, boundary: bytes, taker: Taker) -> None:
        self._taker = taker
        self._headers: dict[bytes, bytes] = {}
        self._header = [b"", b""]
        self._name, self._field = "", bytearray()
        self._is_file, self._n_fields, self._n_behind = False, 0, 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_begin": self._begin_header,
                "on_header_field": self._add_to_header(0),
                "on_header_value": self._add_to_header(1),
                "on_header_end": self._end_header,
                "on_headers_finished": self._begin_content,
                "on_part_data": self._take,
                "on_part_end": self._end_part,
            },
        )

    def feed(self, data: bytes) -> None:
        """Read on. Raises also what the taker raises."""
        if self._parser.state == MultipartState.END:
            self._n_behind += len(data)
            if self._n_behind > MAX_BEHIND_BYTES:
                raise UnprocessableError("The form goes on after its last boundary.")
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise UnprocessableError(f"The form cannot be read: {error}.") from None

    def end(self) -> None:
        """Nothing more comes: the form must be whole by now."""
        if self._parser.state != MultipartState.END:
            raise UnprocessableError("The form ends before its last boundary.")

    def _begin_part(self) -> None:
        self._headers = {}

    def _begin_header(self) -> None:
        self._header = [b"", b""]

    def _add_to_header(self, which: int) -> Callable[[bytes, int, int], None]:
        def add(data: bytes, start: int, end: int) -> None:
            self._header[which] += data[start:end]

        return add

    def _end_header(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]

    def _begin_content(self) -> None:
        kind, given = parse_options_header(self._headers.get(b"content-disposition"))
        if kind != b"form-data" or b"name" not in given:
            raise UnprocessableError("A part of the form has no name.")
        encoding = self._headers.get(b"content-transfer-encoding", b"").strip().lower()
        if encoding not in PLAIN_ENCODINGS:
            raise UnprocessableError("A part of the form is encoded; send the bytes as they are.")
        self._name, self._field = _text(given[b"name"]), bytearray()
        # A form without a chosen file sends an empty file name: that is a field without text.
        self._is_file = bool(given.get(b"filename"))
        if self._is_file:
            self._taker.begin_file(self._name, _text(given[b"filename"]))
        else:
            self._count_field()

    def _count_field(self) -> None:
        self._n_fields += 1
        if self._n_fields > MAX_FIELDS:
            raise UnprocessableError(f"The form has more than {MAX_FIELDS} fields.")

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._taker.take_bytes(data[start:end])
            return
        self._field += data[start:end]
        if len(self._field) > MAX_FIELD_BYTES:
            raise BodyTooLargeError(f"A field has more than {MAX_FIELD_BYTES} bytes.")

    def _end_part(self) -> None:
        if self._is_file:
            self._taker.end_file()
        else:
            self._taker.take_field(self._name, _text(bytes(self._field)))


def _text(data: bytes) -> str:
    return encodable(data.decode("utf-8", "surrogateescape"))
