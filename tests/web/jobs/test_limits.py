from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from assay.web.jobs import limits
from tests.web.jobs.running import until


def test_only_what_is_needed_of_the_environment_is_passed_on() -> None:
    given = {"PATH": "/bin", "PGPASSWORD": "x", "ASSAY_SERVE_DATABASE": "x", "AWS_SECRET": "x"}
    assert limits.clean_environment(given) == {"PATH": "/bin"}


def test_limits_are_set_and_cannot_be_lifted() -> None:
    script = (
        "import resource, os\nfrom assay.web.jobs import limits\nlimits.apply(2**32, 10.0)\n"
        "for what in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE,"
        " resource.RLIMIT_NOFILE, resource.RLIMIT_CORE): print(*resource.getrlimit(what))\n"
        "print(open('/proc/self/oom_score_adj').read(), oct(os.umask(0)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    cpu_s = 40 * (os.cpu_count() or 1)
    values = (2**32, cpu_s, limits.MAX_FILE_BYTES, limits.MAX_OPEN_FILES, 0)
    assert ran.stdout.split("\n")[:5] == [f"{value} {value}" for value in values]
    assert ran.stdout.split()[-2:] == ["700", "0o77"]


def test_a_lower_limit_of_the_operators_stays() -> None:
    script = (
        "import resource\nfrom assay.web.jobs import limits\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))\nlimits.apply(2**32, 1.0)\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "100"


def test_it_dies_with_its_parent() -> None:
    child = (
        "import os, time\nfrom assay.web.jobs import limits\nlimits.die_with(os.getppid())\n"
        "print(os.getpid(), flush=True)\ntime.sleep(60)"
    )
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True
    ) as held:
        assert held.stdout is not None
        pid = int(held.stdout.readline())
        held.send_signal(signal.SIGKILL)
    until(lambda: not _runs(pid), 10)


def test_one_whose_parent_is_gone_already_ends_at_once() -> None:
    script = "import time\nfrom assay.web.jobs import limits\nlimits.die_with(1)\ntime.sleep(60)"
    began = time.monotonic()
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 1
    assert time.monotonic() - began < 20


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_hard_limit_leaves_time_for_the_report() -> None:
    assert limits.hard_limit_s(120.0) == 120.0 + limits.GRACE_S
