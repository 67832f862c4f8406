"""A file of the store as an answer: whole or a part of it, under a media type of our choosing.

The file is open before the answer begins, so one that is deleted meanwhile is still read to its
end. One range is answered; several, and what is no range, get the whole file (RFC 9110, 14.2).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from fastapi.responses import Response, StreamingResponse

from assay.report.sanitise import shortened, visible
from assay.web.api.problems import problem
from assay.web.refusals import NotFoundError

CHUNK_BYTES = 256 * 1024
BYTES = "application/octet-stream"
# What a browser may show by itself; none of it can hold a script that runs. Everything else is
# bytes to save. The type comes from what assay found in the content, never from who sent it.
SHOWN = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/bmp",
        "video/mp4",
        "video/webm",
        "video/quicktime",
        "video/ogg",
        "audio/mp4",
        "audio/webm",
        "audio/mpeg",
        "audio/wav",
        "audio/ogg",
        "audio/flac",
        "audio/aac",
    }
)
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes from `start` to before `end` of a file of `n_bytes`; `was_asked` for as a range."""

    start: int
    end: int
    n_bytes: int
    was_asked: bool = True


def file_answer(
    path: Path, media_type: str, name: str, *, etag: str = "", asked: str | None = None,
    if_range: str | None = None, download: bool = False,
) -> Response:  # fmt: skip
    """The file, or the part that the header Range (`asked`) names.

    `etag` is quoted and strong. Raises NotFoundError where the file is gone.
    """
    try:
        file = path.open("rb")
    except OSError:
        raise NotFoundError("The file is no longer kept.") from None
    n_bytes = os.fstat(file.fileno()).st_size
    if if_range is not None and if_range != etag:
        asked = None  # what was read before belongs to another file
    part = part_of(asked, n_bytes)
    if part is None:
        file.close()
        headers = {"Content-Range": f"bytes */{n_bytes}"}
        told = f"The file has {n_bytes} bytes; the range lies outside."
        return problem(416, "range_not_satisfiable", told, headers=headers)
    headers = _headers(part, media_type, name, etag, download)
    return StreamingResponse(
        _chunks(file, part), 206 if part.was_asked else 200, headers, media_type
    )


def part_of(asked: str | None, n_bytes: int) -> Part | None:
    """The part that a Range header asks for; None where the file holds nothing of it."""
    whole = Part(0, n_bytes, n_bytes, was_asked=False)
    found = _RANGE.fullmatch(asked.strip()) if asked else None
    if found is None or found[1] == found[2] == "":
        return whole
    if found[1] == "":  # the last so many bytes
        n_last = min(int(found[2]), n_bytes)
        return Part(n_bytes - n_last, n_bytes, n_bytes) if n_last else None
    start = int(found[1])
    end = min(int(found[2]) + 1, n_bytes) if found[2] else n_bytes
    if found[2] and int(found[2]) < start:
        return whole
    return Part(start, end, n_bytes) if start < n_bytes else None


def begins(asked: str | None) -> bool:
    """Whether the first byte is asked for: the parts that follow belong to the same reading."""
    return asked is None or asked.replace(" ", "").lower().startswith("bytes=0-")


def _headers(part: Part, media_type: str, name: str, etag: str, download: bool) -> dict[str, str]:
    headers = {
        "Content-Length": str(part.end - part.start),
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition(name, inline=not download and media_type != BYTES),
        "X-Content-Type-Options": "nosniff",
    }
    if etag:
        headers["ETag"] = etag
    if part.was_asked:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{part.n_bytes}"
    return headers


def disposition(name: str, *, inline: bool) -> str:
    """The header Content-Disposition: a name from outside with what a header ends at spelled."""
    shown = shortened(visible(name).replace("/", "_").replace("\\", "_"), 150)
    return f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(shown, safe='')}"


def _chunks(file: BinaryIO, part: Part) -> Iterator[bytes]:
    with file:
        file.seek(part.start)
        left = part.end - part.start
        while left > 0:
            chunk = file.read(min(CHUNK_BYTES, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
