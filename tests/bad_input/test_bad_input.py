"""Every bad file gets its documented reason and exit code, and never stops the others.

The files are made once and examined by one call of the command line, as a user would make it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import makers

PROGRAM = [sys.executable, "-c", "from assay.cli import main; main()"]
TIME_LIMIT_S = 60
MEMORY_BYTES = 500 * 2**20

Maker = Callable[[Path], None]


@dataclass(frozen=True)
class Bad:
    """A file's name, how it is made, and what must be answered."""

    name: str
    make: Maker
    status: str
    code: str


FAILED, DECLINED = "failed", "declined"
BAD = (
    Bad("empty.jpg", lambda path: path.touch(), FAILED, "file_empty"),
    Bad("truncated.jpg", makers.cut(makers.jpeg, 0.5), FAILED, "media_damaged"),
    Bad("truncated.png", makers.cut(makers.png, 0.5), FAILED, "media_damaged"),
    Bad("truncated.mp4", makers.cut(makers.mp4, 0.5), FAILED, "media_damaged"),
    Bad("noise.jpg", makers.noise, FAILED, "media_unsupported"),
    Bad("text.mp4", lambda p: p.write_text("no video\n") and None, FAILED, "media_unsupported"),
    Bad("jpeg.txt", makers.jpeg, DECLINED, "no_face"),
    Bad("png.mp4", makers.png, DECLINED, "no_face"),
    Bad("video.wav", makers.mp4, DECLINED, "no_face"),
    Bad("encrypted.mp4", makers.encrypted_mp4, FAILED, "media_encrypted"),
    Bad("zero-frame.mp4", makers.zero_frame_mp4, FAILED, "media_damaged"),
    Bad("one-frame.mp4", lambda path: makers.mp4(path, 1), DECLINED, "no_face"),
    Bad("one-pixel.png", lambda path: makers.png(path, 1, 1), DECLINED, "no_face"),
    Bad("bomb.png", makers.bomb_png, FAILED, "media_too_large"),
    Bad("no-face.jpg", makers.jpeg, DECLINED, "no_face"),
    Bad("animated.gif", makers.animated_gif, DECLINED, "no_face"),
    Bad("socket", makers.unix_socket, FAILED, "not_a_file"),
    Bad("fifo", lambda path: os.mkfifo(path), FAILED, "not_a_file"),
    Bad("folder", lambda path: path.mkdir(), FAILED, "folder_empty"),
    Bad("missing.jpg", lambda path: None, FAILED, "file_missing"),
    Bad("circle.jpg", lambda path: path.symlink_to(path), FAILED, "file_missing"),
)

ODD_NAMES = (
    "naïve 名前 🎭.jpg",
    "two\nlines.jpg",
    "bell\x07\x1b[31mred.jpg",
    "-rf.jpg",
    "[bold]markup[∕bold].jpg",
    "<script>alert(1)<∕script>.jpg",
    os.fsdecode(b"bytes-\xff\xfe.jpg"),
    "n" * 251 + ".jpg",
    "50%_{name}$(x)`y`;z.jpg",
)


def assay(
    arguments: Sequence[str], folder: Path, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in `folder`, with a bound on its time."""
    return subprocess.run(
        [*prefix, *PROGRAM, *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ASSAY_THREADS": "1"},
        capture_output=True,
        timeout=300,
        check=False,
    )


def lines(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("b", numbered=True)
    for bad in BAD:
        bad.make(top / bad.name)
    return top


@pytest.fixture(scope="module")
def done(folder: Path) -> subprocess.CompletedProcess[bytes]:
    names = [bad.name for bad in BAD]
    return assay(["detect", "--json", "--time-limit", str(TIME_LIMIT_S), *names], folder)


def test_each_file_gets_its_line_in_order(done: subprocess.CompletedProcess[bytes]) -> None:
    assert [line["input"]["name"] for line in lines(done)] == [bad.name for bad in BAD]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_the_answer(done: subprocess.CompletedProcess[bytes], bad: Bad) -> None:
    (line,) = (line for line in lines(done) if line["input"]["name"] == bad.name)
    assert (line["status"], line["reasons"][0]["code"]) == (bad.status, bad.code)
    assert line["verdict"] == "not_analysable"
    assert line["p_fake"] is None, "what was not scored has no score"
    assert len(line["reasons"][0]["text"]) > 10
    assert line["limits"], "it says what was not tested"
    assert line["runtime"]["elapsed_ms"] < TIME_LIMIT_S * 1000


def test_the_call_ends_as_documented(done: subprocess.CompletedProcess[bytes]) -> None:
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
    assert b"internal_error" not in done.stdout


def test_every_line_satisfies_the_schema(done: subprocess.CompletedProcess[bytes]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from assay.report import schema

    for line in lines(done):
        jsonschema.validate(line, schema())


def test_the_same_in_words(folder: Path) -> None:
    names = [bad.name for bad in BAD if bad.name != "bomb.png"]
    answered = assay(["detect", *names], folder)
    text = answered.stdout.decode()
    assert answered.returncode == 3
    assert "Traceback" not in text + answered.stderr.decode()
    assert all(name in text for name in names)


def test_each_alone_ends_with_3(folder: Path) -> None:
    for name in ("empty.jpg", "missing.jpg", "no-face.jpg", "folder"):
        assert assay(["detect", name], folder).returncode == 3


def test_a_bomb_is_refused_before_it_goes_off(folder: Path) -> None:
    """Nine hundred megapixels decoded once would take 0.9 to 2.7 GB."""
    # A forked child starts with its parent's peak: a small parent stands between.
    watch = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "sys.stdout.buffer.write(done.stdout)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch, *PROGRAM, "detect", "--json", "bomb.png"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
    )
    answer, peak_kib = done.stdout.splitlines()
    line = json.loads(answer)
    assert line["reasons"][0]["code"] == "media_too_large"
    assert int(peak_kib) * 1024 < MEMORY_BYTES


def test_five_hundred_faces(tmp_path: Path) -> None:
    makers.crowd(tmp_path / "crowd.jpg", _portrait())
    makers.jpeg(tmp_path / "after.jpg")
    answered = assay(
        ["detect", "--json", "--time-limit", "120", "crowd.jpg", "after.jpg"], tmp_path
    )
    crowd, after = lines(answered)
    assert crowd["status"] in ("completed", "declined")
    assert 1 <= len({face["track"] for face in crowd["faces"]}) <= 16
    assert any("face" in limit for limit in crowd["limits"]), "the faces left out are mentioned"
    assert after["input"]["name"] == "after.jpg"
    assert b"Traceback" not in answered.stderr


def _portrait() -> Path:
    """A real face: one of the examples, or the one that matplotlib ships."""
    found = sorted((Path(__file__).parents[2] / "examples").glob("*hopper*.jpg"))
    spec = importlib.util.find_spec("matplotlib")
    if spec is not None and spec.origin is not None:
        found.append(Path(spec.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg")
    found = [path for path in found if path.is_file()]
    if not found:
        pytest.skip("no portrait: examples/ has none and matplotlib is not installed")
    return found[0]


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    makers.jpeg(tmp_path / "closed.jpg")
    makers.jpeg(tmp_path / "open.jpg")
    (tmp_path / "locked").mkdir()
    makers.jpeg(tmp_path / "locked" / "inside.jpg")
    (tmp_path / "closed.jpg").chmod(0)
    (tmp_path / "locked").chmod(0)
    answered = assay(["detect", "--json", "."], tmp_path, _without_override())
    (tmp_path / "locked").chmod(0o700)
    codes = {line["input"]["name"]: line["reasons"][0]["code"] for line in lines(answered)}
    assert codes == {
        "./closed.jpg": "file_unreadable",
        "./locked": "file_unreadable",
        "./open.jpg": "no_face",
    }
    assert answered.returncode == 3


def _without_override() -> list[str]:
    """A prefix under which even root obeys permissions."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and setpriv is not installed")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def test_odd_names(tmp_path: Path) -> None:
    inside = tmp_path / "odd"
    inside.mkdir()
    for name in ODD_NAMES:
        makers.jpeg(inside / name)
    answered = assay(["detect", "--json", "--report", "out", "odd"], tmp_path)
    found = lines(answered)
    assert len(found) == len(ODD_NAMES)
    assert {line["reasons"][0]["code"] for line in found} == {"no_face"}
    assert len({line["input"]["name"] for line in found}) == len(ODD_NAMES)
    pages = [Path(tmp_path, line["artifacts"][0]["path"]) for line in found]
    assert len(set(pages)) == len(ODD_NAMES)
    assert all(b"<script>alert" not in page.read_bytes() for page in pages)
    # What is printed for people cannot steer their terminal, nor break its lines.
    said = assay(["detect", "odd"], tmp_path)
    assert b"\x1b" not in said.stdout
    assert b"\x07" not in said.stdout
    assert b"Traceback" not in answered.stderr + said.stderr


def test_odd_names_that_are_missing(tmp_path: Path) -> None:
    names = [*ODD_NAMES, "x" * 300, "a/" * 2500 + "b"]
    answered = assay(["detect", "--json", "--", *names], tmp_path)
    found = lines(answered)
    assert [line["status"] for line in found] == ["failed"] * len(names)
    assert b"Traceback" not in answered.stderr
    assert answered.returncode == 3


def test_standard_input_may_be_bad_too(folder: Path) -> None:
    for content, code in ((b"", "file_empty"), (b"no media", "media_unsupported")):
        answered = subprocess.run(
            [*PROGRAM, "detect", "--json", "-"],
            input=content,
            capture_output=True,
            cwd=folder,
            check=False,
        )
        (line,) = lines(answered)
        assert line["input"]["name"] == "<stdin>"
        assert line["reasons"][0]["code"] == code
        assert "/assay-" not in answered.stdout.decode()
        assert answered.returncode == 3


def test_a_file_may_not_take_for_ever(folder: Path) -> None:
    answered = assay(["detect", "--json", "--time-limit", "0.000001", "no-face.jpg"], folder)
    (line,) = lines(answered)
    assert line["reasons"][0]["code"] == "time_limit"
    assert answered.returncode == 3
