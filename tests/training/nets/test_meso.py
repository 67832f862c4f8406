from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
h5py = pytest.importorskip("h5py", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.inputs.face import crop_face  # noqa: E402
from assay.training.nets import net_named  # noqa: E402
from assay.training.nets.meso import MesoNet, published, read_keras  # noqa: E402
from assay.training.shared import shared_folder  # noqa: E402
from tests.real_faces import portrait, portrait_mesh  # noqa: E402

MESO4 = [(3, 3, 8), (5, 8, 8), (5, 8, 16), (5, 16, 16)]
NORMS = {False: (8, 8, 16, 16), True: (11, 12, 16, 16)}


def public_layers(inception: bool) -> dict[str, tuple[int, ...]]:
    """Tensors of the public files, by the names that Keras gives them, and their shapes."""
    if inception:
        mixed = []
        for n_in, widths in ((3, (1, 4, 4, 2)), (11, (2, 4, 4, 2))):
            mixed.append((1, n_in, widths[0]))
            for width in widths[1:]:
                mixed += [(1, n_in, width), (3, width, width)]
        convolutions = [*mixed, (5, 12, 16), (5, 16, 16)]
    else:
        convolutions = MESO4
    # Keras counts on from model to model, so the first number is any.
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (side, n_in, n_out) in enumerate(convolutions, start=5):
        shapes[f"conv2d_{number}/kernel"] = (side, side, n_in, n_out)
        shapes[f"conv2d_{number}/bias"] = (n_out,)
    for number, width in enumerate(NORMS[inception], start=9):
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"batch_normalization_{number}/{part}"] = (width,)
    shapes |= {"dense_3/kernel": (1024, 16), "dense_3/bias": (16,)}
    return shapes | {"dense_4/kernel": (16, 1), "dense_4/bias": (1,)}


def public_state(inception: bool) -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    return {name: torch.rand(shape) * 0.2 for name, shape in public_layers(inception).items()}


def keras_logit(state: dict[str, torch.Tensor], pictures: np.ndarray) -> float:
    """Meso-4 as Keras computes it: channels last, kernels not turned, in plain numpy."""

    def at(name: str) -> np.ndarray:
        return state[name].double().numpy()

    x = pictures.astype(float) / 255
    for number, pool in zip(range(4), (2, 2, 2, 4), strict=True):
        kernel = at(f"conv2d_{5 + number}/kernel")
        reach = kernel.shape[0] // 2
        padded = np.pad(x, ((reach, reach), (reach, reach), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], (0, 1))
        x = np.einsum("ijcab,abcd->ijd", windows, kernel, optimize=True)
        x = np.maximum(x + at(f"conv2d_{5 + number}/bias"), 0)
        norm = f"batch_normalization_{9 + number}/"
        spread = np.sqrt(at(f"{norm}moving_variance") + 1e-3)
        x = (x - at(f"{norm}moving_mean")) / spread * at(f"{norm}gamma") + at(f"{norm}beta")
        side, channels = x.shape[0] // pool, x.shape[2]
        x = x.reshape(side, pool, side, pool, channels).max(axis=(1, 3))
    hidden = x.reshape(-1) @ at("dense_3/kernel") + at("dense_3/bias")
    hidden = np.where(hidden > 0, hidden, 0.1 * hidden)
    return float((hidden @ at("dense_4/kernel") + at("dense_4/bias"))[0])


@torch.no_grad()
def test_an_imported_meso4_computes_what_keras_computes_with_the_sign_turned() -> None:
    state = public_state(inception=False)
    net = MesoNet().eval()
    net.load_state_dict(published(inception=False)(state))
    pictures = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), dtype=np.uint8)
    found = float(net(torch.from_numpy(pictures)).logit[0])
    assert found == pytest.approx(-keras_logit(state, pictures[0]), rel=1e-4)


@pytest.mark.parametrize("inception", [False, True])
def test_every_tensor_of_the_public_layout_finds_its_place(inception: bool) -> None:
    state = public_state(inception)
    own = published(inception=inception)(state)
    net = MesoNet(inception=inception)
    net.load_state_dict(own)
    numbers = sorted(float(v.double().abs().sum()) for v in state.values())
    placed = [v for k, v in own.items() if not k.endswith("num_batches_tracked")]
    assert sorted(float(v.double().abs().sum()) for v in placed) == pytest.approx(numbers)


def test_the_mixed_convolutions_stand_in_the_order_of_the_public_code() -> None:
    state = public_state(inception=True)
    own = published(inception=True)(state)
    # The third pair of the first block: gaps of three, two channels.
    kernel = state["conv2d_11/kernel"].permute(3, 2, 0, 1)
    assert torch.equal(own["convolutions.0.spread.2.weight"], kernel)
    assert MesoNet(inception=True).convolutions[0].spread[2].dilation == (3, 3)
    point = state["conv2d_12/kernel"].permute(3, 2, 0, 1)
    assert torch.equal(own["convolutions.1.points.0.weight"], point)


def test_a_missing_or_strange_layer_is_told() -> None:
    state = public_state(inception=False)
    with pytest.raises(ValueError, match="this MesoNet has"):
        published(inception=True)(state)
    with pytest.raises(ValueError, match="no layer"):
        published(inception=False)({**state, "head/kernel": torch.zeros(1)})
    del state["conv2d_5/bias"]
    with pytest.raises(ValueError, match="no bias"):
        published(inception=False)(state)


def test_a_keras_file_is_read_as_numbers_alone(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    state = public_state(inception=False)
    with h5py.File(path, "w") as file:
        for name, tensor in state.items():
            layer, _, part = name.partition("/")
            file[f"{layer}/{layer}/{part}:0"] = tensor.numpy()
    found = read_keras(path)
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_a_file_that_is_none_or_holds_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    path.write_bytes(b"not a weight file")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_keras(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_keras(tmp_path / "missing.h5")
    with h5py.File(path, "w") as file:
        file.create_dataset("conv2d_1/conv2d_1/kernel:0", (1 << 40,), "f4", chunks=True)
    with pytest.raises(ConfigError, match="no MesoNet's"):
        read_keras(path)
    with h5py.File(path, "w") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    assert read_keras(path) == {}


@torch.no_grad()
@pytest.mark.shared
@pytest.mark.parametrize("file", ["Meso4_DF", "Meso4_F2F", "MesoInception_DF", "MesoInception_F2F"])
def test_the_public_weights_call_genuine_portraits_genuine(file: str) -> None:
    try:
        path = shared_folder() / "weights" / "peers" / f"{file}.h5"
    except ConfigError:
        pytest.skip("there is no shared folder")
    if not path.is_file():
        pytest.skip(f"{file}.h5 is not in the shared folder")
    spec = net_named("mesoinception4" if "Inception" in file else "meso4")
    net = spec.build(**spec.arguments).eval()
    assert spec.published is not None
    assert spec.read_checkpoint is not None
    net.load_state_dict(spec.published(spec.read_checkpoint(path)))
    crops = [
        crop_face(portrait(name), portrait_mesh(name).box_px, spec.recipe)
        for name in ("grace_hopper", "astronaut")
    ]
    assert float(net(torch.from_numpy(np.stack(crops))).logit.mean()) < 0
