from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.nets.band_passes import RATE_HZ, BandPasses, band_passes  # noqa: E402


def gains(n_filters: int, n_taps: int) -> tuple[np.ndarray, np.ndarray]:
    size = 8192
    response = np.abs(np.fft.rfft(band_passes(n_filters, n_taps), size))
    return response, np.fft.rfftfreq(size, 1 / RATE_HZ)


def test_each_filter_passes_its_band_and_the_bands_rise() -> None:
    response, hz = gains(20, 1025)
    centres = hz[response.argmax(axis=1)]
    assert (np.diff(centres) > 0).all()
    # Equal steps of mel: the highest band is many times as wide as the lowest.
    widths = (response > 0.5).sum(axis=1)
    assert widths[-1] > 10 * widths[0]
    for band, centre in zip(response, centres, strict=True):
        far = np.abs(hz - centre) > 1500
        assert band[far].max() < 0.01 < 0.5 < band.max()


def test_together_they_pass_everything_once() -> None:
    whole = band_passes(70, 129).sum(axis=0)
    np.testing.assert_allclose(whole[64], 1.0, atol=1e-9)
    response = np.abs(np.fft.rfft(whole, 4096))
    np.testing.assert_allclose(response, 1.0, atol=1e-6)


def test_filters_are_even_and_no_part_of_a_checkpoint() -> None:
    bank = band_passes(8, 65)
    np.testing.assert_allclose(bank, bank[:, ::-1], atol=1e-12)
    layer = BandPasses(8, 65)
    assert layer.state_dict() == {}
    assert list(layer.parameters()) == []
    assert layer(torch.zeros(3, 100)).shape == (3, 8, 36)


def test_a_tone_comes_out_of_its_own_band() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(4000) / RATE_HZ).astype(np.float32)
    loudness = BandPasses(20, 513)(torch.from_numpy(tone)[None]).abs().mean(dim=2)[0]
    response, hz = gains(20, 513)
    assert int(loudness.argmax()) == int(response[:, np.abs(hz - 1000).argmin()].argmax())
