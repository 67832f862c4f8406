from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.training.nets.checkpoints import from_efficientnet_pytorch, unwrapped  # noqa: E402


def test_tensors_come_out_of_a_training_record_and_of_several_devices() -> None:
    tensor = torch.ones(2)
    record = {"net": {"module.a.weight": tensor}, "opt": {"lr": 1}, "iteration": 7}
    assert unwrapped(record) == {"a.weight": tensor}
    assert unwrapped({"state_dict": {"a": tensor, "module.b": tensor}}).keys() == {"a", "module.b"}


@pytest.mark.parametrize("state", [{}, {"epoch": 3}, {"net": {}}, {"a": torch.ones(1), "b": "x"}])
def test_what_is_no_set_of_tensors_is_told(state: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no tensors"):
        unwrapped(state)


@pytest.mark.parametrize(
    "name", ["_blocks.99._bn1.weight", "_blocks.0._expand_conv.weight", "_blocks.x", "_conv_stem"]
)
def test_a_tensor_of_no_such_trunk_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="no part"):
        from_efficientnet_pytorch({f"p.{name}": torch.ones(1)}, "p.", "trunk.", (1, 2))


def test_old_checkpoints_without_a_counter_get_one() -> None:
    own = from_efficientnet_pytorch({"_bn0.running_var": torch.ones(1)}, "", "trunk.", (1,))
    assert own.keys() == {"trunk.bn1.running_var", "trunk.bn1.num_batches_tracked"}
