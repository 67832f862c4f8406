"""A form in any pieces is the same form; what is none is refused."""

from __future__ import annotations

import random

import pytest

from assay.web.form_stream import (
    MAX_BEHIND_BYTES,
    MAX_FIELD_BYTES,
    MAX_FIELDS,
    FormStream,
    boundary_of,
)
from assay.web.refusals import BodyTooLargeError, Refusal, UnprocessableError

CONTENT = b"\r\n--b\r\r\n-- \0\xff" + b"--bound-not" * 50
BODY = (
    b'--bound\r\nContent-Disposition: form-data; name="frames"\r\n\r\n16\r\n'
    b'--bound\r\nContent-Disposition: form-data; name="file"; filename="\xc3\xa4;\\"x\\".jpg"\r\n'
    b"Content-Type: text/html\r\n\r\n" + CONTENT + b"\r\n"
    b'--bound\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n'
    b"--bound--\r\n"
)


class Taken:
    """Writes down what it is given."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self.files: list[tuple[str, str, bytes]] = []

    def take_field(self, name: str, text: str) -> None:
        self.fields.append((name, text))

    def begin_file(self, name: str, file_name: str) -> None:
        self.files.append((name, file_name, b""))

    def take_bytes(self, data: bytes) -> None:
        name, file_name, held = self.files[-1]
        self.files[-1] = (name, file_name, held + data)

    def end_file(self) -> None:
        self.fields.append(("end", self.files[-1][1]))


def read(body: bytes, size: int = 1_000_000) -> Taken:
    taken = Taken()
    stream = FormStream(b"bound", taken)
    for start in range(0, len(body), size):
        stream.feed(body[start : start + size])
    stream.end()
    return taken


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1_000_000])
def test_pieces_of_any_size_give_the_same_form(size: int) -> None:
    taken = read(BODY, size)
    assert taken.files == [("file", 'ä;"x".jpg', CONTENT)]
    assert taken.fields == [("frames", "16"), ("end", 'ä;"x".jpg'), ("file", "")]


def test_names_that_are_no_utf8_are_spelled_out() -> None:
    part = b'--bound\r\nContent-Disposition: form-data; name="file"; filename="a\xff.jpg"\r\n\r\nx'
    assert read(part + b"\r\n--bound--").files[0][1] == "a\\xff.jpg"


@pytest.mark.parametrize("n_missing", [3, 10, 60, len(BODY) - 3])
def test_a_form_that_ends_early_is_refused(n_missing: int) -> None:
    with pytest.raises(UnprocessableError, match="ends before"):
        read(BODY[: len(BODY) - n_missing])


@pytest.mark.parametrize(
    "body",
    [
        b"no form at all",
        b"--other\r\n\r\n",
        b"--bound\r\nContent-Type: text/plain\r\n\r\nx\r\n--bound--",
        b'--bound\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n--bound--',
        b"--bound\r\nContent-Disposition: form-data\r\n\r\nx\r\n--bound--",
        b'--bound\r\nContent-Disposition: form-data; name="a"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\neA==\r\n--bound--",
        b"--bound\r\n" + b"A" * 100_000,
        b"--bound\r\n" + b"A: b\r\n" * 5000,
    ],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(UnprocessableError):
        read(body, 1000)


def test_fields_are_bounded_in_size_and_number() -> None:
    head = b'--bound\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    with pytest.raises(BodyTooLargeError):
        read(head + b"x" * (MAX_FIELD_BYTES + 1) + b"\r\n--bound--", 1000)
    with pytest.raises(UnprocessableError, match="more than"):
        read((head + b"x\r\n") * (MAX_FIELDS + 1) + b"--bound--")


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "multipart/form-data", "multipart/mixed; boundary=a",
     "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "a" * 201],
)  # fmt: skip
def test_only_forms_have_a_boundary(kind: str) -> None:
    with pytest.raises(UnprocessableError):
        boundary_of(kind)


def test_what_follows_the_end_is_not_read_for_ever() -> None:
    assert read(BODY + b"x" * 1000, 100).files
    with pytest.raises(UnprocessableError, match="goes on"):
        read(BODY + b"x" * (MAX_BEHIND_BYTES + 20_000), 10_000)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_is_a_form_or_refused(seed: int) -> None:
    """Bytes changed, cut out and put twice at random: nothing else is ever raised."""
    chance = random.Random(seed)
    n_refused = 0
    for _ in range(60):
        body = bytearray(BODY)
        for _ in range(chance.randrange(1, 6)):
            start = chance.randrange(len(body))
            end = min(len(body), start + chance.randrange(1, 40))
            change = chance.choice(
                [b"", bytes([chance.randrange(256)]), bytes(body[start:end]) * 2]
            )
            body[start:end] = change
        try:
            read(bytes(body), chance.choice([1, 13, 10_000]))
        except Refusal:
            n_refused += 1
    assert n_refused > 0


def test_a_boundary_may_be_quoted() -> None:
    assert boundary_of('Multipart/Form-Data; charset=utf-8; boundary="a b"') == b"a b"
