from __future__ import annotations

import platform
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from assay.web.jobs import no_network

needs_filter = pytest.mark.skipif(not no_network.can_refuse(), reason="no seccomp filters here")
TRY = """
import socket, subprocess, sys
from assay.web.jobs import no_network
{before}
print(no_network.refuse(sockets={sockets}))
for what in (
    lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close(),
    lambda: subprocess.run(["/bin/true"]),
):
    try:
        what(); print("done")
    except OSError as error:
        print(error.errno)
"""


def tried(sockets: bool, before: str = "") -> list[str]:
    script = TRY.format(sockets=sockets, before=before)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return ran.stdout.split()


@needs_filter
def test_connections_and_programs_are_refused_by_the_system() -> None:
    assert tried(sockets=True) == ["True", "1", "1"]


@needs_filter
def test_connections_stay_where_the_operator_lets_manifests_be_fetched() -> None:
    assert tried(sockets=False) == ["True", "done", "1"]


@pytest.mark.parametrize("sockets", [True, False])
def test_without_filters_python_itself_refuses_and_it_is_told(sockets: bool) -> None:
    without = "no_network.can_refuse = lambda: False"
    assert tried(sockets, without) == ["False", "1" if sockets else "done", "1"]


def _answer(program: bytes, machine: int, number: int, argument: int = 0) -> int:
    """Run the filter as the kernel does."""
    data = struct.pack("=IIQQ", number, machine, 0, argument)
    steps = list(struct.iter_unpack("=HBBI", program))
    held, at = 0, 0
    while True:
        code, yes, no, value = steps[at]
        at += 1
        if code == no_network.RETURN:
            return int(value)
        if code == no_network.LOAD:
            held = struct.unpack_from("=I", data, value)[0]
            continue
        holds = {
            no_network.EQUAL: held == value,
            no_network.AT_LEAST: held >= value,
            no_network.ANY_BIT: bool(held & value),
        }[code]
        at += yes if holds else no


@pytest.mark.parametrize("machine", list(no_network.MACHINES))
def test_what_the_filter_says_to_each_call(machine: str) -> None:
    column = list(no_network.MACHINES).index(machine)
    mark, program = no_network.MACHINES[machine], no_network._program(machine, True)
    refused = [numbers[column] for numbers in no_network.OTHERS.values()]
    for number in [no_network.SOCKET[column], *refused]:
        if number is not None:
            assert _answer(program, mark, number) == no_network.EPERM
    for number in (0, 63, 199, 300):  # read, write and their like
        expected = no_network.EPERM if number in refused else no_network.ALLOW
        assert _answer(program, mark, number) == expected
    clone = no_network.CLONE[column]
    assert _answer(program, mark, clone, 0x3D0F00) == no_network.ALLOW  # a thread
    assert _answer(program, mark, clone, 0x1200011) == no_network.EPERM  # a process
    assert _answer(program, mark, no_network.CLONE3[column]) == no_network.ENOSYS
    assert _answer(program, 0x40000003, 102) == no_network.EPERM  # another machine's calls
    open_ = no_network._program(machine, False)
    assert _answer(open_, mark, int(no_network.SOCKET[column])) == no_network.ALLOW


def test_calls_under_other_numbers_are_refused() -> None:
    program = no_network._program("x86_64", True)
    asked = no_network.X32_CALLS + 41
    assert _answer(program, no_network.MACHINES["x86_64"], asked) == no_network.EPERM


@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of this machine's header")
def test_the_numbers_are_those_of_this_machine() -> None:
    names = {"socket": no_network.SOCKET[0], **{k: v[0] for k, v in no_network.OTHERS.items()}}
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("the kernel's header is not installed")
    text = header.read_text().split()
    told = {text[i + 1].removeprefix("__NR_"): text[i + 2] for i in range(len(text) - 2)}
    for name, number in names.items():
        assert int(told[name]) == number


def test_memory_is_hidden_from_others_of_the_same_user() -> None:
    script = (
        "import ctypes\nfrom assay.web.jobs import no_network\nno_network.hide_memory()\n"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "0"
