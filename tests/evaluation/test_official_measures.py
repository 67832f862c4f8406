from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation import metrics  # noqa: E402
from assay.evaluation.measures import scored_of  # noqa: E402
from assay.evaluation.official_measures import auc, f1, log_loss, spread  # noqa: E402
from assay.evaluation.protocol_runs import Asked  # noqa: E402

from .made_models import made_rows  # noqa: E402

FAKE = np.array([True, True, False])


def test_the_log_loss_is_held_off_its_ends() -> None:
    assert log_loss(FAKE, np.array([0.0, 1.0, 0.0]), FAKE) == pytest.approx(-np.log(1e-7) / 3)
    assert np.isnan(log_loss(FAKE, None, FAKE))
    assert f1(FAKE, np.array([0.9, 0.1, 0.9]), FAKE) == pytest.approx(0.5)


def test_intervals_are_over_groups() -> None:
    part = scored_of("m", [r for r in made_rows(n=40, shift=1.0) if r.level == "file"])
    found = spread(part, auc, Asked(n_draws=100))
    theirs = metrics.with_interval(metrics.auc, part.score, part.fake, part.group.tolist(), 100)
    assert found["value"] == theirs.value
    assert (found["low"], found["high"]) == pytest.approx((theirs.low, theirs.high), abs=0.05)
    part.group[:] = "one"
    assert "low" not in spread(part, auc, Asked())
