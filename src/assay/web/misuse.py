"""What the service does not let itself be used for: looking people up by their faces.

There is no route that lists or searches faces, and nothing that identifies a face is kept. Known
footage of a person (`reference`) is compared with one file at a time, for a stated purpose that
stands in the audit log, and not with file after file.
"""

from __future__ import annotations

from sqlalchemy import func, select

from assay.report.sanitise import visible
from assay.web.actor import Actor
from assay.web.refusals import ForbiddenError, TooManyRequestsError, UnprocessableError
from assay.web.store.database import Store, now
from assay.web.store.schema import audit

MIN_PURPOSE, MAX_PURPOSE = 10, 1000
MAX_A_DAY = 50
DAY_S = 86_400.0


def stated_purpose(text: str | None, *, n_references: int, in_batch: bool) -> str | None:
    """The purpose that goes into the audit log; None where no reference was sent.

    Raises ForbiddenError for a reference in a batch or for several, UnprocessableError for one
    without a purpose of at least 10 characters.
    """
    if n_references == 0:
        return None
    if in_batch:
        raise ForbiddenError(
            "Known footage of a person is not compared with files in a batch.",
            remedy="Send the one file in question, with its reference and the purpose.",
        )
    if n_references > 1:
        raise ForbiddenError("One examination compares with the footage of one person.")
    purpose = " ".join(visible(" ".join((text or "").split())).split())
    n_letters = sum(one.isalnum() for one in purpose)
    if len(purpose) < MIN_PURPOSE or n_letters < MIN_PURPOSE // 2:
        raise UnprocessableError(
            f"A comparison with known footage needs its purpose, {MIN_PURPOSE} characters or more.",
            remedy="Say in the field `purpose` why this person's footage is used; it is logged.",
        )
    if len(purpose) > MAX_PURPOSE:
        raise UnprocessableError(f"The purpose is longer than {MAX_PURPOSE} characters.")
    return purpose


def require_few(store: Store, actor: Actor, reference_sha256: str) -> None:
    """Raise TooManyRequestsError where one reference was compared with many files in a day.

    Counted in the audit log, since an examination can be deleted and its line cannot.
    """
    c = audit.c
    asked = (
        select(func.count())
        .select_from(audit)
        .where(c.at > now() - DAY_S, c.owner == actor.owner, c.action == "examine")
        .where(c.detail["reference_sha256"].as_string() == reference_sha256)
    )
    with store.reading() as connection:
        n_today = connection.execute(asked).scalar_one()
    if n_today >= MAX_A_DAY:
        raise TooManyRequestsError(
            f"This footage was compared with {n_today} files in a day: that is a search.",
            remedy="Examine the files without a reference.",
            retry_after_s=int(DAY_S),
        )
