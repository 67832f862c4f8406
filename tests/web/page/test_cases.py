"""The pages of cases, used without any script."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient

from assay.web.actor import LOCAL
from assay.web.service import Service
from assay.web.store import cases
from tests.web.examined import examined

HTML = {"Accept": "text/html"}
HOSTILE = "<script>alert(1)</script>\"'>\u202e"


def begun(client: TestClient, **fields: str) -> str:
    answer = client.post("/cases", data={"title": "The election", **fields}, follow_redirects=False)
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_a_case_is_begun_filled_and_taken_away(client: TestClient, service: Service) -> None:
    at = begun(client, tags="vote, 2026,vote", notes="One\r\nTwo")
    examination, case_id = examined(service, "one.jpg"), at.rpartition("/")[2]
    put = f"/examinations/{examination}/cases"
    answer = client.post(put, data={"case": case_id}, follow_redirects=False)
    assert answer.headers["Location"] == f"/examinations/{examination}#cases"
    page = client.get(at).text
    assert "one.jpg" in page
    assert "One<br>Two<br>" in page
    held = cases.get(service.store, LOCAL, case_id)
    assert (held.case.tags, held.case.notes) == (["vote", "2026"], "One\nTwo")
    client.post(f"{at}/notes/{examination}", data={"note": "doubtful"})
    assert cases.get(service.store, LOCAL, case_id).items[0].note == "doubtful"
    assert f'id="file-{examination}"' in client.get(at).text
    client.post(f"{at}/removal/{examination}")
    assert cases.get(service.store, LOCAL, case_id).items == []
    gone = client.post(f"{at}/deletion", follow_redirects=False)
    assert gone.headers["Location"] == "/cases"
    assert client.get(at, headers=HTML).status_code == 404


def test_a_file_begins_a_case(client: TestClient, service: Service) -> None:
    examination = examined(service)
    put = f"/examinations/{examination}/cases"
    assert client.post(put, data={"title": "New"}, follow_redirects=False).status_code == 303
    (row,) = cases.page(service.store, LOCAL, examination_id=examination).rows
    assert row.title == "New"
    assert client.post(put, data={}).status_code == 422
    assert client.post(f"/examinations/{'0' * 32}/cases", data={"title": "x"}).status_code == 404
    assert len(cases.page(service.store, LOCAL).rows) == 1


def test_what_is_written_comes_back_as_it_was(client: TestClient, service: Service) -> None:
    at = begun(client, notes="\n  first line empty", title="\u200fעברית", tags="\u0645\u200f")
    held = client.get(at).text
    found = re.search(r'<textarea id="notes".*?>\n(.*?)</textarea>', held, re.S)
    assert found is not None
    assert html.unescape(found[1]) == "\n  first line empty"
    title = re.search(r'<input id="title".*?value="(.*?)"', held)
    tags = re.search(r'<input id="tags".*?value="(.*?)"', held)
    assert title is not None
    assert tags is not None
    assert (title[1], tags[1]) == ("\u200fעברית", "\u0645\u200f")
    client.post(at, data={"title": title[1], "tags": tags[1], "notes": html.unescape(found[1])})
    case = cases.get(service.store, LOCAL, at.rpartition("/")[2]).case
    assert (case.title, case.notes) == ("\u200fעברית", "\n  first line empty")


@pytest.mark.parametrize("field", ["title", "notes", "tags"])
def test_text_of_others_is_no_markup(client: TestClient, field: str) -> None:
    at = begun(client, **{field: HOSTILE})
    for page in (client.get(at).text, client.get("/cases").text):
        assert "<script>alert" not in page
        assert page.count("<script") == 1  # the page's own


def test_a_hostile_file_name_is_no_markup(client: TestClient, service: Service) -> None:
    at = begun(client)
    examination = examined(service, HOSTILE)
    client.post(f"/examinations/{examination}/cases", data={"case": at.rpartition("/")[2]})
    page = client.get(at).text
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "\\u202e" in page


def test_the_list_is_searched_and_paged(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.web.page.cases.PAGE_LENGTH", 2)
    for n in range(3):
        begun(client, title=f"Case {n}")
    first = client.get("/cases").text
    older = re.search(r'href="(/cases\?[^"]*cursor=[^"]*)"', first)
    assert older is not None
    assert ("Case 2" in first, "Case 0" in first) == (True, False)
    assert "Case 0" in client.get(html.unescape(older[1])).text
    found = client.get("/cases", params={"q": "case 1"}).text
    assert ("Case 1</a>" in found, "Case 2</a>" in found) == (True, False)
    assert client.get("/cases", params={"q": "nowhere"}).status_code == 200


def test_wrong_forms_are_refused_with_a_page(client: TestClient) -> None:
    answer = client.post("/cases", data={"title": " "}, headers=HTML)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "A case has a title." in answer.text
