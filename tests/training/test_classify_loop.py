from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from assay.training.classify_loop import (  # noqa: E402
    LAST,
    NetModule,
    check_numbers,
    head_of,
    rounds_of,
    train_rounds,
)
from assay.training.nets.spec import Fit  # noqa: E402
from tests.training.made_classes import (  # noqa: E402
    TINY_FIT,
    made_task,
    tiny_net,
)


def trained(folder: Path, fit: Fit = TINY_FIT, **more: Any) -> NetModule:
    module = NetModule(tiny_net(), made_task(), fit, folder, **more)
    train_rounds(module, "cpu")
    return module


def test_the_loss_falls_and_the_best_round_is_kept(tmp_path: Path) -> None:
    module = trained(tmp_path, replace(TINY_FIT, epochs=6))
    history = module.history
    assert [row["epoch"] for row in history] == list(range(1, 7))
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    assert history[-1]["val_auc"] > 0.9
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "val_auc", "seconds"} <= set(history[0])
    best = min(history, key=lambda row: row["val_loss"])
    assert [row for row in history if row["best"]][-1] is best
    net = tiny_net()
    net.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    rows = list(module.val_dataloader())
    logits = torch.cat([net.eval()(given).logit for given, _ in rows])
    again = check_numbers(logits.detach(), torch.cat([labels for _, labels in rows]))
    assert again["val_loss"] == pytest.approx(best["val_loss"], abs=1e-5)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tmp_path: Path) -> None:
    first, again = (trained(tmp_path / name) for name in "ab")
    other = trained(tmp_path / "c", replace(TINY_FIT, seed=8))
    assert losses(first) == losses(again)
    assert losses(first) != losses(other)


class Killed(Exception):
    pass


@pytest.mark.parametrize("round_killed", [1, 3])
def test_a_run_that_was_stopped_in_a_round_ends_as_if_it_had_not_been(
    tmp_path: Path, round_killed: int
) -> None:
    whole = trained(tmp_path / "whole")

    def kill(module: NetModule) -> None:
        learned = module.learned

        def or_not(batch: Any) -> Any:
            if module.global_step == round_killed * module.rounds.steps + 2:
                raise Killed
            return learned(batch)

        module.learned = or_not  # type: ignore[method-assign]

    stopped = NetModule(tiny_net(), made_task(), TINY_FIT, tmp_path / "cut")
    kill(stopped)
    with pytest.raises(Killed):
        train_rounds(stopped, "cpu")
    resumed = trained(tmp_path / "cut")
    assert len(resumed.history) == TINY_FIT.epochs
    assert losses(resumed) == pytest.approx(losses(whole), rel=1e-4)
    for name, tensor in resumed.net.state_dict().items():
        torch.testing.assert_close(tensor, whole.net.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    trained(tmp_path)
    before = (tmp_path / LAST).read_bytes()
    again = trained(tmp_path)
    assert len(again.history) == TINY_FIT.epochs
    assert (tmp_path / LAST).read_bytes() == before


def test_patience_ends_a_run_and_a_resumed_one_stays_ended(tmp_path: Path) -> None:
    fit = replace(TINY_FIT, epochs=30, patience=2, learning_rate=0.5)
    module = trained(tmp_path, fit)
    assert module.stopped
    assert len(module.history) < 30
    assert not any(row["best"] for row in module.history[-2:])
    assert len(trained(tmp_path, fit).history) == len(module.history)


def test_recipes_that_count_steps_stop_there(tmp_path: Path) -> None:
    module = trained(tmp_path, replace(TINY_FIT, steps=7))
    assert module.global_step == 7
    assert [row["step"] for row in module.history] == [7]
    rounds = rounds_of(replace(TINY_FIT, steps=1200), 48, 8)
    assert (rounds.n, rounds.total) == (3, 1200)
    assert [rounds.length(i) for i in range(3)] == [500, 500, 200]


def test_the_head_is_trained_alone_before_the_rest(tmp_path: Path) -> None:
    fit = replace(TINY_FIT, epochs=1, head_epochs=2)
    seen = []

    def watch(history: list[dict[str, Any]]) -> None:
        seen.append({k: v.clone() for k, v in module.net.state_dict().items()})

    module = NetModule(tiny_net(), made_task(), fit, tmp_path, after_round=watch)
    before = {k: v.clone() for k, v in module.net.state_dict().items()}
    train_rounds(module, "cpu")
    assert len(seen) == 3
    for name in ("first.weight", "norm.running_mean"):
        assert torch.equal(seen[1][name], before[name]), name
        assert not torch.equal(seen[2][name], before[name]), name
    assert not torch.equal(seen[0]["score.weight"], before["score.weight"])


@pytest.mark.parametrize(
    ("decay", "wanted"),
    [
        ("constant", [1.0, 1.0, 1.0, 1.0]),
        ("step", [1.0, 1.0, 0.1, 0.1]),
        ("exponential", [1.0, 0.1, 0.01, 0.001]),
        ("cosine", [0.5 * (1 + math.cos(math.pi * k / 4)) for k in range(4)]),
    ],
)
def test_the_rate_falls_as_the_recipe_says(
    tmp_path: Path, decay: Any, wanted: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = replace(TINY_FIT, learning_rate=1.0, decay=decay, every=2)
    module = NetModule(tiny_net(), made_task(), fit, tmp_path)
    rates = []
    for number in range(4):
        step = number * module.rounds.steps
        monkeypatch.setattr(NetModule, "global_step", property(lambda _, step=step: step))
        rates.append(module.rate())
    assert rates == pytest.approx(wanted)


def test_a_plateau_lowers_the_rate(tmp_path: Path) -> None:
    fit = replace(TINY_FIT, epochs=12, decay="plateau", every=2, learning_rate=0.5)
    module = trained(tmp_path, fit)
    assert module.drops >= 1
    assert module.rate() == pytest.approx(0.5 * 0.1**module.drops)
    assert module.history[-1]["learning_rate"] < 0.5 or module.drops == 1


def test_weighted_loss_counts_fakes_by_how_rare_they_are(tmp_path: Path) -> None:
    task = made_task()
    few = [row for row in task.rows if not row.fake or row.item == 1]
    fit = replace(TINY_FIT, loss="binary_weighted", balanced=False)
    module = NetModule(tiny_net(), replace(task, rows=few), fit, tmp_path)
    logits, labels = torch.tensor([0.3, -0.2]), torch.tensor([1.0, 0.0])
    plain = nn.functional.binary_cross_entropy_with_logits
    parts = [plain(logits[i], labels[i]) for i in (0, 1)]
    weight = 24 / 4
    assert module.loss(None, logits, labels) == pytest.approx(
        float(weight * parts[0] + parts[1]) / 2
    )


def test_a_network_may_bring_its_own_loss(tmp_path: Path) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.score = nn.Linear(1, 1)

        def loss(self, outputs: Tensor, batch: dict[str, Tensor]) -> Tensor:
            return (outputs - batch["label"]).square().sum()

    module = NetModule(Own(), made_task(), replace(TINY_FIT, loss="own"), tmp_path)
    both = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0])
    assert float(module.loss(both[0], both[0], both[1])) == 4.0


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match="no number at step"):
        trained(tmp_path, replace(TINY_FIT, learning_rate=1e30, optimiser="sgd", epochs=20))


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
def test_the_optimiser_is_the_recipes(tmp_path: Path, optimiser: Any) -> None:
    fit = replace(TINY_FIT, optimiser=optimiser, momentum=0.5, betas=(0.8, 0.9), weight_decay=0.1)
    made = NetModule(tiny_net(), made_task(), fit, tmp_path).configure_optimizers()
    assert type(made).__name__.lower() == optimiser
    group = made.param_groups[0]
    assert group["weight_decay"] == 0.1
    assert group["momentum" if optimiser == "sgd" else "betas"] == (
        0.5 if optimiser == "sgd" else (0.8, 0.9)
    )


def test_every_batch_is_full_and_balanced(tmp_path: Path) -> None:
    task = made_task()
    few = [row for row in task.rows if not row.fake or row.item == 1]
    module = NetModule(tiny_net(), replace(task, rows=few), TINY_FIT, tmp_path)
    batches = list(module.train_dataloader())
    assert [len(labels) for _, labels in batches] == [8] * 4
    assert all(float(labels.mean()) == 0.5 for _, labels in batches)


@pytest.mark.parametrize("head_epochs", [0, 1])
def test_what_a_network_keeps_fixed_by_itself_stays_so(tmp_path: Path, head_epochs: int) -> None:
    net = tiny_net()
    first, *others = net.parameters()
    first.requires_grad_(False)
    before = [parameter.detach().clone() for parameter in (first, *others)]
    fit = replace(TINY_FIT, epochs=1, head_epochs=head_epochs)
    train_rounds(NetModule(net, made_task(), fit, tmp_path), "cpu")
    assert torch.equal(first, before[0])
    assert not any(torch.equal(now, then) for now, then in zip(others, before[1:], strict=True))


def test_the_head_of_a_network_is_what_it_calls_so_or_its_last_layer() -> None:
    net = tiny_net()
    assert head_of(net) is net.score
    plain = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1), nn.Dropout())
    assert head_of(plain) is plain[2]


def losses(module: NetModule) -> list[float]:
    return [row[name] for row in module.history for name in ("loss", "val_loss")]
