from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tqdm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.case import Case  # noqa: E402
from assay.detectors import Detector  # noqa: E402
from assay.errors import UsageError  # noqa: E402
from assay.evaluation import scoring  # noqa: E402
from assay.evaluation.pieces import Piece  # noqa: E402
from assay.evaluation.scores import FILE_LEVEL, Row, read_scores  # noqa: E402
from assay.evaluation.scoring import rows_of, score_folder, score_pieces  # noqa: E402
from assay.options import Options  # noqa: E402
from assay.types import (  # noqa: E402
    Agreement,
    Coverage,
    Evidence,
    Media,
    OperatingPoint,
    Reason,
    Verdict,
)


class FaceDetector:
    name, version, family = "blend", "1", "face"
    needs, kinds = "faces", ("image", "video")


class VoiceDetector:
    name, version, family = "voice", "2", "voice"
    needs, kinds = "sound", ("audio", "video")


DETECTORS: dict[str, Any] = {"blend": FaceDetector, "voice": VoiceDetector}


def piece(name: str = "a.jpg", **changes: Any) -> Piece:
    values = {
        "name": name,
        "path": Path(name),
        "label": "fake",
        "method": "m",
        "group": "g",
        "modality": "image",
        "split": "val",
        "sha256": "00",
    }
    return Piece(**{**values, **changes})


def evidence(subject: str, p: float | None, threshold: float = 0.8, **changes: Any) -> Evidence:
    logit = None if p is None else float(np.log(p / (1 - p)))
    values: dict[str, Any] = {
        "detector": "blend",
        "version": "1",
        "family": "face",
        "subject": subject,
        "status": "scored" if p is not None else "abstained",
        "logit": logit,
        "p_fake": p,
        "threshold": threshold if p is not None else None,
        "reason": None if p is not None else "too_small: the face is too small",
    }
    return Evidence(**{**values, **changes})


def verdict(*said: Evidence, fired: int = 0, **changes: Any) -> Verdict:
    scored = [one.p_fake for one in said if one.p_fake is not None]
    media = Media("a.jpg", "a.jpg", "0" * 64, 9, "image", "image/jpeg", "jpeg", "jpeg")
    values: dict[str, Any] = {
        "name": "a.jpg",
        "path": "a.jpg",
        "status": "completed" if scored else "declined",
        "label": "no_evidence_found" if scored else "not_analysable",
        "coverage": Coverage(1, 1, None, 1, (), ()),
        "media": media,
        "p_fake": max(scored) if scored else None,
        "evidence": said,
        "agreement": Agreement(fired, 1, 0, 0, False),
        "operating_point": OperatingPoint("far_1", 0.8, 0.01, None, "x") if scored else None,
        "reasons": () if scored else (Reason("no_face", "No face was found."),),
        "elapsed_ms": 250.0,
    }
    return Verdict(**{**values, **changes})


def test_the_most_suspicious_subject_stands_for_the_detector() -> None:
    said = (evidence("face 1", 0.3), evidence("face 2", 0.9), evidence("face 3", None))
    blend, voice, whole = rows_of(piece(), verdict(*said, fired=1), DETECTORS)
    assert (blend.subject, blend.p_fake, blend.fired, blend.threshold) == ("face 2", 0.9, True, 0.8)
    assert blend.logit == said[1].logit
    assert (voice.status, voice.p_fake) == ("not_applicable", None)
    assert (whole.detector, whole.p_fake, whole.fired, whole.seconds) == (
        FILE_LEVEL,
        0.9,
        True,
        0.25,
    )
    assert whole.subject == "blend: face 2"


def recording(*said: Evidence, **changes: Any) -> Verdict:
    media = Media(
        "a.wav", "a.wav", "0" * 64, 9, "audio", "audio/wav", "wav", "pcm", sample_rate_hz=16_000
    )
    return verdict(*said, media=media, **changes)


def voice(subject: str, p: float | None, **changes: Any) -> Evidence:
    speaker_id = int(subject.split()[-1]) if subject.startswith("voice") else None
    more = {"detector": "voice", "version": "2", "family": "voice", "speaker_id": speaker_id}
    return evidence(subject, p, **{**more, **changes})


def test_the_most_suspicious_voice_stands_for_the_detector() -> None:
    said = (voice("voice 1", 0.2), voice("voice 2", 0.95), voice("voice 3", None))
    heard = piece("a.wav", modality="audio")
    blend, spoken, whole = rows_of(heard, recording(*said, fired=1), DETECTORS)
    assert blend.status == "not_applicable"
    assert (spoken.subject, spoken.p_fake, spoken.fired) == ("voice 2", 0.95, True)
    assert whole.subject == "voice: voice 2"
    assert (whole.group, whole.modality) == ("g", "audio")


def test_a_recording_without_speech_is_an_abstention_with_its_reason() -> None:
    said = voice("sound", None, reason="music: There is music and no speech.")
    reasons = (Reason("music", "There is music and no speech."),)
    heard = piece("a.wav", modality="audio")
    _, spoken, whole = rows_of(heard, recording(said, reasons=reasons), DETECTORS)
    assert (spoken.status, whole.status) == ("abstained", "abstained")
    assert spoken.reason.startswith("music: ")
    assert spoken.p_fake is None


def test_a_video_without_sound_is_not_the_voice_detectors_fault() -> None:
    mute = Media("a.mp4", "a.mp4", "0" * 64, 9, "video", "video/mp4", "mp4", "h264")
    seen = piece("a.mp4", modality="video")
    _, spoken, _ = rows_of(seen, verdict(evidence("face 1", 0.3), media=mute), DETECTORS)
    assert (spoken.status, spoken.reason) == ("not_applicable", "the file has no sound")


def test_a_cut_of_one_cannot_be_reached() -> None:
    said = evidence("face 1", 0.999, threshold=1.0)
    blend = rows_of(piece(), verdict(replace(said, p_fake=1.0)), DETECTORS)[0]
    assert blend.fired is False


def test_no_face_is_an_abstention_with_its_reason() -> None:
    blend, voice, whole = rows_of(piece(), verdict(), DETECTORS)
    assert (blend.status, voice.status, whole.status) == (
        "abstained",
        "not_applicable",
        "abstained",
    )
    assert "No face was found" in blend.reason
    assert blend.p_fake is None
    assert blend.fired is None


def test_a_file_that_failed_failed_for_every_detector_it_is_for() -> None:
    failed = verdict(
        media=None, status="failed", reasons=(Reason("media_damaged", "It is damaged."),)
    )
    blend, voice, whole = rows_of(piece(), failed, DETECTORS)
    assert (blend.status, voice.status, whole.status) == ("failed", "not_applicable", "failed")
    assert "damaged" in whole.reason


def test_a_detector_that_failed_or_only_reports() -> None:
    broke = evidence("file", None, status="failed", reason="detector_error: it broke")
    assert rows_of(piece(), verdict(broke), DETECTORS)[0].status == "failed"
    told = evidence("file", None, status="reported", reason=None)
    row = rows_of(piece(), verdict(told), DETECTORS)[0]
    assert (row.status, row.counts) == ("reported", False)


def test_a_reason_cannot_break_the_table() -> None:
    hostile = evidence("file", None, reason="x\n\x1b[2J," + "y" * 5000)
    row = rows_of(piece(), verdict(hostile), DETECTORS)[0]
    assert "\n" not in row.reason
    assert len(row.reason) <= 301


Install = Callable[[Callable[[str], Verdict]], list[str]]


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> Install:
    def install(double: Callable[[str], Verdict]) -> list[str]:
        asked: list[str] = []

        def detect(path: Any, options: Options) -> Verdict:
            asked.append(Path(path).name)
            assert (options.stability, options.heatmaps) == (False, False)
            return double(Path(path).name)

        monkeypatch.setattr("assay.examine.detect", detect)
        monkeypatch.setattr(scoring, "discover", lambda: DETECTORS)
        return asked

    return install


def usual(_: str) -> Verdict:
    return verdict(evidence("face 1", 0.25))


def test_rows_are_written_and_an_interrupted_run_goes_on(tmp_path: Path, examined: Install) -> None:
    pieces = [piece(f"{i}.jpg") for i in range(5)]

    def until_three(name: str) -> Verdict:
        if name == "3.jpg":
            raise KeyboardInterrupt
        return usual(name)

    examined(until_three)
    out = tmp_path / "scores.csv"
    with pytest.raises(KeyboardInterrupt):
        score_pieces(pieces, out, workers=0)
    assert {row.path for row in read_scores(out)} == {"0.jpg", "1.jpg", "2.jpg"}
    asked = examined(usual)
    rows = score_pieces(pieces, out, workers=0)
    assert asked == ["3.jpg", "4.jpg"]
    assert [row.path for row in rows if row.detector == FILE_LEVEL] == [p.name for p in pieces]
    assert sorted(read_scores(out), key=str) == sorted(rows, key=str)


def test_a_half_written_file_is_scored_again(tmp_path: Path, examined: Install) -> None:
    out = tmp_path / "scores.csv"
    pieces = [piece(f"{i}.jpg") for i in range(3)]
    examined(usual)
    score_pieces(pieces, out, workers=0)
    text = out.read_text()
    for cut in (len(text) - 30, text.rindex("2.jpg,fake"), len(text.splitlines()[0]) // 2):
        out.write_text(text[:cut])
        asked = examined(usual)
        rows = score_pieces(pieces, out, workers=0)
        assert asked[-1] == "2.jpg"
        assert len(rows) == 9
        assert out.read_text().count("\n") == 10


def test_changed_content_is_scored_again_and_other_rows_stay(
    tmp_path: Path, examined: Install
) -> None:
    out = tmp_path / "scores.csv"
    examined(usual)
    score_pieces([piece("a"), piece("b")], out, workers=0)
    asked = examined(usual)
    rows = score_pieces([piece("a", sha256="11")], out, workers=0)
    assert asked == ["a"]
    assert {row.path for row in rows} == {"a"}
    assert {(row.path, row.sha256) for row in read_scores(out)} == {("a", "11"), ("b", "00")}


def test_a_crash_is_a_row(tmp_path: Path, examined: Install) -> None:
    def crash(name: str) -> Verdict:
        if name == "bad":
            raise MemoryError("too much")
        return usual(name)

    examined(crash)
    rows = score_pieces([piece("bad"), piece("good")], tmp_path / "scores.csv", workers=0)
    bad = [row for row in rows if row.path == "bad"]
    assert [(row.detector, row.status) for row in bad] == [("blend", "failed"), ("file", "failed")]
    assert "too much" in bad[0].reason
    assert [row.status for row in rows if row.path == "good"][-1] == "scored"


def test_a_clip_that_cannot_be_halved_is_a_failed_row(tmp_path: Path, examined: Install) -> None:
    asked = examined(usual)
    (tmp_path / "bad.mp4").write_bytes(b"no clip at all")
    clip = piece("bad.mp4#left", path=tmp_path / "bad.mp4", modality="video", half="left")
    rows = score_pieces([clip], tmp_path / "scores.csv", workers=0)
    assert asked == []
    assert {row.status for row in rows} == {"failed"}


def test_scores_of_other_settings_are_never_mixed(tmp_path: Path, examined: Install) -> None:
    out = tmp_path / "scores.csv"
    examined(usual)
    score_pieces([piece()], out, workers=0)
    score_pieces([piece()], out, workers=0, options=Options(threads=3, fail_on="never"))
    with pytest.raises(UsageError, match="other options"):
        score_pieces([piece()], out, workers=0, options=Options(frames=4))
    beside = out.with_suffix(".settings.json")
    known = json.loads(beside.read_text())
    assert known["detectors"] == {"blend": "1", "voice": "2"}
    beside.unlink()
    with pytest.raises(UsageError, match="does not say how"):
        score_pieces([piece()], out, workers=0)


def folder_of(path: Path, names: dict[str, str]) -> Path:
    lines = ["path,modality,label,method,identity,split,box,source,licence,note,sha256"]
    for n, (name, label) in enumerate(names.items()):
        lines.append(f"{name},image,{label},{label}s,p{n},val,,,,,{n:02x}")
        rng = np.random.default_rng(n)
        pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path / name)
    (path / "manifest.csv").write_text("\n".join(lines) + "\n")
    return path


def test_a_folder_goes_through_the_program_itself(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"a.png": "real", "b.png": "fake", "c.png": "open"})
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    rows = score_folder(folder, tmp_path / "out" / "scores.csv", workers=0)
    whole: dict[str, Row] = {row.path: row for row in rows if row.detector == FILE_LEVEL}
    assert set(whole) == {"a.png", "b.png"}
    assert whole["a.png"].status == "abstained"
    assert "no_face" in whole["a.png"].reason
    assert whole["b.png"].status == "failed"


def test_an_unknown_split_names_those_there_are(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"a.png": "real"})
    with pytest.raises(UsageError) as caught:
        score_folder(folder, tmp_path / "scores.csv", split="test", workers=0)
    assert "val" in caught.value.as_text()


def test_the_doubles_are_detectors_in_what_is_read_of_them() -> None:
    for name in ("name", "version", "needs", "kinds"):
        assert name in Detector.__annotations__
        assert all(hasattr(double, name) for double in DETECTORS.values())


def test_recordings_and_their_changed_copies_are_examined_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wave

    from assay import examine
    from assay.evaluation.pieces import varied
    from assay.evaluation.sound_variants import SOUND_VARIANTS
    from tests.verdict.doubles import install_cards, write_card
    from tests.verdict.sound_doubles import (
        SoundDetector,
        VoiceDetector,
        make_segment,
        make_speech,
        make_voice,
    )

    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((make_voice(1.5) * 32767).astype("<i2").tobytes())
    write_card(tmp_path)
    install_cards(monkeypatch, tmp_path)
    found = {"sound_detector": SoundDetector, "voice_detector": VoiceDetector}
    monkeypatch.setattr(examine, "discover", lambda: found)
    monkeypatch.setattr(scoring, "discover", lambda: found)
    # The stand-in cards hide the networks that find speech: the recording as a whole is left.
    monkeypatch.setattr(Case, "speech", make_speech(make_segment(0.0, 1.5)))
    pieces = [piece("a.wav", path=tmp_path / "a.wav", modality="audio")]
    rows = score_pieces([*pieces, *varied(pieces)], tmp_path / "scores.csv", workers=0)
    of_files = [row for row in rows if row.detector == FILE_LEVEL]
    assert [row.variant for row in of_files] == ["", *SOUND_VARIANTS]
    assert {row.status for row in rows} == {"scored"}
    assert len({row.logit for row in rows if row.detector == "sound_detector"}) > 1
