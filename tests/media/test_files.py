from __future__ import annotations

import hashlib

import pytest

from assay.errors import DamagedMediaError
from assay.media.files import open_file, printable, reopen, sha256_of
from assay.media.probe import probe
from tests.media.makers import picture


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/a/b.png", "b.png"),
        ("/a/été 写真.png", "été 写真.png"),
        ("/a/line\nbreak\x1b[31m", "line\\nbreak\\x1b[31m"),
        ("/a/\udcff.png", "\\udcff.png"),
        ("/a/folder/", "folder"),
        ("/", "/"),
    ],
)
def test_names_are_safe_to_print(path, shown):
    assert printable(path) == shown
    printable(path).encode("utf-8")


def test_hash_in_pieces_leaves_the_file_rewound(tmp_path):
    data = bytes(range(256)) * 9000
    (tmp_path / "a").write_bytes(data)
    with open_file(str(tmp_path / "a")) as file:
        file.read(100)
        assert sha256_of(file) == hashlib.sha256(data).hexdigest()
        assert file.tell() == 0


def test_reopen_only_what_was_hashed(tmp_path):
    path = tmp_path / "a.png"
    picture().save(path)
    media = probe(path)
    with reopen(media) as file:
        assert file.read() == path.read_bytes()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedMediaError, match="changed while"):
        reopen(media)
