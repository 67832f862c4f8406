from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from assay.bundles import load_bundle_folder
from assay.training.nets import net_named

from .conftest import Answer

Assay = Callable[..., Answer]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "meso.pth"
    spec = net_named("meso4")
    torch.manual_seed(0)
    torch.save(spec.build(**spec.arguments).state_dict(), path)
    return path


def test_a_checkpoint_becomes_a_bundle(assay: Assay, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "my bundle"
    answer = assay("models", "import", "meso4", str(weights), "--out", str(out))
    assert answer.code == 0, answer.err
    assert "Not calibrated" in answer.out
    assert f"--bundle {out}" in answer.out
    card, _ = load_bundle_folder(out)
    assert card.raw["net"] == "meso4"
    assert assay("models", "verify", str(out)).code == 0


def test_what_does_not_fit_is_told(assay: Assay, weights: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    answer = assay("models", "import", "simple_cnn", str(weights), "--out", out)
    assert answer.code == 2
    assert "unexpected: convolutions.0.weight" in answer.err
    answer = assay("models", "import", "messo4", str(weights), "--out", out)
    assert (answer.code, "'meso4'" in answer.err) == (2, True)
    answer = assay("models", "import", "meso4", str(tmp_path / "none.pth"), "--out", out)
    assert (answer.code, "no checkpoint" in answer.err) == (2, True)
    answer = assay("models", "import", "meso4", str(weights), "--out", str(weights))
    assert (answer.code, "is a file" in answer.err) == (2, True)
    assert not Path(out).exists()
