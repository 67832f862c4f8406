from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.manifest import Item, data_hash, held_out, read_manifest
from tests.real_faces import shared_data
from tests.training.makers import write_manifest


def groups(folder: Path, rows: list[dict[str, str]]) -> list[str]:
    write_manifest(folder, rows)
    return [item.group for item in read_manifest(folder)]


def paired(stem: str, identity: str = "") -> dict[str, str]:
    path = f"video/paired/train-{stem}.mp4"
    return {"path": path, "modality": "video", "label": "paired", "identity": identity}


def test_rows_are_read_with_their_paths(tmp_path: Path) -> None:
    write_manifest(tmp_path, [{"path": "a/b.png", "identity": "p1", "split": "val"}])
    assert read_manifest(tmp_path) == [
        Item(
            path=tmp_path / "a" / "b.png",
            modality="image",
            label="real",
            method="made",
            group="p1",
            split="val",
            licence="CC0",
            sha256=f"{0:016x}",
        )
    ]


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"manifest\.csv"):
        read_manifest(tmp_path)


def test_pictures_of_one_identity_are_one_group(tmp_path: Path) -> None:
    rows = [{"path": f"{n}.png", "identity": name} for n, name in enumerate(["p", "q", "p"])]
    assert groups(tmp_path, rows) == ["p", "q", "p"]


def test_files_without_identity_stand_alone(tmp_path: Path) -> None:
    first, second = groups(tmp_path, [{"path": "train-a_0.png"}, {"path": "train-a_1.png"}])
    assert first != second


def test_clips_of_one_speaker_are_one_group(tmp_path: Path) -> None:
    stems = ("000_W009_front_fear", "001_M030_front_sad", "002_W009_front_happy")
    rows = [
        {"path": f"v/train-mead-hdtf_{stem}.mp4", "modality": "video", "method": "mead-hdtf"}
        for stem in stems
    ]
    assert groups(tmp_path, rows) == ["mead-W009", "mead-M030", "mead-W009"]


def test_paired_clips_of_one_face_model_are_one_group(tmp_path: Path) -> None:
    rows = [paired("Ann_Bee_0"), paired("Ann_Bee_2"), paired("Cid_Dee_0")]
    assert groups(tmp_path, rows) == ["dfl-Ann_Bee", "dfl-Ann_Bee", "dfl-Cid_Dee"]


def test_paired_clips_of_one_footage_are_one_group(tmp_path: Path) -> None:
    """A shares a person with B, B shares its footage with C: none may be divided."""
    rows = [
        paired("Cid_Dee_1", "f1"),
        paired("Ann_Bee_0", "f2"),
        paired("Cid_Dee_0", "f2"),
        paired("Eve_Fox_0", "f3"),
    ]
    found = groups(tmp_path, rows)
    assert found[0] == found[1] == found[2]
    assert found[3] == "dfl-Eve_Fox"


def test_the_held_out_share_is_fixed_and_about_as_large_as_asked() -> None:
    names = [f"person-{n}" for n in range(3000)]
    chosen = [held_out(name, 0.15) for name in names]
    assert chosen == [held_out(name, 0.15) for name in names]
    assert sum(chosen) / 3000 == pytest.approx(0.15, abs=0.03)
    assert chosen != [held_out(name, 0.15, salt="other") for name in names]
    more = [held_out(name, 0.3) for name in names]
    assert all(wide for small, wide in zip(chosen, more, strict=True) if small)
    assert not any(held_out(name, 0.0) for name in names)
    assert all(held_out(name, 1.0) for name in names)


def test_the_data_hash_changes_with_content_and_label_not_with_order(tmp_path: Path) -> None:
    write_manifest(tmp_path, [{"path": f"{n}.png"} for n in range(3)])
    items = read_manifest(tmp_path)
    known = data_hash(items)
    assert len(known) == 16
    assert data_hash(items[::-1]) == known
    assert data_hash(items[:2]) != known
    for change in ({"sha256": "f" * 16}, {"label": "fake"}, {"split": "val"}):
        assert data_hash([replace(items[0], **change), *items[1:]]) != known


@pytest.mark.shared
def test_no_named_person_of_the_shared_media_is_in_two_splits() -> None:
    # Only these sets name people; elsewhere the identity is a number that each split counts anew.
    named = ("cfp", "mead-hdtf")
    items = [item for item in read_manifest(shared_data()) if item.method in named]
    splits: dict[str, set[str]] = {}
    for item in items:
        splits.setdefault(item.group, set()).add(item.split)
    assert len(splits) > 300
    assert [group for group, found in splits.items() if len(found) > 1] == []
