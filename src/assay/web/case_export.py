"""A case as one ZIP, written while it is sent: reports, results, artifacts and, if asked, media.

Every file's sha256 stands in SHA256SUMS and in manifest.json, beside the lines of the audit log
that tell of it: whoever is handed the ZIP can check it with `sha256sum -c SHA256SUMS`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import time
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Row, or_, select

import assay
from assay.report.sanitise import encodable, visible
from assay.web.actor import Actor
from assay.web.api.models import iso
from assay.web.engine import installed_bundles
from assay.web.service import Service
from assay.web.store import audit, cases
from assay.web.store.database import now
from assay.web.store.schema import OVER, feedback, results
from assay.web.store.schema import audit as audit_lines

SCHEMA = "assay-case-export/1"
CHUNK_BYTES = 256 * 1024
MAX_STEM, MAX_ENDING = 60, 12
# These do not become smaller, and trying takes a core.
PACKED = (".jpg", ".jpeg", ".png", ".mp4", ".mov", ".webm", ".mp3", ".m4a", ".ogg", ".flac")
READ_ME = """\
{title}

Exported by assay {version} on {at}. Examined files: {n}.
Open NN-name/report.html in a browser for what was found in a file; result.json holds the same for
programs. manifest.json tells what each file here is, who asked for it when, and by which networks
it was examined. None of it proves that a file is genuine.

To check that nothing was changed since:  sha256sum -c SHA256SUMS
"""


@dataclass(slots=True)
class _Zip:
    """A ZIP whose bytes are taken out while it grows; `sums` are the files so far."""

    out: _Outlet
    archive: zipfile.ZipFile
    top: str
    at: float
    sums: dict[str, tuple[str, int]] = field(default_factory=dict)

    def put(self, name: str, source: BinaryIO, n_bytes: int | None = None) -> Iterator[bytes]:
        """Write one file; gives the bytes of the ZIP as they come."""
        info = zipfile.ZipInfo(f"{self.top}/{name}", time.gmtime(self.at)[:6])
        info.external_attr = 0o644 << 16
        packed = name.lower().endswith(PACKED) or "/media/" in name
        info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        digest, total = hashlib.sha256(), 0
        with self.archive.open(info, "w", force_zip64=n_bytes is None or n_bytes > 2**30) as entry:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                total += len(chunk)
                entry.write(chunk)
                yield self.out.taken()
        self.sums[name] = digest.hexdigest(), total
        yield self.out.taken()

    def put_text(self, name: str, text: str) -> Iterator[bytes]:
        """Write a text made here."""
        data = text.encode()
        yield from self.put(name, io.BytesIO(data), len(data))


class _Outlet(io.RawIOBase):
    """What a ZipFile writes to; it cannot go back, so sizes follow each file's bytes."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        held, self._held = bytes(self._held), bytearray()
        return held


def export(service: Service, actor: Actor, case_id: str, with_media: bool) -> Iterator[bytes]:
    """The bytes of the ZIP of a case; the audit log says that it was taken, by whom.

    Raises NotFoundError before the first byte. What is missing (no result yet, media deleted)
    is told in the manifest and stops nothing.
    """
    held = cases.get(service.store, actor, case_id)
    with service.store.writing() as connection:
        detail = {"title": held.case.title, "media": with_media, "n_files": len(held.items)}
        audit.write(connection, actor, "export", case_id, None, detail)
        for row in held.items:
            detail = {"case": case_id, "media": with_media}
            audit.write(connection, actor, "export", row.id, row.sha256, detail)
    return _written(service, actor, held, with_media)


def file_name(case: Row[Any]) -> str:
    """The name that the ZIP of a case is saved under: ASCII, no path, no blank."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", case.title).strip("-")[:MAX_STEM].strip("-")
    return f"case-{stem or 'untitled'}-{case.id[:8]}.zip"


def safe_name(name: str) -> str:
    """A file's name without anything that a path, a shell or an eye could stumble over.

    Letters and digits of any script stay. A number before it is the caller's: that makes names
    unlike each other and unlike those that Windows keeps for itself.
    """
    last = unicodedata.normalize("NFC", encodable(name)).replace("\\", "/").rpartition("/")[2]
    clean = "".join(c if c.isalnum() or c in "-_." else "_" for c in last).strip("._")
    stem, dot, ending = clean.rpartition(".")
    if not dot or len(ending) > MAX_ENDING:
        stem, dot, ending = clean, "", ""
    return f"{stem[:MAX_STEM].strip('._') or 'file'}{dot}{ending}"


def _written(service: Service, actor: Actor, held: cases.Held, with_media: bool) -> Iterator[bytes]:
    at, outlet = now(), _Outlet()
    with zipfile.ZipFile(outlet, "w") as archive:  # type: ignore[arg-type]
        top = file_name(held.case).removesuffix(".zip")
        zipped = _Zip(outlet, archive, top, at)
        yield from zipped.put_text("README.txt", _read_me(held, at))
        items: list[dict[str, Any]] = []
        for number, row in enumerate(held.items, 1):
            folder = f"{number:02d}-{safe_name(row.name)}"
            told = _told(service, row, folder)
            yield from _item(service, zipped, row, told, with_media)
            items.append(told)
        manifest = _manifest(service, actor, held, at, items)
        manifest["files"] = [
            {"path": name, "sha256": sum_, "n_bytes": n} for name, (sum_, n) in zipped.sums.items()
        ]
        yield from zipped.put_text("manifest.json", json.dumps(manifest, indent=1))
        sums = "".join(f"{sum_}  {name}\n" for name, (sum_, _) in zipped.sums.items())
        yield from zipped.put_text("SHA256SUMS", sums)
    yield outlet.taken()


def _item(
    service: Service, zipped: _Zip, row: Row[Any], told: dict[str, Any], with_media: bool
) -> Iterator[bytes]:
    """One examination's files; what is not there is named in `told["missing"]`."""
    folder, missing = told["folder"], told["missing"]
    asked = select(results).where(results.c.examination_id == row.id)
    with service.store.reading() as connection:
        held = connection.execute(asked).one_or_none()
    if held is None:
        missing.append({"what": "result", "reason": _no_result(row.status)})
    else:
        text = json.dumps(held.result, indent=1, allow_nan=False)
        yield from zipped.put_text(f"{folder}/result.json", text)
        told["bundles"] = _bundles(held.result)
        at = service.store.result_folder(row.id, held.claim)
        wanted = [(held.report, "report.html")] if held.report else []
        for number, one in enumerate(held.artifacts, 1):
            name = f"artifacts/{number:02d}-{safe_name(str(one.get('path', '')))}"
            wanted.append((str(one.get("path", "")), name))
            shown = {key: str(one.get(key, "")) for key in ("kind", "caption")}
            told["artifacts"].append({"path": f"{folder}/{name}", **shown})
        for path, name in wanted:
            yield from _file(zipped, at, path, f"{folder}/{name}", missing)
    if with_media:
        yield from _medium(service, zipped, row, told)


def _medium(
    service: Service, zipped: _Zip, row: Row[Any], told: dict[str, Any]
) -> Iterator[bytes]:  # fmt: skip
    path, name = service.store.media_path(row.sha256), f"{told['folder']}/media/{told['as']}"
    yield from _file(zipped, path.parent, path.name, name, told["missing"])
    written = zipped.sums.get(name)
    if written is not None and written[0] != row.sha256:
        told["missing"].append({"what": name, "reason": "its content is not what was examined"})


def _file(
    zipped: _Zip, folder: Path, path: str, name: str, missing: list[dict[str, str]]
) -> Iterator[bytes]:
    try:
        opened = open_within(folder, path)
    except OSError:
        missing.append({"what": name, "reason": "the file is not kept (any more)"})
        return
    with opened:
        yield from zipped.put(name, opened, os.fstat(opened.fileno()).st_size)


def open_within(folder: Path, path: str) -> BinaryIO:
    """Open a regular file below a folder; links that lead out of it are not followed.

    What lies there was written by a process that decoded hostile bytes. Raises OSError.
    """
    top = folder.resolve()
    found = (top / path).resolve()
    if not found.is_relative_to(top) or found == top:
        raise FileNotFoundError(path)
    opened = os.open(found, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise FileNotFoundError(path)
    return os.fdopen(opened, "rb")


def _told(service: Service, row: Row[Any], folder: str) -> dict[str, Any]:
    """What the manifest says about one examination."""
    return {
        "folder": folder,
        "as": safe_name(row.name),
        "id": row.id,
        "name": visible(row.name),
        "other_names": [visible(name) for name in row.other_names],
        "sha256": row.sha256,
        "n_bytes": row.n_bytes,
        "media_type": row.media_type,
        "source": row.source,
        "options": row.options,
        "purpose": row.purpose,
        "reference_sha256": row.reference_sha256,
        "status": row.status,
        "verdict": row.label,
        "p_fake": row.p_fake,
        "engine": row.engine,
        "outdated": row.status == "finished" and row.engine != service.engine,
        "created_at": iso(row.created_at),
        "finished_at": iso(row.finished_at),
        "added_at": iso(row.added_at),
        "note": row.note,
        "artifacts": [],
        "missing": [],
    }


def _manifest(
    service: Service, actor: Actor, held: cases.Held, at: float, items: list[dict[str, Any]]
) -> dict[str, Any]:
    case, ids = held.case, [row.id for row in held.items]
    return {
        "schema": SCHEMA,
        "exported_at": iso(at),
        "exported_by": actor.name,
        "assay_version": assay.__version__,
        "engine": service.engine,
        "bundles": dict(installed_bundles()),
        "case": {
            "id": case.id,
            "title": case.title,
            "notes": case.notes,
            "tags": case.tags,
            "created_at": iso(case.created_at),
            "updated_at": iso(case.updated_at),
        },
        "examinations": items,
        "feedback": _feedback(service, ids),
        "audit": _audit(service, [case.id, *ids]),
    }


def _feedback(service: Service, ids: list[str]) -> list[dict[str, Any]]:
    c = feedback.c
    asked = select(c.examination_id, c.actor, c.kind, c.comment, c.created_at)
    with service.store.reading() as connection:
        rows = connection.execute(asked.where(c.examination_id.in_(ids)).order_by(c.created_at))
        return [{**row._mapping, "created_at": iso(row.created_at)} for row in rows]


def _audit(service: Service, subjects: list[str]) -> list[dict[str, Any]]:
    """The lines about the case and its files, each with its hash and that of the line before."""
    c = audit_lines.c
    parts = [subjects[i : i + 500] for i in range(0, len(subjects), 500)]
    asked = select(audit_lines).where(or_(*(c.subject.in_(part) for part in parts)))
    with service.store.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(asked.order_by(c.number))]


def _bundles(result: Mapping[str, Any]) -> dict[str, str]:
    held = {one["name"]: one["bundle_sha256"] for one in result.get("detectors", ())}
    return {name: sum_ for name, sum_ in held.items() if sum_}


def _no_result(status: str) -> str:
    return "cancelled, no result" if status in OVER else f"{status}, no result yet"


def _read_me(held: cases.Held, at: float) -> str:
    return READ_ME.format(
        title=visible(held.case.title), version=assay.__version__, at=iso(at), n=len(held.items)
    )
