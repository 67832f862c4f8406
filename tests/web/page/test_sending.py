"""The plain form: what a browser without script sends."""

from __future__ import annotations

from collections.abc import Callable

from fastapi.testclient import TestClient

from assay.web.actor import LOCAL
from assay.web.app import build_app
from assay.web.service import Service
from assay.web.store import examinations
from assay.web.store.examinations import Filters
from tests.web.page.pages import HTML, page, visible

NOTHING_CHOSEN = ("", b"", "application/octet-stream")


def send(client: TestClient, *files: tuple, **fields: str):
    sent = [("file", one) for one in files]
    # As a browser does it: an empty field for each that was left empty.
    blank = {"operating_point": "far_1", "time_range_s": "", "frames": "", "purpose": ""}
    return client.post(
        "/examinations", files=sent, data=blank | fields, headers=HTML, follow_redirects=False
    )


def rows(service: Service) -> list:
    return list(examinations.page(service.store, LOCAL, Filters()).rows)


def test_one_file_leads_to_its_page(client: TestClient, service: Service) -> None:
    answer = send(client, ("a.jpg", b"one"), frames="16", stability="false")
    assert answer.status_code == 303
    (row,) = rows(service)
    assert answer.headers["Location"] == f"/examinations/{row.id}"
    assert row.options == {"frames": 16, "stability": False}
    assert "a.jpg" in page(client, answer.headers["Location"])


def test_several_lead_to_their_list(client: TestClient, service: Service) -> None:
    answer = send(client, ("a.jpg", b"one"), ("b.jpg", b"two"))
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/history?batch=")
    found = page(client, answer.headers["Location"])
    assert "2 files that were sent together" in found
    assert "a.jpg" in found
    assert "b.jpg" in found


def test_a_file_that_is_refused_does_not_lose_the_others(
    make_service: Callable, tmp_path: object
) -> None:
    service = make_service(max_upload_bytes=100)
    with TestClient(build_app(service, chores=False), base_url="http://127.0.0.1:8080") as client:
        answer = send(client, ("a.jpg", b"one"), ("b<i>.jpg", b"x" * 200), ("c.jpg", b"three"))
    assert answer.status_code == 422
    assert "Not every file was taken" in answer.text
    assert "b&lt;i&gt;.jpg" in answer.text
    assert sorted(row.name for row in rows(service)) == ["a.jpg", "c.jpg"]


def test_nothing_chosen_is_said(client: TestClient, service: Service) -> None:
    answer = send(client, NOTHING_CHOSEN)
    assert answer.status_code == 422
    assert "No file was chosen" in visible(answer.text)
    assert rows(service) == []


def test_a_wrong_option_is_said_and_nothing_is_kept(client: TestClient, service: Service) -> None:
    answer = send(client, ("a.jpg", b"one"), frames="many")
    assert answer.status_code == 422
    assert "whole number" in visible(answer.text)
    assert rows(service) == []
    assert not any(path.is_file() for path in service.store.folder.glob("media/**/*"))


def test_known_footage_needs_a_purpose_and_one_file(client: TestClient, service: Service) -> None:
    known = {"reference": ("known.jpg", b"known")}

    def with_known(n_files: int, purpose: str) -> int:
        files = [("file", (f"{n}.jpg", bytes([n]))) for n in range(n_files)]
        answer = client.post(
            "/examinations", files=[*files, *known.items()], data={"purpose": purpose},
            headers=HTML, follow_redirects=False,
        )  # fmt: skip
        return answer.status_code

    assert with_known(1, "") == 422
    assert with_known(2, "an interview that is disputed") == 403
    assert rows(service) == []
    assert with_known(1, "an interview that is disputed") == 303
    assert rows(service)[0].reference_name == "known.jpg"


def test_the_same_again_leads_to_what_there_is(client: TestClient, service: Service) -> None:
    first = send(client, ("a.jpg", b"one")).headers["Location"]
    assert send(client, ("b.jpg", b"one")).headers["Location"] == first
    assert send(client, ("b.jpg", b"one"), again="true").headers["Location"] != first
