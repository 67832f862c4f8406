"""The chore that tells webhooks what is to be told, signed, until they say that they have it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import assay
from assay.media.guarded_request import FetchError, allowed_by, post
from assay.web.jobs.chores import Chore
from assay.web.service import Service
from assay.web.store import deliveries
from assay.web.store.database import now
from assay.web.store.deliveries import Due

EVERY_S = 1.0
ANSWER_S = 10.0
N_AT_ONCE = 8
ROUND_S = 20.0


def signature(secret: str, time_s: int, body: bytes) -> str:
    """What `Assay-Signature` carries: the time, and HMAC-SHA256 over `time.body`.

    Whoever receives it makes the same with the secret, compares in constant time, and refuses
    what is older than some minutes.
    """
    told = f"{time_s}.".encode() + body
    return f"t={time_s},v1={hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()}"


def run(service: Service) -> None:
    """Tell what is due, several at a time, for ROUND_S at most."""
    until = time.monotonic() + ROUND_S
    while time.monotonic() < until and (held := deliveries.due(service.store)):
        with ThreadPoolExecutor(N_AT_ONCE) as pool:
            list(pool.map(partial(deliver, service), held))


def deliver(service: Service, one: Due) -> str:
    """Make one delivery; the state that follows. It is told twice rather than never."""
    body = json.dumps(one.body, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "Assay-Event": one.event,
        "Assay-Delivery": one.id,
        "Assay-Signature": signature(one.secret, int(now()), body),
        "User-Agent": f"assay/{assay.__version__}",
    }
    allowed = allowed_by(service.settings.allow_private_addresses)
    try:
        until = time.monotonic() + ANSWER_S
        answer = post(one.url, body, headers, until=until, allowed=allowed)
    except FetchError as problem:
        return deliveries.settle(service.store, one, False, str(problem))
    told = f"status {answer.status}"
    return deliveries.settle(service.store, one, 200 <= answer.status < 300, told)


CHORE = Chore("deliveries", EVERY_S, run)
