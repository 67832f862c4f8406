from __future__ import annotations

import hashlib
import os
import time

import pytest

from assay.web.actor import LOCAL
from assay.web.store import examinations, media, queue
from assay.web.store import sweep as sweep_module
from assay.web.store.database import Store
from assay.web.store.sweep import MARK_S, sweep
from tests.web.conftest import ENGINE, kept
from tests.web.store.test_media import MIB, add, brought, files, make_old


def test_the_sweep_takes_what_is_old_and_belongs_to_nothing(store_of_each: Store) -> None:
    store = store_of_each
    needed = add(store, brought(store, b"needed"))
    held = queue.claim(store, "w")
    assert held is not None
    mine = store.result_folder(needed, held.claim)
    lost = store.result_folder(needed, "0" * 32)
    stray = store.result_folder("f" * 32, "0" * 32)
    for folder in (mine, lost, stray):
        folder.mkdir(parents=True)
        (folder / "report.html").write_text("x")
        make_old(folder, folder.parent)
    orphan = brought(store, b"orphan")
    part = store.incoming / "dead.part"
    part.write_bytes(b"x")
    make_old(part, *store.incoming.iterdir(), store.media_path(orphan.sha256))
    make_old(store.media_path(hashlib.sha256(b"needed").hexdigest()))
    # the part, the mark, the medium, and the folders of two claims
    assert sweep(store, 60) == 5
    found = sorted(path.name for path in files(store))
    assert found == sorted([hashlib.sha256(b"needed").hexdigest(), "report.html"])
    assert mine.is_dir()
    assert not stray.parent.exists()
    assert sweep(store, 60) == 0


def test_the_sweep_leaves_what_is_new_or_being_written(store: Store) -> None:
    orphan = brought(store, b"orphan")
    with media.incoming(store, MIB, 0) as file:
        file.write(b"slow")
        make_old(*store.incoming.glob("*.part"))
        assert sweep(store, 60) == 0
        one = file.keep()
    assert store.media_path(one.sha256).read_bytes() == b"slow"
    assert store.media_path(orphan.sha256).exists()


def test_the_sweep_takes_rows_whose_file_went_without_them(store_of_each: Store) -> None:
    store = store_of_each
    id_ = add(store, brought(store, b"x"))
    examinations.remove(store, LOCAL, id_)  # and killed before the files were deleted
    make_old(store.media_path(hashlib.sha256(b"x").hexdigest()))
    assert sweep(store, -60) == 1
    assert media.n_bytes(store) == 0
    wanted = kept(store, b"y")
    id_ = examinations.add(store, LOCAL, wanted, ENGINE, 10).id
    examinations.remove(store, LOCAL, id_)
    store.media_path(wanted.sha256).unlink()
    assert sweep(store, -60) == 1
    assert media.n_bytes(store) == 0


def test_a_mark_protects_a_batch_on_its_way_for_hours_and_not_for_ever(store: Store) -> None:
    one = brought(store, b"x")
    mark, place = store.incoming / one.mark, store.media_path(one.sha256)
    make_old(place)
    recent = time.time() - MARK_S + 600
    os.utime(mark, (recent, recent))
    assert sweep(store, 60) == 0
    os.utime(mark, (recent - 1200, recent - 1200))
    assert sweep(store, 60) == 2
    assert files(store) == []


def test_more_than_one_question_may_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_module, "MANY", 5)
    folder = store.folder / "media" / "ab"
    folder.mkdir()
    for number in range(13):
        (folder / f"ab{number:062x}").write_bytes(b"")
        (store.folder / "results" / f"{number:032x}").mkdir()
    make_old(*folder.iterdir())
    assert sweep(store, 60) == 13
    assert list((store.folder / "results").iterdir()) == []
