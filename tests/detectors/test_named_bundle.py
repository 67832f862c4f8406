from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

import assay
from assay.case import Case
from assay.detectors import discover
from assay.detectors.named_bundle import NamedBundle
from assay.errors import BundleMismatchError, BundleMissingError, UsageError
from assay.options import Options
from assay.report import print_verdicts, schema, to_line
from assay.subjects.speech import Speech
from assay.types import Evidence, Reason, SpeechSegment, Verdict, Waveform
from assay.verdict.calibrate import calibrate, installed_cards
from assay.verdict.run import run_detector
from tests.bundles.made import CALIBRATION, POINTS, graph, make_folder
from tests.bundles.made_clip import LIPS, make_clip_folder
from tests.detectors.tiny_networks import landscape
from tests.real_faces import portrait_path
from tests.verdict.doubles import MadeCase, PictureCase, make_media, make_view

RATE = 16000
HOSTILE = "<script>alert(1)</script>\x1b[31m\nsecond line " + "x" * 300


def stand_ins(*folders: Path, counts: bool = False) -> list[type[NamedBundle]]:
    options = Options(bundles=tuple(map(str, folders)), bundle_counts=counts)
    return list(NamedBundle.stand_ins(options, discover()).values())


def examined(folder: Path, case: Case, counts: bool = False) -> list[Evidence]:
    (detector,) = stand_ins(folder, counts=counts)
    return run_detector(detector, case)


def people(*brightness: float, n_frames: int = 8, **options: Any) -> MadeCase:
    """One person for each brightness, in as many frames."""
    views = {
        track: tuple(make_view(track, i, 0.1 * i, brightness=level) for i in range(n_frames))
        for track, level in enumerate(brightness, 1)
    }
    return MadeCase(views, Options(**options))


def voice(*segments: tuple[float, float, float, int]) -> Case:
    """Segments of (start, seconds, level, speaker)."""
    made = []
    for start_s, length_s, level, speaker in segments:
        samples = np.full(round(length_s * RATE), level, np.float32)
        samples[::2] += 0.01
        samples[1::2] -= 0.01
        made.append(SpeechSegment(start_s, start_s + length_s, samples, RATE, speaker_id=speaker))
    case = Case(make_media("audio", sample_rate_hz=RATE))
    regions = np.array([(s.start_s, s.end_s) for s in made], np.float32).reshape(-1, 2)
    case.__dict__["speech"] = Speech(
        Waveform(np.zeros(RATE, np.float32), RATE),
        tuple(made),
        regions,
        1,
        () if made else (Reason("no_speech", "None."),),
    )
    return case


def test_without_a_folder_it_abstains() -> None:
    (one,) = NamedBundle().examine(people(0.5))
    assert (one.status, (one.reason or "").split(":")[0]) == ("abstained", "no_bundle")


def test_it_reports_each_person_with_the_probability_of_its_own_card(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "made")
    low, high = examined(folder, people(0.2, 0.8))
    assert [one.subject for one in (low, high)] == ["face 1", "face 2"]
    assert {one.status for one in (low, high)} == {"reported"}
    assert low.details["raw_logit"] == pytest.approx(2.0, abs=0.1)
    assert high.details["raw_logit"] == pytest.approx(8.0, abs=0.1)
    (finding,) = high.findings
    assert finding.code == "named_network_score"
    assert finding.severity == "info"
    logit = high.details["raw_logit"]
    assert finding.values["p_fake"] == pytest.approx(1 / (1 + np.exp(-(1.5 * logit + 0.25))), 1e-3)
    assert finding.values["threshold"] == pytest.approx(
        1 / (1 + np.exp(-(1.5 * -0.05 + 0.25))), 1e-3
    )
    assert finding.values["paper"] == "a paper"
    assert finding.values["trained_on"] == [{"set": "made set", "files": "9"}]
    assert finding.values["bundle_sha256"] == high.bundle_sha256
    assert len(finding.values["frames"]) == 8
    assert finding.values["file_logit"] == pytest.approx(logit, abs=1e-3)
    assert "does not enter the verdict" in finding.meaning


def test_the_card_says_how_many_frames_of_how_many_people_are_read(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "made", n_frames=3, max_faces=1)
    (only,) = examined(folder, people(0.2, 0.8, n_frames=12))
    assert only.details["n_frames_read"] == 3
    times = [row["start_s"] for row in only.findings[0].values["frames"]]
    assert times == [0.2, 0.6, 1.0]


def test_an_uncalibrated_one_gives_no_probability_even_where_it_should_count(
    tmp_path: Path,
) -> None:
    folder = make_folder(tmp_path / "made", calibrated=False)
    (one,) = examined(folder, people(0.5), counts=True)
    assert (one.status, one.logit, one.p_fake) == ("reported", None, None)
    (finding,) = one.findings
    assert finding.code == "named_network_logit"
    assert "p_fake" not in finding.values
    assert "no probability" in finding.meaning


def test_counting_it_is_scored_by_its_own_card_and_several_do_not_mix(tmp_path: Path) -> None:
    first = make_folder(tmp_path / "a")
    other = {"scale": 0.5, "bias": -1.0, "bona_fide_logits": [0.0] * 50}
    second = make_folder(
        tmp_path / "b",
        calibration={**other, "interval_width_logit": 0.1, "fitted_on": "b"},
    )
    detectors = stand_ins(first, second, counts=True)
    assert [one.name for one in detectors] == ["bundle_made_net", "bundle_made_net_2"]
    case = people(0.5)
    raw = [one for detector in detectors for one in run_detector(detector, case)]
    assert [one.status for one in raw] == ["scored", "scored"]
    cards = installed_cards({detector.name: detector for detector in detectors})
    one, two = calibrate(raw, "far_1", cards)
    assert one.logit == two.logit
    assert one.logit is not None
    assert one.p_fake == pytest.approx(1 / (1 + np.exp(-(1.5 * one.logit + 0.25))))
    assert two.p_fake == pytest.approx(1 / (1 + np.exp(-(0.5 * one.logit - 1.0))))
    assert all(span.p_fake is not None for span in one.spans)


def test_where_the_operating_point_was_not_measured_it_does_not_count(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "made", operating_points=[POINTS[1]])
    (one,) = examined(folder, people(0.5), counts=True)
    assert one.status == "reported"
    (finding,) = one.findings
    assert finding.values["operating_point"] == "far_5"
    assert "no cut measured for far_1" in finding.meaning


def test_a_person_in_too_few_frames_is_not_judged(tmp_path: Path) -> None:
    views = {
        1: tuple(make_view(1, i, 0.1 * i) for i in range(8)),
        2: (make_view(2, 0, 0.0),),
    }
    one, two = examined(make_folder(tmp_path / "made"), MadeCase(views))
    assert one.status == "reported"
    assert (two.status, (two.reason or "").split(":")[0]) == ("abstained", "too_short")


def test_faces_without_an_area_are_left_out(tmp_path: Path) -> None:
    flat = np.array([5, 5, 5, 5], np.float32)
    views = {1: tuple(make_view(1, i, 0.1 * i, box_px=flat) for i in range(4))}
    (one,) = examined(make_folder(tmp_path / "made"), MadeCase(views))
    assert (one.status, (one.reason or "").split(":")[0]) == ("abstained", "no_face")


def test_voices_are_told_apart(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "made", "voice")
    case = voice((0, 2, 0.1, 1), (3, 1, 0.3, 1), (5, 2, 0.5, 2))
    one, two = examined(folder, case)
    assert (one.subject, one.speaker_id, two.subject) == ("voice 1", 1, "voice 2")
    # Three windows of a second: two of the first segment, one of the second.
    assert one.details["raw_logit"] == pytest.approx((1 + 1 + 3) / 3, abs=1e-3)
    assert two.details["raw_logit"] == pytest.approx(5, abs=1e-3)


def test_no_speech_is_an_abstention(tmp_path: Path) -> None:
    (one,) = examined(make_folder(tmp_path / "made", "voice"), voice())
    assert (one.status, (one.reason or "").split(":")[0]) == ("abstained", "no_speech")


def test_whole_pictures_are_read_in_windows(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "made", "picture")
    (one,) = examined(folder, PictureCase(landscape()), counts=True)
    assert (one.status, one.subject, one.kind) == ("scored", "picture", "generated")
    assert one.patches
    assert one.logit == pytest.approx(np.mean([p.logit for p in one.patches]), abs=1e-4)
    (flat,) = examined(folder, PictureCase(np.full((200, 200, 3), 90, np.uint8)))
    assert flat.status == "abstained"


@pytest.mark.parametrize("faithful", [True, False])
def test_a_map_is_shown_only_where_the_card_says_that_it_was_tested(
    faithful: bool, tmp_path: Path
) -> None:
    model = graph(mask=True)
    folder = make_folder(tmp_path / "made", model=model, heatmap={"faithful": faithful})
    (one,) = examined(folder, people(0.5))
    assert bool(one.heatmaps) is faithful


def number(folder: Path) -> None:
    make_folder(folder, model=graph(offset=float("nan")))


def two_inputs(folder: Path) -> None:
    make_folder(folder, model=graph(inputs=2))


def other_size(folder: Path) -> None:
    make_folder(folder, model=graph(shape=["n", 32, 32, 3]))


def one_at_a_time(folder: Path) -> None:
    make_folder(folder, model=graph(fixed=True))


def clip(folder: Path) -> None:
    make_folder(folder, kind="face")
    raw = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**raw, "kind": "clip"}))


def wrong_kind(folder: Path) -> None:
    make_folder(folder, kind="face")
    raw = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**raw, "kind": "voice"}))


def no_card(folder: Path) -> None:
    make_folder(folder)
    (folder / "card.json").unlink()


def wrong_hash(folder: Path) -> None:
    make_folder(folder, network_sha256="0" * 64)


SPOILED: Sequence[tuple[Callable[[Path], None], str]] = (
    (number, "gave nan"),
    (two_inputs, "takes 2 inputs"),
    (other_size, "its recipe gives uint8"),
    (one_at_a_time, "its recipe gives uint8"),
    (clip, "recipe"),
    (wrong_kind, "recipe"),
    (no_card, "card.json"),
    (wrong_hash, "SHA-256"),
)


@pytest.mark.parametrize(("spoil", "said"), SPOILED, ids=lambda one: getattr(one, "__name__", ""))
def test_a_spoiled_folder_is_an_abstention_that_says_why(
    spoil: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    spoil(tmp_path / "made")
    (one,) = examined(tmp_path / "made", people(0.5), counts=True)
    assert one.status == "abstained"
    assert said in (one.reason or "")


def test_what_is_no_folder_ends_the_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        stand_ins(tmp_path / "nothing")
    make_folder(tmp_path / "made")
    with pytest.raises(UsageError, match="no folder"):
        stand_ins(tmp_path / "made" / "card.json")


def test_a_card_cannot_take_the_name_of_a_detector_of_ours(tmp_path: Path) -> None:
    names = ("face_blending", "named_bundle", "", "…", HOSTILE)
    folders = [make_folder(tmp_path / str(i), name=n or "x") for i, n in enumerate(names)]
    made = [one.name for one in stand_ins(*folders)]
    assert len(set(made)) == len(names)
    assert not set(made) & set(discover())
    assert all(name.isidentifier() and len(name) <= 52 for name in made)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "portrait.png"
    with Image.open(portrait_path("grace_hopper")) as whole:
        small = whole.convert("RGB")
        small.thumbnail((400, 400))
        small.save(path)
    return path


def detected(picture: Path, *folders: Path, **options: Any) -> Verdict:
    return assay.detect(
        picture,
        detectors=("named_bundle",),
        bundles=tuple(map(str, folders)) or None,
        stability=options.pop("stability", False),
        **options,
    )


def test_beside_the_verdict_nothing_is_decided(picture: Path, tmp_path: Path) -> None:
    verdict = detected(picture, make_folder(tmp_path / "made"))
    assert (verdict.status, verdict.p_fake) == ("declined", None)
    line = json.loads(to_line(verdict))
    jsonschema.validate(line, schema())
    (one,) = line["detectors"]
    assert (one["name"], one["status"], one["p_fake"]) == ("bundle_made_net", "reported", None)
    assert one["bundle_sha256"]
    (finding,) = line["forensics"]
    assert finding["values"]["net"] == "simple_cnn"
    assert finding["values"]["trained_on"] == [{"set": "made set", "files": "9"}]
    assert 0 < finding["values"]["p_fake"] < 1
    assert verdict.bundles["bundle_made_net"] == one["bundle_sha256"]


def test_counting_it_decides_and_the_rerun_says_so(picture: Path, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "with space")
    verdict = detected(picture, folder, bundle_counts=True, stability=True)
    assert verdict.status == "completed"
    assert verdict.operating_point is not None
    assert verdict.operating_point.measured_on == "200 made items"
    jsonschema.validate(json.loads(to_line(verdict)), schema())
    (one,) = verdict.evidence
    assert verdict.p_fake == one.p_fake
    assert verdict.stability is not None
    assert set(verdict.stability.scores) >= {"as_is", "resave"}
    assert f"'--bundle={folder}' --bundle-counts" in verdict.rerun


def test_hostile_texts_of_a_card_reach_no_page_unescaped(picture: Path, tmp_path: Path) -> None:
    from io import StringIO

    from rich.console import Console

    from assay.report import to_html

    folder = make_folder(
        tmp_path / "a\nb",
        name=HOSTILE,
        net=HOSTILE,
        paper=HOSTILE,
        licence=HOSTILE,
        version=HOSTILE,
        trained_on=[{HOSTILE: HOSTILE}, HOSTILE, None],
    )
    verdict = detected(picture, folder)
    assert verdict.evidence[0].status == "reported"
    page = to_html(verdict)
    assert "<script>alert" not in page
    out = StringIO()
    print_verdicts([verdict], Console(file=out, width=100, markup=False))
    assert "\x1b[31m" not in out.getvalue()
    assert "\n" not in to_line(verdict)


def test_without_a_bundle_nothing_is_said_of_it(picture: Path) -> None:
    verdict = assay.detect(picture, detectors=("named_bundle",), stability=False)
    assert any("--bundle" in reason for reason in verdict.coverage.not_tested)
    other = assay.detect(picture, detectors=("error_level",), stability=False)
    assert not any("--bundle" in sentence for sentence in other.coverage.not_tested)


def test_a_fault_is_raised_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (detector,) = stand_ins(tmp_path / "empty")
    with pytest.raises(BundleMissingError):
        detector().examine(people(0.5))
    clip(tmp_path / "clip")
    (detector,) = stand_ins(tmp_path / "clip")
    with pytest.raises(BundleMismatchError):
        detector().examine(people(0.5))


def talking_clip(path: Path, with_sound: bool = True) -> Path:
    """Two seconds of a dark picture with a voice; light from 1 s to 1.04 s."""
    pytest.importorskip("onnx")
    from assay.training.video_marks import Encoding, encode_video
    from tests.training.sound_makers import voiced

    frames = np.full((50, 64, 64, 3), 20, np.uint8)
    frames[25] = 230
    wave = Waveform(voiced(2.0, 1), RATE) if with_sound else None
    times_s = (np.arange(50) / 25).astype(np.float32)
    path.write_bytes(encode_video(frames, times_s, wave, Encoding(preset="ultrafast")))
    return path


@pytest.mark.train
def test_a_network_of_clips_tells_its_raw_logit_and_the_seconds_it_proposes(tmp_path: Path) -> None:
    path, folder = talking_clip(tmp_path / "a.mp4"), make_clip_folder(tmp_path / "made")
    verdict = assay.detect(path, bundles=(str(folder),), detectors=("error_level",))
    (one,) = (e for e in verdict.evidence if e.detector == "bundle_made_clips")
    assert (one.subject, one.status, one.logit, one.family) == (
        "clip", "reported", None, "picture_and_sound",
    )  # fmt: skip
    logit, seconds = one.findings
    assert (logit.code, seconds.code) == ("named_network_logit", "proposed_seconds")
    assert [row["start_s"] for row in logit.values["frames"]] == [0.0, 0.72]
    best = seconds.values["proposals"][0]
    assert best["start_s"] == pytest.approx(1.0, abs=0.041)
    assert seconds.region is not None
    assert seconds.region.start_s == pytest.approx(best["start_s"])
    assert "no cut was measured" in seconds.meaning
    assert 1 < len(one.spans) <= 10
    assert {span.p_fake for span in one.spans} == {None}
    assert verdict.p_fake is None
    jsonschema.validate(json.loads(to_line(verdict)), schema())


@pytest.mark.train
def test_a_calibrated_network_of_clips_counts_when_told_to(tmp_path: Path) -> None:
    points, fit = [{**one, "threshold": -9.0} for one in POINTS], CALIBRATION
    folder = make_clip_folder(
        tmp_path / "made", calibrated=True, operating_points=points, calibration=fit
    )
    path = talking_clip(tmp_path / "a.mp4")
    verdict = assay.detect(
        path, bundles=(str(folder),), bundle_counts=True, detectors=("error_level",)
    )
    (one,) = (e for e in verdict.evidence if e.detector == "bundle_made_clips")
    assert (one.status, one.kind, len(one.findings)) == ("scored", "unknown", 2)
    assert one.logit is not None
    assert one.p_fake == pytest.approx(1 / (1 + np.exp(-(1.5 * one.logit + 0.25))), abs=1e-6)
    assert [span.start_s for span in one.spans] == [0.0, pytest.approx(0.72)]
    assert verdict.p_fake is not None
    jsonschema.validate(json.loads(to_line(verdict)), schema())


@pytest.mark.train
@pytest.mark.parametrize("recipe", ["frames", "mouths"])
def test_a_clip_without_sound_or_face_is_an_abstention(tmp_path: Path, recipe: str) -> None:
    lips = recipe == "mouths"
    folder = make_clip_folder(tmp_path / "made", LIPS) if lips else make_clip_folder(tmp_path / "m")
    silent = talking_clip(tmp_path / "a.mp4", with_sound=False)
    verdict = assay.detect(silent, bundles=(str(folder),), detectors=("error_level",))
    said = [e.reason or "" for e in verdict.evidence if e.detector == "bundle_made_clips"]
    unseen = any("no face was found" in one for one in verdict.coverage.not_tested)
    assert unseen if lips else said[0].startswith("no_sound")
    (detector,) = stand_ins(folder)
    assert (detector.needs, detector.kinds) == ("motion" if lips else "file", ("video",))
