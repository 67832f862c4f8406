"""The real examiner in its confined process: the same answer as `detect`, and hostile files."""

from __future__ import annotations

import json
import shlex
import struct
import zlib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

from assay import detect
from assay.report.as_json import as_dict, schema
from assay.web.actor import LOCAL
from assay.web.jobs.examiner import write
from assay.web.jobs.isolated import REAL
from assay.web.settings import Settings
from assay.web.store import examinations
from assay.web.store.database import Store, open_store
from tests.web.conftest import kept
from tests.web.jobs.running import ROOT, add, examine_all

EXAMPLES = ROOT / "examples"
HOSTILE_NAME = "x'; rm -rf ~ #<img src=x onerror=alert(1)>\n\u202e.jpg"
# What an examination of the same bytes may say otherwise: times, and the words for the file.
OWN = ("runtime", "artifacts", "input")


def bomb(side: int) -> bytes:
    """A small PNG that claims to be `side` by `side` pixels, all of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compressobj(9)
    row = b"\0" + bytes(side // 8)
    data = b"".join(rows.compress(row) for _ in range(side)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, str]]:
    """One worker examines everything that these tests ask about."""
    settings = Settings(tmp_path_factory.mktemp("examiner") / "data")
    store = open_store(settings)
    files = {
        "picture": ("swapped.jpg", (EXAMPLES / "grace_hopper_swapped.jpg").read_bytes()),
        "sound": ("spoken.wav", (EXAMPLES / "spoken.wav").read_bytes()),
        "bomb": ("small.png", bomb(20_000)),
        "named": (HOSTILE_NAME, (EXAMPLES / "astronaut.jpg").read_bytes()),
        "nothing": ("notes.jpg", b"no picture at all"),
        "disguised": ("voice.mp4", (EXAMPLES / "generated_face.jpg").read_bytes()),
    }
    whole, quick = {}, {"detectors": ["metadata"]}
    ids = {
        key: add(store, data, name, options=whole if key in ("picture", "sound") else quick)
        for key, (name, data) in files.items()
    }
    ids["options"] = add(
        store, files["sound"][1], "spoken.wav", options={"detectors": ["metadata"], "frames": 4}
    )
    ids["reference"] = _with_reference(store, files["picture"][1])
    examine_all(settings, store, list(ids.values()), REAL, 200)
    return store, ids


def _with_reference(store: Store, data: bytes) -> str:
    known = kept(store, (EXAMPLES / "grace_hopper.jpg").read_bytes())
    return add(
        store,
        data,
        "swapped.jpg",
        options={"stability": False, "detectors": ["reference_person"]},
        purpose="Is this the same person?",
        reference_sha256=known.sha256,
        reference_name="known footage.jpg",
    )


def told(examined: tuple[Store, dict[str, str]], key: str) -> tuple[dict[str, Any], str, Path]:
    """The result, the report's text and the folder of one of the files."""
    store, ids = examined
    row = examinations.get(store, LOCAL, ids[key])
    held = examinations.result_of(store, LOCAL, ids[key])
    assert row.status == "finished"
    assert held is not None
    jsonschema.validate(held.result, schema())
    folder = store.result_folder(row.id, held.claim)
    text = (folder / held.report).read_text()
    assert str(store.folder) not in json.dumps(held.result) + text
    return held.result, text, folder


def scores(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one["name"], one["subject"], one["status"]) for one in result["detectors"]]


@pytest.mark.parametrize(
    ("key", "name"), [("picture", "grace_hopper_swapped.jpg"), ("sound", "spoken.wav")]
)
def test_confined_it_says_what_detect_says(
    examined: tuple[Store, dict[str, str]], key: str, name: str
) -> None:
    result, text, _ = told(examined, key)
    expected = as_dict(detect(EXAMPLES / name))
    assert scores(result) == scores(expected)
    assert result["verdict"] == expected["verdict"]
    assert result["p_fake"] == pytest.approx(expected["p_fake"], abs=1e-4)
    assert result["limits"] == expected["limits"]  # no word of a missing isolation
    assert "<html" in text


def test_a_picture_has_itself_and_its_map_as_files(
    examined: tuple[Store, dict[str, str]],
) -> None:
    result, _, folder = told(examined, "picture")
    kinds = [one["kind"] for one in result["artifacts"]]
    assert kinds[:2] == ["picture", "overlay"]
    sizes = [Image.open(folder / one["path"]).size for one in result["artifacts"][:2]]
    assert sizes[0] == sizes[1]
    names = {one["path"] for one in result["artifacts"]} | {"report.html"}
    assert {path.name for path in folder.iterdir()} == names


def test_without_pictures_no_copy_of_the_file_is_among_the_artifacts(tmp_path: Path) -> None:
    verdict = detect(
        EXAMPLES / "astronaut.jpg", detectors=("face_blending", "noise_residual"), stability=False
    )
    kinds = {}
    for pictures in (True, False):
        folder = tmp_path / str(pictures)
        folder.mkdir()
        write(verdict, folder, "0" * 64, pictures=pictures)
        told = json.loads((folder / "result.json").read_text())["artifacts"]
        kinds[pictures] = {one["kind"] for one in told}
        assert {one["path"] for one in told} == {
            path.name
            for path in folder.iterdir()
            if path.name not in ("result.json", "report.html")
        }
    assert kinds == {True: {"picture", "overlay", "map"}, False: {"map"}}


def test_a_decompression_bomb_is_a_reason(examined: tuple[Store, dict[str, str]]) -> None:
    result, _, _ = told(examined, "bomb")
    assert result["status"] == "failed"
    assert result["reasons"][0]["code"] in ("media_too_large", "memory_limit")


def test_what_is_no_medium_is_a_reason(examined: tuple[Store, dict[str, str]]) -> None:
    result, text, _ = told(examined, "nothing")
    assert result["reasons"][0]["code"] == "media_unsupported"
    assert "notes.jpg" in text


def test_a_hostile_name_is_told_and_does_nothing(
    examined: tuple[Store, dict[str, str]],
) -> None:
    result, text, _ = told(examined, "named")
    assert result["input"]["name"] == HOSTILE_NAME
    assert shlex.split(result["runtime"]["rerun"])[-1] == HOSTILE_NAME
    assert "<img src=x" not in text
    assert "\u202e" not in text


def test_the_names_ending_is_examined_too(examined: tuple[Store, dict[str, str]]) -> None:
    result, text, _ = told(examined, "disguised")
    assert result["input"]["media_type"] == "image/jpeg"
    assert "ending does not fit" in text


def test_options_are_followed_and_told(examined: tuple[Store, dict[str, str]]) -> None:
    result, _, _ = told(examined, "options")
    assert {one["name"] for one in result["detectors"]} == {"metadata"}
    rerun = shlex.split(result["runtime"]["rerun"])
    assert rerun == ["assay", "detect", "--detectors", "metadata", "--frames", "4", "spoken.wav"]


def test_known_footage_is_compared_and_told_by_its_name(
    examined: tuple[Store, dict[str, str]],
) -> None:
    result, _, _ = told(examined, "reference")
    assert "reference_person" in {one["name"] for one in result["detectors"]}
    assert "'known footage.jpg'" in result["runtime"]["rerun"]


def test_each_step_was_told(examined: tuple[Store, dict[str, str]]) -> None:
    store, ids = examined
    progress = examinations.get(store, LOCAL, ids["picture"]).progress
    names = [one["name"] for one in progress["steps"]]
    assert len(names) == len(set(names))
    times = [one["at"] for one in progress["steps"]]
    assert times == sorted(times)
