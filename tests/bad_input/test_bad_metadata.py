"""Metadata made to harm: harmless within seconds, told to the user, and the file is untouched."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from assay.case import Case
from assay.detectors.metadata import DETECTOR
from assay.errors import AssayError
from assay.types import Evidence

from .metadata_makers import FILMS, PICTURES, SOUNDS, Hostile

TIME_LIMIT_S = 10.0
MEMORY_BYTES = 160 * 2**20
SPELLED_OUT = ("\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u200b", "\x00")


def written(folder: Path, hostile: Hostile) -> Path:
    path = folder / hostile.name
    path.write_bytes(hostile.make())
    return path


def examined(path: Path) -> Evidence:
    from tests.media.tag_makers import media_at

    (evidence,) = DETECTOR().examine(Case(media_at(path, (96, 96))))
    return evidence


@pytest.mark.parametrize("hostile", PICTURES, ids=lambda hostile: hostile.name)
def test_a_hostile_picture_is_harmless_and_told(tmp_path: Path, hostile: Hostile) -> None:
    path = written(tmp_path, hostile)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    tracemalloc.start()
    started = time.monotonic()
    try:
        evidence = examined(path)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - started < TIME_LIMIT_S
    assert peak_bytes < MEMORY_BYTES
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    codes = [finding.code for finding in evidence.findings]
    assert codes
    assert not hostile.code or hostile.code in codes
    assert not any(text.startswith("rule ") for text in _damaged_blocks(evidence))


def _damaged_blocks(evidence: Evidence) -> list[str]:
    found = [one for one in evidence.findings if one.code == "metadata_damaged"]
    return [text for one in found for text in one.values["blocks"]]


@pytest.mark.parametrize("hostile", [*SOUNDS, *FILMS], ids=lambda hostile: hostile.name)
def test_a_hostile_container_ends(tmp_path: Path, hostile: Hostile) -> None:
    """In a process of its own: a demuxer that hangs in C cannot be stopped from Python."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("the peak of memory is read from /proc")
    path = written(tmp_path, hostile)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from assay.case import Case\n"
        "from assay.detectors.metadata import DETECTOR\n"
        "from assay.errors import AssayError\n"
        "from assay.media.probe import probe\n"
        "try:\n"
        "    (evidence,) = DETECTOR().examine(Case(probe(Path(sys.argv[1]))))\n"
        "    assert evidence.findings\n"
        "except AssayError as error:\n"
        "    assert error.code.startswith('media_'), error.code\n"
        # Not getrusage: a forked child starts with its parent's peak.
        "lines = Path('/proc/self/status').read_text().splitlines()\n"
        "peak_kib = [int(line.split()[1]) for line in lines if line.startswith('VmHWM')]\n"
        "assert all(one < 500 * 2**10 for one in peak_kib), peak_kib\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-500:]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("name", ["script.jpg", "terminal.jpg", "turned.jpg"])
def test_hostile_text_is_plain_text_in_every_report(tmp_path: Path, name: str) -> None:
    from assay import Options, detect
    from assay.report import to_html, to_line

    hostile = next(one for one in PICTURES if one.name == name)
    verdict = detect(written(tmp_path, hostile), Options(detectors=("metadata",), stability=False))
    line, page, words = to_line(verdict), to_html(verdict), _in_words(verdict)
    assert "metadata_active_text" in line
    for text in (line, words, page):
        assert not [mark for mark in SPELLED_OUT if mark in text]
    markup = page.replace("&lt;", "")
    assert "<script>alert" not in markup
    assert "<img src=x" not in markup
    assert "onerror=alert" not in _tags_of(page)


def _in_words(verdict: object) -> str:
    from rich.console import Console

    from assay.report import print_verdicts

    out = io.StringIO()
    print_verdicts([verdict], Console(file=out, color_system=None, width=120))  # type: ignore[list-item]
    return out.getvalue()


def _tags_of(page: str) -> str:
    """What a browser takes for markup: every tag with its attributes, and nothing else."""
    from html.parser import HTMLParser

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found.append(f"<{tag} " + " ".join(f"{k}={v}" for k, v in attrs))

    reader = Reader()
    reader.feed(page)
    assert len(reader.found) > 20, "the page is read"
    return "\n".join(one for one in reader.found if not one.startswith("<script type="))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text("the-secret-of-this-machine")
    return path


def test_nothing_of_this_machine_is_read_into_the_findings(tmp_path: Path, secret: Path) -> None:
    from .metadata_makers import XXE, in_xmp

    path = tmp_path / "xxe.jpg"
    path.write_bytes(in_xmp(XXE.replace(b"/etc/passwd", str(secret).encode())))
    told = str(examined(path).findings)
    assert "the-secret" not in told
    assert "root:" not in told


def test_the_probe_of_a_flood_names_the_reason(tmp_path: Path) -> None:
    from assay.media.probe import probe

    path = written(tmp_path, SOUNDS[0])
    with pytest.raises(AssayError, match="tags"):
        probe(path)
