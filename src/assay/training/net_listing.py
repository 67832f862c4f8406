"""What is told of the known networks: facts as JSON, a table for the docs, a recipe to train by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from typing import Any

from assay.inputs.face import FaceInput
from assay.inputs.patch import PatchInput
from assay.inputs.waveform import WaveformInput
from assay.training.nets.spec import NetSpec

OVER_FRAMES = {"mean_logit": "mean logit", "mean_probability": "mean probability", "max": "highest"}
OVER_PEOPLE = {"max": "highest", "mean": "mean", "first_above": "first above {above:g}"}


def facts_of(spec: NetSpec) -> dict[str, Any]:
    """All that the specification tells, as JSON values."""
    assert is_dataclass(spec.recipe)
    return {
        "name": spec.name,
        "title": spec.title,
        "paper": spec.paper,
        "source": spec.source or None,
        "kind": spec.kind,
        "own": spec.own,
        "input": asdict(spec.recipe),
        "input_in_words": input_in_words(spec),
        "recipe_fingerprint": spec.recipe.fingerprint,
        "parameters": spec.n_parameters,
        "macs": spec.n_macs,
        "n_frames": spec.n_frames,
        "max_faces": spec.max_faces,
        "aggregation": spec.aggregation.as_card(),
        "training": asdict(spec.fit),
        "arguments": {key: _plain(value) for key, value in spec.arguments.items()},
        "imagenet": spec.imagenet or None,
        "licence": spec.licence,
        "checkpoint": spec.checkpoint or None,
        "checkpoint_licence": spec.checkpoint_licence or None,
        "importable": spec.published is not None,
        "differs": list(spec.differs),
        "bibtex": spec.bibtex or None,
    }


def input_in_words(spec: NetSpec) -> str:
    """What the network is given, in a few words."""
    recipe: Any = spec.recipe
    if isinstance(recipe, FaceInput):
        return f"face, {recipe.size_px} px, {recipe.scale:g} × the landmarks' box"
    if isinstance(recipe, PatchInput):
        return f"up to {recipe.n_patches} windows of {recipe.size_px} px, not resampled"
    if isinstance(recipe, WaveformInput):
        return f"speech, {recipe.length_s:g} s at {recipe.sample_rate_hz / 1000:g} kHz"
    values = asdict(recipe)
    said = [
        f"{values[k]} {w}" for k, w in (("n_frames", "frames"), ("size_px", "px")) if k in values
    ]
    return f"clip, {', '.join(said)}" if said else "clip"


def recipe_of(spec: NetSpec) -> str:
    """The complete TOML file of the kind "net" that `assay train` reads; DATA stands for the
    folder or manifest."""
    from assay.training.net_config import as_toml, run_of

    lines = [f"# {spec.title}: {spec.paper}"]
    if spec.kind not in ("face", "voice"):
        lines.append(
            f"# `assay train` refuses it: networks of a {spec.kind} are trained by programs"
        )
        lines.append("# of their own (configs/).")
    elif spec.own:
        lines.append("# Learns from labels here; what ships learned from pairs (configs/).")
    if not spec.fit.sure:
        lines.append("# Parts of this recipe are recalled and were not checked in the paper.")
    return "\n".join(lines) + "\n" + as_toml(run_of({"net": spec.name, "data": "DATA"}))


def as_markdown(specs: Iterable[NetSpec]) -> str:
    """The table of docs/nets.md."""
    columns = ["name", "network", "paper", "looks at", "parameters", "MACs (M)"]
    columns += ["frames, people", "joined over frames / people", "public checkpoint"]
    rows = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    rows += ["| " + " | ".join(map(_cell, _row(spec))) + " |" for spec in specs]
    return "\n".join(rows)


def _row(spec: NetSpec) -> list[str]:
    joined = spec.aggregation
    people = OVER_PEOPLE[joined.over_people].format(above=joined.above)
    return [
        f"`{spec.name}`",
        spec.title,
        _linked(spec),
        input_in_words(spec),
        f"{spec.n_parameters:,}",
        f"{spec.n_macs / 1e6:,.0f}",
        f"{spec.n_frames}, {spec.max_faces}" if spec.kind == "face" else "–",
        f"{OVER_FRAMES[joined.over_frames]} / {people}",
        f"{spec.checkpoint} ({spec.checkpoint_licence})"
        if spec.checkpoint_licence
        else spec.checkpoint or "none",
    ]


def _linked(spec: NetSpec) -> str:
    address = spec.source.partition(" ")[0]
    return f"[{spec.paper}]({address})" if address.startswith("https://") else spec.paper


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
