from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.training.net_bundle import write_bundle  # noqa: E402
from assay.training.parity import MAX_DIFFERENCE, Parity, parity  # noqa: E402
from tests.training.tiny_nets import spec  # noqa: E402

SIDE = 16
N_PROBES = 2


class Steep(nn.Module):
    """Of a flat picture a tame answer; of a noisy one the last bit of a sum, blown up."""

    def __init__(self, gain: float = 1e9) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.gain = gain
        self.score = nn.Linear(SIDE * SIDE * 3, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        x = pictures.flatten(1).to(self.score.weight.dtype) / 255
        noisy = torch.relu((x - x.mean(dim=1, keepdim=True)).abs().mean(dim=1) - 0.1)
        return torch.sin(self.score(x)[:, 0] * (1 + self.gain * noisy))


@dataclass
class Answering:
    """In the place of ONNX Runtime: what a network says, and a fault of the export on top."""

    net: nn.Module
    faults: Tensor

    def run_all(self, arrays: dict[str, Any]) -> dict[str, Any]:
        pictures = torch.from_numpy(arrays["pictures"])
        with torch.no_grad():  # as ONNX Runtime would: another order of the same sums
            logit = self.net.double()(pictures).float() + self.faults[-len(pictures) :]
        self.net.float()
        return {"logit": logit.numpy()}


def pictures(n: int, noisy: bool) -> np.ndarray:
    rng = np.random.default_rng(3)
    if noisy:
        return rng.integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8)
    light = rng.integers(60, 200, (n, 1, 1, 1))
    return (light + rng.integers(0, 6, (n, SIDE, SIDE, 3))).astype(np.uint8)


def compared(batch: np.ndarray, faults: list[float], gain: float = 1e9) -> Parity:
    class Shipped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = Steep(gain)

        def forward(self, given: Tensor) -> tuple[Tensor, ...]:
            return (self.net(given),)

    shipped = Shipped().eval()
    with torch.no_grad():
        wanted = {"logit": shipped(torch.from_numpy(batch))[0].numpy()}
    network: Any = Answering(Steep(gain).eval(), torch.tensor(faults))
    return parity(network, shipped, {"pictures": batch}, wanted, N_PROBES)


MIXED = np.concatenate([pictures(N_PROBES, noisy=True), pictures(3, noisy=False)])


def test_an_answer_that_hangs_on_rounding_is_compared_at_its_own_precision() -> None:
    found = compared(MIXED, [0.0] * 5)
    assert found.n_swaying == N_PROBES
    assert found.sway > 0.1
    assert found.difference <= 1e-5
    card = found.as_card()
    assert card["parity_max_difference"] == found.difference
    assert card["parity_swaying"] == {"inputs": N_PROBES, "by": found.sway}


@pytest.mark.parametrize("at", range(N_PROBES, 5))
def test_a_fault_is_not_hidden_by_other_inputs_that_sway(at: int) -> None:
    faults = [3 * MAX_DIFFERENCE if i == at else 0.0 for i in range(5)]
    with pytest.raises(ConfigError, match=r"differ by 0\.0003; .* rounding explains"):
        compared(MIXED, faults)


def test_a_swaying_input_may_not_differ_by_more_than_it_sways() -> None:
    with pytest.raises(ConfigError, match="differ by"):
        compared(MIXED, [30.0, 0, 0, 0, 0])
    with pytest.raises(ConfigError, match="differ by nan"):
        compared(MIXED, [float("nan"), 0, 0, 0, 0])


def test_a_large_answer_makes_no_room_for_a_small_one() -> None:
    """One logit of hundreds once let all others be wrong by hundredths."""

    class Growing(nn.Module):
        def forward(self, given: Tensor) -> tuple[Tensor, ...]:
            return (given.double().flatten(1).sum(dim=1).float() / 1000,)

    batch = np.zeros((4, SIDE, SIDE, 3), np.uint8)
    batch[0] = 255
    wanted = {"logit": Growing()(torch.from_numpy(batch))[0].numpy()}
    assert wanted["logit"][0] > 100

    class Off:
        def run_all(self, arrays: dict[str, Any]) -> dict[str, Any]:
            n = len(arrays["pictures"])
            return {"logit": wanted["logit"][-n:] + np.float32([0, 0, 0.01, 0])[-n:]}

    network: Any = Off()
    with pytest.raises(ConfigError, match=r"differ by 0\.01"):
        parity(network, Growing(), {"pictures": batch}, wanted, 1)


def test_a_network_of_which_every_ordinary_answer_hangs_on_rounding_is_refused() -> None:
    with pytest.raises(ConfigError, match="Rounding alone moves"):
        compared(pictures(5, noisy=True), [0.0] * 5)


def test_a_calm_network_is_compared_as_it_is() -> None:
    found = compared(MIXED, [0.0] * 5, gain=0.0)
    assert found.n_swaying == 0
    assert found.as_card() == {"parity_max_difference": found.difference}


def test_the_bundle_of_such_a_network_is_written_and_says_so(tmp_path: Path) -> None:
    import json

    folder = write_bundle(
        spec(), Steep(), tmp_path, facts={}, calibration=None, operating_points=[],
        trained_on=[], examples=pictures(3, noisy=False),
    )  # fmt: skip
    card = json.loads((folder / "card.json").read_text())
    assert card["parity_max_difference"] <= 1e-4
    assert card["parity_swaying"]["inputs"] == 1
