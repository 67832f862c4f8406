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
from assay.detectors import discover
from assay.errors import (
    BundleMismatchError,
    ConfigError,
    DamagedMediaError,
    DuplicateDetectorError,
    UsageError,
)
from assay.options import Options
from assay.subjects import motion as motion_module
from assay.types import Evidence, FaceView, Media, Reason, SpeechSegment, Verdict
from assay.verdict.sound_variants import SOUND_VARIANTS
from tests.detectors import tiny_networks
from tests.subjects.moving import make_clip, make_motion
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
from tests.verdict.sound_doubles import (
    NOISY,
    TOO_SHORT,
    VoiceCase,
    VoiceDetector,
    make_segment,
    make_speech,
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
        (MemoryError(), "memory_limit"),
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


def test_too_little_memory_at_any_point_is_said_as_such(
    detect: Detect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decide(_known: object) -> Verdict:
        raise MemoryError

    monkeypatch.setattr(examine, "decide", decide)
    verdict = detect(make_case(), FaceDetector)
    assert (verdict.status, verdict.reasons[0].code) == ("failed", "memory_limit")


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


def test_a_sound_file_is_opened_and_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wave

    everything = {name: one for name, one in discover().items() if one.needs != "sound"}
    monkeypatch.setattr(examine, "discover", lambda: everything)
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


class Voiced(VoiceDetector):
    def score_segment(self, segment: SpeechSegment) -> float:
        return 5.0


class Unlistenable(VoiceCase):
    """Its sound breaks when it is looked at."""

    def __init__(self, error: BaseException, **more: Any) -> None:
        super().__init__(**more)
        del self.__dict__["speech"], self.__dict__["waveform"]
        self.error = error

    @property
    def waveform(self) -> Any:
        raise self.error


def test_the_whole_way_of_a_voice(detect: Detect) -> None:
    case = VoiceCase(make_segment(1, 4), make_segment(5, 8, reasons=(NOISY,)))
    verdict = detect(case, VoiceDetector, FaceDetector, Reader)
    assert (verdict.status, verdict.label, verdict.exit_code) == (
        "completed",
        "no_evidence_found",
        0,
    )
    assert verdict.stability is not None
    assert list(verdict.stability.scores) == ["as_is", *SOUND_VARIANTS]
    assert verdict.in_domain is True
    assert verdict.quality["voice_s"] == 3.0
    assert verdict.faces == ()
    assert verdict.coverage.seconds_examined == (0.0, 8.0)
    said = "\n".join(verdict.coverage.tested)
    assert "Voices: 1 speaker, 1 segment between 0:01 and 0:04 by voice_detector" in said
    assert "MP3 of 64 kbit/s" in said
    assert "JPEG" not in said
    left = "\n".join(verdict.coverage.not_tested)
    assert "3.0 s of speech in 1 segment: too noisy (3.0 s)." in left
    assert "no voice detector" not in left
    validated(verdict)


def test_a_generated_voice_is_some_evidence_beside_an_untouched_face(detect: Detect) -> None:
    views = {1: tuple(make_view(1, i, 0.1 * i) for i in range(8))}
    verdict = detect(VoiceCase(make_segment(), views=views), Voiced, FaceDetector)
    assert verdict.label == "some_evidence"
    assert verdict.kind == ("voice_generated",)
    assert verdict.agreement is not None
    assert not verdict.agreement.conflict
    assert verdict.reasons[0].text.startswith("voice_detector gives voice 1 0.993, above its cut")
    assert "Whether lips and sound belong together." in verdict.coverage.not_tested
    segments = validated(verdict)["segments"]
    assert {segment["speaker"] for segment in segments} == {1, None}


def test_a_telephone_voice_that_scores_high_is_inconclusive(detect: Detect) -> None:
    class Tolerant(Voiced):
        def judges(self, segment: SpeechSegment) -> bool:
            return True

    telephone = Reason("band_limited", "Nothing lies above 3.4 kHz.")
    verdict = detect(VoiceCase(make_segment(reasons=(telephone,))), Tolerant)
    assert verdict.label == "inconclusive"
    assert [reason.code for reason in verdict.in_domain_reasons] == ["band_limited"]


@pytest.mark.parametrize("code", ["silence", "no_speech", "music", "too_short"])
def test_a_sound_without_speech_is_declined_with_its_reason(detect: Detect, code: str) -> None:
    speech = make_speech(reasons=(Reason(code, f"It is {code}."),))
    verdict = detect(VoiceCase(speech=speech), VoiceDetector, Reader)
    assert (verdict.status, verdict.exit_code) == ("declined", 3)
    assert verdict.reasons == (Reason(code, f"It is {code}."),)


def test_speech_that_cannot_be_judged_is_declined_segment_by_segment(detect: Detect) -> None:
    segments = make_segment(0, 2, reasons=(NOISY,)), make_segment(2, 3, reasons=(TOO_SHORT,))
    verdict = detect(VoiceCase(*segments), VoiceDetector)
    assert verdict.status == "declined"
    assert [reason.code for reason in verdict.reasons][:2] == ["noisy", "too_short"]
    assert "no_voice_detector" not in {reason.code for reason in verdict.reasons}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DamagedMediaError("It is broken."), "media_damaged"),
        (RuntimeError("codec went mad"), "input_unusable"),
        (BundleMismatchError("The network is another."), "bundle_mismatch"),
        (MemoryError(), "memory_limit"),
    ],
)
def test_a_sound_that_breaks_does_not_lose_the_faces(
    detect: Detect, error: BaseException, code: str
) -> None:
    views = {1: tuple(make_view(1, i, 0.1 * i) for i in range(8))}
    verdict = detect(Unlistenable(error, views=views), VoiceDetector, FaceDetector)
    assert verdict.status == "completed"
    failed = next(one for one in verdict.evidence if one.detector == "voice_detector")
    assert (failed.status, failed.subject) == ("failed", "sound")
    assert (failed.reason or "").startswith(f"{code}: ")
    assert any(line.startswith("Voices and sound: ") for line in verdict.coverage.not_tested)
    alone = detect(Unlistenable(error), VoiceDetector, Reader)
    assert alone.status == "declined"
    assert [reason.code for reason in alone.reasons] == [code]


def test_a_search_for_speech_that_hangs_is_left_behind(detect: Detect) -> None:
    class Endless(Unlistenable):
        @property
        def waveform(self) -> Any:
            time.sleep(2)

    views = {1: tuple(make_view(1, i, 0.1 * i) for i in range(8))}
    hanging = Endless(TimeoutError(), views=views)
    verdict = detect(hanging, VoiceDetector, FaceDetector, detector_time_limit_s=0.3)
    assert verdict.status == "completed"
    assert any("time_limit" in (one.reason or "") for one in verdict.evidence)


def test_speech_is_found_before_the_detectors_and_only_for_them(detect: Detect) -> None:
    class Slow(VoiceCase):
        @property
        def speech(self) -> Any:
            time.sleep(0.2)
            self.__dict__["speech"] = self.found
            return self.found

        def __init__(self, *segments: SpeechSegment) -> None:
            super().__init__(*segments)
            self.found = self.__dict__.pop("speech")

    verdict = detect(Slow(make_segment()), VoiceDetector, stability=False)
    assert verdict.status == "completed"
    case = Unlistenable(AssertionError("nobody asked"), views={1: (make_view(),)})
    assert detect(case, FaceDetector).status == "completed"
    assert case.sound_fault is None


def test_a_mute_video_says_so(detect: Detect) -> None:
    verdict = detect(make_case(), FaceDetector, VoiceDetector)
    assert "Voices and sound: the video has no sound." in verdict.coverage.not_tested


def validated(verdict: Verdict) -> dict[str, Any]:
    import jsonschema

    from assay.report.as_json import as_dict, schema

    made = as_dict(verdict)
    jsonschema.Draft202012Validator(schema()).validate(made)
    return made


class Follower(FaceDetector):
    name = "follower"
    needs = "motion"
    kinds = ("video",)

    def examine(self, case: Case) -> list[Evidence]:
        return [make_evidence(float(len(case.motion.clips)), 1, detector="follower")]


def test_motion_is_followed_before_the_detectors_run(detect: Detect) -> None:
    case = make_case()
    case.__dict__["motion"] = make_motion(make_clip())
    verdict = detect(case, Follower)
    assert [one.status for one in verdict.evidence if one.detector == "follower"] != ["failed"]


def test_motion_that_cannot_be_followed_costs_only_the_detectors_of_motion(
    detect: Detect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise MemoryError("too much")

    monkeypatch.setattr(motion_module, "motion_of", broken)
    verdict = detect(make_case(), FaceDetector, Follower)
    (lost,) = [one for one in verdict.evidence if one.detector == "follower"]
    assert lost.status == "failed"
    assert (lost.reason or "").startswith("memory_limit: Following faces frame by frame needs")
    assert verdict.status == "completed"


def test_a_picture_is_not_followed(detect: Detect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(motion_module, "motion_of", lambda *_: pytest.fail("it was followed"))
    verdict = detect(make_case(media=make_media("image")), FaceDetector, Follower)
    assert verdict.status == "completed"
