from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("tqdm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from torch import Tensor, nn  # noqa: E402

from assay.training.loop import (  # noqa: E402
    PairDataset,
    Schedule,
    Trainer,
    draw_curves,
    keep_depthwise_exact,
    pair_loss,
    write_json,
)
from assay.training.pairs import Mixture, Pair, PairSource  # noqa: E402
from tests.training.makers import SMALL, make_view  # noqa: E402

LOSS_KEYS = {"step", "loss", "score", "mask", "ranking", "accuracy", "seconds"}


class TinyNet(nn.Module):
    """The shape of a face network, small enough for a test."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.BatchNorm2d(8)
        self.score = nn.Linear(8, 1)
        self.mask = nn.Conv2d(8, 1, 1)

    def scaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.relu(self.norm(self.depthwise(self.first(x))))
        mask = nn.functional.interpolate(self.mask(x), size=(28, 28))[:, 0]
        return self.score(x.mean(dim=(2, 3)))[:, 0], mask


class CountingSource(PairSource):
    """Remembers which pairs were drawn, and breaks off at one of them when told to."""

    def __init__(self) -> None:
        views = [make_view("a", 1), make_view("b", 2), make_view("c", 3, twin=True)]
        super().__init__(views, SMALL, Mixture())
        self.drawn: list[int] = []
        self.stop_at: int | None = None

    def draw(self, seed: int) -> Pair:
        if len(self.drawn) == self.stop_at:
            raise KeyboardInterrupt
        self.drawn.append(seed)
        return super().draw(seed)


def schedule(steps: int = 3, **changes: object) -> Schedule:
    values = {"pairs": 2, "warmup": 1, "check_every": 2, "workers": 0, "device": "cpu"}
    return Schedule(steps=steps, **{**values, **changes})  # type: ignore[arg-type]


def trainer(folder: Path, steps: int = 3, **changes: object) -> Trainer:
    torch.manual_seed(0)
    return Trainer(TinyNet(), CountingSource(), schedule(steps, **changes), folder)


def check(net: nn.Module) -> dict[str, float]:
    return {"auc": 0.5}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_three_steps_leave_curves_checks_and_a_checkpoint(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    run.train(check)
    assert run.step == 3
    curve = rows(tmp_path / "curve.csv")
    assert [row["step"] for row in curve] == ["1", "2", "3"]
    assert set(curve[0]) == LOSS_KEYS
    assert all(math.isfinite(float(value)) for row in curve for value in row.values())
    assert [row["step"] for row in rows(tmp_path / "checks.csv")] == ["2", "3"]
    assert (tmp_path / "checkpoint.pt").is_file()
    assert not (tmp_path / "checkpoint.tmp").exists()
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_training_changes_the_weights_and_the_average_follows_slowly(tmp_path: Path) -> None:
    run = trainer(tmp_path, average=0.9)
    start = run.net.score.weight.detach().clone()
    run.train(check)
    moved = (run.net.score.weight - start).abs().sum()
    averaged = (run.averaged.module.score.weight - start).abs().sum()
    assert 0 < averaged < moved


def test_a_resumed_run_counts_on_and_keeps_its_columns(tmp_path: Path) -> None:
    trainer(tmp_path).train(check)
    run = trainer(tmp_path, steps=5)
    assert run.resume()
    assert run.step == 3
    run.train(check)
    curve = rows(tmp_path / "curve.csv")
    assert [row["step"] for row in curve] == ["1", "2", "3", "4", "5"]
    assert set(curve[-1]) == LOSS_KEYS
    assert None not in curve[-1]


def test_an_interrupted_and_resumed_run_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole", steps=4)
    whole.train(check)
    broken = trainer(tmp_path / "broken", steps=4)
    broken.source.stop_at = 5  # in the third batch; the last checkpoint is of step 2
    with pytest.raises(KeyboardInterrupt):
        broken.train(check)
    resumed = trainer(tmp_path / "broken", steps=4)
    assert resumed.resume()
    assert resumed.step == 2
    resumed.train(check)
    assert resumed.source.drawn == whole.source.drawn[4:]
    for name, value in whole.averaged.state_dict().items():
        assert torch.allclose(value.float(), resumed.averaged.state_dict()[name].float(), atol=1e-6)


def test_there_is_nothing_to_resume_at_first(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    assert not run.resume()
    assert run.step == 0


def test_the_clock_ends_a_run_too(tmp_path: Path) -> None:
    run = trainer(tmp_path, steps=1000, minutes=1e-9)
    run.train(check)
    assert run.step == 1
    assert (tmp_path / "checkpoint.pt").is_file()


def test_a_finished_run_is_not_trained_on_when_resumed(tmp_path: Path) -> None:
    trainer(tmp_path, steps=50, minutes=1e-9).train(check)
    again = trainer(tmp_path, steps=50, minutes=1e-9)
    assert again.resume()
    again.train(check)
    assert (again.step, again.source.drawn) == (1, [])
    assert len(rows(tmp_path / "curve.csv")) == 1


def test_the_rate_warms_up_and_falls_to_zero(tmp_path: Path) -> None:
    run = trainer(tmp_path, steps=100, warmup=10, learning_rate=1.0)
    rates = []
    for run.step in range(101):
        rates.append(run._rate())
    assert rates[0] == pytest.approx(0.1, abs=1e-3)
    assert max(rates) == pytest.approx(rates[9], abs=0.02)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[100] == pytest.approx(0.0, abs=1e-6)
    run.step, run.seconds = 0, 60 * run.schedule.minutes
    assert run._rate() == pytest.approx(0.0, abs=1e-6)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    with torch.no_grad():
        run.net.score.bias.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="step 0"):
        run.train(check)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_the_loss_rewards_the_forgery_above_its_own_genuine_picture() -> None:
    masks, wanted = torch.zeros(4, 28, 28), torch.zeros(2, 28, 28)
    right, numbers = pair_loss(torch.tensor([-3.0, -3, 3, 3]), masks, wanted, Schedule(1))
    wrong, _ = pair_loss(torch.tensor([3.0, 3, -3, -3]), masks, wanted, Schedule(1))
    assert right < wrong
    assert numbers["accuracy"] == 1.0
    assert set(numbers) | {"step", "seconds"} == LOSS_KEYS


def test_the_parts_of_the_loss_are_what_they_are_called() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 6)
    masks, wanted = rng.normal(0, 2, (6, 28, 28)), rng.random((3, 28, 28))
    settings = Schedule(1, mask_weight=0.7, ranking_weight=0.3)
    total, numbers = pair_loss(*map(torch.from_numpy, (logits, masks, wanted)), settings)

    def cross_entropy(z: np.ndarray, target: np.ndarray) -> float:
        p = 1 / (1 + np.exp(-z))
        return float(-(target * np.log(p) + (1 - target) * np.log(1 - p)).mean())

    labels = np.r_[np.zeros(3), np.ones(3)]
    assert numbers["score"] == pytest.approx(cross_entropy(logits, labels))
    targets = np.concatenate([np.zeros_like(wanted), wanted])
    assert numbers["mask"] == pytest.approx(cross_entropy(masks, targets))
    ranking = np.log1p(np.exp(logits[:3] - logits[3:])).mean()
    assert numbers["ranking"] == pytest.approx(ranking)
    parts = numbers["score"] + 0.7 * numbers["mask"] + 0.3 * numbers["ranking"]
    assert float(total) == pytest.approx(parts)


def test_a_data_set_counts_its_pairs_from_where_the_run_stands() -> None:
    source = CountingSource()
    dataset = PairDataset(source, first=6, count=4, seed=2)
    genuine, fake, mask = dataset[1]
    assert len(dataset) == 4
    assert source.drawn == [2 * 1_000_003 + 7]
    assert genuine.shape == fake.shape == (32, 32, 3)
    assert mask.shape == (28, 28)


def test_depthwise_convolutions_stay_exact_under_autocast() -> None:
    net = TinyNet()
    names = list(net.state_dict())
    x = torch.randn(2, 8, 16, 16)
    exact = net.depthwise(x)
    keep_depthwise_exact(net)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, other = net.depthwise(x), net.first(torch.randn(2, 3, 16, 16))
    assert found.dtype == torch.float32
    assert other.dtype == torch.bfloat16
    assert torch.equal(found, exact)
    assert list(net.state_dict()) == names


def test_curves_are_drawn_from_the_files_alone(tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_text(
        "step,loss,seconds\n" + "".join(f"{n},{1 / n:.3f},0.1\n" for n in range(1, 130))
    )
    (tmp_path / "checks.csv").write_text("step,auc\n50,0.7\n")
    draw_curves(tmp_path)
    assert (tmp_path / "curves.png").stat().st_size > 5000


def test_json_is_written_with_a_last_line(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": [1, 2]})
    assert (tmp_path / "a.json").read_text() == '{\n "b": [\n  1,\n  2\n ]\n}\n'
