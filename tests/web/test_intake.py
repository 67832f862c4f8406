"""Files on their way in: streamed, bounded, checked, and gone again where they are refused."""

from __future__ import annotations

import asyncio
import hashlib
import resource
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import Request

from assay.web.actor import LOCAL, READ, Actor
from assay.web.app import build_app
from assay.web.intake import (
    Received,
    Sent,
    accept,
    let_go,
    read_wishes,
    receive,
    require_room,
    told_name,
)
from assay.web.refusals import (
    BodyTooLargeError,
    ForbiddenError,
    QueueFullError,
    Refusal,
    SlowClientError,
    StorageFullError,
    UnprocessableError,
)
from assay.web.service import Service
from assay.web.store import audit, examinations, schema
from assay.web.store.keys import Key
from assay.web.store.media import Kept
from assay.web.store.schema import BATCH, LIVE
from tests.web.conftest import kept

HEAD = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n'
END = b"--b--\r\n"
PURPOSE = b"to check a report about one person"


def field(name: str, text: bytes) -> bytes:
    return HEAD % (name.encode(), text)


def file(data: bytes, name: bytes = b"a.jpg", part: bytes = b"file") -> bytes:
    return FILE % (part, name) + data + b"\r\n"


def request_of(service: Service, pieces: Iterator[bytes] | list[bytes], **scope: Any) -> Request:
    """A request whose body comes in these pieces; after the last one the client is gone."""
    app = build_app(service, chores=False)
    left = iter(pieces)

    async def come() -> dict[str, Any]:
        piece = next(left, None)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": piece != b""}

    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    told = {"type": "http", "method": "POST", "path": "/", "headers": headers, "app": app}
    return Request({**told, **scope}, come)


def take(service: Service, *parts: bytes, actor: Actor = LOCAL, n_files: int = 1) -> Received:
    request = request_of(service, [b"".join(parts), b""])
    return asyncio.run(receive(request, service, actor, n_files))


def files_left(service: Service) -> list[str]:
    """Whatever lies in the store besides empty folders and the database."""
    folders = service.store.incoming, service.store.folder / "media"
    return [one.name for folder in folders for one in folder.rglob("*") if one.is_file()]


def test_a_form_is_received_whole(service: Service) -> None:
    data = bytes(range(256)) * 5000
    found = take(service, field("frames", b"8"), file(data, b"../../etc/p\xc3\xa4ss.jpg"), END)
    [sent] = found.files
    assert sent.name == "päss.jpg"
    assert sent.kept.sha256 == hashlib.sha256(data).hexdigest()
    assert service.store.media_path(sent.kept.sha256).read_bytes() == data
    assert found.fields == {"frames": "8"}
    let_go(service, found)
    assert files_left(service) == []


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([file(b"x"), file(b"y"), END], UnprocessableError),
        ([file(b"x")], UnprocessableError),
        ([file(b"x" * 2001), END], BodyTooLargeError),
        ([file(b"x"), field("frames", b"many"), END], UnprocessableError),
        ([field("frames", b"many"), file(b"x"), END], UnprocessableError),
        ([file(b"x"), field("unheard", b"of"), END], UnprocessableError),
        ([file(b"x"), field("reference", b"/etc/passwd"), END], ForbiddenError),
        ([field("frames", b"1"), field("frames", b"2"), file(b"x"), END], UnprocessableError),
        ([field("purpose", b"a\0b"), file(b"x"), END], UnprocessableError),
        ([file(b"x", part=b"camera"), END], UnprocessableError),
        ([file(b"x"), file(b"r", part=b"reference"), file(b"s", part=b"reference"), END],
         UnprocessableError),
        ([field("priority", b"urgent"), file(b"x"), END], UnprocessableError),
        ([field("again", b"perhaps"), file(b"x"), END], UnprocessableError),
    ],
)  # fmt: skip
def test_what_is_refused_is_not_kept(
    make_service: Callable[..., Service], parts: list[bytes], error: type[Refusal]
) -> None:
    service = make_service(max_upload_bytes=2000)
    with pytest.raises(error):
        take(service, *parts)
    assert files_left(service) == []


def test_a_client_that_leaves_leaves_nothing(service: Service) -> None:
    request = request_of(service, [file(b"x" * 400_000)])
    with pytest.raises(SlowClientError):
        asyncio.run(receive(request, service, LOCAL))
    assert files_left(service) == []


def test_the_token_of_a_session_comes_before_the_file(service: Service) -> None:
    for token, is_taken in ((b"right", True), (b"wrong", False), (None, False)):
        sent = [] if token is None else [field("csrf", token)]
        request = request_of(service, [b"".join([*sent, file(b"x"), END]), b""])
        request.state.csrf, request.state.csrf_pending = "right", True
        if is_taken:
            found = asyncio.run(receive(request, service, LOCAL))
            assert found.fields == {}
            let_go(service, found)
        else:
            with pytest.raises(ForbiddenError):
                asyncio.run(receive(request, service, LOCAL))
        assert files_left(service) == []


def test_the_limit_of_a_key_counts(service: Service) -> None:
    request = request_of(service, [b"".join([file(b"x" * 101), END]), b""])
    request.state.key = Key("id", "name", "local", (), None, 100, 0.0, None, None, None)
    with pytest.raises(BodyTooLargeError):
        asyncio.run(receive(request, service, LOCAL))


def test_a_full_disk_and_a_full_queue_are_told_before_the_file(
    make_service: Callable[..., Service],
) -> None:
    with pytest.raises(StorageFullError):
        take(make_service(min_free_bytes=2**60), file(b"x"), END)
    service = make_service(max_queue=1)
    require_room(service)
    accept(service, LOCAL, take(service, file(b"x"), END).files[0], {})
    with pytest.raises(QueueFullError) as raised:
        take(service, file(b"y"), END)
    assert raised.value.retry_after_s
    assert len(files_left(service)) == 1


def test_who_may_only_read_sends_nothing(service: Service) -> None:
    with pytest.raises(ForbiddenError):
        take(service, file(b"x"), END, actor=Actor("a", "a", frozenset({READ})))


def test_one_file_of_several_that_is_too_large_loses_no_other(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(max_upload_bytes=100)
    parts = [file(b"a", b"1"), file(b"b" * 101, b"2"), file(b"c", b"3"), END]
    found = take(service, *parts, n_files=3)
    assert [one.name for one in found.files] == ["1", "3"]
    assert [(one.name, one.place, one.error.code) for one in found.unkept] == [
        ("2", 1, "body_too_large")
    ]
    with pytest.raises(UnprocessableError, match="3 files"):
        take(service, *[file(b"x")] * 4, END, n_files=3)


def test_a_large_file_takes_no_memory(service: Service) -> None:
    piece, n_pieces = b"\0" * 65_536, 2400  # 150 MB

    def pieces() -> Iterator[bytes]:
        yield FILE % (b"file", b"large.bin")
        for _ in range(n_pieces):
            yield piece
        yield b"\r\n" + END
        yield b""

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = asyncio.run(receive(request_of(service, pieces()), service, LOCAL))
    assert found.files[0].kept.n_bytes == len(piece) * n_pieces
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown_bytes < 30_000_000
    let_go(service, found)


def test_accepting_writes_down_what_was_asked_for(service: Service) -> None:
    found = take(service, field("frames", b"8"), field("priority", b"batch"), file(b"x"), END)
    added = accept(service, LOCAL, found.files[0], found.fields)
    row = examinations.get(service.store, LOCAL, added.id)
    assert added.is_new
    assert (row.name, row.options, row.priority) == ("a.jpg", {"frames": 8}, BATCH)
    again = accept(service, LOCAL, take(service, file(b"x"), END).files[0], found.fields)
    assert again == examinations.Added(added.id, is_new=False)
    assert files_left(service) == [row.sha256]


def test_files_of_a_batch_wait_behind_unless_they_are_live(service: Service) -> None:
    batch_id = examinations.add_batch(service.store, LOCAL, "")
    for data, fields, expected in ((b"1", {}, BATCH), (b"2", {"priority": "live"}, LIVE)):
        sent = take(service, file(data), END).files[0]
        added = accept(service, LOCAL, sent, fields, batch_id=batch_id)
        assert examinations.get(service.store, LOCAL, added.id).priority == expected


def test_a_file_for_a_batch_that_is_not_there_is_not_kept(service: Service) -> None:
    sent = take(service, file(b"x"), END).files[0]
    with pytest.raises(Refusal):
        accept(service, LOCAL, sent, {"batch": "0" * 32})
    assert files_left(service) == []


def test_known_footage_needs_its_purpose_and_stands_in_the_log(service: Service) -> None:
    reference = file(b"known", b"known.mp4", b"reference")
    found = take(service, reference, file(b"x"), END)
    with pytest.raises(UnprocessableError, match="purpose"):
        accept(service, LOCAL, found.files[0], found.fields, reference=found.reference)
    assert files_left(service) == []
    found = take(service, reference, field("purpose", PURPOSE), file(b"x"), END)
    added = accept(service, LOCAL, found.files[0], found.fields, reference=found.reference)
    row = examinations.get(service.store, LOCAL, added.id)
    assert (row.purpose, row.reference_name) == (PURPOSE.decode(), "known.mp4")
    assert row.reference_sha256 == hashlib.sha256(b"known").hexdigest()
    assert audit.check(service.store) is None
    with service.store.reading() as connection:
        [line] = connection.execute(schema.audit.select()).all()
    assert line.detail["purpose"] == PURPOSE.decode()


def test_known_footage_is_never_compared_in_a_batch(service: Service) -> None:
    batch_id = examinations.add_batch(service.store, LOCAL, "")
    parts = field("purpose", PURPOSE), file(b"k", part=b"reference"), file(b"x"), END
    for fields, given in (({"batch": batch_id}, None), ({}, batch_id)):
        found = take(service, *parts)
        fields = {**found.fields, **fields}
        with pytest.raises(ForbiddenError):
            accept(
                service, LOCAL, found.files[0], fields, reference=found.reference, batch_id=given
            )


def test_a_file_that_an_answer_no_longer_needs_goes_again(service: Service) -> None:
    """In privacy mode the first file is gone when the same is sent again and answered."""
    first = accept(service, LOCAL, take(service, file(b"x"), END).files[0], {})
    with service.store.writing() as connection:
        c = schema.examinations.c
        gone = schema.examinations.update().where(c.id == first.id)
        connection.execute(gone.values(media_deleted_at=1.0))
    second = accept(service, LOCAL, take(service, file(b"x"), END).files[0], {})
    assert not second.is_new
    assert files_left(service) == []


def test_letting_go_keeps_what_an_examination_uses(service: Service) -> None:
    wanted = kept(service.store, b"x")
    examinations.add(service.store, LOCAL, wanted, service.engine, 9)
    let_go(service, Received([Sent("a", Kept(wanted.sha256, 1))], {}))
    assert files_left(service) == [wanted.sha256]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("a.jpg", "a.jpg"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\x\\a.jpg", "a.jpg"),
        ("..", ".."),
        ("a/", "a"),
        ("", "unnamed"),
        (" ", "unnamed"),
        ("a\0b", "a\\x00b"),
        ("<b>\n.jpg", "<b>\n.jpg"),
    ],
)
def test_names_are_told_without_folders(sent: str, told: str) -> None:
    assert told_name(sent) == told


def test_a_name_is_never_endless() -> None:
    told = told_name("x" * 5000 + ".jpg")
    assert len(told) == 255
    assert told.endswith(".jpg")


def test_wishes_are_read(service: Service) -> None:
    found = read_wishes({"again": "on", "priority": "live", "batch": "b", "frames": "4"}, service)
    assert (found.again, found.priority, found.batch_id) == (True, LIVE, "b")
    assert found.options == {"frames": 4}
    assert read_wishes({}, service).priority is None
