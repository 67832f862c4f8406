"""A process that may open no connection, start no program and touch no other process.

A seccomp filter, set through `prctl` and inherited by every later thread: the kernel answers the
calls named here with EPERM. Linux on x86_64 and aarch64; elsewhere, and where the kernel refuses,
Python's own sockets and programs are refused by an audit hook, which native code can go around.
Call numbers: Linux, arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from typing import Any

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
PR_SET_DUMPABLE = 4
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, ARCH_AT, FIRST_ARGUMENT_AT = 0, 4, 16
X32_CALLS = 0x40000000  # the same calls under other numbers
CLONE_THREAD = 0x00010000
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# (x86_64, aarch64); None where a machine has no such call
SOCKET, CLONE, CLONE3 = (41, 198), (56, 220), (435, 435)
OTHERS: dict[str, tuple[int | None, int | None]] = {
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425),  # its requests pass by every filter
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "setsid": (112, 157),  # it stays in the group that is ended with it
    "setpgid": (109, 154),
}


def can_refuse() -> bool:
    """Whether this kernel takes such filters; nothing is set."""
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0)
    return ctypes.get_errno() == errno.EFAULT  # EINVAL where there are none


def refuse(*, sockets: bool = True) -> bool:
    """Refuse from here on, for good; False where only Python's own calls could be refused.

    Without `sockets` connections stay allowed (the operator lets manifests be fetched).
    """
    if can_refuse() and _set_filter(_program(platform.machine(), sockets)):
        return True
    sys.addaudithook(_refuse_in_python if sockets else _refuse_programs)
    return False


def _set_filter(program: bytes) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    held = ctypes.create_string_buffer(program, len(program))
    pointed = struct.pack("@HxxxxxxQ", len(program) // 8, ctypes.addressof(held))
    filled = ctypes.create_string_buffer(pointed, len(pointed))
    return not libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filled, 0, 0)


def _program(machine: str, sockets: bool) -> bytes:
    """The filter in classic BPF: each step is code, jump if true, jump if not, value."""
    at = list(MACHINES).index(machine)
    steps = [
        (LOAD, 0, 0, ARCH_AT),
        (EQUAL, 1, 0, MACHINES[machine]),
        (RETURN, 0, 0, EPERM),
        (LOAD, 0, 0, NUMBER_AT),
    ]
    if machine == "x86_64":
        steps += [(AT_LEAST, 0, 1, X32_CALLS), (RETURN, 0, 0, EPERM)]
    # glibc asks for clone3 first; its flags lie in memory, where a filter cannot look
    steps += [(EQUAL, 0, 1, CLONE3[at]), (RETURN, 0, 0, ENOSYS)]
    refused = [numbers[at] for numbers in OTHERS.values()] + [SOCKET[at] if sockets else None]
    for number in refused:
        if number is not None:
            steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, EPERM)]
    steps += [
        (EQUAL, 0, 3, CLONE[at]),
        (LOAD, 0, 0, FIRST_ARGUMENT_AT),
        (ANY_BIT, 1, 0, CLONE_THREAD),
        (RETURN, 0, 0, EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _refuse_in_python(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.__new__", "socket.connect", "socket.getaddrinfo"):
        raise PermissionError(errno.EPERM, "no connection may be opened here")
    _refuse_programs(event, arguments)


def _refuse_programs(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn"):
        raise PermissionError(errno.EPERM, "no program may be started here")


def hide_memory() -> None:
    """Let no other process of the same user read this one's memory, environment or files."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
