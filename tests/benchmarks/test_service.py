"""The benchmark of the service measures what it says: on a small scale, and on known values."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the web extra")
pytest.importorskip("httpx", reason="needs the dev extra")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import service


def test_percentiles_are_in_milliseconds() -> None:
    assert service.percentiles([0.001 * i for i in range(101)]) == {"p50_ms": 50.0, "p95_ms": 95.0}


def test_no_picture_answers_for_another(tmp_path: Path) -> None:
    found = service.pictures(tmp_path / "pictures", 4, size_px=64)
    assert len({path.read_bytes() for path in found}) == 4
    assert len({service.noise(i) for i in range(4)}) == 4


def test_memory_of_a_process_and_of_those_it_started() -> None:
    hold = "import sys; held = b'x' * 60_000_000; print(flush=True); sys.stdin.read()"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (child,) = service.descendants(process.pid)
        assert 60 < service.pss_mb(child) < 120
        assert child in service.descendants(os.getpid())
        process.communicate()
    assert service.pss_mb(child) == 0.0


def test_a_full_queue_takes_no_more_than_it_may(tmp_path: Path) -> None:
    found = service.overfilled(tmp_path / "queue", n_queue=5, n_sent=12, n_clients=4)
    assert (found["accepted"], found["refused_503"], found["waiting_afterwards"]) == (5, 7, 5)
    assert found["refused_with_retry_after"] == 7
