"""The ZIP of a case: whole, checkable, and harmless wherever it is unpacked."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.web import case_export
from assay.web.actor import LOCAL, Actor
from assay.web.refusals import NotFoundError
from assay.web.service import Service
from assay.web.store import audit, cases, examinations, feedback
from assay.web.store.database import Store
from tests.web.examined import PICTURE, REPORT, examined, result, waiting

OTHER = Actor("other", "other", frozenset(["examine", "read"]))
HOSTILE = (
    "../../etc/passwd", "/etc/cron.d/x", "C:\\Windows\\evil.exe", "a\nb.jpg", "\u202egpj.exe", "..",
    "CON", "con.jpg", "", "x" * 400 + ".jpg", "\udcff.jpg", "<script>alert(1)</script>.jpg", "-rf",
    "ÄÖ 写真.jpeg", ". .", "a\0b",
)  # fmt: skip


def case_of(service: Service, *ids: str, title: str = "The election") -> str:
    id_ = cases.create(service.store, LOCAL, title, "Two sources.", ["vote"])
    for examination in ids:
        cases.add(service.store, LOCAL, id_, examination, f"note on {examination[:4]}")
    return id_


def zip_of(service: Service, id_: str, with_media: bool = False) -> zipfile.ZipFile:
    data = b"".join(case_export.export(service, LOCAL, id_, with_media))
    opened = zipfile.ZipFile(io.BytesIO(data))
    assert opened.testzip() is None
    return opened


def inside(opened: zipfile.ZipFile) -> dict[str, bytes]:
    """The files by their path below the one folder that the ZIP holds."""
    tops = {name.partition("/")[0] for name in opened.namelist()}
    assert len(tops) == 1
    return {name.partition("/")[2]: opened.read(name) for name in opened.namelist()}


def manifest_of(files: dict[str, bytes]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(files["manifest.json"])
    return told


def test_a_zip_holds_reports_results_artifacts_and_media(service: Service) -> None:
    id_ = case_of(service, examined(service, "one.jpg"), examined(service, "two.jpg"))
    files = inside(zip_of(service, id_, with_media=True))
    assert sorted(files) == [
        "01-one.jpg/artifacts/01-01-map.png",
        "01-one.jpg/media/one.jpg",
        "01-one.jpg/report.html",
        "01-one.jpg/result.json",
        "02-two.jpg/artifacts/01-01-map.png",
        "02-two.jpg/media/two.jpg",
        "02-two.jpg/report.html",
        "02-two.jpg/result.json",
        "README.txt",
        "SHA256SUMS",
        "manifest.json",
    ]
    assert files["01-one.jpg/report.html"] == REPORT
    assert files["02-two.jpg/artifacts/01-01-map.png"] == PICTURE
    assert files["01-one.jpg/media/one.jpg"] == b"one.jpg"
    assert json.loads(files["02-two.jpg/result.json"]) == result()


def test_media_stay_where_they_are_unless_asked_for(service: Service) -> None:
    files = inside(zip_of(service, case_of(service, examined(service))))
    assert not [name for name in files if "/media/" in name]


def test_the_sums_are_those_that_another_program_finds(service: Service, tmp_path: Path) -> None:
    id_ = case_of(service, examined(service, "ÄÖ 写真.jpeg"), examined(service, "b.wav"))
    opened = zip_of(service, id_, with_media=True)
    opened.extractall(tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.name.startswith("case-"))
    run = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    said = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert said.stdout.count(": OK") == len(opened.namelist()) - 1
    (folder / "manifest.json").write_text("{}")
    assert subprocess.run(run, cwd=folder, capture_output=True, check=False).returncode == 1


def test_info_zip_reads_it_too(service: Service, tmp_path: Path) -> None:
    data = b"".join(case_export.export(service, LOCAL, case_of(service, examined(service)), True))
    (tmp_path / "case.zip").write_bytes(data)
    try:
        run = ["unzip", "-tq", "case.zip"]
        said = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("unzip is not installed")
    assert said.returncode == 0, said.stdout


def test_the_manifest_tells_what_was_examined_by_what(service: Service) -> None:
    examination = examined(service, "one.jpg")
    feedback.give(service.store, LOCAL, examination, "right", "I was there.")
    files = inside(zip_of(service, case_of(service, examination)))
    told = manifest_of(files)
    assert told["schema"] == case_export.SCHEMA
    assert told["case"]["title"] == "The election"
    assert (told["case"]["notes"], told["case"]["tags"]) == ("Two sources.", ["vote"])
    (one,) = told["examinations"]
    assert one["sha256"] == hashlib.sha256(b"one.jpg").hexdigest()
    assert (one["verdict"], one["p_fake"], one["missing"]) == ("some_evidence", 0.71, [])
    assert one["bundles"] == {"face_blending": "ab" * 32}
    assert one["note"] == f"note on {examination[:4]}"
    path = "01-one.jpg/artifacts/01-01-map.png"
    assert one["artifacts"] == [{"path": path, "kind": "map", "caption": "A map."}]
    assert [(said["kind"], said["comment"]) for said in told["feedback"]] == [
        ("right", "I was there.")
    ]
    assert {row["path"]: row["sha256"] for row in told["files"]} == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in files.items()
        if name not in ("manifest.json", "SHA256SUMS")
    }


def test_both_databases_give_the_same(service: Service, store_of_each: Store) -> None:
    held = replace(service, store=store_of_each)
    examination = examined(held, "one.jpg")
    feedback.give(held.store, LOCAL, examination, "missed")
    told = manifest_of(inside(zip_of(held, case_of(held, examination), with_media=True)))
    assert [line["action"] for line in told["audit"]].count("export") == 2
    assert told["feedback"][0]["kind"] == "missed"
    assert len(told["files"]) == 5


def test_the_audit_lines_check_by_themselves(service: Service) -> None:
    examination, aside = examined(service, "one.jpg"), examined(service, "aside.jpg")
    id_ = case_of(service, examination)
    lines = manifest_of(inside(zip_of(service, id_)))["audit"]
    assert [line["action"] for line in lines] == [
        "examine", "finish", "export", "export",
    ]  # fmt: skip
    assert {line["subject"] for line in lines} == {examination, id_}
    assert aside not in json.dumps(lines)
    for line in lines:
        held = {key: value for key, value in line.items() if key != "line"}
        told = json.dumps(held, sort_keys=True, ensure_ascii=True)
        assert hashlib.sha256(told.encode()).hexdigest() == line["line"]
    assert lines[-2]["line"] == lines[-1]["previous"]
    assert audit.check(service.store) is None


def test_what_is_missing_is_told_and_stops_nothing(service: Service) -> None:
    gone, waits = examined(service, "gone.jpg"), waiting(service, "waits.jpg")
    row = examinations.result_of(service.store, LOCAL, gone)
    assert row is not None
    (service.store.result_folder(gone, row.claim) / "report.html").unlink()
    service.store.media_path(hashlib.sha256(b"gone.jpg").hexdigest()).unlink()
    files = inside(zip_of(service, case_of(service, gone, waits), with_media=True))
    first, second = manifest_of(files)["examinations"]
    assert [one["what"] for one in first["missing"]] == [
        "01-gone.jpg/report.html", "01-gone.jpg/media/gone.jpg",
    ]  # fmt: skip
    assert second["missing"] == [{"what": "result", "reason": "queued, no result yet"}]
    assert "01-gone.jpg/result.json" in files
    assert "02-waits.jpg/media/waits.jpg" in files


def test_media_that_changed_on_disk_are_told(service: Service) -> None:
    examination = examined(service, "one.jpg")
    service.store.media_path(hashlib.sha256(b"one.jpg").hexdigest()).write_bytes(b"else")
    files = inside(zip_of(service, case_of(service, examination), with_media=True))
    (one,) = manifest_of(files)["examinations"]
    assert one["missing"][0]["reason"] == "its content is not what was examined"


@pytest.mark.parametrize("title", ["../../x", "", "a\nb", "<b>", "写真", "-rf", "x" * 200])
def test_names_of_the_zip_are_plain(service: Service, title: str) -> None:
    id_ = case_of(service, title=title or "–")
    name = case_export.file_name(cases.get(service.store, LOCAL, id_).case)
    assert name == f"case-{name.removeprefix('case-')}"
    assert name.isascii()
    assert all(c.isalnum() or c in "-." for c in name)
    assert len(name) < 100


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_its_folder(name: str) -> None:
    safe = case_export.safe_name(name)
    assert safe
    assert not safe.startswith((".", "/"))
    assert all(c.isalnum() or c in "-_." for c in safe)
    assert len(safe) <= case_export.MAX_STEM + case_export.MAX_ENDING + 1
    safe.encode("utf-8")


def test_hostile_names_unpack_beside_each_other(service: Service, tmp_path: Path) -> None:
    stored = [name.encode("utf-8", "replace").decode().replace("\0", "") for name in HOSTILE]
    ids = [examined(service, name, data=name.encode() + b"!") for name in stored]
    opened = zip_of(service, case_of(service, *dict.fromkeys(ids)), with_media=True)
    names = opened.namelist()
    assert len(names) == len({name.lower() for name in names})
    for name in names:
        assert ".." not in name.split("/")
        assert "\\" not in name
        assert not name.startswith("/")
    opened.extractall(tmp_path / "here")
    assert len([p for p in (tmp_path / "here").rglob("*") if p.is_file()]) == len(names)


def test_links_that_a_decoder_left_behind_lead_nowhere(service: Service, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the operator's")
    examination = examined(service)
    row = examinations.result_of(service.store, LOCAL, examination)
    assert row is not None
    folder = service.store.result_folder(examination, row.claim)
    (folder / "report.html").unlink()
    (folder / "report.html").symlink_to(secret)
    (folder / "report.files" / "01-map.png").unlink()
    os.mkfifo(folder / "report.files" / "01-map.png")
    files = inside(zip_of(service, case_of(service, examination)))
    assert not [name for name in files if name.endswith(("report.html", ".png"))]
    assert b"operator" not in b"".join(files.values())
    for path in ("../x", "/etc/passwd", "..", ".", "", "report.files"):
        with pytest.raises(OSError, match=r".*"):
            case_export.open_within(folder, path)


def test_memory_stays_flat_while_a_large_file_is_sent(service: Service) -> None:
    data = os.urandom(1 << 20) * 48
    id_ = case_of(service, examined(service, "long.mp4", data=data))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        total = sum(map(len, case_export.export(service, LOCAL, id_, True)))
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert total > len(data)
    assert peak < 8 << 20


def test_nobody_else_gets_a_case(service: Service) -> None:
    id_ = case_of(service, examined(service))
    n_lines = audit.n_lines(service.store)
    with pytest.raises(NotFoundError):
        case_export.export(service, OTHER, id_, True)
    assert audit.n_lines(service.store) == n_lines
