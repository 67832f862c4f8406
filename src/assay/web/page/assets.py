"""Style, script and mark of the page: a fixed set of files of the package, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from assay.web.refusals import NotFoundError

FOLDER = Path(__file__).resolve().parents[1] / "static"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
A_YEAR_S = 31_536_000

router = APIRouter(include_in_schema=False)


@lru_cache(maxsize=1)
def held() -> Mapping[str, tuple[bytes, str]]:
    """The bytes and the first digits of the hash of each file, by name; read once."""
    found = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in MEDIA_TYPES:
            data = path.read_bytes()
            found[path.name] = data, hashlib.sha256(data).hexdigest()[:12]
    return found


def address(name: str) -> str:
    """Where a file is fetched; it changes with its content. Raises KeyError."""
    return f"/static/{name}?v={held()[name][1]}"


@router.get("/static/{name}")
def asset(request: Request, name: str) -> Response:
    """One file; kept by the browser for good where its address carries the hash."""
    if name not in held():
        raise NotFoundError("There is no such file.")
    data, digits = held()[name]
    fresh = request.query_params.get("v") == digits
    headers = {
        "Cache-Control": f"public, max-age={A_YEAR_S}, immutable" if fresh else "no-cache",
        "ETag": f'"{digits}"',
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=MEDIA_TYPES[Path(name).suffix], headers=headers)
