"""The process that has imported everything once, and forks one process for each examination.

`python -m assay.web.jobs.host MODULE:FUNCTION PROGRESS_FD PARENT_PID`. It decodes nothing itself.
On standard input come lines of JSON: a job, or `"end"` to kill the one at work. On standard
output go `{"ready": …}`, then for each job `{"ended": …}`. What an examining process says goes
through PROGRESS_FD alone, so that a hostile one cannot speak in the name of this.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from assay.web.jobs import file_access, limits, no_network

CRASHED, OUT_OF_MEMORY = 70, 71
Job = Mapping[str, Any]
Tell = Callable[[str, int, int], None]
Examine = Callable[[Job, Tell], None]


def main(arguments: list[str]) -> int:
    """Serve jobs until standard input ends."""
    name, progress_fd, parent = arguments[0], int(arguments[1]), int(arguments[2])
    limits.die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # who started it decides
    module, _, function = name.partition(":")
    examine: Examine = getattr(importlib.import_module(module), function)
    preload = getattr(importlib.import_module(module), "preload", None)
    about = preload() if preload else {}
    gc.collect()
    gc.freeze()
    _say({"ready": about})
    lines = _Lines()
    while (line := lines.next()) is not None:
        job = json.loads(line)
        if job != "end":  # "end" came after the end
            _serve(job, examine, progress_fd, lines)
    return 0


class _Lines:
    """Lines of standard input, read without Python's buffer so that `select` tells the truth."""

    def __init__(self) -> None:
        self._held = b""

    def next(self) -> bytes | None:
        """The next line; None at the end."""
        while b"\n" not in self._held:
            data = os.read(0, 65_536)
            if not data:
                return None
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        return line


def _say(message: Mapping[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def _serve(job: Job, examine: Examine, progress_fd: int, lines: _Lines) -> None:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os._exit(_examined(job, examine, progress_fd, parent))
    ended = os.pidfd_open(pid)
    asked, standing = True, True
    while standing:
        ready = select.select([ended, 0] if asked else [ended], [], [])[0]
        standing = ended not in ready
        if standing:
            asked = lines.next() is not None
            _kill(pid)
    _kill(pid)  # not yet reaped, so its group is still its own: what it left behind goes too
    os.close(ended)
    _, status, used = os.wait4(pid, 0)
    _say(
        {
            "ended": os.waitstatus_to_exitcode(status),
            "max_rss_bytes": used.ru_maxrss * 1024,
            "cpu_s": round(used.ru_utime + used.ru_stime, 3),
        }
    )


def _kill(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _examined(job: Job, examine: Examine, progress_fd: int, parent: int) -> int:
    """In the new process: shut everything, then examine; its exit code."""
    try:
        os.setsid()
        limits.die_with(parent)
        out = _rewire(job["errors"], progress_fd)
        os.environ["TMPDIR"] = os.environ["HOME"] = job["temp"]
        os.chdir(job["temp"])
        limits.apply(job["memory_limit_bytes"], job["time_limit_s"])
        networked = bool(job["allow_network"])
        file_access.confine(job["readable"], job["writable"], networked=networked)
        isolated = no_network.refuse(sockets=not networked)
        examine({**job, "isolated": isolated}, _teller(out))
        return 0
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException:
        traceback.print_exc()
        return CRASHED


def _rewire(errors: str, progress_fd: int) -> int:
    """Nothing of the host's is left but the way to tell progress; prints go to a file."""
    out = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.dup2(progress_fd, 3)
    os.closerange(4, 4096)
    sys.stdout = sys.stderr
    return 3


def _teller(fd: int) -> Tell:
    def tell(step: str, done: int, total: int) -> None:
        line = json.dumps([str(step)[:80], int(done), int(total)]).encode() + b"\n"
        with contextlib.suppress(OSError):
            os.write(fd, line)

    return tell


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
