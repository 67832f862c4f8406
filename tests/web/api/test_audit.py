from __future__ import annotations

from collections.abc import Callable

from fastapi.testclient import TestClient
from sqlalchemy import update

from assay.web.actor import LOCAL
from assay.web.service import Service
from assay.web.store import audit, examinations
from assay.web.store.schema import audit as table
from tests.web.api.guarded import bearer, browsing, key_for
from tests.web.conftest import kept


def examined(service: Service, n: int = 1) -> list[str]:
    wanted = [kept(service.store, str(i).encode(), f"{i}.jpg") for i in range(n)]
    return [examinations.add(service.store, LOCAL, one, "e", 100).id for one in wanted]


def test_lines_say_who_did_what_with_which_content(client: TestClient, service: Service) -> None:
    (id_,) = examined(service)
    client.delete(f"/v1/examinations/{id_}")
    told = client.get("/v1/audit").json()
    first, second = told["lines"]
    assert (first["action"], second["action"]) == ("delete", "examine")
    assert second["actor"] == second["owner"] == "local"
    assert second["subject"] == first["subject"] == id_
    assert second["sha256"] == kept(service.store, b"0").sha256
    assert second["detail"]["name"] == "0.jpg"
    assert second["at"].endswith("Z")
    assert first["previous"] == second["line"]
    assert told["next_before"] is None


def test_the_page_of_a_session_reads_them_newest_first(
    client: TestClient, service: Service
) -> None:
    examined(service, 7)
    numbers, before = [], None
    for _ in range(10):
        query = {"limit": 3} if before is None else {"limit": 3, "before": before}
        told = client.get("/v1/audit", params=query).json()
        numbers += [line["number"] for line in told["lines"]]
        before = told["next_before"]
        if before is None:
            break
    assert numbers == [7, 6, 5, 4, 3, 2, 1]


def test_lines_are_sought(client: TestClient, service: Service) -> None:
    ids = examined(service, 3)
    client.delete(f"/v1/examinations/{ids[1]}")
    about = client.get("/v1/audit", params={"subject": ids[1]}).json()["lines"]
    assert [line["action"] for line in about] == ["delete", "examine"]
    deleted = client.get("/v1/audit", params={"action": "delete"}).json()["lines"]
    assert [line["subject"] for line in deleted] == [ids[1]]
    sha256 = kept(service.store, b"2").sha256
    same = client.get("/v1/audit", params={"sha256": sha256}).json()["lines"]
    assert [line["subject"] for line in same] == [ids[2]]
    assert client.get("/v1/audit", params={"actor": "someone"}).json()["lines"] == []


def test_wrong_questions_are_refused(client: TestClient) -> None:
    for query in ({"limit": 0}, {"limit": 501}, {"before": 2**40}, {"action": "a\0"}):
        assert client.get("/v1/audit", params=query).status_code == 422, query


def test_a_line_that_was_changed_shows(client: TestClient, service: Service) -> None:
    examined(service, 3)
    told = client.get("/v1/audit/check").json()
    newest = audit.lines(service.store, audit.Sought(), 1)[0]
    assert told == {"whole": True, "first_broken": None, "n_lines": 3, "last": newest.line}
    with service.store.writing() as connection:
        changed = update(table).where(table.c.number == 2).values(actor="someone else")
        connection.execute(changed)
    told = client.get("/v1/audit/check").json()
    assert (told["whole"], told["first_broken"]) == (False, 2)


def test_only_an_admin_reads_it(make_service: Callable[..., Service]) -> None:
    with browsing(make_service) as guarded:
        plain, admin = bearer(key_for(guarded)), bearer(key_for(guarded, "admin"))
        for path in ("/v1/audit", "/v1/audit/check"):
            assert guarded.get(path).status_code == 401
            assert guarded.get(path, headers=plain).status_code == 403
            assert guarded.get(path, headers=admin).status_code == 200
