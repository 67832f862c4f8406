from __future__ import annotations

import os

from assay.web.jobs import chores, sweeping
from assay.web.service import Service
from tests.web.store.test_media import brought, files, make_old


def test_what_a_kill_left_behind_goes(service: Service) -> None:
    orphan = brought(service.store, b"orphan")
    sweeping.CHORE.run(service)
    assert len(files(service.store)) == 2
    make_old(*service.store.incoming.iterdir(), service.store.media_path(orphan.sha256))
    sweeping.CHORE.run(service)
    assert files(service.store) == []


def test_a_folder_that_cannot_be_read_harms_nothing_else(service: Service) -> None:
    strange = service.store.folder / "results" / "strange"
    strange.symlink_to(service.store.folder)
    os.mkfifo(service.store.folder / "media" / "fifo")
    sweeping.CHORE.run(service)
    assert strange.is_symlink()


def test_the_chores_are_found() -> None:
    names = {chore.name for chore in chores.discover()}
    assert {"recovery", "retention", "sweeping"} <= names
