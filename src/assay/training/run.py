"""`assay train CONFIG`: data, training, scores, export, calibration; all lands in runs/<name>."""

from __future__ import annotations

import fnmatch
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from assay.errors import ConfigError
from assay.inputs.face import FaceInput
from assay.inputs.patch import PatchInput
from assay.training.cache import cached_views
from assay.training.config import TrainingConfig, read_config
from assay.training.curves import write_json
from assay.training.datasets.manifest import Item, data_hash, held_out, read_manifest
from assay.training.kinds import train_other
from assay.training.loop import Member, PairModule, fit
from assay.training.nets.face_blending import FaceBlendingNet
from assay.training.nets.synthetic_picture import SyntheticPictureNet
from assay.training.nets.voice_synthesis import VoiceSynthesisNet
from assay.training.pairs import PairSource
from assay.training.picture_pairs import PicturePairSource
from assay.training.pictures import cached_pictures
from assay.training.voice_pairs import VoicePairSource
from assay.training.voices import cached_voices, with_copies
from assay.training.weights import average_with, load_bundle, load_weights

NETS: dict[str, type[nn.Module]] = {
    "face": FaceBlendingNet,
    "picture": SyntheticPictureNet,
    "voice": VoiceSynthesisNet,
}
REFERENCE = "reference"
START = "start.pt"
N_STATISTICS = 64


@dataclass(frozen=True, slots=True)
class Prepared:
    """The media of one run: what is trained on, what is kept out of it, and the `val` split, which
    training never touches. Views of faces, whole pictures or voices, by the configuration's kind.
    """

    items: list[Item]
    training: list[Any]
    calibration: list[Any]
    validation: list[Any]


def train(config_path: Path, resume: bool = False, finish: bool = True) -> None:
    """Train, score, export and calibrate as the configuration says.

    The finished bundle (network.onnx, card.json) lies in runs/<name>/bundle, the scores of what
    was left out in runs/<name>/scores.csv. Without `finish` the weights are not exported: another
    machine may do that. Configurations of other kinds go to those who know them. Raises
    ConfigError.
    """
    if train_other(Path(config_path), resume):
        return
    config = read_config(Path(config_path))
    lightning_seed(config.schedule.seed)
    prepared = prepare(config)
    members = build_members(config, prepared)
    weights = config.run_folder / "weights.pt"
    write_run_facts(config, prepared)
    if resume and weights.is_file():
        members = members[:1]
        load_weights(members[0].net, weights)
    else:
        fit_members(config, prepared, members, resume)
    if finish and not config.members.only:
        from assay.training.export import finish as export

        export(members[0].net, config, prepared)


def lightning_seed(seed: int) -> None:
    """Seed every generator that the libraries use; pairs are drawn by their own seeds."""
    import lightning

    lightning.seed_everything(seed, workers=True, verbose=False)


def fit_members(
    config: TrainingConfig, prepared: Prepared, members: list[Member], resume: bool
) -> None:
    """Train all members, keep their weights, and score what each of them has not seen."""
    from assay.training.leave_out import write_scores

    source = pair_source(config, prepared.training)
    checks = pair_source(config, prepared.calibration)
    source.tags = checks.tags = all_tags(config, prepared)
    module = PairModule(members, source, checks, config.schedule)
    fit(module, config.run_folder, resume)
    if config.mean_with_start:
        average_with(members[0].net, config.run_folder / START)
    for i, member in enumerate(members):
        name = "weights.pt" if i == 0 else f"weights-{member.name}.pt"
        if i == 0 or member.name in config.members.variants:
            torch.save(member.net.cpu().state_dict(), config.run_folder / name)
    write_scores(config, prepared, members)


def prepare(config: TrainingConfig) -> Prepared:
    """Read, cut and divide the media; make the reconstructions where the configuration asks.

    Raises ConfigError when a group or a source that it keeps out does not exist.
    """
    items = [item for folder in config.data.folders for item in read_manifest(folder)]
    items = distinct([item for item in items if _wanted(item, config)])
    examples: list[Any]
    if config.kind == "face":
        examples = list(cached_views(items, config.data.cache))
    elif config.kind == "picture":
        examples = list(cached_pictures(items, config.data.cache))
    else:
        examples = list(cached_voices(items, config.data.cache))
    withheld = config.data.withheld
    validation = [e for e in examples if e.split == "val" or e.method in withheld]
    examples = [e for e in examples if e.split == "train" and e.method not in withheld]
    training, calibration = split_examples(examples, config)
    parts = [training, calibration, validation]
    if config.data.reconstructions:
        parts = _reconstructed(parts, config)
    if config.data.copies:
        data, folder = config.data, config.data.cache.parent / "voice_copies"
        parts = [with_copies(part, data.forgers, data.copies, folder) for part in parts]
    used = [i for i in items if i.split == "train" and i.method not in config.data.withheld]
    return Prepared(used, *parts)


def distinct(items: Sequence[Item]) -> list[Item]:
    """The items without those whose content came before; how many those are goes to stderr.

    Raises ConfigError where a manifest does not tell a file's hash.
    """
    unknown = [str(item.path) for item in items if not item.sha256]
    if unknown:
        raise ConfigError(f"{len(unknown)} files have no sha256, the first is {unknown[0]}.")
    first = {item.sha256: item for item in reversed(items)}
    kept = [item for item in items if first[item.sha256] is item]
    if len(kept) < len(items):
        gone = len(items) - len(kept)
        print(f"{gone} of {len(items)} files are there twice; the first counts.", file=sys.stderr)
    return kept


def _wanted(item: Item, config: TrainingConfig) -> bool:
    if config.kind == "voice":
        heard = item.modality == "audio" or (item.modality, item.label) == ("video", "real")
        return heard and item.label in ("real", "fake") and not item.not_speech
    if item.modality not in ("image", "video"):
        return False
    return config.kind == "picture" or item.label in ("real", "paired")


def _reconstructed(parts: list[list[Any]], config: TrainingConfig) -> list[list[Any]]:
    from assay.training.reconstructions import (
        Decoders,
        reconstructed_pictures,
        with_reconstructions,
    )

    decoders = Decoders(torch.device(_device(config.schedule.device)))
    data, rounds = config.data, config.data.reconstructions
    if config.kind == "face":
        kept, share = data.cache.parent / "reconstructions", data.reconstructed_share
        return [with_reconstructions(part, decoders, rounds, kept, share) for part in parts]
    kept = data.cache.parent / "picture_reconstructions"
    return [
        part + reconstructed_pictures([p for p in part if not p.fake], decoders, n, kept)
        for part, n in zip(parts, (rounds, 1, 1), strict=True)
    ]


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def split_examples(examples: Sequence[Any], config: TrainingConfig) -> tuple[list[Any], list[Any]]:
    """Examples for training and for calibration; no group stands on both sides.

    Raises ConfigError when a group or source that the configuration keeps out does not exist.
    """
    data = config.data
    for wanted, there, what in (
        (data.calibration_groups, {e.group for e in examples}, "calibration_groups"),
        (data.calibration_sources, {e.method for e in examples}, "calibration_sources"),
    ):
        unknown = set(wanted) - there
        if unknown:
            raise ConfigError(f"{what} that are not in the data: {sorted(unknown)}.")

    def kept_out(example: Any) -> bool:
        if example.group in data.calibration_groups or example.method in data.calibration_sources:
            return True
        paired = config.kind == "face" and example.twin is not None
        return not paired and held_out(example.group, data.calibration_share)

    calibration = [e for e in examples if kept_out(e)]
    left_groups = {e.group for e in calibration}
    # A source kept out whole may share a group with another one: then neither is trained on.
    training = [e for e in examples if not kept_out(e) and e.group not in left_groups]
    return training, calibration


def pair_source(
    config: TrainingConfig, examples: Sequence[Any]
) -> PairSource | PicturePairSource | VoicePairSource:
    """The source of pairs that the configuration's kind calls for."""
    if isinstance(config.recipe, FaceInput):
        return PairSource(examples, config.recipe, config.mixture)
    if isinstance(config.recipe, PatchInput):
        return PicturePairSource(examples, config.recipe)
    return VoicePairSource(examples, config.recipe)


def build_net(config: TrainingConfig, changes: dict[str, Any] | None = None) -> nn.Module:
    """The network of the configuration, or a variant of it. Raises ConfigError."""
    try:
        net: nn.Module = NETS[config.kind](**{**config.net, **(changes or {})})
    except TypeError as error:
        raise ConfigError(f"[net] does not fit: {error}.") from error
    return net


def all_tags(config: TrainingConfig, prepared: Prepared) -> tuple[str, ...]:
    """The methods and sources of training and of its checks: their places are the codes."""
    parts = (prepared.training, prepared.calibration)
    return tuple(sorted({tag for part in parts for tag in pair_source(config, part).tags}))


def build_members(config: TrainingConfig, prepared: Prepared) -> list[Member]:
    """The network that ships first, then its variants, then one for every tag left out."""
    chosen = config.members
    tags = pair_source(config, prepared.training).tags
    told = {"n_methods": len(all_tags(config, prepared))} if config.kind == "voice" else {}
    first = Member("all", build_net(config, told or None), every=0 if chosen.only else 1)
    members = [first]
    if config.start is not None:
        _start(members[0].net, config, prepared)
    members += [
        Member(name, build_net(config, told | given)) for name, given in chosen.variants.items()
    ]
    patterns = [REFERENCE, *chosen.leave_out] if chosen.leave_out else []
    for pattern in patterns:
        left_out = frozenset(fnmatch.filter(tags, pattern))
        if pattern != REFERENCE and not left_out:
            raise ConfigError(f"leave_out names {pattern!r}; there are: {', '.join(tags)}.")
        name = REFERENCE if pattern == REFERENCE else f"without {pattern}"
        net = build_net(config, told | chosen.net)
        members.append(Member(name, net, left_out, chosen.every))
    return members


def _start(net: nn.Module, config: TrainingConfig, prepared: Prepared) -> None:
    """Load the weights to go on from, and keep them beside the run."""
    assert config.start is not None
    if config.start.is_dir():
        source = pair_source(config, prepared.training)
        pairs = [source.draw(40_000_000 + i) for i in range(N_STATISTICS)]
        load_bundle(net, config.start, np.stack([c for p in pairs for c in (p.genuine, p.fake)]))
    else:
        load_weights(net, config.start)
    config.run_folder.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), config.run_folder / START)


def write_run_facts(config: TrainingConfig, prepared: Prepared) -> None:
    """Write what a later reader needs to make the same bundle again, into resolved.json."""
    config.run_folder.mkdir(parents=True, exist_ok=True)
    write_json(config.run_folder / "resolved.json", provenance(config, prepared))


def provenance(config: TrainingConfig, prepared: Prepared) -> dict[str, Any]:
    """Configuration, recipe, data hash, commit, what was trained on and who was kept out, and the
    digest of the weights that it went on from."""
    start = {} if config.start is None else {"start_sha256": _digest(config.start)}
    return {
        **start,
        "config": config.raw,
        "recipe": asdict(config.recipe),
        "data_hash": data_hash(prepared.items),
        "commit": _commit(),
        "torch": torch.__version__,
        "n_training": len(prepared.training),
        "n_calibration": len(prepared.calibration),
        "trained_methods": sorted({e.method for e in prepared.training}),
        "calibration_groups": sorted({e.group for e in prepared.calibration}),
    }


def _digest(start: Path) -> str:
    path = start / "network.onnx" if start.is_dir() else start
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
