from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assay.bundles import load_bundle_folder, load_card_of
from assay.errors import ConfigError
from assay.training.datasets import prepared
from assay.training.datasets.manifest_file import Manifest, write_manifest
from assay.training.datasets.prepared import PreparedFaces, PreparedVoice, SpeechPart
from assay.training.datasets.records import Record
from assay.training.import_net import import_net, validation_of
from assay.training.importing import example_inputs
from tests.verdict.doubles import make_view

from .tiny_nets import TinyFace, TinyVoice, spec


def record(number: int, split: Any = "val", modality: Any = "image") -> Record:
    label: Any = "fake" if number % 2 else "real"
    return Record("made", f"{number}.png", modality, label, split=split, identity=f"p{number // 2}")


def manifest(folder: Path, *splits: str, n: int = 60) -> Path:
    records = [record(i, splits[i % len(splits)]) for i in range(n)]
    write_manifest(Manifest(folder, tuple(records)), folder / "manifest.parquet")
    return folder / "manifest.parquet"


def bright(folder: Path) -> Path:
    """Weights of a network whose logit rises with brightness."""
    net = TinyFace()
    with torch.no_grad():
        net.first.weight.fill_(0.1)
        net.state_dict()["first.bias"].zero_()
        net.score.weight.fill_(1.0)
    torch.save(net.state_dict(), folder / "a.pth")
    return folder / "a.pth"


@pytest.fixture
def faces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Fakes are brighter; the first item shows nobody. Holds how many items were prepared."""
    asked: list[int] = []

    def prepare(manifest: Manifest, _cache: Path, **wanted: Any) -> list[PreparedFaces]:
        assert wanted == {"n_frames": 4, "max_faces": 3}
        asked.append(len(manifest.records))
        return [
            PreparedFaces(
                one,
                one.identity,
                manifest.path_of(one),
                () if i == 0 else (make_view(1, i, brightness=0.7 if i % 2 else 0.3),),
                "no_face: None." if i == 0 else "",
            )
            for i, one in enumerate(manifest.records)
        ]

    monkeypatch.setattr(prepared, "prepare_faces", prepare)
    return asked


def test_without_a_manifest_it_reports(tmp_path: Path) -> None:
    outcome = import_net(spec(), bright(tmp_path), tmp_path / "bundle")
    card, _ = load_bundle_folder(outcome.folder)
    assert card.calibration is None
    assert card.raw["checkpoint_sha256"]
    assert card.raw["trained_on"] == [{"set": "not told by the file"}]
    said = "\n".join(outcome.lines)
    assert "Licence of the weights: whoever trained them." in said
    assert "Not calibrated" in said


def test_with_one_it_is_calibrated_on_its_validation_items(
    tmp_path: Path, faces: list[int]
) -> None:
    outcome = import_net(
        spec(),
        bright(tmp_path),
        tmp_path / "bundle",
        manifest(tmp_path, "val", "val", "test", "train", n=240),
        tmp_path / "cache",
    )
    assert faces == [120]
    card, _ = load_bundle_folder(outcome.folder)
    assert card.calibration is not None
    assert len(card.calibration.bona_fide_logits) == 59
    assert "is not known" in card.calibration.fitted_on
    assert "1 of 120 items without anybody left out" in card.calibration.fitted_on
    assert [point.name for point in card.operating_points] == ["far_5"]
    assert card.operating_points[0].detection_rate == 1.0


def test_voices_are_calibrated_by_speaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(manifest: Manifest, _cache: Path) -> list[PreparedVoice]:
        rng = np.random.default_rng(0)
        found = []
        for i, one in enumerate(manifest.records):
            samples = rng.normal(0, 0.3 if i % 2 else 0.05, 40_000).astype(np.float32)
            parts = (SpeechPart(0, 20_000, 0.0, 1), SpeechPart(20_000, 40_000, 2.0, 2))
            path = manifest.path_of(one)
            found.append(PreparedVoice(one, one.identity, path, samples, "", parts))
        return found

    monkeypatch.setattr(prepared, "prepare_voices", prepare)
    net = TinyVoice()
    with torch.no_grad():
        net.score.weight.fill_(10.0)
    torch.save(net.state_dict(), tmp_path / "a.pth")
    outcome = import_net(
        spec("voice"), tmp_path / "a.pth", tmp_path / "bundle", manifest(tmp_path, "")
    )
    calibration = load_card_of(outcome.folder).calibration
    assert calibration is not None
    assert len(calibration.bona_fide_logits) == 60  # two speakers in each of thirty


def test_a_manifest_without_validation_is_refused(tmp_path: Path) -> None:
    both = Manifest(tmp_path, (record(0, "train"), record(1, "test")))
    with pytest.raises(ConfigError, match="test, train and no val"):
        validation_of(both)
    undivided = Manifest(tmp_path, (record(0, ""), record(1, "")))
    assert validation_of(undivided) == undivided


def test_what_cannot_be_calibrated_leaves_a_bundle_that_reports(
    tmp_path: Path, faces: list[int]
) -> None:
    with pytest.raises(ConfigError, match="cannot calibrate"):
        import_net(spec(), bright(tmp_path), tmp_path / "bundle", manifest(tmp_path, "val", n=8))
    assert load_card_of(tmp_path / "bundle").calibration is None


def test_nothing_is_written_where_the_checkpoint_does_not_fit(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(ConfigError):
        import_net(replace(spec(), published=None), tmp_path / "a.pth", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("name", "alone"), [("ba_tfd", False), ("ba_tfd", True), ("ba_tfd_plus", True)]
)
def test_networks_of_clips_are_imported_with_their_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, alone: bool
) -> None:
    from assay.inputs.clip import ClipInput
    from assay.training.nets import net_named
    from tests.training.clip_makers import TINY

    torch.set_num_threads(1)
    small = {"n_frames": 16, "size_px": 48, "max_duration": 6, "n_samples": 4, "stride": 2}
    if name == "ba_tfd":
        small = {**TINY, "stride": 2}
    else:
        small |= {"boundary_widths": (8, 4), "video_blocks": (1, 1), "video_width": 8}
        small |= {"audio_layers": 1, "audio_heads": 2, "audio_width": 16, "n_features": 16}
    monkeypatch.setattr("assay.training.import_net.ALONE_MACS", 0 if alone else 10**15)
    one = replace(net_named(name), arguments=small, recipe=ClipInput(48, 16))
    net = one.build(**small)
    torch.save({"state_dict": net.state_dict()}, tmp_path / "w.ckpt")
    folder = import_net(one, tmp_path / "w.ckpt", tmp_path / "out").folder
    card, network = load_bundle_folder(folder)
    assert network.output_names == ("logit", "boundary_map")
    assert card.raw["parity_max_difference"] < 1e-4
    given = example_inputs(one)
    with torch.no_grad():
        wanted = net.eval()(*map(torch.from_numpy, given.values()))
    found = network.run_all(given)["boundary_map"]
    assert found.shape == (1, 6, 8)
    assert np.abs(found - wanted.fused_map.numpy()).max() < 1e-4
    with pytest.raises(ConfigError, match="clip"):
        import_net(one, tmp_path / "w.ckpt", tmp_path / "out", manifest(tmp_path, "val"), tmp_path)
