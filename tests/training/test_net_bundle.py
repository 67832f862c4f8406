from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from assay.bundles import load_bundle_folder
from assay.errors import ConfigError
from assay.training.net_bundle import with_calibration, write_bundle
from tests.bundles.made import CALIBRATION, POINTS

from .tiny_nets import TinyFace, TinyVoice, spec

FACES = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)


def written(folder: Path, net: nn.Module | None = None, **changes: Any) -> Path:
    torch.manual_seed(0)
    values: dict[str, Any] = {
        "facts": {"data_hash": "abc", "seed": 3, "name": "mine", "commit": None},
        "calibration": CALIBRATION,
        "operating_points": POINTS,
        "trained_on": [{"set": "made", "files": np.int64(3)}],
        "examples": FACES,
    }
    return write_bundle(spec(), net or TinyFace(), folder, **{**values, **changes})


def test_a_folder_says_all_and_answers_as_the_network_does(tmp_path: Path) -> None:
    net = TinyFace().train()
    folder = written(tmp_path / "bundle", net)
    card, network = load_bundle_folder(folder)
    with torch.no_grad():
        wanted = net(torch.from_numpy(FACES)).numpy()
    assert network.run(FACES)["logit"] == pytest.approx(wanted, abs=1e-5)
    assert network.run(FACES[:1])["logit"] == pytest.approx(wanted[:1], abs=1e-5)
    assert (card.name, card.raw["net"], card.raw["kind"]) == ("mine", "tiny", "face")
    assert (card.raw["n_frames"], card.raw["max_faces"]) == (4, 3)
    assert card.raw["training"] == {"data_hash": "abc", "seed": 3, "commit": None}
    assert card.raw["trained_on"] == [{"set": "made", "files": 3}]
    assert 0 <= card.raw["parity_max_difference"] <= 1e-4
    assert network.metadata["recipe_fingerprint"] == card.recipe_fingerprint
    assert network.metadata["data_hash"] == "abc"
    assert card.calibration is not None
    assert card.operating_point("far_5").threshold == POINTS[1]["threshold"]
    assert [path.name for path in sorted(folder.iterdir())] == ["card.json", "network.onnx"]


def test_a_mask_is_exported_as_probabilities(tmp_path: Path) -> None:
    _, network = load_bundle_folder(written(tmp_path, TinyFace(draws=True)))
    found = network.run(FACES)
    assert found["mask"].shape == (3, 16, 16)
    assert 0 < found["mask"].min() <= found["mask"].max() < 1


def test_voices_too(tmp_path: Path) -> None:
    sounds = np.random.default_rng(0).normal(0, 0.1, (2, 16000)).astype(np.float32)
    net = TinyVoice()
    folder = write_bundle(
        spec("voice"),
        net,
        tmp_path,
        facts={},
        calibration=None,
        operating_points=POINTS,
        trained_on=[],
        examples=sounds,
    )
    card, network = load_bundle_folder(folder)
    assert card.calibration is None
    assert card.operating_points == ()  # a cut without a probability is none
    wanted = net(torch.from_numpy(sounds)).detach().numpy()
    assert network.run(sounds)["logit"] == pytest.approx(wanted, abs=1e-5)


def test_it_is_calibrated_later_without_another_export(tmp_path: Path) -> None:
    folder = written(tmp_path, calibration=None)
    before = (folder / "network.onnx").read_bytes()
    with_calibration(folder, CALIBRATION, POINTS)
    card, _ = load_bundle_folder(folder)
    assert card.calibration is not None
    assert (folder / "network.onnx").read_bytes() == before


class Moody(TinyFace):
    """Another network while it is traced than else."""

    def forward(self, pictures: Tensor) -> Any:
        logit = super().forward(pictures)
        return logit + 1 if torch.jit.is_tracing() else logit


class Wide(TinyFace):
    def forward(self, pictures: Tensor) -> Any:
        return super().forward(pictures)[:, None]


class Broken(TinyFace):
    def forward(self, pictures: Tensor) -> Any:
        return super().forward(pictures) * float("nan")


@pytest.mark.parametrize(
    ("net", "said"), [(Moody, "differ by"), (Wide, "logit each"), (Broken, "no number")]
)
def test_what_does_not_answer_alike_is_not_written(
    net: type[TinyFace], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        written(tmp_path / "bundle", net())
    assert not list((tmp_path / "bundle").glob("*"))


def test_an_old_bundle_stays_where_a_new_one_fails(tmp_path: Path) -> None:
    folder = written(tmp_path)
    kept = json.loads((folder / "card.json").read_text())
    with pytest.raises(ConfigError):
        written(tmp_path, Moody())
    assert json.loads((folder / "card.json").read_text()) == kept
    load_bundle_folder(folder)


def test_groups_on_both_sides_are_refused(tmp_path: Path) -> None:
    facts = {"training_groups": ["a", "b"], "calibration_groups": ["b", "c"]}
    with pytest.raises(ConfigError, match="1 groups"):
        written(tmp_path, facts=facts)
    written(tmp_path, facts=facts, calibration=None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"examples": FACES[:0]}, "example"),
        ({"facts": {"loss": float("nan")}}, "cannot be written"),
        ({"facts": {"net": object()}}, "cannot be written"),
    ],
)
def test_wrong_values_are_told(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        written(tmp_path, **changes)


def test_a_network_over_two_gigabytes_is_refused(tmp_path: Path) -> None:
    class Huge(TinyFace):
        def state_dict(self, *_: Any, **__: Any) -> Any:
            return {"w": torch.empty(600_000_000, device="meta")}

    with pytest.raises(ConfigError, match=r"2\.4 GB"):
        written(tmp_path, Huge())
