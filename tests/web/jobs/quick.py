"""Stand-ins for an examination: the file's first word says what to do. All of it in the process
that workers make, within its limits."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from assay.report.as_json import as_dict
from assay.report.unexamined import unexamined
from assay.web.jobs.host import Job, Tell

EXAMINE = "tests.web.jobs.quick:examine"


def preload() -> dict[str, object]:
    return {"engine": "quick", "bundles": {}}


def examine(job: Job, tell: Tell) -> None:
    word, *rest = Path(job["path"]).read_text().split("\n")[0].split()
    tell("read", 0, 1)
    values = DOES[word](job, *rest) if word in DOES else {}
    write(job, values or {})


def write(job: Job, values: dict[str, object]) -> None:
    folder = Path(job["folder"])
    result = as_dict(unexamined(job["name"], "quick", "This is a stand-in."))
    result["input"]["sha256"] = job["sha256"]
    result["quality"] = values
    (folder / "report.html").write_text("<p>quick</p>")
    (folder / "result.json").write_text(json.dumps(result))


def _sleep(_job: Job, seconds: str, *_more: str) -> None:
    time.sleep(float(seconds))


def _hang(_job: Job) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        time.sleep(1)


def _crash(_job: Job) -> None:
    ctypes.string_at(0)


def _kill_itself(_job: Job) -> None:
    os.abort()


def _memory(_job: Job) -> None:
    held = []
    while True:
        held.append(bytearray(2**26))


def _exit(_job: Job) -> None:
    os._exit(0)  # without a result


def _write_much(job: Job) -> None:
    with (Path(job["folder"]) / "much").open("wb") as file:
        file.truncate(2**31)


def _tried(what: Callable[[], object]) -> str:
    try:
        what()
    except Exception as error:
        return f"{type(error).__name__} {getattr(error, 'errno', '')}".strip()
    return "done"


def _probe(job: Job, database: str) -> dict[str, object]:
    """What an examining process can do that it should not."""
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    return {
        "environment": sorted(os.environ),
        "temp_is_private": os.environ["TMPDIR"] == job["temp"] == os.getcwd(),
        "internet": _tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
        "internet_6": _tried(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)),
        "unix": _tried(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)),
        "raw_socket_call": libc.syscall(41, 2, 1, 0) if os.uname().machine == "x86_64" else -1,
        "program": _tried(lambda: subprocess.run(["/bin/true"], check=False)),
        "fork": _tried(os.fork),
        "kill_parent": _tried(lambda: os.kill(parent, 0)),
        "own_session": os.getsid(0) == os.getpid(),
        "leave_group": _tried(os.setsid),
        "database": _tried(lambda: Path(database).read_bytes()),
        "media_changed": _tried(lambda: Path(job["path"]).write_bytes(b"other")),
        "media_removed": _tried(lambda: Path(job["path"]).resolve().unlink()),
        "write_elsewhere": _tried(lambda: Path("/tmp/from-an-examination").write_bytes(b"")),
        "parents_environment": _tried(lambda: Path(f"/proc/{parent}/environ").read_bytes()),
        "thread": _tried(_thread),
        "open_files": _tried(lambda: os.fstat(4)),
        "temp_written": _tried(lambda: (Path(job["temp"]) / "a").write_bytes(b"a")),
    }


def _thread() -> None:
    import threading

    held = threading.Thread(target=lambda: None)
    held.start()
    held.join()


def _link(job: Job, kind: str) -> None:
    """A result whose report is a link to something else."""
    write(job, {})
    report = Path(job["folder"]) / "report.html"
    report.unlink()
    if kind == "soft":
        report.symlink_to("/etc/passwd")
    else:
        os.link(job["path"], report, follow_symlinks=True)
    os._exit(0)


def _lie(job: Job) -> None:
    write(job, {})
    path = Path(job["folder"]) / "result.json"
    path.write_text(path.read_text().replace("not_analysable", "strong_evidence"))
    os._exit(0)


DOES: dict[str, Callable[..., dict[str, object] | None]] = {
    "sleep": _sleep,
    "hang": _hang,
    "crash": _crash,
    "abort": _kill_itself,
    "memory": _memory,
    "exit": _exit,
    "much": _write_much,
    "probe": _probe,
    "link": _link,
    "lie": _lie,
}
