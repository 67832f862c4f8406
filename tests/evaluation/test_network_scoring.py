from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytest.importorskip("onnx", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation import network_scoring  # noqa: E402
from assay.evaluation.items import Item, items_of  # noqa: E402
from assay.evaluation.models import Work  # noqa: E402
from assay.evaluation.network_scoring import open_bundle  # noqa: E402
from assay.training.datasets.manifest_file import Manifest  # noqa: E402
from assay.training.datasets.prepared import PreparedFaces, PreparedVoice, SpeechPart  # noqa: E402
from assay.training.datasets.records import Record  # noqa: E402
from assay.types import FaceView  # noqa: E402

from .made_models import chance, write_pictures, write_tiny_bundle  # noqa: E402


def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "cache", tmp_path / "parts")


def item(modality: str = "video") -> Item:
    record = Record("made", "a.bin", modality, "fake", method="gan", split="val")  # type: ignore[arg-type]
    return Item(record, "g", Path("/nowhere"))


def view(track: int, time_s: float, level: int) -> FaceView:
    box = np.array([16, 16, 48, 48], np.float32)
    return FaceView(
        track_id=track,
        frame_index=round(time_s * 25),
        time_s=time_s,
        rgb=np.full((64, 64, 3), level, np.uint8),
        box_px=box,
        landmarks_px=np.zeros((468, 2), np.float32),
        frame_box_px=box,
        scale=1.0,
        score=1.0,
    )


def faces_of(monkeypatch: pytest.MonkeyPatch, *views: FaceView, reason: str = "") -> None:
    def prepare_faces(manifest: Manifest, cache: Path, **_: Any) -> list[PreparedFaces]:
        return [PreparedFaces(r, "g", Path(), views, reason) for r in manifest.records]

    monkeypatch.setattr("assay.training.datasets.prepared.prepare_faces", prepare_faces)


def test_pictures_are_read_by_their_windows(tmp_path: Path) -> None:
    model = open_bundle(write_tiny_bundle(tmp_path / "b"))
    items = items_of(Manifest(tmp_path, tuple(write_pictures(tmp_path, 2))), "val").items
    rows = list(model.score(items, work(tmp_path)))
    files = [r for r in rows if r.level == "file"]
    assert len(files) == 6
    assert all(r.status == "scored" and r.p_fake == pytest.approx(chance(r.logit or 0)) for r in files)  # fmt: skip  # noqa: E501
    bright = [r.logit for r in files if r.method == "gan_a"]
    dark = [r.logit for r in files if r.label == "real"]
    assert min(b or 0 for b in bright) > max(d or 0 for d in dark)
    assert files[0].threshold == pytest.approx(chance(1.0))
    frames = [r.logit for r in rows if r.level == "frame" and r.path == files[0].path]
    assert files[0].logit == pytest.approx(np.mean(frames))  # type: ignore[arg-type]


def test_faces_are_joined_as_the_card_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"over_frames": "max", "over_people": "mean"}
    model = open_bundle(write_tiny_bundle(tmp_path / "b", "face", aggregation=rule))
    faces_of(monkeypatch, view(1, 0.0, 100), view(1, 0.0, 140), view(2, 0.04, 180))
    rows = list(model.score([item()], work(tmp_path)))
    logits = {r.track_id: [] for r in rows if r.level == "frame"}  # type: ignore[var-annotated]
    for r in rows[:-1]:
        logits[r.track_id].append(r.logit)
    assert logits[1] == pytest.approx([100 / 32 - 4, 140 / 32 - 4], abs=1e-4)
    people = [max(logits[1]), logits[2][0]]
    mean = float(np.mean([chance(x) for x in people]))
    assert rows[-1].logit == pytest.approx(np.log(mean / (1 - mean)), abs=1e-4)
    # Two frames of one time stay two rows.
    assert len({r.key for r in rows}) == 4


def test_without_calibration_there_is_no_probability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_bundle(tmp_path / "b", "face", calibration=None, operating_points=[])
    model = open_bundle(folder)
    faces_of(monkeypatch, view(1, 0.0, 200))
    last = list(model.score([item()], work(tmp_path)))[-1]
    assert (last.p_fake, last.threshold, model.about.scale) == (None, 0.0, "logit")
    assert [n.code for n in model.notices([item()])] == ["not_calibrated"]


def test_windows_of_speech_carry_their_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_bundle(write_tiny_bundle(tmp_path / "v", "voice"))
    samples = np.r_[np.full(32000, 0.1), np.full(8000, -0.2)].astype(np.float32)
    parts = (SpeechPart(0, 32000, 1.0, 0), SpeechPart(32000, 40000, 5.0, 1))

    def prepare_voices(manifest: Manifest, cache: Path, **_: Any) -> list[PreparedVoice]:
        return [PreparedVoice(r, "g", Path(), samples, "", parts) for r in manifest.records]

    monkeypatch.setattr("assay.training.datasets.prepared.prepare_voices", prepare_voices)
    rows = list(model.score([item("audio"), item("image")], work(tmp_path)))
    assert rows[0].reason.startswith("wrong_kind")
    found = [(r.track_id, r.time_s, round(r.logit or 0, 3)) for r in rows[1:-1]]
    assert found == [(0, 1.0, 2.0), (0, 2.0, 2.0), (1, 5.0, 6.0)]
    assert rows[-1].logit == pytest.approx(6.0, abs=1e-3)


def test_no_face_and_a_network_that_breaks_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = open_bundle(write_tiny_bundle(tmp_path / "b", "face"))
    faces_of(monkeypatch, reason="no_face: No face was found.")
    assert [r.reason for r in model.score([item()], work(tmp_path))] == ["no_face: No face was found."]  # fmt: skip  # noqa: E501
    faces_of(monkeypatch, view(1, 0.0, 200))

    class Broken:
        inputs = model.network.inputs
        input_names = model.network.input_names

        def run(self, batch: Any) -> dict[str, Any]:
            return {"logit": np.full(len(batch), np.nan, np.float32)}

    broken = replace(model, network=Broken())  # type: ignore[arg-type]
    row = next(iter(broken.score([item()], work(tmp_path))))
    assert (row.status, row.logit) == ("failed", None)
    assert "nan" in row.reason


def test_a_bundle_with_another_recipe_is_refused(tmp_path: Path) -> None:
    from assay.errors import AssayError

    folder = write_tiny_bundle(tmp_path / "b")
    card = json.loads((folder / "card.json").read_text())
    card["recipe"]["size_px"] = 64
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(AssayError, match="fingerprint"):
        open_bundle(folder)
    assert hashlib.sha256((folder / "network.onnx").read_bytes()).hexdigest() == card["network_sha256"]  # fmt: skip  # noqa: E501
    assert network_scoring.KINDS["face"] == ("image", "video", "frames")


def test_clips_are_scored_with_the_seconds_that_they_propose(tmp_path: Path) -> None:
    from assay.evaluation.official import Extra, official
    from assay.evaluation.predictions import read_predictions, write_predictions
    from assay.evaluation.protocol_runs import Asked, Scores
    from assay.training.datasets.records import FakeSpan
    from tests.bundles.made_clip import make_clip_folder
    from tests.detectors.test_named_bundle import talking_clip

    model = open_bundle(make_clip_folder(tmp_path / "b"))
    talking_clip(tmp_path / "a.mp4")
    talking_clip(tmp_path / "mute.mp4", with_sound=False)
    (tmp_path / "broken.mp4").write_bytes((tmp_path / "a.mp4").read_bytes()[:400])
    records = [
        Record("lav_df", name, kind, "fake", method="g", split="val", spans=(FakeSpan(1.0, 1.2),))  # type: ignore[arg-type]
        for name, kind in (
            ("a.mp4", "video"), ("mute.mp4", "video"), ("broken.mp4", "video"), ("d", "frames"),
        )
    ]  # fmt: skip
    items = [Item(record, "g", tmp_path) for record in records]
    rows = list(model.score(items, work(tmp_path)))
    whole = {r.path: r for r in rows if r.level == "file"}
    assert {name: r.status for name, r in whole.items()} == {
        "a.mp4": "scored", "mute.mp4": "abstained", "broken.mp4": "failed", "d": "abstained",
    }  # fmt: skip
    assert whole["mute.mp4"].reason.startswith("no_sound")
    assert whole["d"].reason.startswith("wrong_kind")
    windows = [r for r in rows if r.level == "frame"]
    assert [r.time_s for r in windows] == [0.0, pytest.approx(0.72)]
    assert whole["a.mp4"].logit == pytest.approx(np.mean([r.logit for r in windows]))  # type: ignore[arg-type]
    proposals = [r for r in rows if r.level == "proposal"]
    assert len(proposals) > 10
    assert proposals[0].time_s == pytest.approx(1.0, abs=0.041)
    assert {r.p_fake for r in proposals} == {None}
    kept = read_predictions(write_predictions(rows, tmp_path / "p.parquet", {})).rows
    assert list(kept) == rows
    found = official(
        [Scores(model.about, kept)],
        Asked(n_draws=5),
        Extra(records={item.key: item.record for item in items}),
    )
    values = {r["metric"]: r.get("value") for r in found.rows if r["slice"] == "official: lav_df"}
    # One of the three spans is found by its best proposals, the items without an answer miss.
    assert values["ar_10"] == pytest.approx(values["ar_100"])
    assert 0 < values["ar_10"] <= 1 / 3 + 1e-6
    assert "proposals_of_frames" not in {n.code for n in found.notices}
    one_eyed = [
        Item(replace(r, audio_fake=False, visual_fake=True), "g", tmp_path) for r in records
    ]
    assert {n.code for n in model.notices(one_eyed)} == {"not_calibrated"}
