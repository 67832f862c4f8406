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
from assay.training.nets.av_lip_sync import NETS, REACH, AvLipSync, SyncTargets  # noqa: E402
from tests.training.clip_makers import falls  # noqa: E402

SPEC = NETS[0]
TINY = {"n_features": 8, "mouth_widths": (4, 8), "sound_widths": (16, 16, 16), "max_shift": 4}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def speaking(n: int, late: int = 0, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Mouths that lighten as the sound does, or `late` frames after it."""
    rng = np.random.default_rng(seed)
    course = np.convolve(rng.random(32 + 8), [0.3, 0.4, 0.3], "same") ** 2
    rows = [np.roll(course, int(rng.integers(40))) for _ in range(n)]
    mouths = np.stack([np.roll(row, late)[:32] for row in rows])
    frames = (40 + 200 * mouths)[:, :, None, None, None] * np.ones((1, 1, 16, 16, 3))
    mel = np.stack([np.repeat(row[:32], 4) for row in rows])[:, None] * 6 * np.ones((1, 64, 1)) - 4
    noise = rng.normal(0, 0.1, mel.shape)
    return (
        torch.from_numpy(np.clip(frames, 0, 255).astype(np.uint8)),
        torch.from_numpy((mel + noise).astype(np.float32)),
    )


def test_its_size_is_what_is_told() -> None:
    with torch.device("meta"):
        net = SPEC.build().eval()
        given = (torch.zeros(1, 50, 48, 48, 3, dtype=torch.uint8), torch.zeros(1, 64, 200))
    assert sum(p.numel() for p in net.parameters()) == SPEC.n_parameters
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        assert net(*given).pooled.shape == (1, 17)
    assert counter.get_total_flops() // 2 == SPEC.n_macs


def test_some_steps_tell_late_mouths_from_those_in_time() -> None:
    torch.manual_seed(0)
    right, wrong = speaking(8, 0, 1), speaking(8, 3, 2)
    inputs = tuple(torch.cat(pair) for pair in zip(right, wrong, strict=True))
    wanted = SyncTargets(torch.arange(16) // 8)
    net = AvLipSync(**TINY, dropout=0.0)
    losses = falls(net, inputs, wanted, 40, 1e-2)
    assert losses[-1] < 0.6 * losses[0]
    logits = net.eval()(*inputs).logit
    assert logits[8:].mean() > logits[:8].mean() + 1


def test_agreement_peaks_at_the_shift_there_is() -> None:
    net = AvLipSync(**TINY)
    features = torch.nn.functional.normalize(torch.randn(1, 8, 40), dim=1)
    for shift in (-4, 0, 2):
        curve = net.agreement(features, torch.roll(features, shift, dims=2))
        assert int(curve[0].argmax()) - 4 == shift
        assert float(curve.max()) == pytest.approx(1.0, abs=1e-5)


def test_the_ends_of_a_sequence_do_not_count() -> None:
    net = AvLipSync(**TINY)
    seen, heard = torch.randn(2, 1, 8, 40)
    changed = seen.clone()
    changed[:, :, :REACH] = 9
    changed[:, :, -REACH:] = -9
    assert torch.equal(net.agreement(seen, heard), net.agreement(changed, heard))


def test_a_still_mouth_is_all_the_same_whatever_its_colour() -> None:
    net = AvLipSync(**TINY).eval()
    _, mel = speaking(1)
    dark = torch.full((1, 32, 16, 16, 3), 40, dtype=torch.uint8)
    with torch.no_grad():
        assert torch.allclose(net(dark, mel).logit, net(dark + 100, mel).logit, atol=1e-5)


def test_torch_and_onnx_agree(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Shipped(AvLipSync(**TINY)).eval()
    mouths, mel = speaking(2)
    path = tmp_path / "network.onnx"
    torch.onnx.export(
        net,
        (mouths, mel),
        str(path),
        input_names=["mouths", "mel"],
        output_names=["logit"],
        dynamic_axes={name: {0: "n"} for name in ("mouths", "mel", "logit")},
        opset_version=17,
        dynamo=False,
    )
    found = Network(path).run_all({"mouths": mouths.numpy()[:1], "mel": mel.numpy()[:1]})
    with torch.no_grad():
        wanted = net(mouths[:1], mel[:1])[0].numpy()
    assert np.abs(found["logit"] - wanted).max() < 1e-4
