from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from torch import Tensor, nn  # noqa: E402

from assay.errors import ConfigError, InputError  # noqa: E402
from assay.training.forgeries import reconstruction  # noqa: E402
from assay.training.forgeries.reconstruction import (  # noqa: E402
    picture_through,
    read_weights,
    reflected,
    save_weights,
    through,
    tile_starts,
)
from tests.real_faces import textured  # noqa: E402


class Halved(nn.Module):
    """Remembers the sizes it was given; halves the brightness."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.5))
        self.seen: list[tuple[int, ...]] = []

    def forward(self, pictures: Tensor) -> Tensor:
        self.seen.append(tuple(pictures.shape[2:]))
        return pictures * self.gain


@pytest.mark.parametrize("size", [(1, 1), (3, 17), (8, 8), (33, 64)])
def test_any_size_is_padded_and_cut_back(size: tuple[int, int]) -> None:
    net, pictures = Halved(), torch.rand(2, 3, *size)
    out = through(net, 8, pictures)
    assert out.shape == pictures.shape
    assert torch.allclose(out, pictures / 2)
    assert all(side % 8 == 0 for side in net.seen[0])


def test_padding_is_by_reflection() -> None:
    cpu = torch.device("cpu")
    assert reflected(5, 8, cpu).tolist() == [0, 1, 2, 3, 4, 3, 2, 1]
    assert reflected(2, 4, cpu).tolist() == [0, 1, 0, 1]
    assert reflected(1, 4, cpu).tolist() == [0, 0, 0, 0]


def test_results_beyond_white_and_black_are_cut() -> None:
    net = Halved()
    net.gain.data.fill_(-3.0)
    assert through(net, 4, torch.ones(1, 3, 4, 4)).min() == 0
    net.gain.data.fill_(3.0)
    assert through(net, 4, torch.ones(1, 3, 4, 4)).max() == 1


def test_tiles_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconstruction, "WHOLE_PX", 100)
    monkeypatch.setattr(reconstruction, "TILE_PX", 64)
    monkeypatch.setattr(reconstruction, "OVERLAP_PX", 16)
    rgb, net = textured(150, 75), Halved()
    out = picture_through(net, 8, rgb)
    assert len(net.seen) == len(tile_starts(150, 8)) * len(tile_starts(75, 8)) > 4
    assert np.abs(out.astype(float) - rgb / 2).max() <= 0.51


@pytest.mark.parametrize("length", [1, 64, 1024, 1025, 2049, 5000])
def test_tiles_cover_everything_on_the_decoders_grid(length: int) -> None:
    starts = tile_starts(length, 8)
    assert all(start % 8 == 0 for start in starts)
    covered = np.zeros(length, int)
    for start in starts:
        covered[start : start + reconstruction.TILE_PX] += 1
    assert covered.min() >= 1
    assert starts[-1] < length


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_what_is_no_picture_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="RGB"):
        picture_through(Halved(), 8, bad)


def test_weights_come_back_in_half_precision(tmp_path: Path) -> None:
    net = nn.Conv2d(3, 5, 3)
    save_weights(tmp_path / "a" / "w.npz", net, {"kind": "x", "n": [1, 2]})
    weights, facts = read_weights(tmp_path / "a" / "w.npz", "")
    assert facts == {"kind": "x", "n": [1, 2]}
    for name, value in net.state_dict().items():
        assert torch.equal(weights[name], value.half().float())


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 damaged", b"text"])
def test_missing_and_damaged_weights_name_the_remedy(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "w.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_weights(path, "Do this.")
    assert "w.npz" in str(caught.value)
    assert caught.value.remedy == "Do this."


def test_a_detector_can_learn_from_the_result() -> None:
    layer = nn.Conv2d(3, 2, 3)
    out = through(Halved(), 4, torch.rand(1, 3, 8, 8))
    assert not out.requires_grad
    layer(out).sum().backward()
    assert layer.weight.grad is not None
