"""Results, reports, artifacts and media over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from assay.web.actor import LOCAL
from assay.web.api.results import file_of, media_type_of
from assay.web.refusals import NotFoundError
from assay.web.service import Service
from assay.web.store import examinations, queue
from assay.web.store.schema import audit, results
from assay.web.store.schema import examinations as rows
from tests.web.api.test_examinations import problem_of
from tests.web.conftest import kept
from tests.web.examined import PICTURE, REPORT, examined, result, waiting

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50
GIF_WITH_SCRIPT = b"GIF89a/*" + b"\0" * 60 + b"*/=1;alert(1)<script>alert(1)</script>"
HTML = b"<!doctype html><script>alert(1)</script>"


def actions(service: Service) -> list[str]:
    """What the audit log tells, in order."""
    with service.store.reading() as connection:
        return list(connection.execute(select(audit.c.action).order_by(audit.c.number)).scalars())


def own(id_: str, path: str) -> str:
    return f"/v1/examinations/{id_}/{path}"


def test_the_result_is_what_the_examiner_wrote(client: TestClient, service: Service) -> None:
    id_ = examined(service)
    answer = client.get(own(id_, "result"))
    assert answer.json() == result()
    assert answer.headers["content-type"] == "application/json"


def test_before_the_end_there_is_none_and_after_cancelling_never(
    client: TestClient, service: Service
) -> None:
    id_ = waiting(service)
    for path in ("result", "report", "artifacts", "artifacts/1", "differences"):
        answer = client.get(own(id_, path))
        problem_of(answer, 409, "not_ready")
        assert int(answer.headers["retry-after"]) >= 1
    examinations.cancel(service.store, LOCAL, id_)
    problem_of(client.get(own(id_, "result")), 409, "conflict")


def test_the_report_is_read_and_that_is_written_down(client: TestClient, service: Service) -> None:
    id_ = examined(service)
    answer = client.get(own(id_, "report"))
    assert answer.content == REPORT
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    saved = client.get(own(id_, "report"), params={"download": "true"})
    assert saved.headers["content-disposition"].startswith("attachment")
    assert actions(service)[-2:] == ["read_report", "read_report"]


def test_an_examination_without_a_report_says_so(client: TestClient, service: Service) -> None:
    id_ = waiting(service)
    held = queue.claim(service.store, "w")
    assert held is not None
    queue.finish(service.store, held, queue.Outcome(result()), "set_aside")
    assert client.get(own(id_, "result")).status_code == 200
    problem_of(client.get(own(id_, "report")), 404, "not_found")


def test_artifacts_are_listed_and_given_one_by_one(client: TestClient, service: Service) -> None:
    id_ = examined(service)
    [told] = client.get(own(id_, "artifacts")).json()["artifacts"]
    assert (told["number"], told["kind"], told["name"]) == (1, "map", "01-map.png")
    answer = client.get(told["link"])
    assert (answer.content, answer.headers["content-type"]) == (PICTURE, "image/png")
    problem_of(client.get(own(id_, "artifacts/2")), 404, "not_found")
    problem_of(client.get(own(id_, "artifacts/0")), 422, "wrong_request")


@pytest.mark.parametrize("name", ["../../../assay.sqlite", "/etc/passwd", "..", "", "none.png"])
def test_no_name_leads_out_of_the_folder_of_a_result(service: Service, name: str) -> None:
    held = examinations.result_of(service.store, LOCAL, examined(service))
    assert held is not None
    with pytest.raises(NotFoundError):
        file_of(service, held, name)


def test_a_link_in_the_folder_leads_nowhere(service: Service, tmp_path: Path) -> None:
    held = examinations.result_of(service.store, LOCAL, examined(service))
    assert held is not None
    (tmp_path / "secret").write_bytes(b"secret")
    folder = service.store.result_folder(held.examination_id, held.claim)
    (folder / "link.png").symlink_to(tmp_path / "secret")
    with pytest.raises(NotFoundError):
        file_of(service, held, "link.png")


def test_a_report_that_is_gone_from_the_disk_is_not_found(
    client: TestClient, service: Service
) -> None:
    id_ = examined(service)
    with service.store.writing() as connection:
        connection.execute(update(results).values(report="../../../../assay.sqlite"))
    problem_of(client.get(own(id_, "report")), 404, "not_found")


def media(client: TestClient, service: Service, data: bytes, name: str = "a.jpg") -> Any:
    id_ = examinations.add(service.store, LOCAL, kept(service.store, data, name), "0" * 16, 99).id
    return client.get(own(id_, "media"))


def test_media_are_shown_under_the_type_of_their_content(
    client: TestClient, service: Service
) -> None:
    answer = media(client, service, PNG, "holiday.html")
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("inline")


@pytest.mark.parametrize("data", [HTML, b"%PDF-1.7", b"<svg onload=alert(1)>", b"", b"MM\0*tiff"])
def test_what_no_browser_should_open_is_bytes_to_save(
    client: TestClient, service: Service, data: bytes
) -> None:
    answer = media(client, service, data, "a.jpg")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_picture_that_is_also_a_script_is_a_picture(client: TestClient, service: Service) -> None:
    answer = media(client, service, GIF_WITH_SCRIPT, "a.js")
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_parts_of_a_file_are_given_and_one_reading_is_one_line(
    client: TestClient, service: Service
) -> None:
    data = PNG + bytes(range(200))
    id_ = examinations.add(service.store, LOCAL, kept(service.store, data), "0" * 16, 99).id
    path = own(id_, "media")
    first = client.get(path, headers={"Range": "bytes=0-9"})
    rest = client.get(path, headers={"Range": "bytes=10-", "If-Range": first.headers["etag"]})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.content + rest.content == data
    assert rest.headers["content-range"] == f"bytes 10-{len(data) - 1}/{len(data)}"
    assert actions(service).count("read_media") == 1
    problem_of(client.get(path, headers={"Range": "bytes=9999-"}), 416, "range_not_satisfiable")


def test_media_that_were_deleted_are_not_found(client: TestClient, service: Service) -> None:
    id_ = examined(service)
    with service.store.writing() as connection:
        connection.execute(update(rows).values(media_deleted_at=1.0))
    problem_of(client.get(own(id_, "media")), 404, "not_found")
    assert client.get(f"/v1/examinations/{id_}").json()["links"]["media"] is None


def test_the_type_that_was_examined_counts_where_it_may_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(PNG)
    assert media_type_of(path, "video/mp4") == "video/mp4"
    assert media_type_of(path, "image/svg+xml") == "application/octet-stream"
    assert media_type_of(path, None) == "image/png"
    assert media_type_of(tmp_path / "none", None) == "application/octet-stream"
