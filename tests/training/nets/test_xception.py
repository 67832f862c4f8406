from __future__ import annotations

from itertools import pairwise

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.training.nets import net_named  # noqa: E402
from assay.training.nets.xception import Xception, published  # noqa: E402
from tests.training.nets.public_layouts import Shapes, convolution, linear, norm, state  # noqa: E402


def separable(place: str, n_in: int, n_out: int, side: int = 3) -> Shapes:
    return convolution(f"{place}.conv1", 1, n_in, side) | convolution(
        f"{place}.pointwise", n_in, n_out, 1
    )


def block(place: str, n_in: int, n_out: int, repeats: int, first: bool, grows: bool) -> Shapes:
    """A block of the public code: activations count among its numbered layers."""
    shapes: Shapes = {}
    if n_in != n_out:
        shapes |= convolution(f"{place}skip", n_in, n_out, 1) | norm(f"{place}skipbn", n_out)
    widths = [n_in] + [n_out if grows else n_in] * (repeats - 1) + [n_out]
    number = 0 if first else 1
    for into, out in pairwise(widths):
        shapes |= separable(f"{place}rep.{number}", into, out)
        shapes |= norm(f"{place}rep.{number + 1}", out)
        number += 3
    return shapes


def layout(prefix: str, last: str, n_outputs: int) -> Shapes:
    shapes = convolution(f"{prefix}conv1", 3, 32, 3) | norm(f"{prefix}bn1", 32)
    shapes |= convolution(f"{prefix}conv2", 32, 64, 3) | norm(f"{prefix}bn2", 64)
    widths = [64, 128, 256] + [728] * 9 + [1024]
    for number in range(12):
        repeats = 2 if number in (0, 1, 2, 11) else 3
        shapes |= block(
            f"{prefix}block{number + 1}.",
            widths[number],
            widths[number + 1],
            repeats,
            first=number == 0,
            grows=number != 11,
        )
    shapes |= separable(f"{prefix}conv3", 1024, 1536) | norm(f"{prefix}bn3", 1536)
    shapes |= separable(f"{prefix}conv4", 1536, 2048) | norm(f"{prefix}bn4", 2048)
    return shapes | linear(f"{prefix}{last}", 2048, n_outputs)


@pytest.mark.parametrize(
    ("prefix", "last", "n_outputs"),
    [
        ("model.", "last_linear.1", 2),  # FaceForensics, with dropout before the last layer
        ("model.", "last_linear", 2),
        ("backbone.", "last_linear", 2),  # DeepfakeBench
        ("xception.", "last_linear", 1),  # icpr2020dfdc
        ("", "fc", 2),
    ],
)
def test_public_layouts_fit_in_names_and_shapes(prefix: str, last: str, n_outputs: int) -> None:
    tensors = state(layout(prefix, last, n_outputs))
    flat = {n: t[:, :, 0, 0] if "pointwise" in n else t for n, t in tensors.items()}
    with torch.device("meta"):
        net = Xception(n_outputs)
    net.load_state_dict(published(tensors), assign=True)
    net.load_state_dict(published(flat), assign=True)


def test_a_foreign_tensor_is_named() -> None:
    tensors = state(layout("model.", "last_linear", 2))
    with pytest.raises(ValueError, match="elsewhere"):
        published({**tensors, "elsewhere.weight": torch.zeros(1)})


@torch.no_grad()
def test_the_second_output_is_that_of_a_fake() -> None:
    spec = net_named("xception")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = spec.build(n_outputs=2).eval()
    face = torch.randint(0, 256, (1, 299, 299, 3), dtype=torch.uint8)
    before = float(net(face).logit[0])
    net.score.bias += torch.tensor([0.0, 3.0])
    assert float(net(face).logit[0]) == pytest.approx(before + 3.0, abs=1e-4)
