"""The page of one examination, while it waits and after."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from assay.report import wording
from assay.web.actor import LOCAL, SCOPES, Actor
from assay.web.page.examination import plain_name, step_words
from assay.web.page.report_policy import policy
from assay.web.service import Service
from assay.web.store import examinations, feedback, queue
from tests.report import conftest as verdicts
from tests.web.conftest import kept
from tests.web.examined import waiting
from tests.web.page.pages import HOSTILE, finished, page, visible

OTHER = Actor("other", "other", frozenset(SCOPES))


def test_what_waits_says_so_and_can_be_cancelled(client: TestClient, service: Service) -> None:
    id_ = waiting(service)
    found = page(client, f"/examinations/{id_}")
    assert "Waiting for its turn" in found
    assert f'action="/examinations/{id_}/cancel"' in found
    assert '<noscript><meta http-equiv="refresh"' in found
    assert f'data-events="/v1/examinations/{id_}/events"' in found


def test_what_runs_shows_its_steps(client: TestClient, service: Service) -> None:
    id_ = waiting(service)
    held = queue.claim(service.store, "test")
    assert held is not None
    steps = [{"name": "faces", "at": 1.0}, {"name": "jpeg_history", "at": 2.0}]
    queue.beat(service.store, held, {"step": "jpeg_history", "done": 3, "total": 9, "steps": steps})
    found = page(client, f"/examinations/{id_}")
    assert re.search(r'class="done">Finding faces<.*class="now">JPEG history<', found, re.S)
    assert 'value="3" max="9"' in found


def test_a_fault_and_a_cancellation_are_told(client: TestClient, service: Service) -> None:
    id_ = waiting(service)
    held = queue.claim(service.store, "test")
    assert held is not None
    queue.hand_back(service.store, held, "The process took too much memory.")
    assert "too much memory" in page(client, f"/examinations/{id_}")
    examinations.cancel(service.store, LOCAL, id_)
    found = page(client, f"/examinations/{id_}")
    assert "Cancelled before there was a result" in found
    assert f'action="/examinations/{id_}/again"' in found
    assert "refresh" not in found


@pytest.mark.parametrize(
    "make",
    [
        verdicts.image_verdict,
        verdicts.timeline_verdict,
        verdicts.voices_verdict,
        verdicts.failed_verdict,
        verdicts.inconclusive_verdict,
    ],
    ids=lambda make: make.__name__,
)
def test_a_verdict_is_told_with_what_it_does_not_mean(
    client: TestClient, service: Service, make: Callable
) -> None:
    verdict = make()
    id_ = finished(service, verdict, verdict.name)
    seen = visible(page(client, f"/examinations/{id_}"))
    assert wording.headline(verdict) in seen
    assert "What this does not mean" in seen
    for sentence in wording.does_not_mean(verdict).split(". "):
        assert sentence.rstrip(".").replace("'", "&#39;") in seen
    assert "The whole report" in seen


def test_a_picture_has_its_map_and_a_film_its_player(client: TestClient, service: Service) -> None:
    picture = page(client, f"/examinations/{finished(service, verdicts.image_verdict(), 'a.jpg')}")
    assert re.search(r'<img src="/v1/examinations/\w+/artifacts/1"', picture)
    assert re.search(r'<img class="map" src="/v1/examinations/\w+/artifacts/2"', picture)
    assert "<video" not in picture
    film = page(client, f"/examinations/{finished(service, verdicts.timeline_verdict(), 'b.mp4')}")
    assert re.search(r'<video id="film" controls [^>]*src="/v1/examinations/\w+/media"', film)
    moments = re.findall(r'data-to="([\d.]+)"', film)
    assert moments
    assert re.search(r"media#t=[\d.]+,[\d.]+", film), "a moment can be gone to without script"


def test_a_deleted_file_is_told_and_the_result_stays(client: TestClient, service: Service) -> None:
    from sqlalchemy import update

    from assay.web.store.schema import examinations as rows

    id_ = finished(service, verdicts.timeline_verdict(), "b.mp4")
    with service.store.writing() as connection:
        connection.execute(update(rows).where(rows.c.id == id_).values(media_deleted_at=1.0))
    found = page(client, f"/examinations/{id_}")
    assert "The file itself was deleted" in found
    assert "<video" not in found
    assert f"{id_}/media" not in found
    assert f'action="/examinations/{id_}/again"' not in found


def test_names_of_files_are_shown_and_never_obeyed(client: TestClient, service: Service) -> None:
    found = page(client, f"/examinations/{finished(service, verdicts.image_verdict(), HOSTILE)}")
    assert "<script>alert" not in found
    assert "\u202e" not in found
    assert "\\u202egpj.exe\\nb.jpg" in found
    saved = re.findall(r'download="([^"]*)"', found)
    assert saved
    assert all(re.fullmatch(r"[\w._-]+", name) for name in saved)


def test_the_report_is_given_under_our_policy(client: TestClient, service: Service) -> None:
    id_ = finished(service, verdicts.image_verdict(), report="<p>It</p><script>alert(1)</script>")
    answer = client.get(f"/examinations/{id_}/report")
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == policy()
    assert "read_report" in actions(service, id_)
    none = finished(service, verdicts.failed_verdict(), "c.mp4", report=None)
    assert "<iframe" not in page(client, f"/examinations/{none}")
    assert "came to nothing" in page(client, f"/examinations/{none}/report", 404)


def actions(service: Service, subject: str) -> list[str]:
    from sqlalchemy import select

    from assay.web.store.schema import audit

    with service.store.reading() as connection:
        asked = select(audit.c.action).where(audit.c.subject == subject)
        return list(connection.execute(asked).scalars())


def test_an_older_result_offers_to_be_made_anew(client: TestClient, service: Service) -> None:
    id_ = finished(service, verdicts.clear_verdict(), "old.jpg", engine="f" * 16)
    found = page(client, f"/examinations/{id_}")
    assert "Another version of assay or of its networks gave this result" in found
    now = finished(service, verdicts.clear_verdict(), "now.jpg")
    assert "Another version of assay" not in page(client, f"/examinations/{now}")


def test_both_sides_of_a_repetition_lead_to_each_other(
    client: TestClient, service: Service
) -> None:
    first = finished(service, verdicts.clear_verdict(), "a.jpg", engine="f" * 16)
    again = finished(service, verdicts.image_verdict(), "a.jpg", previous_id=first, again=True)
    assert f'href="/examinations/{again}">A newer examination' in page(
        client, f"/examinations/{first}"
    )
    later = page(client, f"/examinations/{again}")
    assert f'href="/examinations/{first}">The examination before' in later
    assert "What changed" in later


def test_someone_else_s_is_not_there(client: TestClient, service: Service) -> None:
    wanted = kept(service.store)
    id_ = examinations.add(service.store, OTHER, wanted, service.engine, 10).id
    with pytest.raises(Exception, match="no such examination"):
        examinations.get(service.store, Actor("me", "me", frozenset({"read"})), id_)
    assert "There is nothing here" in page(client, f"/examinations/{'0' * 32}", 404)


def test_what_was_said_of_it_is_shown(client: TestClient, service: Service) -> None:
    id_ = finished(service, verdicts.clear_verdict())
    assert 'aria-pressed="true"' not in page(client, f"/examinations/{id_}")
    feedback.give(service.store, LOCAL, id_, "missed", "the <b>source</b> said so")
    found = page(client, f"/examinations/{id_}")
    assert "You said: Missed." in found
    assert found.count('aria-pressed="true"') == 1
    assert "the &lt;b&gt;source&lt;/b&gt; said so" in found


def test_names_of_steps_and_of_saved_files() -> None:
    assert step_words("stability") == "Trying harmless changes"
    assert step_words("copy_move") == "Copy move"
    assert plain_name("../../etc/passwd") == "etc_passwd"
    assert plain_name("a b?.tar.gz") == "a_b_.tar.gz"
    assert plain_name("\u202e") == "file"
