from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from torch import Tensor, nn  # noqa: E402

from assay.training.curves import read_log  # noqa: E402
from assay.training.loop import (  # noqa: E402
    Member,
    PairDataset,
    PairModule,
    Schedule,
    check_numbers,
    fit,
    freed,
    pair_loss,
)
from assay.training.pairs import Pair  # noqa: E402
from tests.real_faces import ROOT  # noqa: E402
from tests.training.tiny_run import LOSSES, TinyNet, TinySource, schedule  # noqa: E402


def module(steps: int = 3, nets: list[Member] | None = None, **changes: Any) -> PairModule:
    torch.manual_seed(0)
    members = nets or [Member("all", TinyNet())]
    return PairModule(members, TinySource(), TinySource(), schedule(steps, **changes))


def weights(run: PairModule) -> Tensor:
    return torch.cat([p.detach().flatten() for p in run.nets.parameters()])


class Interrupted(TinySource):
    """Breaks off at a pair of that number."""

    def __init__(self, stop_at: int, by: type[BaseException] = InterruptedError) -> None:
        super().__init__()
        self.stop_at, self.by = stop_at, by

    def draw(self, seed: int) -> Pair:
        if len(self.drawn) == self.stop_at:
            raise self.by
        return super().draw(seed)


def test_three_steps_leave_logs_a_checkpoint_and_curves(tmp_path: Path) -> None:
    run = module()
    fit(run, tmp_path)
    assert run.global_step == 3
    rows = read_log(tmp_path)
    losses = [row for row in rows if "loss" in row]
    assert [row["step"] for row in losses] == [1, 2]  # counted from 0; the last is logged too
    assert set(losses[0]) - {"step", "epoch"} == LOSSES
    checks = [row for row in rows if "auc" in row]
    assert [row["step"] for row in checks] == [1, 2]
    assert all(np.isfinite(value) for row in rows for value in row.values())
    assert (tmp_path / "last.ckpt").is_file()
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_training_changes_the_weights_and_the_average_follows_slowly(tmp_path: Path) -> None:
    plain, averaged = module(4, average=0.0), module(4, average=0.9)
    start = weights(plain)
    assert torch.equal(start, weights(averaged))
    fit(plain, tmp_path / "plain")
    fit(averaged, tmp_path / "averaged")
    moved, followed = ((weights(run) - start).norm() for run in (plain, averaged))
    assert 0 < followed < 0.8 * moved


def test_a_run_is_told_the_same_twice(tmp_path: Path) -> None:
    first, second = module(), module()
    fit(first, tmp_path / "a")
    fit(second, tmp_path / "b")
    assert torch.equal(weights(first), weights(second))
    assert first.source.drawn == second.source.drawn


def test_an_interrupted_and_resumed_run_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = module(6)
    fit(whole, tmp_path / "whole")
    broken = module(6)
    broken.source = Interrupted(stop_at=9)  # in the fifth batch; the checkpoint is of step 4
    with pytest.raises(InterruptedError):
        fit(broken, tmp_path / "broken")
    resumed = module(6)
    fit(resumed, tmp_path / "broken", resume=True)
    assert resumed.global_step == 6
    assert resumed.source.drawn == whole.source.drawn[8:]
    assert torch.allclose(weights(whole), weights(resumed), atol=1e-6)
    steps = [row["step"] for row in read_log(tmp_path / "broken") if "auc" in row]
    assert steps[:2] == [1, 3]
    assert steps[2:] in ([5], [6])  # Lightning counts the step at which it resumed twice


def test_ctrl_c_is_an_interruption_and_not_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning leaves with 1, which for this program means strong evidence."""
    monkeypatch.setattr("signal.signal", lambda *_: None)  # it would go deaf to the next Ctrl-C
    run = module(6)
    run.source = Interrupted(stop_at=5, by=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(run, tmp_path)
    assert (tmp_path / "last.ckpt").is_file()


def test_without_a_checkpoint_a_resumed_run_starts_at_the_beginning(tmp_path: Path) -> None:
    run = module()
    fit(run, tmp_path, resume=True)
    assert run.global_step == 3
    assert run.source.drawn[0] == 7 * 1_000_003


def test_a_run_begun_anew_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    fit(module(4), tmp_path)
    again = module(2)
    fit(again, tmp_path)
    assert [row["step"] for row in read_log(tmp_path) if "auc" in row] == [1]
    resumed = module(2)
    fit(resumed, tmp_path, resume=True)
    assert torch.equal(weights(again), weights(resumed))
    assert [path.name for path in tmp_path.glob("*.ckpt")] == ["last.ckpt"]


def test_the_clock_ends_a_run_too(tmp_path: Path) -> None:
    run = module(1000, minutes=1e-9)
    fit(run, tmp_path)
    assert 1 <= run.global_step <= 2  # the clock starts with the first batch's end
    assert (tmp_path / "last.ckpt").is_file()


@pytest.mark.parametrize("changes", [{"steps": 3}, {"steps": 50, "minutes": 1e-9}])
def test_a_finished_run_is_not_trained_on_when_resumed(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    run = module(**changes)
    fit(run, tmp_path)
    again = module(**changes)
    assert not torch.equal(weights(run), weights(again))
    fit(again, tmp_path, resume=True)
    assert again.global_step == run.global_step
    assert torch.equal(weights(run), weights(again))


def test_the_rate_warms_up_and_falls_to_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    run = module(100, warmup=10, learning_rate=1.0)
    at = {"step": 0}
    monkeypatch.setattr(PairModule, "global_step", property(lambda _: at["step"]))
    rates = []
    for at["step"] in range(101):
        rates.append(run.rate())
    assert rates[0] == pytest.approx(0.1, abs=1e-3)
    assert max(rates) == pytest.approx(rates[9], abs=0.02)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[100] == pytest.approx(0.0, abs=1e-6)
    at["step"], run.seconds = 0, 60 * run.schedule.minutes
    assert run.rate() == pytest.approx(0.0, abs=1e-6)


def test_the_rate_reaches_the_optimizer(tmp_path: Path) -> None:
    run = module(4, learning_rate=0.5, warmup=4)
    seen = []
    kept = run.on_train_batch_end

    def watched(*given: Any) -> None:
        seen.append(run.trainer.optimizers[0].param_groups[0]["lr"])
        kept(*given)

    run.on_train_batch_end = watched  # type: ignore[method-assign]
    fit(run, tmp_path)
    falling = 0.5 * (1 + np.cos(np.pi * np.arange(4) / 4))
    assert seen == pytest.approx(0.5 * np.arange(1, 5) / 4 * falling)


def test_biases_and_norms_are_not_decayed() -> None:
    decayed, plain = module(weight_decay=0.3).configure_optimizers().param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.3, 0.0)
    assert {p.ndim for p in plain["params"]} == {1}
    assert min(p.ndim for p in decayed["params"]) == 2


@pytest.mark.parametrize("which", [0, 1])
def test_a_loss_that_is_no_number_stops_the_run_before_anything_is_kept(
    tmp_path: Path, which: int
) -> None:
    members = [Member("all", TinyNet()), Member("other", TinyNet())]
    with torch.no_grad():
        members[which].net.score.bias.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="step 2"):
        fit(module(nets=members), tmp_path)
    assert not (tmp_path / "last.ckpt").exists()


def test_the_loss_rewards_the_forgery_above_its_own_genuine_picture() -> None:
    masks, wanted, aligned = torch.zeros(4, 4, 4), torch.zeros(2, 4, 4), torch.tensor([True, True])
    right, numbers = pair_loss(torch.tensor([-3.0, -3, 3, 3]), aligned, masks, wanted, Schedule(1))
    wrong, _ = pair_loss(torch.tensor([3.0, 3, -3, -3]), aligned, masks, wanted, Schedule(1))
    assert right < wrong
    assert numbers["accuracy"] == 1.0
    assert set(numbers) == LOSSES


def cross_entropy(z: np.ndarray, target: np.ndarray) -> float:
    p = 1 / (1 + np.exp(-z))
    return float(-(target * np.log(p) + (1 - target) * np.log(1 - p)).mean())


def test_the_parts_of_the_loss_are_what_they_are_called() -> None:
    rng = np.random.default_rng(0)
    logits, aligned = rng.normal(0, 2, 6), np.array([True, False, True])
    masks, wanted = rng.normal(0, 2, (6, 28, 28)), rng.random((3, 28, 28))
    settings = Schedule(1, mask_weight=0.7, ranking_weight=0.3)
    given = map(torch.from_numpy, (logits, aligned, masks, wanted))
    total, numbers = pair_loss(*given, settings)
    assert numbers["score"] == pytest.approx(cross_entropy(logits, np.r_[np.zeros(3), np.ones(3)]))
    targets = np.concatenate([np.zeros_like(wanted), wanted])
    assert numbers["mask"] == pytest.approx(cross_entropy(masks, targets))
    gaps = np.log1p(np.exp(logits[:3] - logits[3:]))
    assert numbers["ranking"] == pytest.approx((gaps[0] + gaps[2]) / 2)  # aligned pairs only
    parts = numbers["score"] + 0.7 * numbers["mask"] + 0.3 * numbers["ranking"]
    assert float(total) == pytest.approx(float(parts))
    assert float(numbers["loss"]) == pytest.approx(float(parts))


def test_pairs_that_are_not_aligned_are_not_ranked() -> None:
    logits, none = torch.tensor([3.0, -3.0]), torch.tensor([False])
    total, numbers = pair_loss(logits, none, None, None, Schedule(1, ranking_weight=9.0))
    assert numbers["ranking"] == 0.0
    assert total == numbers["score"]
    assert "mask" not in numbers


def test_a_data_set_counts_its_pairs_from_where_the_run_stands() -> None:
    source = TinySource()
    dataset = PairDataset(source, first=6, count=4, seed=2)
    item = dataset[1]
    assert len(dataset) == 4
    assert source.drawn == [2 * 1_000_003 + 7]
    assert item["genuine"].shape == item["fake"].shape == (16, 16, 3)
    assert item["genuine"].dtype == torch.uint8
    assert item["mask"].shape == (2, 2)
    assert source.tags[item["source"]] == "place 0"


class Seen(TinyNet):
    """Remembers the brightness of what it was trained on: the pair's method and source."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[int]] = []

    def forward(self, pictures: Tensor) -> Any:
        if self.training:
            half = pictures[: len(pictures) // 2]
            self.batches.append(half[:, 0, 0, 0].tolist())
        return super().forward(pictures)

    def __deepcopy__(self, memo: dict[int, Any]) -> TinyNet:
        copy = TinyNet()  # the averaged weights are never trained on
        copy.load_state_dict(self.state_dict())
        return copy


def test_what_a_member_leaves_out_it_never_sees_and_its_batches_stay_as_large(
    tmp_path: Path,
) -> None:
    nets = [Seen() for _ in range(4)]
    everything = frozenset(TinySource.tags)
    members = [
        Member("all", nets[0]),
        Member("without b", nets[1], frozenset({"method b"})),
        Member("without place", nets[2], frozenset({"place 1"})),
        Member("nothing", nets[3], everything),
    ]
    run = module(6, members, pairs=8, check_every=3)
    fit(run, tmp_path)
    kinds = [[TinySource.kind(value) for batch in n.batches for value in batch] for n in nets]
    assert {m for m, _ in kinds[0]} == {"method a", "method b", "method c"}
    assert {m for m, _ in kinds[1]} == {"method a", "method c"}
    assert {s for _, s in kinds[1]} == {"place 0", "place 1"}
    assert {s for _, s in kinds[2]} == {"place 0"}
    assert kinds[3] == []
    assert {len(batch) for net in nets for batch in net.batches} == {8}


def test_a_member_learns_from_one_batch_in_so_many(tmp_path: Path) -> None:
    nets = [Seen(), Seen(), Seen()]
    members = [Member("all", nets[0]), *(Member(f"m{i}", nets[i], every=3) for i in (1, 2))]
    fit(module(6, members), tmp_path)
    assert [len(net.batches) for net in nets] == [6, 2, 2]
    # Not all in the same step, so that the steps cost alike.
    assert nets[1].batches[0] != nets[2].batches[0]


def test_each_members_check_is_logged(tmp_path: Path) -> None:
    members = [Member("all", TinyNet()), Member("without b", TinyNet(), frozenset({"method b"}))]
    fit(module(2, members), tmp_path)
    row = next(row for row in read_log(tmp_path) if "auc" in row)
    names = {"auc", "pair_order", "auc_method a", "auc_method b", "auc_method c"}
    assert set(row) - {"step", "epoch"} == names | {f"without b/{name}" for name in names}


def test_a_run_whose_check_no_longer_improves_ends_early(tmp_path: Path) -> None:
    run = module(40, learning_rate=0.0, patience=2)
    fit(run, tmp_path)
    assert run.global_step == 6  # the first check counts, two more bring nothing


def test_the_check_agrees_with_another_library() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="the train extra is not installed")
    rng = np.random.default_rng(0)
    genuine, fake = rng.normal(0, 40, 300), rng.normal(25, 40, 300)
    genuine[:3] = 90.0, 1e4, 1e4 + 1  # a sigmoid in float32 would make these one
    methods = rng.integers(0, 2, 300)
    given = (torch.from_numpy(v) for v in (genuine, fake, methods))
    numbers = check_numbers(*given, ("first", "second"))
    wanted = []
    for code, name in enumerate(("first", "second")):
        chosen = methods == code
        labels = np.r_[np.zeros(chosen.sum()), np.ones(chosen.sum())]
        wanted.append(metrics.roc_auc_score(labels, np.r_[genuine[chosen], fake[chosen]]))
        assert numbers[f"auc_{name}"] == pytest.approx(wanted[-1], abs=1e-6)
    assert numbers["auc"] == pytest.approx(np.mean(wanted), abs=1e-6)
    assert numbers["pair_order"] == pytest.approx((fake > genuine).mean())


def test_scores_that_do_not_differ_are_worth_nothing() -> None:
    flat = torch.zeros(50)
    numbers = check_numbers(flat, flat, torch.zeros(50, dtype=torch.long), ("only",))
    assert numbers["auc"] == pytest.approx(0.5)


def test_networks_are_trained_in_bfloat16(tmp_path: Path) -> None:
    kinds = []
    net = TinyNet()
    net.first.register_forward_hook(lambda *given: kinds.append(given[2].dtype))
    fit(module(1, [Member("all", net)]), tmp_path)
    assert kinds
    assert set(kinds) == {torch.bfloat16}
    assert {p.dtype for p in net.parameters()} == {torch.float32}


def test_the_nets_of_a_finished_run_are_plain_ones(tmp_path: Path) -> None:
    import copy

    run = module(1)
    fit(run, tmp_path)
    net = run.members[0].net
    other = copy.deepcopy(net)
    assert isinstance(other.depthwise, nn.Conv2d)
    with torch.no_grad():
        other.depthwise.weight.zero_()
    x = torch.randn(1, 8, 4, 4)
    assert other.depthwise(x).abs().max() <= other.depthwise.bias.abs().max() + 1e-6
    assert not torch.equal(net.depthwise(x), other.depthwise(x))


def test_a_freed_graph_leaves_the_same_gradients() -> None:
    torch.manual_seed(2)
    net = TinyNet()
    pictures = torch.randint(0, 255, (4, 16, 16, 3), dtype=torch.uint8)

    def gradients(way: Any) -> list[Tensor | None]:
        net.zero_grad()
        way(net(pictures).logit.square().sum()).backward()
        return [None if p.grad is None else p.grad.clone() for p in net.parameters()]

    loss = net(pictures).logit.square().sum()
    value = float(loss)
    assert float(freed(loss, net)) == value
    plain = gradients(lambda loss: loss)
    held = gradients(lambda loss: freed(loss, net) + 1)
    for name, a, b in zip(dict(net.named_parameters()), plain, held, strict=True):
        assert (a is None) == (b is None), name  # the mask's layer has no part in it
        assert a is None or torch.equal(a, b), name


def test_a_network_that_is_only_checked_stays_as_it_is(tmp_path: Path) -> None:
    nets = [TinyNet(), TinyNet()]
    before = {name: value.clone() for name, value in nets[0].state_dict().items()}
    members = [Member("all", nets[0], every=0), Member("m", nets[1])]
    fit(module(3, members), tmp_path)
    for name, value in nets[0].state_dict().items():
        assert torch.equal(value, before[name]), name
    rows = read_log(tmp_path)
    assert any("loss" in row for row in rows)  # of the first that is trained
    assert any("auc" in row and "m/auc" in row for row in rows)


FORKED = """
import sys
import cv2, numpy as np
import subprocess
import sys
from pathlib import Path
from tests.training.test_loop import fit, module
cv2.setNumThreads(4)
cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (0, 0), 3)  # its threads are there now
fit(module(2, workers=1), Path(sys.argv[1]))
"""


def test_threads_of_opencv_do_not_hang_the_workers(tmp_path: Path) -> None:
    pytest.importorskip("cv2", reason="the train extra is not installed")
    command = [sys.executable, "-c", FORKED, str(tmp_path)]
    subprocess.run(command, check=True, timeout=240, capture_output=True, cwd=ROOT)
    assert (tmp_path / "last.ckpt").is_file()
