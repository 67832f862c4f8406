"""Fit `frequency_traces`: `python -m assay.training.frequency_traces CONFIG`.

Measures the fine detail of labelled pictures, weighs it, asks what the weights are worth on
generators and sources that they never saw, and calibrates on groups and sources kept out.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import ConfigError
from assay.inputs.spectrum import FEATURES, GROUPS, SpectrumInput
from assay.training.cue_calibration import MIN_DETECTION_RATE, calibrated
from assay.training.datasets.manifest import Item, data_hash, held_out, read_manifest
from assay.training.frequency_measuring import (
    Sample,
    SpectrumTable,
    load_table,
    measure_all,
    reconstructed,
    samples_of,
)
from assay.training.frequency_worth import (
    Weighing,
    balance,
    condition,
    detection_table,
    generator_table,
    generators,
    pool_table,
    quality_table,
    weigh,
    without_each_generator,
    without_each_pool,
)
from assay.training.shared import shared_folder

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
SPOKEN = tuple(group for group in GROUPS if group != "jpeg_grid")


@dataclass(frozen=True, slots=True)
class FitConfig:
    """One resolved configuration; `raw` is the file as read."""

    folders: tuple[Path, ...]
    cache: Path
    raw: dict[str, Any]
    recipe: SpectrumInput

    @property
    def run_folder(self) -> Path:
        """Where what was measured and the finished bundle are written."""
        return Path("runs") / str(self.raw["name"])


def read_config(path: Path) -> FitConfig:
    """Read and check a configuration. Raises ConfigError naming what is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        data, fit = raw["data"], raw["fit"]
        for part, name in ((fit, "c"), (fit, "bound"), (fit, "folds"), (raw["measure"], "copies")):
            if not part[name] > 0:
                raise ValueError(f"{name} must be above 0")
        folders = [Path(f) if f else shared_folder() / "data" for f in data["folders"]]
        return FitConfig(tuple(folders), Path(data["cache"]), raw, SpectrumInput())
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is no usable configuration: {error!r}.") from error


def measured(config: FitConfig, items: Sequence[Item]) -> SpectrumTable:
    """The table, from the run folder where it was measured by the same recipe before."""
    data, copies = config.raw["data"], int(config.raw["measure"]["copies"])
    asked = f"{data} {copies}".encode()
    name = f"{config.recipe.fingerprint}-{data_hash(items)}-{zlib.crc32(asked):08x}"
    path = config.run_folder / f"spectra-{name}.npz"
    if not path.is_file():
        samples = samples_of(items, int(data["most_per_source"]))
        samples += _reconstructed(samples, int(data["reconstructions"]), config.cache)
        measure_all(samples, config.recipe, copies).save(path)
    return load_table(path)


def _reconstructed(grounds: Sequence[Sample], n: int, folder: Path) -> list[Sample]:
    from assay.training.forgeries import vae

    ways = {"vae_reconstruction": vae.reconstruct_picture}
    return reconstructed(grounds, ways, n, folder) if n else []


def _kept_out(source: str, group: str, data: Mapping[str, Any]) -> bool:
    return source in data["calibration_sources"] or held_out(group, data["calibration_share"])


def kept_for_calibration(table: SpectrumTable, data: Mapping[str, Any]) -> Flags:
    """The rows of whole groups, and of whole genuine sources, that no weight is fitted on."""
    pairs = zip(table.source.tolist(), table.group.tolist(), strict=True)
    return np.array([_kept_out(source, group, data) for source, group in pairs])


def calibration(
    logits: Numbers, table: SpectrumTable, fit: Mapping[str, Any], on: str
) -> dict[str, Any]:
    """The card's calibration and cuts, from logits of what the weights never saw."""
    by_method = [table.fake & (table.method == g) for g in generators(table)]
    weights = balance(table)
    seed = int(fit["seed"])
    return calibrated(logits, table.fake, table.group, weights, by_method, seed, on)


def export(weighing: Weighing, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the weighing as ONNX: `features` (n, k) float32, NaN where not measured, to `logit`
    (n,) and `evidence` (n, 5), the part of each of SPOKEN."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    groups = np.array([[f.group == group for group in SPOKEN] for f in FEATURES], np.float64)
    bound = np.float32(weighing.bound)
    constants = {
        "centre": weighing.centre,
        "spread": weighing.spread,
        "low": -bound,
        "high": bound,
        "nothing": np.float32(0),
        "weight": groups * weighing.weight[:, None],
        "bias": np.float32(weighing.bias),
        "axis": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("IsNaN", ["features"], ["missing"]),
        helper.make_node("Sub", ["features", "centre"], ["off"]),
        helper.make_node("Div", ["off", "spread"], ["raw"]),
        helper.make_node("Clip", ["raw", "low", "high"], ["bounded"]),
        helper.make_node("Where", ["missing", "nothing", "bounded"], ["standard"]),
        helper.make_node("MatMul", ["standard", "weight"], ["evidence"]),
        helper.make_node("ReduceSum", ["evidence", "axis"], ["total"], keepdims=0),
        helper.make_node("Add", ["total", "bias"], ["logit"]),
    ]
    number = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "frequency_traces",
        [helper.make_tensor_value_info("features", number, ["n", len(FEATURES)])],
        [
            helper.make_tensor_value_info("logit", number, ["n"]),
            helper.make_tensor_value_info("evidence", number, ["n", len(SPOKEN)]),
        ],
        [
            numpy_helper.from_array(np.asarray(v, np.int64 if name == "axis" else np.float32), name)
            for name, v in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def run(config_path: Path) -> dict[str, Any]:
    """Measure, weigh, ask, calibrate; the bundle lies in runs/<name>/bundle. Returns the card."""
    config = read_config(config_path)
    items = [item for folder in config.folders for item in read_manifest(folder)]
    items = [i for i in items if i.modality == "image" and i.label in ("real", "fake")]
    whole = measured(config, items)
    folder = config.run_folder / "bundle"
    folder.mkdir(parents=True, exist_ok=True)
    table = whole.rows(usable(whole, config.raw["in_domain"]))
    card, weighing = judged(table, whole, config.raw)
    path = folder / "network.onnx"
    export(weighing, path, {"recipe_fingerprint": config.recipe.fingerprint})
    card = {
        "name": config.raw["name"],
        "version": config.raw["version"],
        "network_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "recipe": asdict(config.recipe),
        "recipe_fingerprint": config.recipe.fingerprint,
        "licence": "Apache-2.0 (weights fitted here; the sets' own terms are listed)",
        "purpose": "weighs named statistics of a picture's finest detail",
        "trained_on": _sets(items),
        "training": {"config": config.raw, "data_hash": data_hash(items)},
        **card,
    }
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def usable(table: SpectrumTable, limits: Mapping[str, float]) -> Flags:
    """The rows that the detector would not abstain from."""
    sharp = table.sharpness >= limits["min_picture_sharpness"]
    return np.asarray(sharp & (table.blockiness <= limits["max_picture_blockiness"]))


def judged(
    table: SpectrumTable, whole: SpectrumTable, raw: Mapping[str, Any]
) -> tuple[dict[str, Any], Weighing]:
    """All that is measured of the weights, for the card, and the weights that ship."""
    fit, data = raw["fit"], raw["data"]
    kept = kept_for_calibration(table, data)
    train, val = table.split == "train", table.split == "val"
    learnt = train & ~kept
    weighing = weigh(table.rows(learnt), fit)
    shipped = weighing.of_pictures(table.features.astype(np.float64))
    by_generator = without_each_generator(table, learnt, fit)
    natural = condition(table, "as found") | condition(table, "degraded")
    gate = train & (kept | table.fake) & natural
    detection = detection_table(
        table.rows(gate), {name: s[gate] for name, s in by_generator.items()}, fit
    )
    calibrating = train & kept & natural
    logits = held_out_logits(table, shipped, by_generator)
    part, lower = table.rows(calibrating), detection["mean"]["low"]
    n_groups = len(set(part.group[~part.fake].tolist()))
    on = (
        f"{int((~part.fake).sum())} copies of genuine pictures of {n_groups} groups and of "
        f"{len(data['calibration_sources'])} whole sources kept out of training, as found and "
        "degraded; generated pictures of the same share, by weights without their family"
    )
    card = {
        "groups": list(SPOKEN),
        "features": features_of(weighing),
        **calibration(logits[calibrating], part, fit, on),
        "in_domain": dict(raw["in_domain"]),
        "scores": bool(lower is not None and lower >= MIN_DETECTION_RATE),
        "why_no_score": _why_no_score(detection["mean"]),
        "held_out": {
            **_unseen(table, learnt, by_generator, fit),
            "by_quality": quality_table(
                table.rows(train), {g: s[train] for g, s in by_generator.items()}, fit
            ),
            "found_at_1_percent": detection,
            "found_at_1_percent_as_found": _found_as_found(table, kept, by_generator, fit),
        },
    }
    cuts = {point["name"]: point["threshold"] for point in card["operating_points"]}
    card["val"] = on_val(shipped[val & natural], table.rows(val & natural), cuts)
    card["left_out_by_domain"] = round(1 - len(table) / max(len(whole), 1), 4)
    return card, weighing


def _unseen(
    table: SpectrumTable, learnt: Flags, by_generator: Mapping[str, Numbers], fit: Mapping[str, Any]
) -> dict[str, Any]:
    """AUC on generators and on sources left out, among the rows that weights are fitted on."""
    part, everything = table.rows(learnt), np.ones(int(learnt.sum()), bool)
    known = without_each_generator(part, everything, fit, by_family=False)
    by_pool = without_each_pool(part, everything, fit)
    by_family = {g: s[learnt] for g, s in by_generator.items()}
    return {
        "unseen_generators": generator_table(part, by_family, fit),
        "unseen_generators_of_known_families": generator_table(part, known, fit),
        "unseen_sources": pool_table(part, by_pool, fit),
    }


def _why_no_score(found: Mapping[str, float | None]) -> str:
    """The sentence for a reader; empty where it scores."""
    value, low, high = (found[key] or 0.0 for key in ("value", "low", "high"))
    if low >= MIN_DETECTION_RATE:
        return ""
    return (
        f"At one false alarm in a hundred they find {value:.1%} ({low:.1%} to {high:.1%}) of the "
        "pictures of kinds of generators that they were not fitted on: too few for a score."
    )


def _found_as_found(
    table: SpectrumTable, kept: Flags, scores: Mapping[str, Numbers], fit: Mapping[str, Any]
) -> dict[str, Any]:
    rows = (table.split == "train") & (kept | table.fake) & condition(table, "as found")
    return detection_table(table.rows(rows), {g: s[rows] for g, s in scores.items()}, fit)


def held_out_logits(
    table: SpectrumTable, shipped: Numbers, by_generator: Mapping[str, Numbers]
) -> Numbers:
    """The shipped weights' logits of genuine pictures; of fakes, those by weights that never saw
    their generator's family."""
    logits = shipped.copy()
    for name, scores in by_generator.items():
        own = table.fake & (table.method == name)
        logits[own] = scores[own]
    return logits


def on_val(logits: Numbers, table: SpectrumTable, cuts: Mapping[str, float]) -> dict[str, Any]:
    """Shares above each cut in the `val` split, by genuine source and by generator."""
    names = {
        f"genuine {s}": ~table.fake & (table.source == s) for s in set(table.source[~table.fake])
    }
    names |= {f"fake {g}": table.fake & (table.method == g) for g in generators(table)}
    return {
        name: {"n": int(own.sum())}
        | {cut: round(float((logits[own] >= at).mean()), 4) for cut, at in cuts.items()}
        for name, own in sorted(names.items())
    }


def features_of(weighing: Weighing) -> dict[str, Any]:
    """Each feature's group, weight and how genuine pictures stand."""
    return {
        feature.name: {
            "group": feature.group,
            "weight": round(float(weighing.weight[n]), 4),
            "genuine_median": round(float(weighing.centre[n]), 4),
            "genuine_spread": round(float(weighing.spread[n]), 4),
        }
        for n, feature in enumerate(FEATURES)
    }


def _sets(items: Sequence[Item]) -> list[dict[str, str]]:
    sets = sorted({(i.method, i.label, i.licence) for i in items if i.split == "train"})
    return [{"set": m, "label": label, "licence": terms} for m, label, terms in sets]


if __name__ == "__main__":
    run(Path(sys.argv[1]))
