from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from assay.web.actor import LOCAL
from assay.web.page import sign_in as page
from assay.web.service import Service
from assay.web.store import audit, keys, sessions
from tests.web.api.guarded import PAGE, bearer, browsing, key_for, sign_in

Make = Callable[..., Service]
LIST = "/v1/examinations"


@pytest.fixture
def guarded(make_service: Make) -> Iterator[TestClient]:
    with browsing(make_service) as client:
        yield client


def actions(client: TestClient) -> list[str]:
    store = client.app.state.service.store  # type: ignore[attr-defined]
    return [line.action for line in audit.lines(store, audit.Sought())]


def test_a_browser_is_sent_to_the_form_and_back(guarded: TestClient) -> None:
    sent = guarded.get("/history?text=a%20b", headers=PAGE)
    assert sent.status_code == 303
    form = guarded.get(sent.headers["location"], headers=PAGE)
    assert form.status_code == 200
    assert 'name="next" value="/history?text=a%20b"' in form.text
    answer = guarded.post(
        "/sign-in", data={"key": key_for(guarded), "next": "/history?text=a%20b"}, headers=PAGE
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/history?text=a%20b")
    assert guarded.get("/history", headers=PAGE).status_code == 200


def test_a_program_gets_the_problem(guarded: TestClient) -> None:
    assert guarded.get("/history").status_code == 401
    assert guarded.get(LIST, headers=PAGE).status_code == 401
    assert guarded.get(LIST, headers=PAGE).json()["code"] == "not_signed_in"


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(guarded: TestClient) -> None:
    answer = guarded.post("/sign-in", data={"key": key_for(guarded)})
    cookie = answer.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=strict", "path=/", "max-age=43200"):
        assert part in cookie
    assert "domain" not in cookie
    assert "assay_" not in cookie.replace("assay_session=", "", 1)


@pytest.mark.parametrize(
    ("settings", "is_secure"), [({}, False), ({"public_url": "https://assay.example"}, True)]
)
def test_behind_https_the_cookie_travels_by_https_alone(
    make_service: Make, settings: dict[str, str], is_secure: bool
) -> None:
    with browsing(make_service, **settings) as client:
        answer = client.post("/sign-in", data={"key": key_for(client)})
    cookie = answer.headers["set-cookie"]
    assert ("; Secure" in cookie) is is_secure
    assert cookie.startswith("__Host-assay_session=" if is_secure else "assay_session=")


def test_behind_https_a_session_of_plain_http_does_not_count(make_service: Make) -> None:
    """Someone on the network can plant a cookie of plain http, and with it a session of theirs."""
    with browsing(make_service, public_url="https://assay.example") as client:
        answer = client.post("/sign-in", data={"key": key_for(client)})
        word = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
        planted = {"Cookie": f"assay_session={word}"}
        assert client.get(LIST, headers=planted).status_code == 401
        own = {"Cookie": f"__Host-assay_session={word}"}
        assert client.get(LIST, headers=own).status_code == 200


def test_no_other_page_signs_anyone_in(guarded: TestClient) -> None:
    text = key_for(guarded)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        answer = guarded.post("/sign-in", data={"key": text}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("key", ["", "x", "assay_0123456789abcdef_wrong", "<script>", "\0"])
def test_a_wrong_key_is_told_and_not_shown(guarded: TestClient, key: str) -> None:
    answer = guarded.post("/sign-in", data={"key": key, "next": "/"}, headers=PAGE)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "not valid" in answer.text
    assert 'role="alert"' in answer.text
    assert "<script>" not in answer.text.split("<main", 1)[1]


def test_guessing_is_slowed(guarded: TestClient) -> None:
    wrong = {"key": "assay_0123456789abcdef_wrong"}
    answers = [guarded.post("/sign-in", data=wrong, headers=PAGE) for _ in range(12)]
    assert answers[9].status_code == 401
    assert answers[11].status_code == 429
    assert int(answers[11].headers["Retry-After"]) > 0
    assert "Try again in" in answers[11].text


def test_signing_out_ends_the_session(guarded: TestClient) -> None:
    token = sign_in(guarded)
    word = guarded.cookies["assay_session"]
    refused = guarded.post("/sign-out", data={"csrf": "x"})
    assert refused.status_code == 403
    assert guarded.get(LIST).status_code == 200
    answer = guarded.post("/sign-out", data={"csrf": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "assay_session" not in guarded.cookies
    guarded.cookies.set("assay_session", word)
    assert guarded.get(LIST).status_code == 401
    assert actions(guarded)[:2] == ["sign_out", "sign_in"]


def test_signing_in_again_ends_the_session_before(guarded: TestClient) -> None:
    sign_in(guarded)
    word = guarded.cookies["assay_session"]
    sign_in(guarded)
    store = guarded.app.state.service.store  # type: ignore[attr-defined]
    assert sessions.find(store, word) is None
    assert guarded.get(LIST).status_code == 200


def test_a_word_that_someone_planted_becomes_no_session(guarded: TestClient) -> None:
    guarded.cookies.set("assay_session", "planted", domain="127.0.0.1", path="/")
    answer = guarded.post("/sign-in", data={"key": key_for(guarded)})
    assert "planted" not in answer.headers["set-cookie"]
    store = guarded.app.state.service.store  # type: ignore[attr-defined]
    assert sessions.find(store, "planted") is None


def test_a_revoked_key_ends_its_session_at_once(guarded: TestClient) -> None:
    sign_in(guarded)
    assert guarded.get(LIST).status_code == 200
    store = guarded.app.state.service.store  # type: ignore[attr-defined]
    (key,) = keys.every(store)
    keys.revoke(store, LOCAL, key.id)
    assert guarded.get(LIST).status_code == 401


def test_a_session_has_the_scopes_and_the_rate_of_its_key(guarded: TestClient) -> None:
    token = sign_in(guarded, "read", requests_per_minute=60)
    headers = {"X-Assay-CSRF": token}
    assert guarded.delete(f"{LIST}/{'0' * 32}", headers=headers).status_code == 403
    codes = [guarded.get(LIST).status_code for _ in range(14)]
    assert 429 in codes


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "evil",
        "",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a b",
        "/" + "x" * 600,
        "/sign-in?next=/sign-in",
        "javascript:alert(1)",
    ],
)
def test_one_is_led_nowhere_else(guarded: TestClient, address: str) -> None:
    assert page.local(address) == "/"
    answer = guarded.post("/sign-in", data={"key": key_for(guarded), "next": address})
    assert answer.headers["location"] == "/"


def test_a_link_from_another_site_finds_the_session(guarded: TestClient) -> None:
    """The cookie does not come along with it, but with the request that our own page makes."""
    sign_in(guarded)
    cookies, guarded.cookies = dict(guarded.cookies), {}  # type: ignore[assignment]
    foreign = {**PAGE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    foreign["Sec-Fetch-Dest"] = "document"
    sent = guarded.get("/history", headers=foreign)
    once = guarded.get(sent.headers["location"], headers=foreign)
    assert 'http-equiv="refresh"' in once.text
    address = "/sign-in?again=1&next=%2Fhistory"
    assert address.replace("&", "&amp;") in once.text
    guarded.cookies.update(cookies)
    found = guarded.get(address, headers={**PAGE, "Sec-Fetch-Site": "same-origin"})
    assert (found.status_code, found.headers["location"]) == (303, "/history")
    guarded.cookies.clear()
    unknown = guarded.get(address, headers={**PAGE, "Sec-Fetch-Site": "same-origin"})
    assert unknown.status_code == 200
    assert "refresh" not in unknown.text


def test_without_auth_there_is_nothing_to_sign_in_to(client: TestClient) -> None:
    client.follow_redirects = False
    assert client.get("/sign-in", headers=PAGE).headers["location"] == "/"
    assert client.post("/sign-in", data={"key": "x"}).headers["location"] == "/"
    assert client.post("/sign-out").headers["location"] == "/"


def test_the_key_is_in_no_answer_and_no_address(guarded: TestClient) -> None:
    text = key_for(guarded)
    answer = guarded.post("/sign-in", data={"key": text}, headers=PAGE)
    assert text not in answer.text + str(answer.headers)
    assert guarded.get("/", headers=bearer(text)).status_code in (200, 404)
