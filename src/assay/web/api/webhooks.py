"""Webhooks: an address of yours that is told when an examination is over."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from assay.media.guarded_request import FetchError, allowed_by, require_address
from assay.web.api.access import Asking, Serving
from assay.web.api.models import Model, iso
from assay.web.refusals import UnprocessableError
from assay.web.service import Service
from assay.web.store import deliveries

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

Event = Literal["examination.finished", "examination.set_aside", "examination.cancelled"]
State = Literal["waiting", "delivered", "given_up"]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The id of a webhook.")]


class NewWebhook(BaseModel):
    """An address and what it wants to be told of."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2000, description="http or https; it is asked with POST.")
    events: list[Event] = Field(
        default=["examination.finished", "examination.set_aside", "examination.cancelled"],
        min_length=1,
        max_length=10,
    )


class Webhook(Model):
    """An address that is told. `created_at` is ISO 8601, UTC."""

    id: str
    url: str
    events: list[Event]
    created_at: str


class CreatedWebhook(Webhook):
    """The one answer that shows the secret: keep it, and check `Assay-Signature` with it."""

    secret: str


class Webhooks(Model):
    """All webhooks of who asks, oldest first."""

    webhooks: list[Webhook]


class Delivery(Model):
    """One thing told, or to be told. `next_at` is None once nothing more is tried."""

    id: str
    event: Event
    examination_id: str
    state: State
    n_attempts: int
    next_at: str | None
    last_answer: str
    created_at: str


class Deliveries(Model):
    """The last deliveries, newest first."""

    deliveries: list[Delivery]


@router.post("", status_code=201, summary="Have an address told of what is over")
def create(
    wanted: NewWebhook, service: Serving, actor: Asking, response: Response
) -> CreatedWebhook:
    """Add a webhook. Its secret is shown this once."""
    actor.require("examine")
    _require_reachable(service, wanted.url)
    row = deliveries.add_webhook(service.store, actor, wanted.url, wanted.events)
    response.headers["Location"] = f"{router.prefix}/{row.id}"
    return CreatedWebhook(**_told(row), secret=row.secret)


def _require_reachable(service: Service, url: str) -> None:
    """Refuse what is never told; what its name leads to is looked at each time again."""
    try:
        parts = require_address(url)
        url.encode("ascii")
    except FetchError as problem:
        raise UnprocessableError(f"The address cannot be told: {problem}.") from None
    except UnicodeEncodeError:
        raise UnprocessableError("The address is to be plain ASCII.") from None
    host = (parts.hostname or "").rstrip(".")
    allowed = allowed_by(service.settings.allow_private_addresses)
    numeric = ":" in host or host.replace(".", "").isdigit()
    if (numeric or host == "localhost") and not allowed("127.0.0.1" if not numeric else host):
        raise UnprocessableError(
            "The address is not on the public network.",
            remedy="Ask the operator for allow_private_addresses.",
        )


@router.get("", summary="The webhooks")
def everything(service: Serving, actor: Asking) -> Webhooks:
    """List the webhooks of who asks; their secrets are not shown."""
    rows = deliveries.listed(service.store, actor)
    return Webhooks(webhooks=[Webhook(**_told(row)) for row in rows])


@router.get("/{webhook_id}", summary="One webhook")
def one(webhook_id: Id, service: Serving, actor: Asking) -> Webhook:
    """Show a webhook without its secret."""
    return Webhook(**_told(deliveries.webhook(service.store, actor, webhook_id)))


@router.delete("/{webhook_id}", status_code=204, summary="Tell it nothing more")
def remove(webhook_id: Id, service: Serving, actor: Asking) -> None:
    """Take a webhook away, and with it what it has not been told yet."""
    actor.require("examine")
    deliveries.remove_webhook(service.store, actor, webhook_id)


@router.get("/{webhook_id}/deliveries", summary="What it was told")
def told(
    webhook_id: Id, service: Serving, actor: Asking,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Deliveries:  # fmt: skip
    """List the last deliveries, with what came back: for a week after they ended."""
    rows = deliveries.deliveries_of(service.store, actor, webhook_id, limit)
    return Deliveries(deliveries=[_delivery(row) for row in rows])


def _told(row: Row[Any]) -> dict[str, Any]:
    created_at = str(iso(row.created_at))
    return {"id": row.id, "url": row.url, "events": row.events, "created_at": created_at}


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        event=row.event,
        examination_id=row.examination_id,
        state=row.state,
        n_attempts=row.n_attempts,
        next_at=iso(row.next_at) if row.state == "waiting" else None,
        last_answer=row.last_answer,
        created_at=str(iso(row.created_at)),
    )
