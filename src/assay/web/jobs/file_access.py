"""A process that sees of the disk only what an examination needs, and writes only where it should.

Landlock (Linux 5.13 and later) needs no privilege and holds for good: programs and libraries may
be read, the file itself may be read, the result's folder and a private one may be written to. A
file that takes the process over finds no other upload, no database and no key, and cannot change
the medium. Source: Linux, Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

CREATE, ADD, RESTRICT = 444, 445, 446  # the same numbers on every machine
VERSION_ASKED, PATH_BENEATH = 1, 1
PR_SET_NO_NEW_PRIVS = 38
READ_FILE, READ_FOLDER = 1 << 2, 1 << 3
WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
# write, remove and make plain files and folders; not links, devices, pipes or sockets
CHANGE = WRITE_FILE | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8
REFER = 1 << 13  # from one folder into another, where both may be written
N_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # by version; 16 from 5 on
OF_FILES = READ_FILE | WRITE_FILE | TRUNCATE
SYSTEM = (
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl", "/etc/fonts",
    "/etc/mime.types", "/dev/urandom", "/dev/random", "/dev/zero", "/proc/cpuinfo",
    "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu", "/sys/fs/cgroup",
)  # fmt: skip
NETWORKED = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/run/systemd",
)


def version() -> int:
    """Which Landlock this kernel has; 0 for none."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(CREATE, None, ctypes.c_size_t(0), VERSION_ASKED)))


def programs() -> list[str]:
    """The folders that Python and what it imports lie in."""
    package = Path(__file__).resolve().parents[2]
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, str(package), *sys.path]
    anchors = os.environ.get("ASSAY_C2PA_TRUST_ANCHORS")
    return [one for one in (*found, anchors) if one]


def confine(readable: Iterable[str], writable: Iterable[str], *, networked: bool = False) -> bool:
    """See nothing else from here on; False where the kernel has no Landlock.

    Raises OSError where it has and refuses.
    """
    held = version()
    if not held:
        return False
    every = (1 << N_RIGHTS.get(held, 16)) - 1
    ruleset = _made(every, held)
    more = (*NETWORKED, *SYSTEM) if networked else SYSTEM
    for path in (*more, *programs(), *readable):
        _open(ruleset, path, READ_FILE | READ_FOLDER)
    _open(ruleset, os.devnull, READ_FILE | WRITE_FILE)
    for path in writable:
        rights = READ_FILE | READ_FOLDER | CHANGE | TRUNCATE | REFER
        _open(ruleset, path, rights & every)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call(RESTRICT, ruleset, 0)
    os.close(ruleset)
    return True


def _made(every: int, held: int) -> int:
    """A ruleset; from version 6 on it also keeps signals and abstract sockets inside."""
    told = struct.pack("=QQQ", every, 0, 3)[: 24 if held >= 6 else 8]
    return _call(
        CREATE, ctypes.create_string_buffer(told, len(told)), ctypes.c_size_t(len(told)), 0
    )


def _open(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # what is not there needs no right
        return
    try:
        if not os.path.isdir(path):
            rights &= OF_FILES
        rule = struct.pack("=Qi", rights, place)
        _call(ADD, ruleset, PATH_BENEATH, ctypes.create_string_buffer(rule, len(rule)), 0)
    finally:
        os.close(place)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    answer = int(libc.syscall(ctypes.c_long(number), *arguments))
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
