from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import json  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.training.clip_loop import ClipSchedule, fit_clips  # noqa: E402


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.line = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.line(x)[:, 0]

    def loss(self, outputs: Tensor, batch: Tensor) -> Tensor:
        return ((outputs - batch) ** 2).mean()


def draw(rng: np.random.Generator) -> tuple[tuple[Tensor], Tensor]:
    x = torch.from_numpy(rng.normal(size=(8, 2)).astype(np.float32))
    return (x,), x @ torch.tensor([1.0, -2.0])


def schedule(steps: int, **more: Any) -> ClipSchedule:
    return ClipSchedule(steps=steps, learning_rate=0.1, warmup=1, **more)


def test_it_learns_and_tells_what_it_did(tmp_path: Path) -> None:
    net = Line()
    history = fit_clips(net, draw, schedule(80), tmp_path)
    assert history["steps"] == 80
    assert np.mean(history["losses"][-5:]) < 0.05 * np.mean(history["losses"][:5])
    lines = (tmp_path / "loss.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(10, 90, 10))


def test_a_run_that_was_broken_off_goes_on_as_it_would_have(tmp_path: Path) -> None:
    whole, broken, resumed = Line(), Line(), Line()
    fit_clips(whole, draw, schedule(30), tmp_path / "whole")

    def breaking(rng: np.random.Generator) -> Any:
        breaking.left -= 1  # type: ignore[attr-defined]
        if breaking.left < 0:  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return draw(rng)

    breaking.left = 12  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        fit_clips(broken, breaking, schedule(30, checkpoint_s=0), tmp_path / "part")
    history = fit_clips(resumed, draw, schedule(30), tmp_path / "part", resume=True)
    assert history["steps"] == 30
    assert len(history["losses"]) == 30
    # The clock is part of the pace; at a fixed number of steps it does not matter.
    assert torch.allclose(whole.line.weight, resumed.line.weight, atol=1e-5)


def test_it_ends_when_its_time_is_over(tmp_path: Path) -> None:
    assert fit_clips(Line(), draw, schedule(10**6, minutes=0.005), tmp_path)["steps"] < 10**5


def test_what_is_no_number_ends_the_run(tmp_path: Path) -> None:
    def bad(rng: np.random.Generator) -> Any:
        inputs, _ = draw(rng)
        return inputs, torch.full((8,), float("nan"))

    with pytest.raises(RuntimeError, match="loss is nan"):
        fit_clips(Line(), bad, schedule(3), tmp_path)


def test_without_a_checkpoint_nothing_can_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"last\.pt"):
        fit_clips(Line(), draw, schedule(3), tmp_path, resume=True)
    (tmp_path / "last.pt").write_bytes(b"no checkpoint")
    with pytest.raises(ConfigError, match="cannot be resumed from"):
        fit_clips(Line(), draw, schedule(3), tmp_path, resume=True)


@pytest.mark.parametrize(
    "table",
    [
        {"steps": 0},
        {"steps": 5, "batch": 0},
        {"steps": 5, "speed": 1},
        {"steps": 5, "minutes": 0},
        {"steps": 5, "learning_rate": -1},
        {"steps": 5, "seed": -1},
    ],
)
def test_a_schedule_of_no_use_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        ClipSchedule.from_table(table)
