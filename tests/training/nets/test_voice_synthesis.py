from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.nets.voice_synthesis import (  # noqa: E402
    HOP,
    N_BANDS,
    WINDOW,
    Spectrum,
    VoiceSynthesisNet,
)

SMALL = (4, 4, 4, 4, 4)


def sound(n: int = 8000, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(2, n, generator=torch.Generator().manual_seed(seed))


def test_the_magnitude_is_that_of_another_librarys_transform():
    x = sound()
    centred = (x - x.mean(dim=1, keepdim=True)).numpy()
    centred *= 0.05 / (np.sqrt((centred**2).mean(axis=1, keepdims=True)) + 1e-6)
    window = np.hanning(WINDOW + 1)[:-1]
    frames = [centred[0, i : i + WINDOW] * window for i in range(0, 8000 - WINDOW + 1, HOP)]
    power = np.abs(np.fft.rfft(frames, axis=1)[:, 1:] / window.sum()).T ** 2
    wanted = np.log(power + 1e-8)
    wanted = (wanted - wanted.mean()) / 4
    found = Spectrum()(x)[0, 0].numpy()
    assert found.shape == (N_BANDS, len(frames))
    assert np.abs(found - wanted).max() < 1e-3


def test_a_steady_tone_advances_its_phase_evenly():
    time = torch.arange(8000) / 16000
    tone = 0.1 * torch.sin(2 * torch.pi * 1000 * time)[None]
    spectrum = Spectrum()(tone)[0]
    at = round(1000 * WINDOW / 16000) - 1  # the lowest bin is left out
    cosine, sine = spectrum[1, at, 1:], spectrum[2, at, 1:]
    assert torch.allclose(cosine, torch.ones_like(cosine), atol=1e-3)
    assert sine.abs().max() < 1e-3


def test_level_and_constant_do_not_matter():
    net = VoiceSynthesisNet(widths=SMALL).eval()
    x = sound()
    with torch.no_grad():
        for changed in (3 * x, x + 0.3, -x):
            assert torch.allclose(net(changed).logit, net(x).logit, atol=2e-3)


@pytest.mark.parametrize("kind", ["zeros", "constant", "huge", "one sample"])
def test_what_is_no_speech_gives_finite_numbers(kind):
    x = {
        "zeros": torch.zeros(1, 8000),
        "constant": torch.full((1, 8000), 0.5),
        "huge": 1e6 * sound()[:1],
        "one sample": torch.nn.functional.one_hot(torch.tensor([5]), 8000).float(),
    }[kind]
    outputs = VoiceSynthesisNet(widths=SMALL).eval()(x)
    assert torch.isfinite(outputs.logit).all()
    assert torch.isfinite(outputs.pooled).all()


def test_the_method_is_told_only_where_asked():
    assert VoiceSynthesisNet(widths=SMALL)(sound()).methods is None
    assert VoiceSynthesisNet(widths=SMALL, n_methods=7)(sound()).methods.shape == (2, 7)


def test_the_network_that_ships_is_small():
    n = sum(p.numel() for p in VoiceSynthesisNet().parameters())
    assert 4 * n < 6e6


def test_phase_can_be_left_out():
    assert VoiceSynthesisNet(widths=SMALL, phase=False).stem[0].in_channels == 1
