from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("torchvision", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from assay.bundles.network import Network  # noqa: E402
from assay.training.net_bundle import Shipped  # noqa: E402
from assay.training.nets.ba_tfd import NETS, BaTfd, published  # noqa: E402
from tests.training.clip_makers import TINY, falls, made_batch  # noqa: E402

SPEC = NETS[0]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_its_size_is_the_papers() -> None:
    with torch.device("meta"):
        net = SPEC.build().eval()
        frames = torch.zeros(1, 512, 96, 96, 3, dtype=torch.uint8)
        mel = torch.zeros(1, 64, 2048)
    assert sum(p.numel() for p in net.parameters()) == SPEC.n_parameters == 5_502_420
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        outputs = net(frames, mel)
    assert counter.get_total_flops() // 2 == SPEC.n_macs
    assert outputs.fused_map.shape == (1, 40, 512)
    pictures = 883e9  # measured of the published code
    assert 1 < SPEC.n_macs / pictures < 1.1


@pytest.mark.parametrize("stride", [1, 2])
def test_some_steps_find_where_a_clip_was_changed(stride: int) -> None:
    torch.manual_seed(0)
    inputs, wanted = made_batch(stride=stride)
    net = BaTfd(**TINY, stride=stride)
    losses = falls(net, inputs, wanted, 40, 4e-3)
    assert losses[-1] < 0.7 * losses[0]
    outputs = net.eval()(*inputs)
    assert outputs.video_frames.shape == (2, 16 // stride)
    inside = wanted.video_frames[1] > 0
    heard = outputs.audio_frames.detach()
    assert heard[1, inside].mean() > heard[1, ~inside].mean() + 1
    assert heard[1, inside].mean() > heard[0].mean() + 1
    assert outputs.logit[1] > outputs.logit[0]


def test_a_stride_looks_at_every_so_manieth_frame_only() -> None:
    torch.manual_seed(0)
    net = BaTfd(**TINY, stride=2).eval()
    (frames, mel), _ = made_batch()
    changed = frames.clone()
    changed[:, 1::2] = 7
    with torch.no_grad():
        assert torch.equal(net(frames, mel).fused_map, net(changed, mel).fused_map)


def test_torch_and_onnx_agree(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Shipped(BaTfd(**TINY)).eval()
    (frames, mel), _ = made_batch()
    path = tmp_path / "network.onnx"
    torch.onnx.export(
        net,
        (frames, mel),
        str(path),
        input_names=["frames", "mel"],
        output_names=["logit"],
        dynamic_axes={name: {0: "n"} for name in ("frames", "mel", "logit")},
        opset_version=17,
        dynamo=False,
    )
    found = Network(path).run_all({"frames": frames.numpy()[:1], "mel": mel.numpy()[:1]})
    with torch.no_grad():
        wanted = net(frames[:1], mel[:1])[0].numpy()
    assert np.abs(found["logit"] - wanted).max() < 1e-4


def test_the_repositorys_tensors_have_a_place_and_bring_its_sampling() -> None:
    net = BaTfd(**TINY)
    theirs = {k: v for k, v in net.state_dict().items() if "as_published" not in k}
    assert "video_encoder.block3.5.conv.weight" in theirs
    assert "audio_encoder.block0.1.conv.weight" in theirs
    assert "fusion.a_attn_block.attn_from_bm.conv.bias" in theirs
    before = net.video_boundary_module.bm_layer.left.clone()
    net.load_state_dict(published({f"model.{k}": v for k, v in theirs.items()}))
    assert bool(net.video_boundary_module.bm_layer.as_published)
    assert not torch.equal(before, net.video_boundary_module.bm_layer.left)
