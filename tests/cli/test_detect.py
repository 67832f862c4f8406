from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.errors import BundleMismatchError, DamagedMediaError
from assay.options import Options
from tests.real_faces import portrait_path

from .conftest import Answer, make_verdict

Assay = Callable[..., Answer]
ExamineWith = Callable[..., list[str]]


def files(folder: Path, *names: str) -> list[str]:
    paths = [folder / name for name in names]
    for path in paths:
        path.write_bytes(b"x")
    return [str(path) for path in paths]


def lines(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.out.splitlines()]


def by_name(labels: dict[str, str]) -> Callable[..., Any]:
    """A double that answers with the label that stands for the file's name."""

    def detect(path: str, _options: object, _progress: object) -> Any:
        label = labels[Path(path).name]
        if label == "damaged":
            raise DamagedMediaError("The picture cannot be decoded.")
        if label == "broken":
            raise BundleMismatchError("network.onnx differs.")
        return make_verdict(path, label)

    return detect


def test_one_line_of_json_for_every_file_in_order(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path
) -> None:
    paths = files(tmp_path, "b.jpg", "a.jpg")
    examine_with(by_name({"a.jpg": "no_evidence_found", "b.jpg": "inconclusive"}))
    answer = assay("detect", "--json", *paths)
    assert [line["input"]["name"] for line in lines(answer)] == paths
    assert [line["verdict"] for line in lines(answer)] == ["inconclusive", "no_evidence_found"]
    assert answer.code == 0
    assert answer.err == ""


@pytest.mark.parametrize(
    ("labels", "fail_on", "code"),
    [
        (["no_evidence_found"], "strong", 0),
        (["some_evidence"], "strong", 0),
        (["strong_evidence"], "strong", 1),
        (["some_evidence"], "some", 1),
        (["inconclusive"], "some", 0),
        (["inconclusive"], "inconclusive", 1),
        (["strong_evidence"], "inconclusive", 1),
        (["strong_evidence"], "never", 0),
        (["not_analysable"], "never", 3),
        (["damaged"], "never", 3),
        (["no_evidence_found", "damaged"], "strong", 3),
        (["damaged", "strong_evidence"], "strong", 1),
        (["strong_evidence", "broken", "damaged"], "strong", 4),
    ],
)
def test_exit_codes(
    assay: Assay,
    examine_with: ExamineWith,
    tmp_path: Path,
    labels: list[str],
    fail_on: str,
    code: int,
) -> None:
    names = [f"{index}.jpg" for index in range(len(labels))]
    examine_with(by_name(dict(zip(names, labels, strict=True))))
    answer = assay("detect", "--json", "--fail-on", fail_on, *files(tmp_path, *names))
    assert answer.code == code
    assert len(lines(answer)) == len(labels)


def test_a_file_that_raises_never_stops_the_others(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path
) -> None:
    def detect(path: str, *_: object) -> Any:
        if path.endswith("1.jpg"):
            raise ZeroDivisionError("deep inside")
        if path.endswith("2.jpg"):
            raise SystemExit(0)
        return make_verdict(path)

    paths = files(tmp_path, "1.jpg", "2.jpg", "3.jpg")
    examine_with(detect)
    answer = assay("detect", "--json", *paths)
    first, second, third = lines(answer)
    assert first["reasons"][0]["code"] == second["reasons"][0]["code"] == "internal_error"
    assert first["p_fake"] is None
    assert first["status"] == "failed"
    assert "deep inside" in first["reasons"][0]["text"]
    assert third["status"] == "completed"
    assert answer.code == 3
    assert "Traceback" not in answer.err + answer.out
    assert "Traceback" in assay("detect", "--json", "--debug", *paths).err


def test_text_shows_every_file(assay: Assay, examine_with: ExamineWith, tmp_path: Path) -> None:
    paths = files(tmp_path, "one.jpg", "two.jpg")
    examine_with(by_name({"one.jpg": "strong_evidence", "two.jpg": "damaged"}))
    answer = assay("detect", *paths)
    assert "one.jpg" in answer.out
    assert "two.jpg" in answer.out
    assert answer.code == 1


def test_options_arrive_from_the_flags(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def detect(path: str, options: object, _progress: object) -> Any:
        seen.append(options)
        return make_verdict(path)

    examine_with(detect)
    monkeypatch.setenv("ASSAY_FRAMES", "7")
    monkeypatch.setenv("ASSAY_THREADS", "1")
    flags = (
        "--frames 9 --time-range 0:05-1:00 --operating-point far_5 --time-limit 3 --no-stability"
    )
    assert assay("detect", *flags.split(), *files(tmp_path, "a")).code == 0
    (options,) = seen
    assert (options.frames, options.threads, options.stability) == (9, 1, False)
    assert (options.time_range_s, options.time_limit_s) == ((5.0, 60.0), 3.0)
    assert options.operating_point == "far_5"


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--operating-point", "far_7"], "far_0.1"),
        (["--time-range", "9"], "two times"),
        (["--frames", "0"], "above zero"),
        (["--frames", "x"], "--frames"),
        (["--fail-on", "sometimes"], "'some'"),
        (["--detectors", "provenence"], "'provenance'"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path, flags: list[str], says: str
) -> None:
    asked = examine_with(by_name({}))
    answer = assay("detect", *flags, *files(tmp_path, "a.jpg"))
    assert answer.code == 2
    assert says in answer.err
    assert answer.out == ""
    assert asked == []


def test_no_file_is_wrong_usage(assay: Assay) -> None:
    assert assay("detect").code == 2


def camera_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Pictures of one size in a folder whose name looks like a flag."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-some camera").mkdir()
    for seed in range(5):
        grain = np.random.default_rng(seed).integers(90, 160, (320, 320, 3), np.uint8)
        Image.fromarray(grain).save(tmp_path / "-some camera" / f"{seed}.png")
    return "-some camera"


def test_a_rerun_command_says_every_option(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.examine import rerun_command

    asked_for = Options(
        operating_point="far_5",
        time_range_s=(1.5, 60.0),
        detectors=("provenance",),
        reference=str(shutil.copy(portrait_path("astronaut"), tmp_path / "some one.jpg")),
        camera=camera_folder(tmp_path, monkeypatch),
        bundles=("-one of mine", "runs/another, too/bundle"),
        bundle_counts=True,
        allow_network=True,
        frames=5,
        max_faces=2,
        max_megapixels=12.5,
        max_sound_s=6.0,
        motion_s=8.0,
        time_limit_s=9.0,
        detector_time_limit_s=4.0,
        stability=False,
        heatmaps=False,
        embed_sound=False,
        embed_video=False,
        threads=2,
        fail_on="never",
    )
    assert all(getattr(asked_for, f.name) != f.default for f in fields(Options))
    seen = []

    def detect(path: str, options: object, _progress: object) -> Any:
        seen.append((path, options))
        return make_verdict(path)

    examine_with(detect)
    (path,) = files(tmp_path, "-odd name.jpg")
    words = shlex.split(rerun_command(path, asked_for))
    while words.pop(0) != "assay":
        pass
    for word in shlex.split(rerun_command(path, asked_for)):
        if word.startswith("ASSAY_"):
            monkeypatch.setenv(*word.split("=", 1))
    assert assay(*words).code == 0
    assert seen == [(path, asked_for)]


def test_a_settings_file_is_mentioned(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assay.toml").write_text("fail_on = 'never'\n")
    monkeypatch.chdir(tmp_path)
    examine_with(by_name({"a.jpg": "strong_evidence"}))
    answer = assay("detect", "--json", *files(tmp_path, "a.jpg"))
    assert answer.code == 0
    assert "assay.toml" in answer.err


def test_what_prints_meanwhile_goes_to_stderr(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path
) -> None:
    def detect(path: str, *_: object) -> Any:
        print("a chatty detector")
        return make_verdict(path)

    examine_with(detect)
    answer = assay("detect", "--json", *files(tmp_path, "a.jpg"))
    assert len(lines(answer)) == 1
    assert "a chatty detector" in answer.err


def test_reports_are_written_and_named_in_the_line(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path
) -> None:
    pytest.importorskip("assay.report.as_html")
    (tmp_path / "x").mkdir()
    paths = files(tmp_path, "a.jpg", "b.jpg", "x/a.jpg")
    examine_with(by_name({"a.jpg": "some_evidence", "b.jpg": "damaged"}))
    answer = assay("detect", "--json", "--report", str(tmp_path / "out" / "in"), *paths)
    written = [Path(line["artifacts"][0]["path"]) for line in lines(answer)]
    assert len(set(written)) == 3
    assert all(path.parent == tmp_path / "out" / "in" and path.stat().st_size for path in written)


def test_a_report_that_fails_costs_the_report_only(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import assay.report as report

    def write_report(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "write_report", write_report, raising=False)
    examine_with(by_name({"a.jpg": "no_evidence_found"}))
    answer = assay("detect", "--json", "--report", str(tmp_path), *files(tmp_path, "a.jpg"))
    assert lines(answer)[0]["artifacts"] == []
    assert "No space left" in answer.err


def with_views(path: str, _options: object, _progress: object) -> Any:
    from tests.report.conftest import forensic_verdict

    return forensic_verdict(path=path)


def test_views_are_written_beside_the_report_and_told_with_their_weakness(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path
) -> None:
    examine_with(with_views)
    out = tmp_path / "out"
    answer = assay("detect", "--json", "--report", str(out), *files(tmp_path, "a.jpg"))
    held = lines(answer)[0]["artifacts"]
    assert [one["kind"] for one in held] == ["report", "map", "picture", "map"]
    assert all(Path(one["path"]).stat().st_size for one in held)
    assert "Flat places of genuine pictures stand out too." in held[1]["caption"]
    alone = assay("detect", "--json", *files(tmp_path, "a.jpg"))
    assert lines(alone)[0]["artifacts"] == []


def test_views_that_cannot_be_written_leave_the_report(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_views(*_: object) -> list[dict[str, str]]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("assay.report.file_views.write_views", write_views)
    examine_with(with_views)
    answer = assay("detect", "--json", "--report", str(tmp_path), *files(tmp_path, "a.jpg"))
    assert [one["kind"] for one in lines(answer)[0]["artifacts"]] == ["report"]
    assert "no views beside the report" in answer.err


def test_a_report_folder_that_is_a_file_is_wrong_usage(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path
) -> None:
    asked = examine_with(by_name({}))
    (path,) = files(tmp_path, "a.jpg")
    answer = assay("detect", "--report", path, path)
    assert answer.code == 2
    assert asked == []


def test_ten_thousand_files(assay: Assay, examine_with: ExamineWith, tmp_path: Path) -> None:
    for index in range(10_000):
        (tmp_path / f"{index:05d}.jpg").touch()
    examine_with(lambda path, *_: make_verdict(path))
    answer = assay("detect", "--json", str(tmp_path))
    assert answer.code == 0
    names = [line["input"]["name"] for line in lines(answer)]
    assert names == [str(tmp_path / f"{index:05d}.jpg") for index in range(10_000)]


SLOW = """
def detect(path, options, progress):
    if path.endswith("slow.jpg"):
        print("waiting", file=sys.stderr, flush=True)
        time.sleep(60)
    return make_verdict(path)
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "stop"]
)
def test_an_interruption_is_clean(
    start_with: Callable[..., subprocess.Popen[bytes]],
    tmp_path: Path,
    number: signal.Signals,
    code: int,
) -> None:
    process = start_with(SLOW, ["detect", *files(tmp_path, "quick.jpg", "slow.jpg")])
    assert process.stderr is not None
    assert process.stderr.readline() == b"waiting\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert b"Traceback" not in err
    assert b"quick.jpg" in out, "what was known by then is shown"


def test_a_reader_that_goes_away_is_no_finding(
    start_with: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    double = (
        "def detect(path, options, progress):\n    time.sleep(0.2)\n    return make_verdict(path)"
    )
    for form in (["--json"], []):
        process = start_with(double, ["detect", *form, *files(tmp_path, "a.jpg", "b.jpg")])
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        assert process.wait(timeout=20) == 141
        assert err == b""


def test_a_thread_that_hangs_does_not_hold_the_process(
    start_with: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    double = """
import threading
def detect(path, options, progress):
    threading.Thread(target=time.sleep, args=(60,)).start()
    return make_verdict(path)
"""
    started = time.monotonic()
    process = start_with(double, ["detect", "--json", *files(tmp_path, "a.jpg")])
    out, _err = process.communicate(timeout=50)
    assert process.returncode == 0
    assert json.loads(out)["status"] == "completed"
    assert time.monotonic() - started < 40


def test_native_code_that_prints_goes_to_stderr(
    start_with: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    double = """
def detect(path, options, progress):
    os.write(1, b"native chatter\\n")
    return make_verdict(path)
"""
    process = start_with(double, ["detect", "--json", *files(tmp_path, "a.jpg")])
    out, err = process.communicate(timeout=20)
    assert len(out.splitlines()) == 1
    assert b"native chatter" in err


def test_standard_input_is_private_and_removed(
    start_with: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    double = """
def detect(path, options, progress):
    mode = oct(os.stat(path).st_mode & 0o777), oct(os.stat(os.path.dirname(path)).st_mode & 0o777)
    print(mode, open(path, "rb").read(), file=sys.stderr)
    return make_verdict(path)
"""
    spool = tmp_path / "spool"
    spool.mkdir()
    process = start_with(
        double,
        ["detect", "--json", "-"],
        stdin=subprocess.PIPE,
        env={"TMPDIR": str(spool), "PATH": "/usr/bin:/bin"},
    )
    out, err = process.communicate(b"secret", timeout=20)
    line = json.loads(out)
    assert line["input"]["name"] == "<stdin>"
    assert str(spool) not in out.decode()
    assert err.decode().strip() == "('0o600', '0o700') b'secret'"
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("place", ["nobody", "empty"])
@pytest.mark.parametrize(("flag", "said"), [("--reference", "The reference"), ("--camera", "")])
def test_known_pictures_that_cannot_be_used_end_the_call(
    assay: Assay, examine_with: ExamineWith, tmp_path: Path, flag: str, said: str, place: str
) -> None:
    (tmp_path / "empty").mkdir()
    examined = examine_with(by_name({}))
    answer = assay("detect", flag, str(tmp_path / place), *files(tmp_path, "a.jpg"))
    assert answer.code == 2
    assert said in answer.err
    assert place in answer.err
    assert examined == []
