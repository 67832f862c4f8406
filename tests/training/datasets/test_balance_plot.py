from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.datasets.balance_plot import draw_all  # noqa: E402
from assay.training.datasets.looking import Seen  # noqa: E402
from assay.training.datasets.shortcuts import shortcuts  # noqa: E402
from tests.training.datasets.media_sets import record  # noqa: E402


def test_each_kind_has_its_picture(tmp_path: Path) -> None:
    labels = ["real", "fake"] * 12
    rows = [
        record(f"{k}.png", label, method=f"$\\x{{{k}}}$ <b>" if label == "fake" else "")
        for k, label in enumerate(labels)
    ]
    seen = [
        Seen(codec="jpeg" if label == "real" else "png", width_px=256.0 + k % 7)
        for k, label in enumerate(labels)
    ]
    alone = [record("a.wav")]
    found = shortcuts([*rows, *alone], [*seen, Seen()], n_draws=20)
    written = draw_all([*rows, *alone], [*seen, Seen()], found, tmp_path / "out")
    assert [path.name for path in written] == ["balance-audio.png", "balance-image.png"]
    for path in written:
        with Image.open(path) as image:
            assert np.asarray(image.convert("RGB")).std() > 5
