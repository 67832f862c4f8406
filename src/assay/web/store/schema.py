"""The tables. Times are seconds since 1970 (UTC), JSON columns hold plain values."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = 1
METADATA = MetaData()
STATUSES = ("queued", "running", "finished", "set_aside", "cancelled")
WAITING = ("queued", "running")
OVER = ("finished", "set_aside", "cancelled")
LIVE, BATCH = 0, 1
PRIORITIES = {"live": LIVE, "batch": BATCH}

meta = Table("meta", METADATA, Column("key", String(40), primary_key=True), Column("value", Text))

# One row a content; examinations of the same bytes share the file.
media = Table(
    "media",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("n_bytes", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
)

batches = Table(
    "batches",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("name", Text, nullable=False, default=""),
    Column("created_at", Double, nullable=False),
)

examinations = Table(
    "examinations",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("name", Text, nullable=False),
    Column("other_names", JSON, nullable=False, default=list),
    Column("sha256", String(64), nullable=False),
    Column("n_bytes", BigInteger, nullable=False),
    Column("source", Text, nullable=False, default="upload"),
    Column("options", JSON, nullable=False, default=dict),
    Column("purpose", Text),
    Column("reference_sha256", String(64)),
    Column("reference_name", Text),
    Column("priority", Integer, nullable=False, default=LIVE),
    Column("status", String(12), nullable=False, default="queued"),
    # owner, content, options and engine of what is not to be examined twice; None once it may be
    Column("dedupe_key", String(64), unique=True),
    Column("engine", String(16), nullable=False, default=""),
    Column("previous_id", String(32)),
    Column("created_at", Double, nullable=False),
    Column("not_before", Double, nullable=False, default=0.0),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("n_attempts", Integer, nullable=False, default=0),
    Column("claim", String(32)),
    Column("worker", String(120)),
    Column("heartbeat_at", Double),
    Column("cancel_asked", Boolean, nullable=False, default=False),
    Column("progress", JSON, nullable=False, default=dict),
    Column("faults", JSON, nullable=False, default=list),
    # what history and filters need of the result
    Column("result_status", String(12)),
    Column("label", String(24)),
    Column("p_fake", Double),
    Column("media_type", String(120)),
    Column("media_deleted_at", Double),
    Index("examinations_by_owner", "owner", "created_at", "id"),
    Index("examinations_by_turn", "status", "priority", "created_at"),
    Index("examinations_by_content", "sha256"),
    Index("examinations_by_reference", "reference_sha256"),
    Index("examinations_by_medium", "media_deleted_at", "status"),
    Index("examinations_by_end", "finished_at"),
)

# The primary key is what makes a second result of one examination impossible.
results = Table(
    "results",
    METADATA,
    Column(
        "examination_id",
        String(32),
        ForeignKey("examinations.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("claim", String(32), nullable=False),
    Column("result", JSON, nullable=False),
    Column("report", Text),
    Column("artifacts", JSON, nullable=False, default=list),
    Column("created_at", Double, nullable=False),
)

batch_items = Table(
    "batch_items",
    METADATA,
    Column("batch_id", String(32), ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "examination_id",
        String(32),
        ForeignKey("examinations.id", ondelete="CASCADE"),
        primary_key=True,
    ),
)

idempotency = Table(
    "idempotency",
    METADATA,
    Column("owner", String(80), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("answer", JSON),
    Column("status", Integer),
    Column("created_at", Double, nullable=False),
)

cases = Table(
    "cases",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("title", Text, nullable=False),
    Column("notes", Text, nullable=False, default=""),
    Column("tags", JSON, nullable=False, default=list),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Index("cases_by_owner", "owner", "updated_at", "id"),
)

case_items = Table(
    "case_items",
    METADATA,
    Column("case_id", String(32), ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "examination_id",
        String(32),
        ForeignKey("examinations.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("note", Text, nullable=False, default=""),
    Column("added_at", Double, nullable=False),
)

# Kept when the examination goes: hash, scores and the answer serve re-calibration without media.
feedback = Table(
    "feedback",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("examination_id", String(32), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("comment", Text, nullable=False, default=""),
    Column("sha256", String(64), nullable=False),
    Column("engine", String(16), nullable=False),
    Column("label", String(24)),
    Column("scores", JSON, nullable=False, default=list),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("examination_id", "actor", name="feedback_once"),
)

keys = Table(
    "keys",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("requests_per_minute", Integer),
    Column("max_upload_bytes", BigInteger),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("used_at", Double),
)

sessions = Table(
    "sessions",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("key_id", String(16), ForeignKey("keys.id", ondelete="CASCADE"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
)

# Each line carries the hash of the one before it: a changed or missing line shows.
audit = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(64), nullable=False, default=""),
    Column("sha256", String(64)),
    Column("detail", JSON, nullable=False, default=dict),
    Column("previous", String(64), nullable=False),
    Column("line", String(64), nullable=False),
    Index("audit_by_subject", "subject"),
)

webhooks = Table(
    "webhooks",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("owner", String(80), nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", String(80), nullable=False),
    Column("events", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
)

deliveries = Table(
    "deliveries",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("webhook_id", String(32), ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column(
        "examination_id",
        String(32),
        ForeignKey("examinations.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("event", String(40), nullable=False),
    Column("body", JSON, nullable=False),
    Column("state", String(12), nullable=False, default="waiting"),
    Column("n_attempts", Integer, nullable=False, default=0),
    Column("next_at", Double, nullable=False),
    Column("claim", String(32)),
    Column("last_answer", Text, nullable=False, default=""),
    Column("created_at", Double, nullable=False),
    Index("deliveries_by_turn", "state", "next_at"),
)
