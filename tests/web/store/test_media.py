from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from assay.web.actor import LOCAL
from assay.web.refusals import BodyTooLargeError, ConflictError, StorageFullError
from assay.web.store import examinations, media, queue
from assay.web.store.database import Store
from assay.web.store.examinations import Wanted
from tests.web.conftest import ENGINE
from tests.web.store.test_queue import outcome

MIB = 2**20


def brought(
    store: Store, *chunks: bytes, max_bytes: int = MIB, min_free_bytes: int = 0
) -> media.Kept:
    with media.incoming(store, max_bytes, min_free_bytes) as file:
        for chunk in chunks:
            file.write(chunk)
        return file.keep()


def add(store: Store, one: media.Kept, **fields: Any) -> str:
    wanted = Wanted("a.jpg", one.sha256, one.n_bytes, **fields)
    return examinations.add(store, LOCAL, wanted, ENGINE, 100).id


def make_old(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (0, 0))


def files(store: Store) -> list[Path]:
    folders = (store.incoming, store.folder / "media", store.folder / "results")
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_kept_by_what_it_holds_and_only_its_user_reads_it(store: Store) -> None:
    one = brought(store, b"some ", b"", b"bytes")
    assert (one.sha256, one.n_bytes) == (hashlib.sha256(b"some bytes").hexdigest(), 10)
    place = store.media_path(one.sha256)
    assert place.read_bytes() == b"some bytes"
    assert place.stat().st_mode & 0o077 == 0
    assert not list(store.incoming.glob("*.part"))


def test_what_is_not_kept_is_gone(store: Store) -> None:
    with media.incoming(store, 100, 0) as file:
        file.write(b"some bytes")
    with pytest.raises(TypeError):
        brought(store, b"some bytes", "no bytes")  # type: ignore[arg-type]
    assert files(store) == []


def test_one_byte_too_many_is_refused_and_the_last_allowed_one_is_not(store: Store) -> None:
    assert brought(store, b"12345", max_bytes=5).n_bytes == 5
    with pytest.raises(BodyTooLargeError):
        brought(store, b"12345", b"6", max_bytes=5)
    assert not list(store.incoming.glob("*.part"))


def test_a_full_disk_is_refused_before_and_while_it_fills(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageFullError):
        brought(store, min_free_bytes=2**62)
    free = iter((100, 90, 80, 60, 40, 20))
    monkeypatch.setattr(media, "LOOK_EVERY_BYTES", 10)
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(next(free)))
    with pytest.raises(StorageFullError):
        brought(store, *[b"0" * 11] * 20, min_free_bytes=50)
    assert next(free) == 20, "it was looked at again and again, and no more after that"
    assert files(store) == []


def test_a_disk_that_says_it_is_full_is_refused_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageFullError) as refused:
        brought(store, b"0")
    assert refused.value.retry_after_s
    assert files(store) == []


def test_a_short_write_loses_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda to, data: write(to, bytes(data[:3])))
    one = brought(store, b"0123456789")
    assert store.media_path(one.sha256).read_bytes() == b"0123456789"


def test_an_upload_on_its_way_protects_its_content(store_of_each: Store) -> None:
    store = store_of_each
    one = brought(store, b"x")
    assert not media.discard(store, one.sha256)
    id_ = add(store, one)
    assert list(store.incoming.iterdir()) == []
    assert not media.discard(store, one.sha256)
    media.forget(store, examinations.remove(store, LOCAL, id_))
    assert files(store) == []
    assert media.n_bytes(store) == 0


def test_what_another_examination_uses_stays(store_of_each: Store) -> None:
    store = store_of_each
    first = add(store, brought(store, b"x"))
    second = add(store, brought(store, b"x"), again=True)
    third = add(store, brought(store, b"y"), reference_sha256=brought(store, b"x").sha256)
    assert media.n_bytes(store) == 2
    x = store.media_path(hashlib.sha256(b"x").hexdigest())
    for id_ in (first, second):
        media.forget(store, examinations.remove(store, LOCAL, id_))
        assert x.exists()
    media.forget(store, examinations.remove(store, LOCAL, third))
    assert files(store) == []


def test_a_file_that_is_not_there_is_not_accepted(store_of_each: Store) -> None:
    store = store_of_each
    one = brought(store, b"x")
    media.release(store, one)
    assert files(store) == []
    with pytest.raises(ConflictError):
        add(store, one)
    with pytest.raises(ConflictError):
        add(store, brought(store, b"y"), reference_sha256=one.sha256)
    assert examinations.n_waiting(store)["queued"] == 0


def test_the_same_file_sent_again_after_its_media_went_does_not_stay(store: Store) -> None:
    id_ = add(store, brought(store, b"x"))
    held = queue.claim(store, "w")
    assert held is not None
    queue.finish(store, held, outcome())
    from assay.web.jobs.retention import expire_media

    assert expire_media(store) == 1
    assert files(store) == []
    assert add(store, brought(store, b"x")) == id_
    assert files(store) == []


def test_deleting_and_adding_the_same_content_never_leaves_a_row_without_its_file(
    store_of_each: Store,
) -> None:
    store, accepted, refused = store_of_each, [], []

    def work(number: int) -> None:
        for _ in range(6):
            try:
                id_ = add(store, brought(store, b"x"), again=True)
            except ConflictError:
                refused.append(number)
                continue
            row = examinations.get(store, LOCAL, id_)
            assert store.media_path(row.sha256).read_bytes() == b"x"
            accepted.append(id_)
            media.forget(store, examinations.remove(store, LOCAL, id_))

    run_together(work, 8)
    assert len(accepted) == 48, "a mark protects every upload"
    assert refused == []
    assert files(store) == []


def run_together(work: Any, n_threads: int) -> None:
    """Run `work(number)` in threads that begin at one moment; what one raises is raised."""
    gate, raised = threading.Barrier(n_threads), []

    def one(number: int) -> None:
        try:
            gate.wait()
            work(number)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    if raised:
        raise raised[0]
