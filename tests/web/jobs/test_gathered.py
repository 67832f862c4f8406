from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.report.as_json import as_dict
from assay.report.unexamined import unexamined
from assay.web.jobs import gathered as module
from assay.web.jobs.gathered import UnbelievableError, gathered
from assay.web.store.queue import Claimed

SHA256 = "a" * 64
HELD = Claimed("1" * 32, "2" * 32, "a.jpg", SHA256, {}, 1, None, None)


def left(folder: Path, **changes: Any) -> None:
    """What an honest process leaves, with changes to its result."""
    (folder / "report.html").write_text("<p>report</p>")
    (folder / "map.png").write_bytes(b"png")
    result = as_dict(
        unexamined("a.jpg", "x", "y."), [{"kind": "map", "path": "map.png", "caption": "A map."}]
    )
    result["input"]["sha256"] = SHA256
    (folder / "result.json").write_text(json.dumps(result | changes))


def test_what_is_whole_is_taken(tmp_path: Path) -> None:
    left(tmp_path)
    outcome = gathered(tmp_path, HELD, "engine")
    assert (outcome.report, outcome.engine) == ("report.html", "engine")
    assert outcome.artifacts == [{"kind": "map", "path": "map.png", "caption": "A map."}]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.png", "report.html"]


def _changed(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: left(folder, **changes)


def _artifact(path: str) -> Callable[[Path], None]:
    return _changed(artifacts=[{"kind": "map", "path": path, "caption": ""}])


def _replaced(name: str, put: Callable[[Path], object]) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        left(folder)
        (folder / name).unlink()
        put(folder / name)

    return do


def _linked(path: Path) -> None:
    other = path.parent / "other"
    other.write_bytes(b"secret")
    os.link(other, path)


def _of_another_file(folder: Path) -> None:
    left(folder)
    path = folder / "result.json"
    path.write_text(path.read_text().replace(SHA256, "b" * 64))


def _typed(media_type: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        left(folder)
        result = json.loads((folder / "result.json").read_text())
        result["input"]["media_type"] = media_type
        (folder / "result.json").write_text(json.dumps(result))

    return do


LIES: dict[str, Callable[[Path], None]] = {
    "no result": _replaced("result.json", lambda path: None),
    "no report": _replaced("report.html", lambda path: None),
    "no json": _replaced("result.json", lambda path: path.write_text("{")),
    "no object": _replaced("result.json", lambda path: path.write_text("[]")),
    "no text": _replaced("result.json", lambda path: path.write_bytes(b"\xff\xfe")),
    "nested": _replaced("result.json", lambda path: path.write_text("[" * 100_000)),
    "too large": _replaced("result.json", lambda path: path.write_bytes(b" " * 3000)),
    "a folder": _replaced("result.json", lambda path: path.mkdir()),
    "a pipe": _replaced("result.json", os.mkfifo),
    "a link": _replaced("report.html", lambda path: path.symlink_to("/etc/passwd")),
    "a hard link": _replaced("report.html", _linked),
    "an artifact that is a link": _replaced("map.png", lambda path: path.symlink_to("/etc/passwd")),
    "an artifact above": _artifact("../other"),
    "an artifact elsewhere": _artifact("/etc/passwd"),
    "the folder itself": _artifact("."),
    "no artifact": _artifact("none.png"),
    "a null": _artifact("map.png\0"),
    "the result": _artifact("result.json"),
    "too many": _changed(artifacts=[{"kind": "map", "path": "map.png", "caption": ""}] * 65),
    "a score without a verdict": _changed(status="completed", p_fake=0.5),
    "a verdict without a score": _changed(verdict="strong_evidence"),
    "no number": _changed(p_fake=float("nan")),
    "another file": _of_another_file,
    "a type with a line": _typed("image/jpeg\r\nX: y"),
    "a long type": _typed("i" * 200),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_whole_is_not_believed(
    tmp_path: Path, lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lie == "too large":
        monkeypatch.setattr(module, "MAX_RESULT_BYTES", 2000)
    LIES[lie](tmp_path)
    with pytest.raises(UnbelievableError):
        gathered(tmp_path, HELD, "engine")
