from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.media.audio import read_waveform  # noqa: E402
from assay.media.probe import probe  # noqa: E402
from assay.training.peers import (  # noqa: E402
    PEERS,
    RATE_HZ,
    WINDOW,
    available_peers,
    first_window,
    load_peer,
)
from assay.types import Waveform  # noqa: E402
from tests.real_faces import shared_data  # noqa: E402
from tests.training.nets.test_aasist import net, published_names  # noqa: E402


def sound(seconds: float, rate_hz: int = RATE_HZ, seed: int = 0) -> Waveform:
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, 0.1, max(1, round(seconds * rate_hz))).astype(np.float32)
    return Waveform(samples, rate_hz)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "made.pth"
    torch.save(published_names(net().state_dict()), path)
    return path


def test_the_first_window_of_a_long_sound_and_a_short_one_again_and_again() -> None:
    long = sound(6)
    np.testing.assert_array_equal(first_window(long), long.samples[:WINDOW])
    short = sound(1)
    window = first_window(short)
    assert window.shape == (WINDOW,)
    np.testing.assert_array_equal(window[: 2 * RATE_HZ], np.tile(short.samples, 2))
    np.testing.assert_array_equal(window[4 * RATE_HZ :], short.samples[:600])


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 192_000])
def test_sounds_at_other_rates_are_heard_at_16_khz(rate_hz: int) -> None:
    at = np.arange(5 * rate_hz) / rate_hz
    tone = Waveform(np.sin(2 * np.pi * 440 * at).astype(np.float32), rate_hz)
    wanted = np.sin(2 * np.pi * 440 * np.arange(WINDOW) / RATE_HZ)
    heard = first_window(tone)
    assert heard.dtype == np.float32
    # To the very end: what follows the window was heard by the resampler.
    np.testing.assert_allclose(heard[200:], wanted[200:], atol=0.01)


def test_one_sample_is_a_sound_and_none_is_not() -> None:
    assert (first_window(Waveform(np.full(1, 0.25, np.float32), RATE_HZ)) == 0.25).all()
    with pytest.raises(ValueError, match="without a sample"):
        first_window(Waveform(np.zeros(0, np.float32), RATE_HZ))
    broken = sound(1)
    broken.samples[7] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        first_window(broken)


@torch.no_grad()
def test_a_peer_scores_as_its_network_does(checkpoint: Path) -> None:
    peer = load_peer("AASIST", checkpoint)
    assert peer.sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    heard = sound(5)
    expected = net()(torch.from_numpy(first_window(heard))[None])
    assert peer.score(heard) == pytest.approx(float(expected[0]), abs=1e-4)
    assert peer.score(heard) == peer.score(heard)
    assert peer.score(sound(5, seed=1)) != peer.score(heard)


def test_what_is_no_checkpoint_of_it_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no checkpoint of AASIST"):
        load_peer("AASIST", tmp_path / "none.pth")
    with pytest.raises(ConfigError, match="AASIST, AASIST-L"):
        load_peer("RawBoost", checkpoint)
    with pytest.raises(ConfigError, match="no weights of AASIST-L"):
        load_peer("AASIST-L", checkpoint)
    for number, content in enumerate((b"", b"no checkpoint")):
        path = tmp_path / f"{number}.pth"
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="no weights of AASIST"):
            load_peer("AASIST", path)


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"x": Evil(tmp_path / "ran")}, path)
    with pytest.raises(ConfigError, match="no weights of AASIST"):
        load_peer("AASIST", path)
    assert not (tmp_path / "ran").exists()


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return (Path.touch, (self.path,))


def test_peers_say_whose_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert all(
        p.paper and p.licence and p.trained_on and name == p.name for name, p in PEERS.items()
    )
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path))
    assert available_peers() == []
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.csv").touch()
    (tmp_path / "weights" / "peers").mkdir(parents=True)
    (tmp_path / "weights" / "peers" / "AASIST-L.pth").touch()
    assert available_peers() == ["AASIST-L"]


@pytest.mark.shared
def test_the_public_checkpoint_hears_librispeech_as_genuine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = shared_data()
    monkeypatch.setenv("ASSAY_SHARED", str(data.parent))
    if "AASIST" not in available_peers():
        pytest.skip("the public checkpoint of AASIST is not there")
    peer = load_peer("AASIST")

    def scores(folder: str) -> list[float]:
        paths = sorted((data / "audio" / folder).glob("*.flac"))[:2]
        return [peer.score(read_waveform(probe(str(p)), None, 10.0, lambda: None)) for p in paths]

    # Measured on all of them: median -5.3 and 6.8 (docs/voices.md).
    assert max(scores("real/librispeech")) < min(scores("fake/diffwave-waveflow"))
