from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import assay
from assay import examine
from assay.case import Case
from assay.errors import (
    BundleMismatchError,
    ConfigError,
    DamagedMediaError,
    DuplicateDetectorError,
    UsageError,
)
from assay.options import Options
from assay.types import Evidence, FaceView, Media, Verdict
from tests.detectors import tiny_networks
from tests.verdict.doubles import (
    FaceDetector,
    MadeCase,
    PictureCase,
    Shifting,
    install_cards,
    make_case,
    make_evidence,
    make_media,
    make_view,
    write_card,
)
from tests.verdict.test_picture_variants import WholePicture

Detect = Callable[..., Verdict]


class Alarmed(FaceDetector):
    def score(self, view: FaceView) -> float:
        return 5.0


class Listener(FaceDetector):
    name = "listener"
    needs = "sound"
    kinds = ("audio", "video")


class Reader(FaceDetector):
    name = "reader"
    needs = "file"
    kinds = ("image", "video", "audio")
    bundle = None

    def examine(self, case: Case) -> list[Evidence]:
        about = {"provenance": {"state": "none", "meaning": "There is none."}}
        return [
            make_evidence(
                None, None, detector="reader", status="reported", reason=None, details=about
            )
        ]


@pytest.fixture
def detect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Detect:
    """`detect` over a made case instead of a file, with the detectors given."""
    write_card(tmp_path)
    install_cards(monkeypatch, tmp_path)

    def run(case: Case, *detectors: type[FaceDetector], **options: Any) -> Verdict:
        def made(media: Media, chosen: Options, progress: Any, deadline: Any) -> Case:
            case.options, case.progress, case.deadline = chosen, progress, deadline
            return case

        monkeypatch.setattr(examine, "discover", lambda: {d.name: d for d in detectors})
        monkeypatch.setattr(examine, "_probe", lambda path, deadline: case.media)
        monkeypatch.setattr(examine, "Case", made)
        return examine.detect("clip.mp4", **options)

    return run


def test_the_whole_way_of_an_untouched_face(detect: Detect) -> None:
    verdict = detect(make_case(), FaceDetector, Reader)
    assert (verdict.status, verdict.label, verdict.exit_code) == (
        "completed",
        "no_evidence_found",
        0,
    )
    assert verdict.p_fake == pytest.approx(0.62, abs=0.02)
    assert verdict.stability is not None
    assert verdict.stability.flips == 0
    assert verdict.in_domain is True
    assert verdict.provenance is not None
    assert verdict.provenance.state == "none"
    assert verdict.bundles == {"test_bundle": "a" * 64}
    assert verdict.assay_version == assay.__version__
    assert verdict.elapsed_ms > 0
    assert verdict.rerun == "assay detect clip.mp4"
    assert verdict.operating_point is not None
    assert verdict.operating_point.false_alarm_rate == 0.01


def test_a_forged_face_is_some_evidence_and_a_flip_is_inconclusive(detect: Detect) -> None:
    assert detect(make_case(), Alarmed).label == "some_evidence"
    flipping = detect(make_case(), Shifting)
    assert flipping.label == "inconclusive"
    assert flipping.reasons[0].code == "flips"
    assert detect(make_case(), Shifting, stability=False).label == "some_evidence"


def test_a_high_score_outside_the_domain_is_inconclusive(detect: Detect) -> None:
    small = {1: tuple(make_view(1, i, 0.1 * i, face_px=30.0) for i in range(8))}
    verdict = detect(MadeCase(small), Alarmed)
    assert verdict.label == "inconclusive"
    assert [r.code for r in verdict.in_domain_reasons] == ["face_too_small", "too_short"]


def test_the_cards_own_limits_count(
    detect: Detect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_card(tmp_path, in_domain={"min_face_px": 200})
    assert detect(make_case(), Alarmed).in_domain is False


def test_only_fitting_detectors_are_run_and_the_others_are_named(detect: Detect) -> None:
    verdict = detect(make_case(), FaceDetector, Listener)
    assert "listener was not run: the file has no sound." in verdict.coverage.not_tested
    sound = detect(MadeCase({}, media=make_media("audio")), FaceDetector, Reader)
    assert (sound.status, sound.exit_code) == ("declined", 3)
    assert [r.code for r in sound.reasons] == ["no_voice_detector"]
    assert any("does not examine audio" in line for line in sound.coverage.not_tested)
    empty = detect(MadeCase({}), FaceDetector, Reader)
    assert [r.code for r in empty.reasons] == ["no_face"]


def test_detectors_can_be_chosen_and_a_misspelt_one_is_an_error(detect: Detect) -> None:
    verdict = detect(make_case(), FaceDetector, Reader, detectors=("reader",))
    assert [one.detector for one in verdict.evidence] == ["reader"]
    assert [r.code for r in verdict.reasons] == ["no_face_detector", "not_run"]
    with pytest.raises(UsageError) as caught:
        detect(make_case(), FaceDetector, detectors=("test_detektor",))
    assert "Did you mean 'test_detector'" in caught.value.as_text()


def test_time_runs_out_for_the_file_and_not_for_the_program(detect: Detect) -> None:
    class Slow(FaceDetector):
        def examine(self, case: Case) -> list[Evidence]:
            time.sleep(20)
            return []

    started = time.monotonic()
    verdict = detect(make_case(), Slow, time_limit_s=0.5)
    assert time.monotonic() - started < 5
    assert verdict.status == "declined"
    assert [r.code for r in verdict.reasons] == ["time_limit"]


def test_progress_runs_through(detect: Detect) -> None:
    steps: list[tuple[str, int, int]] = []
    detect(make_case(), FaceDetector, progress=lambda *step: steps.append(step))
    assert [step for step, _, _ in steps] == ["test_detector", "stability", "decide"]


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (DamagedMediaError("It is broken."), "media_damaged"),
        (RuntimeError("codec went mad"), "input_unusable"),
        (SystemExit(3), "input_unusable"),
        (MemoryError(), "input_unusable"),
    ],
)
def test_whatever_the_file_provokes_is_a_failed_verdict(
    detect: Detect, raised: BaseException, code: str
) -> None:
    class Broken(MadeCase):
        @property
        def tracks(self) -> Any:
            raise raised

    verdict = detect(Broken({}), FaceDetector)
    assert (verdict.status, verdict.label, verdict.exit_code) == ("failed", "not_analysable", 3)
    assert [reason.code for reason in verdict.reasons] == [code]
    assert verdict.p_fake is None
    assert verdict.media is None
    assert verdict.coverage.not_tested


def test_a_fault_of_ours_is_said_and_not_raised(
    detect: Detect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examine, "decide", lambda known: 1 // 0)
    verdict = detect(make_case(), FaceDetector)
    assert (verdict.status, verdict.reasons[0].code) == ("failed", "internal_error")


@pytest.mark.parametrize("error", [BundleMismatchError("x"), DuplicateDetectorError("x")])
def test_a_broken_installation_is_raised(
    monkeypatch: pytest.MonkeyPatch, detect: Detect, error: Exception
) -> None:
    class Broken(MadeCase):
        @property
        def tracks(self) -> Any:
            raise error

    with pytest.raises(type(error)):
        detect(Broken({}), FaceDetector)


@pytest.mark.parametrize(
    "fields",
    [{"operating_pint": "far_1"}, {"operating_point": "far_2"}, {"frames": "many"}, {"frames": 0}],
)
def test_wrong_options_are_raised(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        examine.detect("clip.mp4", **fields)


def test_fields_win_over_options(detect: Detect) -> None:
    verdict = detect(
        make_case(), FaceDetector, options=Options(frames=4, threads=1), operating_point="far_5"
    )
    assert (
        verdict.rerun
        == "env ASSAY_THREADS=1 assay detect --operating-point far_5 --frames 4 clip.mp4"
    )
    assert verdict.operating_point is not None
    assert verdict.operating_point.name == "far_5"


def test_the_rerun_command_is_what_the_shell_needs() -> None:
    name = "-odd 'n\name$.mp4"
    options = Options(time_range_s=(1.5, 20.0), detectors=("a", "b"), stability=False)
    words = shlex.split(examine.rerun_command(name, options))
    flags = ["--time-range", "1.5:20", "--detectors", "a,b", "--no-stability"]
    assert words == ["assay", "detect", *flags, "--", name]


@pytest.mark.parametrize("path", [None, 7, b"bytes"])
def test_a_path_that_is_none_is_a_wrong_call(path: Any) -> None:
    with pytest.raises(UsageError):
        examine.detect(path)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, "file_missing"),
        (lambda path: path.write_bytes(b""), "file_empty"),
        (lambda path: path.mkdir(), "not_a_file"),
        (lambda path: os.mkfifo(path), "not_a_file"),
        (lambda path: path.write_text("hello, world"), "media_unsupported"),
    ],
)
def test_bad_files_on_disk(tmp_path: Path, make: Callable[[Path], Any], code: str) -> None:
    path = tmp_path / "odd\nname ü.jpg"
    make(path)
    verdict = examine.detect(path)
    assert (verdict.status, verdict.exit_code) == ("failed", 3)
    assert verdict.reasons[0].code == code
    assert verdict.name == path.name


def test_a_nul_in_the_path_is_a_failed_verdict() -> None:
    assert examine.detect("a\0b").status == "failed"


def test_a_picture_without_a_face_goes_the_whole_way(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "flat.png"
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(path)
    verdict = assay.detect(path)
    assert (verdict.status, verdict.label, verdict.exit_code) == ("declined", "not_analysable", 3)
    assert "no_face" in [reason.code for reason in verdict.reasons]
    assert verdict.media is not None
    assert {one.detector for one in verdict.evidence} >= {"metadata", "provenance"}


def test_a_sound_file_is_opened_and_answered(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        tone = 8000 * np.sin(np.arange(32_000) / 10)
        sound.writeframes(tone.astype("<i2").tobytes())
    verdict = assay.detect(path)
    assert verdict.media is not None
    assert verdict.media.kind == "audio"
    assert verdict.status == "declined"
    assert verdict.reasons[0].text == "Voices and sound: no voice detector is installed."


@pytest.fixture
def whole_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of bundles with a stand-in for whole pictures beside the shipped ones."""
    pytest.importorskip("onnx", reason="the stand-in network is written with onnx")
    return tiny_networks.use_bundles(tmp_path / "bundles", monkeypatch)


def saved(folder: Path, rgb: np.ndarray) -> Path:
    from PIL import Image

    path = folder / "picture.png"
    Image.fromarray(rgb).save(path)
    return path


@pytest.mark.parametrize(("green", "label"), [(100, "no_evidence_found"), (170, "some_evidence")])
def test_a_landscape_is_analysable(
    whole_pictures: Path, tmp_path: Path, green: int, label: str
) -> None:
    tiny_networks.write_bundle(whole_pictures)
    picture = saved(tmp_path, tiny_networks.landscape(400, 600, green=green))
    verdict = assay.detect(picture)
    assert (verdict.status, verdict.label) == ("completed", label)
    assert verdict.kind == (("generated",) if label == "some_evidence" else ())
    assert verdict.faces == ()
    assert verdict.in_domain is True
    assert verdict.quality["picture_px"] == 400
    assert verdict.stability is not None
    assert len(verdict.stability.scores) == 5
    assert "synthetic_picture" in verdict.bundles


def test_an_unfamiliar_landscape_is_inconclusive_or_abstained(
    whole_pictures: Path, tmp_path: Path
) -> None:
    picture = saved(tmp_path, tiny_networks.landscape(400, 600, green=170, red=128))
    for limit, label, code in (
        (0.8, "inconclusive", "out_of_domain"),
        (0.5, "not_analysable", "no_face"),
    ):
        features = {"features": {"max_distance": limit, "quantile": 0.995, "measured_on": "it"}}
        tiny_networks.write_bundle(whole_pictures, in_domain=features)
        verdict = assay.detect(picture)
        assert verdict.label == label
        assert verdict.reasons[0].code == code
        assert "unfamiliar" in [reason.code for reason in verdict.reasons]


def test_a_bad_face_does_not_silence_the_picture(detect: Detect) -> None:
    small = {1: (make_view(face_px=30.0),)}
    rgb = tiny_networks.landscape(300, 400, green=180)
    verdict = detect(PictureCase(rgb, views=small), Alarmed, WholePicture)
    assert verdict.label == "some_evidence"
    assert verdict.kind == ("generated",)
    assert [reason.code for reason in verdict.reasons] == ["score_above_cut", "set_aside"]
    assert verdict.in_domain is True


def test_a_blurred_picture_does_not_silence_the_face(detect: Detect) -> None:
    views = {1: (make_view(),)}
    rgb = tiny_networks.landscape(100, 100, green=180)
    verdict = detect(PictureCase(rgb, views=views), Alarmed, WholePicture)
    assert verdict.kind == ("face_altered",)
    assert verdict.in_domain is True
    alone = detect(PictureCase(rgb), WholePicture)
    assert alone.label == "inconclusive"
    assert [reason.code for reason in alone.in_domain_reasons] == ["picture_too_small"]
