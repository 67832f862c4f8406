"""What is known of a network beside its layers: paper, input, recipe, size, how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation

Kind = Literal["face", "picture", "voice", "clip"]
Loss = Literal["binary", "binary_weighted", "triplet", "own"]
Optimiser = Literal["sgd", "adam", "adamw"]
Decay = Literal["constant", "cosine", "step", "plateau", "exponential"]


class Recipe(Protocol):
    """How the network's input is cut: a frozen value of `assay.inputs` (FaceInput, PatchInput,
    WaveformInput, …); its dataclass fields are the card's `recipe`."""

    @property
    def fingerprint(self) -> str:
        """Changes when any field changes."""
        ...


@dataclass(frozen=True, slots=True)
class Fit:
    """How the paper trains it: what `assay train NET` does where a configuration says no other.

    `epochs` over the training items, or `steps` where the paper counts those. `loss` "binary" is
    cross-entropy of one logit, "binary_weighted" weighs fakes by n_real / n_fake, "triplet" is the
    siamese training (then a linear layer on frozen features), "own" is the network's own
    `loss(outputs, batch)`. `decay` of the learning rate: "step" multiplies it by `factor` every
    `every` epochs, "plateau" by `factor` after `every` checks without a better loss,
    "exponential" by `factor` each epoch. `head_epochs` train the last layer alone before.
    `fakes_per_real` keeps so many frames of a fake for each of a genuine item. `balanced` draws
    both labels alike. `augment` names a chain of `assay.training.augment`. `sure` is False where
    parts of it are recalled and were not checked in the paper.
    """

    epochs: int = 10
    steps: int | None = None
    batch: int = 32
    optimiser: Optimiser = "adam"
    learning_rate: float = 1e-4
    momentum: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    decay: Decay = "constant"
    factor: float = 0.1
    every: int = 10
    head_epochs: int = 0
    patience: int | None = None
    loss: Loss = "binary"
    margin: float = 1.0
    balanced: bool = True
    fakes_per_real: float = 1.0
    n_frames: int = 32
    augment: str = "none"
    seed: int = 7
    sure: bool = True


@dataclass(frozen=True, slots=True)
class NetSpec:
    """One network that assay can build, train, import, export and examine files with.

    `kind` is what it looks at, `recipe` how that is cut. `build(**arguments)` gives a module that
    takes the cut input as it is, uint8 pictures (n, s, s, 3) or float32 windows (n, m) or what the
    recipe of a clip says, scales it in its first layer, and gives one logit (n,), higher = fake,
    or an `Outputs` that holds it. `n_parameters` and `n_macs` (of one input) are asserted by a
    test. `n_frames` and `max_faces` are what the paper looks at in a video. `published` renames
    the tensors of the public checkpoint, described in `checkpoint`, to those of `build`; None where
    there is no public one. `imagenet` names what the trunk starts from. `differs` says in which
    points this is not the paper's.
    """

    name: str
    title: str
    paper: str
    kind: Kind
    recipe: Recipe
    build: Callable[..., nn.Module] = field(repr=False)
    n_parameters: int
    n_macs: int
    fit: Fit = field(default_factory=Fit)
    aggregation: Aggregation = field(default_factory=Aggregation)
    n_frames: int = 32
    max_faces: int = 3
    source: str = ""
    licence: str = "Apache-2.0 (written anew here)"
    checkpoint: str = ""
    checkpoint_licence: str = ""
    published: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] | None = field(
        default=None, repr=False
    )
    read_checkpoint: Callable[[Path], Mapping[str, Tensor]] | None = field(default=None, repr=False)
    imagenet: str = ""
    bibtex: str = ""
    own: bool = False
    differs: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
