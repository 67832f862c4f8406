from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("torchvision", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from assay.training.nets.ba_tfd_plus import NETS, BaTfdPlus, published  # noqa: E402
from tests.training.clip_makers import falls, made_batch  # noqa: E402

SPEC = NETS[0]
TINY = {
    "n_frames": 16, "size_px": 48, "max_duration": 6, "n_features": 16, "video_blocks": (1, 1, 1),
    "video_width": 8, "audio_layers": 1, "audio_heads": 2, "audio_width": 16,
    "boundary_widths": (8, 4), "generator_width": 8, "n_samples": 4,
}  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("uses", [False, True])
def test_its_size_is_the_papers(uses: bool) -> None:
    with torch.device("meta"):
        net = SPEC.build(use_generators=uses).eval()
        frames = torch.zeros(1, 512, 96, 96, 3, dtype=torch.uint8)
        mel = torch.zeros(1, 64, 2048)
    n = sum(p.numel() for p in net.parameters())
    assert n == (152_900_212 if uses else SPEC.n_parameters)
    assert n / 1e6 == pytest.approx(152.9, abs=0.01)
    if uses:
        return
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        outputs = net(frames, mel)
    assert counter.get_total_flops() // 2 == SPEC.n_macs
    assert outputs.video.shape == outputs.audio.shape == (1, 256, 512)
    assert outputs.maps[0].shape == (1, 3, 40, 512)


@pytest.mark.parametrize(("stride", "uses"), [(1, True), (2, False)])
def test_some_steps_lower_the_loss(stride: int, uses: bool) -> None:
    torch.manual_seed(0)
    net = BaTfdPlus(**TINY, stride=stride, use_generators=uses)
    inputs, wanted = made_batch(stride=stride)
    losses = falls(net, inputs, wanted, 10, 5e-3)
    assert losses[-1] < 0.8 * losses[0]
    outputs = net.eval()(*inputs)
    assert outputs.fused_map.shape == (2, 6, 16 // stride)
    assert torch.allclose(outputs.fused_map, outputs.maps[0].mean(dim=1))
    edges = net.boundaries(outputs)
    assert (edges is not None) == uses
    if edges is not None:
        assert [edge.shape for edge in edges] == [(2, 16)] * 2


def test_the_repositorys_tensors_have_a_place() -> None:
    names = set(BaTfdPlus(**TINY).state_dict())
    for name in (
        "video_encoder.mvit.conv_proj.weight",
        "video_encoder.mvit.blocks.0.attn.qkv.weight",
        "audio_encoder.input_proj.conv.weight",
        "audio_encoder.block.layers.encoder_layer_0.self_attention.in_proj_weight",
        "video_boundary_module.proposal_block.p_net.g.0.0.weight",
        "audio_comp_boundary_generator.conv0_2.conv.0.weight",
        "prb_fusion_p_c.v_attn_block.attn_from_bm.conv.weight",
    ):
        assert name in names
    flags = {k for k in published({"a": torch.zeros(1)}) if k.endswith("as_published")}
    assert flags <= names
    assert len(flags) == 2
