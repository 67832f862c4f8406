"""Efficient ViT: EfficientNet-B0 reads the face, a Transformer weighs its one token.

Coccomini et al., "Combining EfficientNet and Vision Transformers for Video Deepfake Detection",
ICIAP 2022. The map of 1280 × 7 × 7 is one patch, so the Transformer sees two tokens: that patch and
the one that the answer is read from. The public weights were trained on BGR values from 0 to 255.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.inputs.face import FaceInput
from assay.training.nets.checkpoints import from_efficientnet_pytorch, unwrapped
from assay.training.nets.spec import Fit, NetSpec
from assay.training.nets.trunk import Outputs

SIDE_PX = 224
HEADS, HEAD_WIDTH = 8, 64
INNER = HEADS * HEAD_WIDTH
MLP = 2048
DROPOUT = 0.15
REPEATS = (1, 2, 2, 3, 3, 4, 1)
WIDTH, DEPTH = 1024, 6
LAST_CHANNELS, LAST_SIDE = 1280, 7
N_PLACES = 32


class EfficientViT(nn.Module):
    """uint8 RGB faces (n, 224, 224, 3) in; a logit (n,), higher = fake, and 1,024 features.

    `frozen` keeps all blocks of the trunk but the last three as they are, as the paper does with
    ImageNet weights.
    """

    def __init__(self, *, frozen: bool = False) -> None:
        super().__init__()
        self.trunk = trunk()
        self.embed = nn.Linear(LAST_CHANNELS * LAST_SIDE**2, WIDTH)
        self.answer = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.places = nn.Parameter(torch.randn(N_PLACES, 1, WIDTH))
        self.dropout = nn.Dropout(DROPOUT)
        self.encoder = Encoder(WIDTH, DEPTH, attention_dropout=DROPOUT)
        self.score = nn.Sequential(nn.Linear(WIDTH, MLP), nn.ReLU(), nn.Linear(MLP, 1))
        if frozen:
            blocks = [block for stage in self.trunk.blocks for block in stage]
            for block in blocks[:-3]:
                block.requires_grad_(False)

    def forward(self, pictures: Tensor) -> Outputs:
        """See the class."""
        net = self.trunk
        x = net.blocks(net.bn1(net.conv_stem(bgr(pictures, self.answer))))
        patch = self.embed(flattened(net.bn2(net.conv_head(x))))
        tokens = torch.cat([self.answer.expand(patch.shape[0], -1, -1), patch[:, None]], dim=1)
        # The public code adds row i of the table to item i of a batch; row 0 is that of one alone.
        pooled = self.encoder(self.dropout(tokens + self.places[:1]))[:, 0]
        return Outputs(self.score(pooled)[:, 0], pooled)


class Encoder(nn.Module):
    """A Transformer (n, tokens, width), norms before each part; `last_norm` adds one behind."""

    def __init__(
        self,
        width: int,
        depth: int,
        *,
        attention_dropout: float,
        mlp_dropout: float = 0.0,
        last_norm: bool = False,
    ) -> None:
        super().__init__()
        self.attentions = nn.ModuleList(Attention(width, attention_dropout) for _ in range(depth))
        self.mlps = nn.ModuleList(_mlp(width, mlp_dropout) for _ in range(depth))
        self.last_norm: nn.Module = nn.LayerNorm(width) if last_norm else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        """See the class."""
        for attend, mlp in zip(self.attentions, self.mlps, strict=True):
            tokens = attend(tokens) + tokens
            tokens = mlp(tokens) + tokens
        normed: Tensor = self.last_norm(tokens)
        return normed


class Attention(nn.Module):
    """Tokens (n, t, width) attend to themselves, and to `others` (n, u, width) where given; the
    norm is of the tokens that ask, not of the others."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.ask = nn.Linear(width, INNER, bias=False)
        self.told = nn.Linear(width, 2 * INNER, bias=False)
        self.out = nn.Linear(INNER, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, others: Tensor | None = None) -> Tensor:
        """See the class."""
        x = self.norm(tokens)
        heard = x if others is None else torch.cat([x, others], dim=1)
        keys, values = self.told(heard).chunk(2, dim=-1)
        ask, keys, values = (_by_head(part) for part in (self.ask(x), keys, values))
        share = torch.softmax(ask @ keys.transpose(2, 3) * HEAD_WIDTH**-0.5, dim=-1)
        joined = (share @ values).transpose(1, 2).flatten(2)
        found: Tensor = self.dropout(self.out(joined))
        return found


def trunk() -> Any:
    """EfficientNet-B0 (timm, with TensorFlow's padding). Its layer of 1,000 classes is among the
    published parameters, 1,281,000 of them, and is never asked."""
    return timm.create_model("tf_efficientnet_b0", pretrained=False, drop_path_rate=0.2)


def bgr(pictures: Tensor, like: Tensor) -> Tensor:
    """uint8 RGB (n, s, s, 3) to BGR (n, 3, s, s) from 0 to 255, in the type of `like`."""
    return pictures.flip(-1).permute(0, 3, 1, 2).to(like.dtype)


def flattened(features: Tensor) -> Tensor:
    """(n, c, h, w) as one patch (n, h · w · c), channels innermost as the public code has them."""
    return features.permute(0, 2, 3, 1).flatten(1)


def _by_head(x: Tensor) -> Tensor:
    return x.unflatten(2, (HEADS, HEAD_WIDTH)).transpose(1, 2)


def _mlp(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, MLP),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(MLP, width),
        nn.Dropout(dropout),
    )


# How the public code's parts are called here; of PreNorm's two the norm comes before the rest.
MLP_PARTS = {"norm": "0", "fn.net.0": "1", "fn.net.3": "4"}
ATTENTION_PARTS = {
    "norm": "norm",
    "fn.to_q": "ask",
    "fn.to_kv": "told",
    "fn.to_out.0": "out",
}
_PLACES = {
    "pos_embedding": "places",
    "cls_token": "answer",
    "patch_to_embedding.weight": "embed.weight",
    "patch_to_embedding.bias": "embed.bias",
    **{f"mlp_head.{i}.{part}": f"score.{i}.{part}" for i in (0, 2) for part in ("weight", "bias")},
}


def published(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The public checkpoint's tensors by the names used here, for `load_state_dict`.

    Raises ValueError naming a tensor that is none of it.
    """
    tensors = unwrapped(state)
    prefix = "efficient_net."
    own = from_efficientnet_pytorch(tensors, prefix, "trunk.", REPEATS)
    for name, tensor in tensors.items():
        if name.startswith(prefix):
            continue
        if name.endswith("fn.to_qkv.weight"):
            stem = name.removesuffix("to_qkv.weight")
            own[encoder_name(f"{stem}to_q.weight", "transformer.", "encoder.")] = tensor[:INNER]
            own[encoder_name(f"{stem}to_kv.weight", "transformer.", "encoder.")] = tensor[INNER:]
        else:
            own[_PLACES.get(name) or encoder_name(name, "transformer.", "encoder.")] = tensor
    return own


def encoder_name(name: str, prefix: str, own_prefix: str) -> str:
    """What `layers.<level>.<0: attention, 1: MLP>.…` under `prefix` is called here.

    Raises ValueError naming a tensor that is no part of such an encoder.
    """
    inner = name.removeprefix(prefix)
    if name.startswith(prefix) and inner in ("norm.weight", "norm.bias"):
        return f"{own_prefix}last_{inner}"
    words = inner.split(".")
    if name.startswith(prefix) and len(words) > 3 and words[0] == "layers":
        level, kind, place, tensor = words[1], words[2], ".".join(words[3:-1]), words[-1]
        names = {"0": ATTENTION_PARTS, "1": MLP_PARTS}.get(kind, {})
        if place in names and level.isdecimal():
            part = {"0": "attentions", "1": "mlps"}[kind]
            return f"{own_prefix}{part}.{level}.{names[place]}.{tensor}"
    raise ValueError(f"{name!r} is no part of this network.")


BIBTEX = """@inproceedings{coccomini2022combining,
  title = {Combining {EfficientNet} and Vision Transformers for Video Deepfake Detection},
  author = {Coccomini, Davide Alessandro and Messina, Nicola and Gennaro, Claudio and
    Falchi, Fabrizio},
  booktitle = {Image Analysis and Processing (ICIAP)},
  series = {Lecture Notes in Computer Science},
  volume = {13233},
  publisher = {Springer},
  year = {2022}
}"""
PAPER = (
    "Coccomini et al., Combining EfficientNet and Vision Transformers for Video Deepfake "
    "Detection, ICIAP 2022"
)
SOURCE = (
    "https://github.com/davide-coccomini/"
    "Combining-EfficientNet-and-Vision-Transformers-for-Video-Deepfake-Detection"
)
TERMS = "recalled as MIT, not verified"
DIFFERS = (
    "the box finder is another: the square is 1.21 of our landmarks' box, the paper's (the longer "
    "side of MTCNN's) at the median of 114 portraits; it is filled with what lies beside the face, "
    "where the paper pads with zeros",
    "starts from random weights where none are given: the paper's ImageNet weights are not here",
    "stops after five epochs without a better loss than the best; the public code compares with "
    "the epoch before",
    "batch norms follow the data at timm's pace (0.1), the paper's code at 0.01",
)
FACES = FaceInput(size_px=SIDE_PX, scale=1.21)
AGGREGATION = Aggregation("mean_probability", "first_above", above=0.55)
FIT = Fit(
    epochs=300,
    batch=32,
    optimiser="sgd",
    learning_rate=1e-3,
    weight_decay=1e-7,
    decay="step",
    factor=0.1,
    every=15,
    patience=5,
    loss="binary_weighted",
    balanced=False,
    fakes_per_real=0.3,
    n_frames=30,
    augment="coccomini",
)
NETS = (
    NetSpec(
        name="efficient_vit",
        title="Efficient ViT",
        paper=PAPER,
        kind="face",
        recipe=FACES,
        build=EfficientViT,
        n_parameters=109_447_781,
        n_macs=526_381_280,
        fit=FIT,
        aggregation=AGGREGATION,
        n_frames=30,
        source=SOURCE,
        checkpoint="efficient_vit.pth of the authors (EfficientNet-B0)",
        checkpoint_licence=TERMS,
        published=published,
        imagenet="efficientnet-b0 of efficientnet_pytorch (timm: tf_efficientnet_b0)",
        bibtex=BIBTEX,
        differs=(
            *DIFFERS,
            "the public code adds another row of its table of places to each item of a batch; here "
            "each item is read as it is there alone",
            "all blocks of the trunk learn; the paper, which has ImageNet weights, keeps all but "
            "the last three (the argument `frozen`)",
        ),
    ),
)
