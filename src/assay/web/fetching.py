"""A file that is fetched from an address, where the operator allows it, instead of being sent."""

from __future__ import annotations

import threading
import time
from urllib.parse import unquote, urlsplit

from assay.media.guarded_request import FetchError, allowed_by, get
from assay.report.sanitise import encodable
from assay.web.intake import Sent, told_name
from assay.web.refusals import ForbiddenError, QueueFullError, Refusal
from assay.web.service import Service
from assay.web.store.media import incoming, too_large

LIMIT_S = 120.0
AT_ONCE = 4
_places = threading.BoundedSemaphore(AT_ONCE)


class NotFetchedError(Refusal):
    """The address gave no file; the text says why."""

    code, http_status = "not_fetched", 422
    remedy = "Check the address, or send the file itself."


def fetched(service: Service, url: str, max_bytes: int | None = None) -> Sent:
    """The file at `url`, kept as an upload is; `max_bytes` narrows what the operator allows.

    It blocks for up to LIMIT_S seconds. Raises ForbiddenError where the operator does not allow
    it, NotFetchedError, BodyTooLargeError, StorageFullError, QueueFullError.
    """
    settings = service.settings
    if not settings.allow_urls:
        raise ForbiddenError(
            "This service fetches nothing.", remedy="Send the file, or ask for --allow-urls."
        )
    most = min(settings.max_upload_bytes, max_bytes or settings.max_upload_bytes)
    if not _places.acquire(blocking=False):
        told = f"{AT_ONCE} files are being fetched already."
        raise QueueFullError(told, remedy="Try again later.", retry_after_s=5)
    try:
        return _fetched(service, url, most)
    except FetchError as problem:
        if problem.code == "too_large":
            raise too_large(most) from None
        raise NotFetchedError(f"The file was not fetched: {problem}.") from None
    finally:
        _places.release()


def _fetched(service: Service, url: str, most: int) -> Sent:
    settings = service.settings
    allowed = allowed_by(settings.allow_private_addresses)
    with incoming(service.store, most, settings.min_free_bytes) as file:
        until = time.monotonic() + LIMIT_S
        answer = get(url, file.write, max_bytes=most, until=until, allowed=allowed)
        if not answer.n_bytes:
            raise FetchError("empty", "the address gives an empty file")
        return Sent(name_in(url), file.keep(), encodable(url))


def name_in(url: str) -> str:
    """What the address calls the file: told, and never used as a path."""
    return told_name(encodable(unquote(urlsplit(url).path)).rstrip("/") or "unnamed")
