from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from assay.web.api import rates
from assay.web.api.rates import Buckets
from assay.web.refusals import TooManyRequestsError


class Clock:
    time_s = 1000.0

    def __call__(self) -> float:
        return self.time_s


def asked_by(address: str, state: Any = None) -> Any:
    app = SimpleNamespace(state=state or SimpleNamespace())
    return SimpleNamespace(client=SimpleNamespace(host=address), app=app)


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    clock = Clock()
    held = Buckets(clock)
    assert [held.wait_s("a", 60, 5) for _ in range(5)] == [0.0] * 5
    assert held.wait_s("a", 60, 5) == pytest.approx(1.0)
    clock.time_s += 0.5
    assert held.wait_s("a", 60, 5) == pytest.approx(0.5)
    clock.time_s += 0.5
    assert held.wait_s("a", 60, 5) == 0.0
    assert held.wait_s("b", 60, 5) == 0.0


def test_what_waits_is_not_charged_for_asking() -> None:
    clock = Clock()
    held = Buckets(clock)
    for _ in range(100):
        held.wait_s("a", 60, 1)
    clock.time_s += 1
    assert held.wait_s("a", 60, 1) == 0.0


@pytest.mark.parametrize("per_minute", [1, 60, 600, 10_000])
def test_over_an_hour_the_rate_is_kept(per_minute: int) -> None:
    clock, n_given, burst = Clock(), 0, max(10.0, per_minute / 6)
    held = Buckets(clock)
    for _ in range(3600):
        clock.time_s += 1.0
        while held.wait_s("a", per_minute, burst) == 0.0:
            n_given += 1
    assert 60 * per_minute * 0.99 <= n_given <= 60 * per_minute + burst


def test_the_table_does_not_grow_without_end() -> None:
    held = Buckets(n_most=100)
    for n in range(1000):
        held.wait_s(str(n), 60, 5)
    assert len(held._held) == 100
    assert "999" in held._held


def test_threads_do_not_share_a_token() -> None:
    clock = Clock()
    held, given = Buckets(clock), []

    def take() -> None:
        given.extend(held.wait_s("a", 60, 50) == 0.0 for _ in range(20))

    threads = [threading.Thread(target=take) for _ in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(given) == 50


def test_a_request_says_when_it_may_be_made_again() -> None:
    request = asked_by("192.0.2.1")
    for _ in range(10):
        rates.spend(request, "key", 6)
    with pytest.raises(TooManyRequestsError) as refused:
        rates.spend(request, "key", 6)
    assert refused.value.retry_after_s == 10


def test_guesses_are_counted_by_address_and_id() -> None:
    state = SimpleNamespace()
    here, there = asked_by("192.0.2.1", state), asked_by("192.0.2.2", state)
    for _ in range(10):
        rates.before_guess(here, "id")
        rates.wrong_guess(here, "id")
    with pytest.raises(TooManyRequestsError):
        rates.before_guess(here, "id")
    rates.before_guess(here, "another")
    rates.before_guess(there, "id")


def test_an_address_of_ipv6_is_its_network() -> None:
    assert rates._address(asked_by("2001:db8::1")) == rates._address(asked_by("2001:db8::ffff:2"))
    assert rates._address(asked_by("2001:db8::1")) != rates._address(asked_by("2001:db8:0:1::1"))
    assert rates._address(asked_by("::ffff:192.0.2.1")) == "192.0.2.1"
    assert rates._address(asked_by("testclient")) == "testclient"
    assert rates._address(SimpleNamespace(client=None)) == ""  # type: ignore[arg-type]
