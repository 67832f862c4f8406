from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("torchvision", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import numpy as np  # noqa: E402
import torch  # noqa: E402

from assay.training.nets.lcnn import NETS, Lcnn, Lfcc, published  # noqa: E402
from tests.training.sound_makers import voiced  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def by_stft(samples: torch.Tensor) -> np.ndarray:
    """The cepstra as the baseline makes them, by torch's transform and scipy's."""
    fft = pytest.importorskip("scipy.fft")
    raised = torch.cat([samples[:1], samples[1:] - 0.97 * samples[:-1]])
    spectrum = torch.stft(
        raised, 1024, 160, 320, torch.hamming_window(320), pad_mode="constant",
        return_complex=True,
    )  # fmt: skip
    power = spectrum.abs().square()[:256].T.numpy()
    lines, edges = np.linspace(0, 4000, 256), np.linspace(0, 4000, 22)
    triangles = np.stack(
        [np.interp(lines, edges[k : k + 3], [0, 1, 0], left=0, right=0) for k in range(20)], axis=1
    )
    eps = np.finfo(np.float32).eps
    cepstra = fft.dct(np.log10(power @ triangles + eps), norm="ortho")
    cepstra[:, 0] = np.log10((power / 1024).sum(axis=1) + eps)

    def steps(x: np.ndarray) -> np.ndarray:
        held = np.pad(x, ((1, 1), (0, 0)), mode="edge")
        return held[2:] - held[:-2]

    return np.hstack([cepstra, steps(cepstra), steps(steps(cepstra))])


def test_cepstra_are_those_of_the_baseline() -> None:
    samples = torch.from_numpy(voiced(0.7, 3))
    found = Lfcc()(samples[None])[0].numpy()
    wanted = by_stft(samples)
    assert found.shape == wanted.shape == (71, 60)
    assert np.abs(found - wanted).max() < 2e-3


def test_it_tells_two_kinds_of_sound_apart_after_some_steps() -> None:
    torch.manual_seed(0)
    real = np.stack([voiced(0.5, k) for k in range(4)])
    fake = np.stack([np.sign(voiced(0.5, k + 10)) * 0.1 for k in range(4)])
    sounds = torch.from_numpy(np.concatenate([real, fake]).astype(np.float32))
    labels = torch.tensor([0.0] * 4 + [1.0] * 4)
    net = Lcnn(dropout=0.0)
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    losses = []
    for _ in range(15):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(net(sounds), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_the_baselines_tensors_have_a_place_and_its_sign_is_turned() -> None:
    net = Lcnn()
    assert sum(p.numel() for p in net.parameters()) == NETS[0].n_parameters == 269_729
    theirs = {"input_mean": torch.zeros(1), "m_frontend.0.lfcc_fb": torch.zeros(1)}
    for name, value in net.state_dict().items():
        kind, _, rest = name.partition(".")
        if kind == "transform":
            theirs[f"m_transform.0.{rest}"] = value
        elif kind == "lstms":
            number, _, tensor = rest.partition(".")
            theirs[f"m_before_pooling.0.{number}.l_blstm.{tensor}"] = value
        elif kind == "score":
            theirs[f"m_output_act.0.{rest}"] = value
    other = Lcnn()
    other.load_state_dict(published(theirs))
    sounds = torch.from_numpy(voiced(0.5, 1))[None]
    net.eval(), other.eval()
    with torch.no_grad():
        assert torch.allclose(other(sounds), -net(sounds), atol=1e-6)
    assert "m_before_pooling.0.1.l_blstm.bias_hh_l0_reverse" in theirs
    # The baseline numbers its layers so: the last convolution is the 25th from 0.
    assert theirs["m_transform.0.25.weight"].shape == (64, 32, 3, 3)
