"""What one examining process may take: memory, processor time, files, and how long it may live."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

MIB = 2**20
MAX_FILE_BYTES = 512 * MIB  # of one file that it writes
MAX_OPEN_FILES = 512
GRACE_S = 30.0  # for the report, after the examination's own limit
PR_SET_PDEATHSIG = 1
NICENESS = 5  # the server answers first
# What a decoder needs of the environment; no setting, address or password is among it.
PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ASSAY_C2PA_TRUST_ANCHORS",
    "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of an environment is passed on to a process that decodes."""
    return {name: environ[name] for name in PASSED_ON if name in environ}


def hard_limit_s(time_limit_s: float) -> float:
    """When a process is ended that did not end by itself, in seconds."""
    return time_limit_s + GRACE_S


def die_with(parent: int) -> None:
    """End this process, at once and surely, when the process `parent` that started it ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)


def apply(memory_bytes: int, time_limit_s: float) -> None:
    """Set the limits of this process; none of them can be lifted again by it.

    The processor's time is that of all its threads: as many cores as there are, each for the
    hard limit.
    """
    cpu_s = math.ceil(hard_limit_s(time_limit_s)) * (os.cpu_count() or 1)
    for what, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, MAX_FILE_BYTES),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _lower(what, value)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
        # where the machine's memory runs out, this is ended and not the database
        Path("/proc/self/oom_score_adj").write_text("700")
    os.umask(0o077)


def _lower(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(what, (bound, bound))
