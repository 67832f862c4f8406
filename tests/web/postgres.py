"""A PostgreSQL server of the tests' own: Debian's programs, a folder that goes afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path


def program(name: str) -> str | None:
    """Where a server program lies: Debian keeps them out of PATH."""
    found = sorted(glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return shutil.which(name) or (found[-1] if found else None)


def missing() -> str:
    """Why there can be no server here; empty where there can."""
    if program("initdb") is None or program("postgres") is None:
        return "PostgreSQL's server programs are not installed"
    if os.geteuid() == 0 and (shutil.which("runuser") is None or not _has_user("postgres")):
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


@contextmanager
def server(*settings: str) -> Iterator[str]:
    """Start a server; gives `postgresql://…` of an empty database. A setting is `ssl=on`."""
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if become:
        shutil.chown(folder, "postgres")
    port = _free_port()
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": folder}
    make = [str(program("initdb")), "-D", f"{folder}/db", "-A", "trust", "-U", "postgres", "-N"]
    subprocess.run([*become, *make], check=True, stderr=subprocess.DEVNULL, **quiet)  # type: ignore[call-overload]
    run = [str(program("postgres")), "-D", f"{folder}/db", "-p", str(port), "-k", str(folder)]
    run += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200"]
    run += [word for one in settings for word in ("-c", one)]
    running = subprocess.Popen([*become, *run], stderr=subprocess.DEVNULL, **quiet)  # type: ignore[call-overload]
    try:
        _await(port, running)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        # runuser hands no signal on; the server itself is asked to end.
        pid = folder / "db" / "postmaster.pid"
        if pid.exists():
            os.kill(int(pid.read_text().split()[0]), 3)
        running.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await(port: int, running: subprocess.Popen[bytes]) -> None:
    import pg8000.native

    for _ in range(300):
        if running.poll() is not None:
            raise RuntimeError(f"the server ended with {running.returncode}")
        try:
            pg8000.native.Connection("postgres", host="127.0.0.1", port=port).close()
        except Exception:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not start")
