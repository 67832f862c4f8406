"""How often: requests of one key, and wrong keys from one address.

Counted in this process: two servers on one database count apart. What is forgotten when the table
is full, or when the service starts anew, starts with a full bucket.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from fastapi import Request

from assay.web.refusals import TooManyRequestsError

MAX_BUCKETS = 10_000
BURST_S = 10.0  # of a key's rate may be spent at once
MIN_BURST = 10.0
GUESSES_A_MINUTE = 10  # at one key's id from one address; wrong keys of any id: three times that


class Buckets:
    """Token buckets by name: each fills steadily and is emptied by those who ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, n_most: int = MAX_BUCKETS):
        self._clock, self._n_most = clock, n_most
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()  # (left, at)

    def wait_s(self, name: str, per_minute: float, burst: float, cost: float = 1.0) -> float:
        """Take `cost` and give 0, or take nothing and give the seconds until there is enough."""
        with self._lock:
            time_s = self._clock()
            left, at = self._held.pop(name, (burst, time_s))
            left = min(burst, left + (time_s - at) * per_minute / 60)
            enough = left >= max(cost, 1.0)
            self._held[name] = (left - cost if enough else left, time_s)
            if len(self._held) > self._n_most:
                self._held.popitem(last=False)
            return 0.0 if enough else (max(cost, 1.0) - left) * 60 / per_minute


class Rates:
    """The buckets of one service."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.requests = Buckets(clock)
        self.guesses = Buckets(clock)


def spend(request: Request, key_id: str, per_minute: int) -> None:
    """Count one request of a key. Raises TooManyRequestsError where its rate is used up."""
    burst = max(MIN_BURST, per_minute * BURST_S / 60)
    waits = _of(request).requests.wait_s(key_id, per_minute, burst)
    if waits:
        raise _too_many(f"The key may ask {per_minute} times a minute.", waits)


def before_guess(request: Request, key_id: str) -> None:
    """Raise TooManyRequestsError where this address sent too many wrong keys of this id."""
    name = f"{_address(request)} {key_id}"
    waits = _of(request).guesses.wait_s(name, GUESSES_A_MINUTE, GUESSES_A_MINUTE, cost=0.0)
    if waits:
        raise _too_many("Too many wrong keys.", waits)


def wrong_guess(request: Request, key_id: str) -> None:
    """Count a wrong key. Raises TooManyRequestsError where too many came from this address.

    Right keys of others at that address go on: a wrong id can never become right, so that only
    guesses at one id are held up before they are looked at.
    """
    guesses, address = _of(request).guesses, _address(request)
    guesses.wait_s(f"{address} {key_id}", GUESSES_A_MINUTE, GUESSES_A_MINUTE)
    waits = guesses.wait_s(address, 3 * GUESSES_A_MINUTE, 3 * GUESSES_A_MINUTE)
    if waits:
        raise _too_many("Too many wrong keys.", waits)


def _too_many(told: str, waits_s: float) -> TooManyRequestsError:
    after = max(1, math.ceil(waits_s))
    return TooManyRequestsError(told, remedy="Wait, then go on.", retry_after_s=after)


def _of(request: Request) -> Rates:
    state = request.app.state
    if not hasattr(state, "rates"):
        state.rates = Rates()
    found: Rates = state.rates
    return found


def _address(request: Request) -> str:
    """The client's address; of IPv6 its network, since one client has all of it."""
    host = request.client.host if request.client else ""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host[:60]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
