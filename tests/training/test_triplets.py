from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402
from torch import nn  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.training.triplets import (  # noqa: E402
    FEATURES,
    HEAD_STEPS,
    TripletModule,
    Triplets,
    fit_of_head,
    head_modules,
    train_siamese,
)
from tests.training.made_classes import (  # noqa: E402
    TINY_FIT,
    made_cut,
    made_rows,
    made_task,
    tiny_net,
)

FIT = replace(TINY_FIT, loss="triplet", epochs=3, head_epochs=2, margin=0.5)


def test_a_triplet_is_two_of_one_label_and_one_of_the_other() -> None:
    rows = made_rows(8)
    crops = {made_cut(row, None).tobytes(): row for row in rows}
    data = Triplets(rows, made_cut, list(range(32)), (1, 2), changed=False)
    for i in range(32):
        given, label = data[i]
        anchor, alike, other = (crops[part.numpy().tobytes()] for part in given)
        assert anchor is rows[i]
        assert alike.fake is anchor.fake is not other.fake
        assert float(label) == float(anchor.fake)
    assert torch.equal(data[3][0], data[3][0])
    mates = [crops[data[i][0][1].numpy().tobytes()].item != rows[i].item for i in range(32)]
    assert sum(mates) >= 28


def test_anchors_are_fakes_and_genuine_ones_in_turn(tmp_path: Path) -> None:
    module = TripletModule(tiny_net(), made_task(), FIT, tmp_path)
    labels = torch.cat([labels for _, labels in module.train_dataloader()])
    assert labels.tolist() == [0.0, 1.0] * (len(labels) // 2)


def test_the_loss_is_torchs(tmp_path: Path) -> None:
    module = TripletModule(tiny_net().eval(), made_task(), FIT, tmp_path)
    given = torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8, 3)).astype(np.uint8)
    )
    loss, n_right, n = module.learned((given, torch.zeros(5)))
    anchor, alike, other = (module.net(given[:, k]).pooled for k in range(3))
    wanted = nn.functional.triplet_margin_loss(anchor, alike, other, margin=0.5)
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=1e-6)
    near, far = (anchor - alike).norm(dim=1), (anchor - other).norm(dim=1)
    assert (n_right, n) == (int((near < far).sum()), 5)


def test_features_are_trained_then_frozen_under_their_reader(tmp_path: Path) -> None:
    net, told = tiny_net(), ([], [])
    tells = tuple(lambda history, kept=kept: kept.append(dict(history[-1])) for kept in told)
    train_siamese(net, made_task(), FIT, tmp_path, 0, "cpu", tells)  # type: ignore[arg-type]
    features, head = told
    assert (len(features), len(head)) == (3, 2)
    assert "val_auc" not in features[0]
    assert head[-1]["val_auc"] > 0.8
    assert features[-1]["loss"] < features[0]["loss"]
    kept = torch.load(tmp_path / FEATURES / "weights.pt", weights_only=True)
    final = torch.load(tmp_path / "weights.pt", weights_only=True)
    changed = {name for name in kept if not torch.equal(kept[name], final[name])}
    assert changed == {"score.weight", "score.bias"}


def test_a_finished_siamese_run_is_not_trained_again(tmp_path: Path) -> None:
    silent = (lambda history: None, lambda history: None)
    train_siamese(tiny_net(), made_task(), FIT, tmp_path, 0, "cpu", silent)
    before = (tmp_path / "weights.pt").read_bytes()
    said = []
    tells = (said.append, said.append)
    train_siamese(tiny_net(), made_task(), FIT, tmp_path, 0, "cpu", tells)  # type: ignore[arg-type]
    assert said == []
    assert (tmp_path / "weights.pt").read_bytes() == before


def test_the_reader_has_its_own_length() -> None:
    paper = fit_of_head(replace(FIT, steps=60_000, batch=12))
    assert (paper.steps, paper.batch, paper.loss) == (HEAD_STEPS, 32, "binary")
    assert fit_of_head(FIT).epochs == 2
    assert fit_of_head(replace(FIT, head_epochs=0)).epochs == 5


def test_the_reader_is_what_stands_behind_the_features() -> None:
    net = nn.Module()
    net.trunk = nn.Sequential(nn.Conv2d(3, 3, 3))
    net.score = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1))
    assert head_modules(net) == [net.score]
    with pytest.raises(ConfigError, match="no layer of its own"):
        head_modules(nn.Sequential(nn.Conv2d(3, 3, 3)))
