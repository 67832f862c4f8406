"""`python benchmarks/service.py`: what the service costs beside `assay detect` itself.

One run on one machine, in rounds: the same pictures through `assay detect --report`, through a
service with one worker and through one with a worker a core, in turn, so that all three see the
machine's good and bad minutes. Then a queue that is sent more than it takes, and the memory of
server and workers over many uploads. Writes benchmarks/results/service.json. Compare ratios, not
seconds.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

import assay

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
PORTRAITS = ("astronaut.jpg", "grace_hopper.jpg")
PATIENCE_S = 1200.0
LOOK_S = 0.2  # before a client asks again
OVER = ("finished", "set_aside", "cancelled")


@dataclass(frozen=True)
class Server:
    url: str
    pid: int

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=120)


@contextmanager
def serving(folder: Path, *flags: str) -> Iterator[Server]:
    """A server of its own, ended afterwards."""
    command = [sys.executable, "-m", "assay", "serve", "--port", "0", "--min-free", "0"]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "data"), *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        found = re.match(r"assay serves (http://\S+)/$", process.stdout.readline())
        assert found is not None, (folder / "server.log").read_text()
        yield Server(found[1], process.pid)
    finally:
        process.terminate()
        process.wait(60)


def pictures(folder: Path, n: int, size_px: int = 512) -> list[Path]:
    """Portraits that differ by a shift: each is examined in full, none answers for another."""
    folder.mkdir(parents=True)
    found = []
    for i in range(n):
        with Image.open(EXAMPLES / PORTRAITS[i % len(PORTRAITS)]) as opened:
            whole = opened.convert("RGB").resize((size_px + 64, size_px + 64))
        left, top = i % 64, i // 64 % 64
        path = folder / f"portrait-{i:04}.jpg"
        whole.crop((left, top, left + size_px, top + size_px)).save(path, quality=90)
        found.append(path)
    return found


def noise(i: int, size_px: int = 96) -> bytes:
    """A small picture of which there is no second."""
    pixels = np.random.default_rng(i).integers(0, 255, (size_px, size_px, 3), dtype=np.uint8)
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    return held.getvalue()


def detected(paths: Sequence[Path], reports: Path) -> float:
    """How long `assay detect` takes for all of them, with a report of each, in seconds."""
    command = [sys.executable, "-m", "assay", "detect", "--json", "--report", str(reports)]
    started = time.perf_counter()
    answer = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True)
    taken = time.perf_counter() - started
    assert len(answer.stdout.splitlines()) == len(paths), answer.stderr
    return taken


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50 and p95 in milliseconds, of values in seconds."""
    found = {"p50_ms": np.percentile(values, 50), "p95_ms": np.percentile(values, 95)}
    return {name: round(1000 * float(value), 1) for name, value in found.items()}


def send(
    client: httpx.Client, name: str, data: bytes, **fields: str
) -> tuple[httpx.Response, float]:
    """Send a file; the answer and how long it took, in seconds."""
    started = time.perf_counter()
    answer = client.post("/v1/examinations", data=fields, files={"file": (name, data)})
    return answer, time.perf_counter() - started


def over(client: httpx.Client, id_: str) -> dict[str, Any]:
    """The examination once it is over, as its events tell: clients that ask would be a load."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with client.stream("GET", f"/v1/examinations/{id_}/events") as stream:
            if "event: finished" in stream.iter_lines():
                break
        time.sleep(LOOK_S)
    told: dict[str, Any] = client.get(f"/v1/examinations/{id_}").json()
    assert told["status"] in OVER, told
    return told


@dataclass
class Lane:
    """A service that is sent every round, and what came of it."""

    server: Server
    n_workers: int
    seconds: list[float] = field(default_factory=list)
    accept_s: list[float] = field(default_factory=list)
    result_s: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def round(self, paths: Sequence[Path], n_clients: int) -> None:
        """All clients at once, each waits for its results."""
        started = time.perf_counter()
        with ThreadPoolExecutor(n_clients) as clients:
            list(clients.map(self._one, paths))
        self.seconds.append(time.perf_counter() - started)

    def _one(self, path: Path) -> None:
        with self.server.client() as client:
            began = time.perf_counter()
            answer, accept_s = send(client, path.name, path.read_bytes())
            assert answer.status_code == 202, answer.text
            told = over(client, answer.json()["id"])
            self.result_s.append(time.perf_counter() - began)
        self.accept_s.append(accept_s)
        self.statuses[told["verdict"]["status"]] += 1

    def told(self, detect_s: Sequence[float], n_clients: int) -> dict[str, Any]:
        ratios = [alone / own for alone, own in zip(detect_s, self.seconds, strict=True)]
        return {
            "workers": self.n_workers,
            "clients": n_clients,
            "files": len(self.result_s),
            "files_per_s": round(len(self.result_s) / sum(self.seconds), 3),
            "times_detect": round(statistics.median(ratios), 2),
            "times_detect_by_round": [round(one, 2) for one in ratios],
            "accept": percentiles(self.accept_s),
            "result": percentiles(self.result_s),
            "statuses": dict(self.statuses),
        }


def rounds(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """`assay detect` and both services in turn, on pictures that none of them has seen."""
    cores = os.cpu_count() or 1
    paths = pictures(folder / "pictures", arguments.files * arguments.rounds)
    detect_s: list[float] = []
    with ExitStack() as stack:
        lanes = []
        for n_workers in (1, cores):
            place = folder / f"workers-{n_workers}"
            place.mkdir()
            server = stack.enter_context(serving(place, "--workers", str(n_workers)))
            warm_up(server)
            lanes.append(Lane(server, n_workers))
        for i in range(arguments.rounds):
            some = paths[i :: arguments.rounds]
            detect_s.append(detected(some, folder / f"reports-{i}"))
            for lane in lanes:
                lane.round(some, arguments.clients)
    return {
        "detect": {
            "files": len(paths),
            "files_per_s": round(len(paths) / sum(detect_s), 3),
            "seconds_by_round": [round(one, 1) for one in detect_s],
        },
        "service_one_worker": lanes[0].told(detect_s, arguments.clients),
        "service_one_worker_a_core": lanes[1].told(detect_s, arguments.clients),
    }


def warm_up(server: Server) -> None:
    """Every worker has imported what it needs, as after a minute of any service."""
    with server.client() as client:
        sent = [send(client, f"{i}.png", noise(10**6 + i))[0].json()["id"] for i in range(4)]
        for id_ in sent:
            over(client, id_)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if client.get("/health").json()["checks"]["workers"]["status"] == "ok":
                return
            time.sleep(LOOK_S)


def overfilled(folder: Path, n_queue: int, n_sent: int, n_clients: int) -> dict[str, Any]:
    """More files than the queue takes, sent at once with nobody to examine them."""
    folder.mkdir()

    def one(number: int) -> tuple[int, float, str | None]:
        with server.client() as client:
            answer, taken = send(client, f"{number}.bin", f"file {number}".encode())
        return answer.status_code, taken, answer.headers.get("retry-after")

    with serving(folder, "--workers", "0", "--max-queue", str(n_queue)) as server:
        with ThreadPoolExecutor(n_clients) as clients:
            answers = list(clients.map(one, range(n_sent)))
        with server.client() as client:
            told = client.get("/v1/examinations", params={"status": "queued", "limit": 200}).json()
    codes = Counter(code for code, _, _ in answers)
    return {
        "max_queue": n_queue,
        "sent": n_sent,
        "clients": n_clients,
        "accepted": codes[202],
        "refused_503": codes[503],
        "refused_with_retry_after": sum(1 for code, _, after in answers if code == 503 and after),
        "waiting_afterwards": len(told["examinations"]),
        "accept": percentiles([taken for code, taken, _ in answers if code == 202]),
        "refuse": percentiles([taken for code, taken, _ in answers if code == 503] or [0.0]),
    }


def remembered(folder: Path, n_uploads: int, n_steps: int, n_clients: int) -> dict[str, Any]:
    """The memory of the server, and of its workers between examinations, while uploads go by."""
    folder.mkdir()

    def one(number: int) -> None:
        with server.client() as client:
            answer, _ = send(client, f"{number}.png", noise(number), stability="false")
            assert answer.status_code == 202, answer.text
            over(client, answer.json()["id"])

    held = []
    with serving(folder, "--workers", "2") as server:
        warm_up(server)
        with ThreadPoolExecutor(n_clients) as clients:
            for step in range(n_steps + 1):
                held.append({"uploads": step * n_uploads // n_steps} | memory(server.pid))
                first, last = (n_uploads * i // n_steps for i in (step, min(step + 1, n_steps)))
                list(clients.map(one, range(first, last)))
    server_mb = [one["server_mb"] for one in held]
    workers_mb = [one["workers_mb"] for one in held]
    return {
        "uploads": n_uploads,
        "steps": held,
        # From the first fifth on: what is imported and cached once is there by then.
        "server_growth_mb": round(server_mb[-1] - server_mb[n_steps // 5], 1),
        "workers_growth_mb": round(workers_mb[-1] - workers_mb[n_steps // 5], 1),
    }


def memory(pid: int) -> dict[str, float]:
    """Proportional set size, so that what processes share counts once, in megabytes."""
    workers = [one for child in children(pid) for one in (child, *descendants(child))]
    return {
        "server_mb": round(pss_mb(pid), 1),
        "workers_mb": round(sum(map(pss_mb, workers)), 1),
        "server_files": len(os.listdir(f"/proc/{pid}/fd")),
        "server_threads": len(os.listdir(f"/proc/{pid}/task")),
    }


def descendants(pid: int) -> list[int]:
    return [one for child in children(pid) for one in (child, *descendants(child))]


def children(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        texts = [Path(f"/proc/{pid}/task/{one}/children").read_text() for one in threads]
    except OSError:
        return []
    return [int(word) for text in texts for word in text.split()]


def pss_mb(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.M)
    return int(found[1]) / 1000 if found else 0.0


class Load:
    """The machine's load while this runs: what else is at work shows beside the numbers."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self._stop = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self._stop.wait(5.0):
            self.seen.append(os.getloadavg()[0])

    def told(self) -> dict[str, float]:
        self._stop.set()
        seen = self.seen or [os.getloadavg()[0]]
        return {"median": round(statistics.median(seen), 2), "highest": round(max(seen), 2)}


def measured(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    return {
        **rounds(arguments, folder),
        "queue": overfilled(folder / "queue", 100, 300, arguments.clients),
        "memory": remembered(folder / "memory", arguments.uploads, 10, arguments.clients),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=6, help="pictures of a round")
    parser.add_argument("--uploads", type=int, default=500, help="small pictures sent for memory")
    parser.add_argument("--clients", type=int, default=8, help="clients at once")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "service.json")
    arguments = parser.parse_args()
    load = Load()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(arguments, Path(folder))
    result = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"python benchmarks/service.py --rounds {arguments.rounds} "
        f"--files {arguments.files} --uploads {arguments.uploads} --clients {arguments.clients}",
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load_average": load.told(),
        "assay_version": assay.__version__,
        **found,
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
