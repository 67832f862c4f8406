from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.contrast import also_asked, supervised_contrast  # noqa: E402
from assay.training.loop import Schedule  # noqa: E402
from assay.training.nets.trunk import Outputs  # noqa: E402


def outputs(methods=None, pooled=None):
    return Outputs(torch.zeros(4), torch.eye(4) if pooled is None else pooled, None, methods)


def test_nothing_is_asked_unless_the_schedule_says_so():
    assert float(also_asked(outputs(), torch.tensor([0, 1]), Schedule(steps=1))) == 0


def test_the_method_is_asked_of_the_forgeries_only():
    schedule = Schedule(steps=1, method_weight=1.0)
    right = torch.full((4, 2), -9.0)
    right[2, 0] = right[3, 1] = 9.0
    told = torch.tensor([0, 1])
    assert float(also_asked(outputs(right), told, schedule)) < 1e-3
    assert float(also_asked(outputs(right), 1 - told, schedule)) > 10
    assert float(also_asked(outputs(None), told, schedule)) == 0


def test_features_of_one_label_are_drawn_together():
    labels = torch.tensor([False, False, True, True])
    apart = torch.tensor([[1.0, 0], [1, 0.1], [-1, 0], [-1, 0.1]])
    mixed = apart[[0, 2, 1, 3]]
    assert float(supervised_contrast(apart, labels)) < 1e-3
    assert float(supervised_contrast(mixed, labels)) > 5


def test_contrast_has_a_gradient_even_where_a_label_stands_alone():
    features = torch.randn(3, 5, requires_grad=True)
    supervised_contrast(features, torch.tensor([True, False, False])).backward()
    assert features.grad is not None
    assert torch.isfinite(features.grad).all()


def test_the_contrast_enters_the_sum():
    schedule = Schedule(steps=1, contrast_weight=0.5)
    pooled = torch.tensor([[1.0, 0], [-1, 0], [1, 0], [-1, 0]])
    asked = also_asked(outputs(pooled=pooled), torch.tensor([0, 1]), schedule)
    wanted = supervised_contrast(pooled, torch.tensor([False, False, True, True]))
    assert float(asked) == pytest.approx(0.5 * float(wanted))
