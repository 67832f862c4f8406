"""MesoNet: two networks of four blocks, with few layers on purpose, for the middle scale of a face.

Afchar et al., "MesoNet: a Compact Facial Video Forgery Detection Network", WIFS 2018. Meso-4 has
four convolutions (27,977 parameters), MesoInception-4 puts two blocks of parallel dilated ones in
front (28,615). The public weights are Keras files whose one output is high for GENUINE faces; the
importer turns its sign.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.errors import ConfigError
from assay.inputs.face import FaceInput
from assay.training.nets.spec import Fit, NetSpec
from assay.training.nets.trunk import Outputs

SIDE_PX = 256
HIDDEN = 16
LEAK = 0.1
EPSILON, MOMENTUM = 1e-3, 0.01  # Keras's
POOLS = (2, 2, 2, 4)
MIXTURES = ((1, 4, 4, 2), (2, 4, 4, 2))
MOST_VALUES = 1 << 20  # of one tensor in a file; the largest has 16,384


class MesoNet(nn.Module):
    """uint8 faces (n, 256, 256, 3) in; a logit (n,), higher = more likely fake, and 16 features."""

    def __init__(self, *, inception: bool = False) -> None:
        super().__init__()
        if inception:
            first: list[nn.Module] = [_Mixture(3, MIXTURES[0]), _Mixture(11, MIXTURES[1])]
            widths = (11, 12, 16, 16)
        else:
            first = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 5, padding=2)]
            widths = (8, 8, 16, 16)
        last = [nn.Conv2d(widths[i], 16, 5, padding=2) for i in (1, 2)]
        self.convolutions = nn.ModuleList([*first, *last])
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, EPSILON, MOMENTUM) for width in widths)
        side = SIDE_PX
        for pool in POOLS:
            side //= pool
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(16 * side * side, HIDDEN)
        self.score = nn.Linear(HIDDEN, 1)

    def forward(self, pictures: Tensor) -> Outputs:
        """See the class."""
        x = pictures.permute(0, 3, 1, 2).to(self.score.weight.dtype) / 255.0
        for convolve, norm, pool in zip(self.convolutions, self.norms, POOLS, strict=True):
            x = nn.functional.max_pool2d(norm(torch.relu(convolve(x))), pool)
        x = self.dense(self.dropout(x.flatten(1)))
        pooled = nn.functional.leaky_relu(x, LEAK)
        return Outputs(self.score(self.dropout(pooled))[:, 0], pooled)


class _Mixture(nn.Module):
    """Four convolutions side by side: of one pixel, of 3 × 3, and of 3 × 3 with gaps of two and
    of three; before each of the last three one of one pixel. Their channels lie one after another.
    """

    def __init__(self, n_in: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.points = nn.ModuleList(nn.Conv2d(n_in, width, 1) for width in widths)
        self.spread = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=gap, dilation=gap)
            for gap, width in enumerate(widths[1:], start=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        points = [torch.relu(point(x)) for point in self.points]
        spread = [torch.relu(c(p)) for c, p in zip(self.spread, points[1:], strict=True)]
        return torch.cat([points[0], *spread], dim=1)


def read_keras(path: Path) -> dict[str, Tensor]:
    """The tensors of a Keras weight file, as `layer/tensor`: nothing but numbers is read.

    Raises ConfigError where it is no such file, or holds what no MesoNet has.
    """
    import h5py

    found: dict[str, Tensor] = {}

    def take(name: str, item: object) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.is_virtual or item.external or item.dtype.kind != "f" or item.size > MOST_VALUES:
            raise ConfigError(f"{path} holds {name!r} ({item.shape}), which is no MesoNet's.")
        layer, _, tensor = name.rpartition("/")
        found[f"{layer.rpartition('/')[2]}/{tensor.partition(':')[0]}"] = torch.from_numpy(
            item[()].astype("float32")
        )

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        said = " ".join(str(error).split())[:200]
        raise ConfigError(f"{path} cannot be read as a Keras weight file: {said}") from error
    return found


def published(*, inception: bool) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor]]:
    """Renames a public file's tensors, and turns the sign of the last layer: theirs is high for
    genuine faces. The function raises ValueError where a layer is missing or in excess."""

    def rename(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        layers = _by_kind(state)
        convolutions = _convolutions() if inception else [f"convolutions.{i}" for i in range(4)]
        wanted = {"conv2d": len(convolutions), "batch_normalization": len(POOLS), "dense": 2}
        counted = {kind: len(found) for kind, found in layers.items()}
        if counted != wanted:
            raise ValueError(f"The file has the layers {counted}; this MesoNet has {wanted}.")
        own: dict[str, Tensor] = {}
        for place, layer in zip(convolutions, layers["conv2d"], strict=True):
            own[f"{place}.weight"] = _part(layer, "kernel").permute(3, 2, 0, 1).contiguous()
            own[f"{place}.bias"] = _part(layer, "bias")
        for number, layer in enumerate(layers["batch_normalization"]):
            own |= _norm(f"norms.{number}", layer)
        return own | _dense(*layers["dense"])

    return rename


def _convolutions() -> list[str]:
    """The convolutions of MesoInception-4, in the order in which the public code makes them."""
    mixed = [
        f"convolutions.{block}.{place}"
        for block in range(len(MIXTURES))
        for place in ("points.0", *(f"{kind}.{i}" for i in range(3) for kind in ("+", "spread")))
    ]
    # Of each pair the convolution of one pixel comes first, and `points` counts the lone one too.
    named = [re.sub(r"\+\.(\d)", lambda m: f"points.{int(m[1]) + 1}", place) for place in mixed]
    return [*named, "convolutions.2", "convolutions.3"]


def _by_kind(state: Mapping[str, Tensor]) -> dict[str, list[dict[str, Tensor]]]:
    """Layers by kind, each kind in the order in which Keras numbered them."""
    numbered: dict[tuple[str, int], dict[str, Tensor]] = defaultdict(dict)
    for name, tensor in state.items():
        layer, _, part = name.partition("/")
        kind, _, digits = layer.rpartition("_")
        if not (kind and digits.isdecimal() and digits.isascii() and len(digits) < 10):
            raise ValueError(f"{name!r} is no layer of a MesoNet.")
        numbered[kind, int(digits)][part] = tensor
    kinds: dict[str, list[dict[str, Tensor]]] = defaultdict(list)
    for kind, number in sorted(numbered):
        kinds[kind].append(numbered[kind, number])
    return dict(kinds)


def _part(layer: Mapping[str, Tensor], part: str) -> Tensor:
    if part not in layer:
        raise ValueError(f"A layer has {', '.join(sorted(layer))}, and no {part}.")
    return layer[part]


def _norm(place: str, layer: Mapping[str, Tensor]) -> dict[str, Tensor]:
    parts = {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    }
    named = {f"{place}.{own}": _part(layer, theirs) for own, theirs in parts.items()}
    return named | {f"{place}.num_batches_tracked": torch.tensor(0)}


def _dense(hidden: Mapping[str, Tensor], last: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keras flattens rows, columns, channels; torch channels first."""
    kernel = _part(hidden, "kernel")
    side = round((kernel.shape[0] / 16) ** 0.5)
    if kernel.ndim != 2 or 16 * side * side != kernel.shape[0]:
        raise ValueError(f"The hidden layer's kernel is {tuple(kernel.shape)}.")
    rows = kernel.reshape(side, side, 16, -1).permute(3, 2, 0, 1).flatten(1)
    return {
        "dense.weight": rows.contiguous(),
        "dense.bias": _part(hidden, "bias"),
        "score.weight": -_part(last, "kernel").T.contiguous(),
        "score.bias": -_part(last, "bias"),
    }


BIBTEX = """@inproceedings{afchar2018mesonet,
  title = {{MesoNet}: a Compact Facial Video Forgery Detection Network},
  author = {Afchar, Darius and Nozick, Vincent and Yamagishi, Junichi and Echizen, Isao},
  booktitle = {IEEE International Workshop on Information Forensics and Security (WIFS)},
  pages = {1--7},
  year = {2018},
  doi = {10.1109/WIFS.2018.8630761}
}"""
SHARED_POINTS = (
    "trained on cross-entropy of the logit, the public code on the squared error of the sigmoid",
    "the box finder is another and faces are not turned level: the square is 1.23 of our "
    "landmarks' box, the paper's (2.86 times the larger of eye distance and eyes to mouth) at the "
    "median of 120 portraits",
    "the paper divides the learning rate by ten every 1,000 steps of 75 faces: about six epochs "
    "of its own set",
)
FIT = Fit(
    epochs=24,
    batch=75,
    optimiser="adam",
    learning_rate=1e-3,
    decay="step",
    factor=0.1,
    every=6,
    augment="flip",
    sure=False,
)


def _spec(name: str, title: str, n_parameters: int, n_macs: int, *, inception: bool) -> NetSpec:
    files = "MesoInception_{DF,F2F}.h5" if inception else "Meso4_{DF,F2F}.h5"
    unsure = (
        "the public weight files list no leaky activation after the hidden layer, the public code "
        "that reads them has one: it is kept"
    )
    return NetSpec(
        name=name,
        title=title,
        paper="Afchar et al., MesoNet: a Compact Facial Video Forgery Detection Network, WIFS 2018",
        kind="face",
        recipe=FaceInput(size_px=SIDE_PX, scale=1.23),
        build=MesoNet,
        n_parameters=n_parameters,
        n_macs=n_macs,
        fit=FIT,
        aggregation=Aggregation("mean_probability", "max"),
        source="https://github.com/DariusAf/MesoNet",
        checkpoint=f"{files}: Keras weights of the authors, trained on their own deepfakes (DF) "
        "and on FaceForensics' Face2Face (F2F)",
        checkpoint_licence="recalled as Apache-2.0, not verified: see github.com/DariusAf/MesoNet",
        published=published(inception=inception),
        read_checkpoint=read_keras,
        bibtex=BIBTEX,
        differs=SHARED_POINTS if inception else (*SHARED_POINTS, unsure),
        arguments={"inception": inception},
    )


NETS = (
    _spec("meso4", "Meso-4", 27_977, 60_047_376, inception=False),
    _spec("mesoinception4", "MesoInception-4", 28_615, 57_098_256, inception=True),
)
