"""`assay models import NET FILE --out DIR`: a checkpoint becomes a bundle's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.bundles import load_bundle_folder
from assay.errors import AssayError, ConfigError
from assay.inputs.bundle_scores import score_faces, score_voice
from assay.training.datasets.manifest_file import Manifest, read_manifest_file
from assay.training.importing import (
    example_inputs,
    facts_of,
    import_checkpoint,
    licence_of,
    trained_on,
)
from assay.training.net_bundle import calibrated, with_calibration, write_bundle
from assay.training.nets.spec import NetSpec

NOT_CHECKED = "whether the checkpoint was trained on any of these people is not known"
# A network to which one clip is a minute's work is compared on one.
ALONE_MACS = 100_000_000_000
People = dict[int, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import made: the folder, and what its user should read."""

    folder: Path
    lines: tuple[str, ...]


def import_net(
    spec: NetSpec, checkpoint: Path, out: Path, manifest: Path | None = None, cache: Path = Path()
) -> Outcome:
    """Write the bundle; with a manifest, calibrated on its validation items (all items where it
    names no split), prepared in `cache`.

    Raises ConfigError where the checkpoint does not fit, or the items cannot calibrate it.
    """
    example = example_inputs(spec)
    found = import_checkpoint(spec, checkpoint)
    folder = write_bundle(
        spec,
        found.net,
        out,
        facts=facts_of(spec, found, checkpoint),
        calibration=None,
        operating_points=[],
        trained_on=trained_on(spec, found),
        examples=example,
        alone=spec.n_macs > ALONE_MACS,
    )
    lines = [
        f"{spec.name}: {found.n_tensors} tensors of {checkpoint.name} ({found.layout}) "
        f"lie in {folder}.",
        f"Licence of the weights: {licence_of(spec, found)}.",
        *(f"Differs from the paper's: {point}." for point in spec.differs),
    ]
    if manifest is None:
        lines.append("Not calibrated: its raw logit is reported, and no probability (--calibrate).")
        return Outcome(folder, tuple(lines))
    items = read_manifest_file(manifest)
    calibration, points = _calibration(spec, folder, items, cache)
    with_calibration(folder, calibration, points)
    lines.append(f"Calibrated on {calibration['fitted_on']}.")
    return Outcome(folder, tuple(lines))


def _calibration(
    spec: NetSpec, folder: Path, manifest: Manifest, cache: Path
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    chosen = validation_of(manifest)
    items = _prepared(spec, chosen, cache)
    card, network = load_bundle_folder(folder)
    people: list[People] = []
    for item in items:
        if item.reason:
            people.append({})
        elif spec.kind == "voice":
            people.append(_voices(network, card, item))
        else:
            people.append(dict(score_faces(network, card, item.views)))
    if not any(people):
        why = items[0].reason if items else "the manifest is empty"
        raise ConfigError(f"Nothing could be scored for the calibration; the first item: {why}.")
    n_without = sum(not one for one in people)
    without = f", {n_without} of {len(items)} items without anybody left out" if n_without else ""
    fitted_on = f"{len(items)} items of {', '.join(chosen.datasets)} ({NOT_CHECKED}{without})"
    return calibrated(
        people,
        ["fake" if item.fake else "real" for item in items],
        [item.group for item in items],
        aggregation=spec.aggregation,
        fitted_on=fitted_on,
    )


def validation_of(manifest: Manifest) -> Manifest:
    """The manifest's validation items, all of them where no item names a split.

    Raises ConfigError where there are splits and none is validation: test items are kept for the
    test, and training items tell nothing.
    """
    splits = {record.split for record in manifest.records}
    if splits <= {""}:
        return manifest
    records = [record for record in manifest.records if record.split == "val"]
    if not records:
        raise ConfigError(
            f"The manifest has the splits {', '.join(sorted(splits - {''}))} and no val.",
            remedy="Divide it first: assay data split MANIFEST.",
        )
    return manifest.with_records(records, manifest.made_by)


def _prepared(spec: NetSpec, manifest: Manifest, cache: Path) -> Sequence[Any]:
    from assay.training.datasets.prepared import prepare_faces, prepare_voices

    if spec.kind == "voice":
        return prepare_voices(manifest, cache)
    if spec.kind == "face":
        return prepare_faces(manifest, cache, n_frames=spec.n_frames, max_faces=spec.max_faces)
    raise ConfigError(f"{spec.name} looks at a {spec.kind}; faces and voices can be calibrated.")


def _voices(network: Any, card: Any, item: Any) -> People:
    """By speaker, the logits of all windows of their segments."""
    found: dict[int, list[NDArray[Any]]] = {}
    for part, samples in zip(item.parts, item.segments, strict=True):
        try:
            logits = score_voice(network, card, np.asarray(samples, np.float32))
        except AssayError as error:
            raise ConfigError(f"{item.record.path}: {error}") from error
        found.setdefault(part.speaker_id, []).append(logits)
    return {speaker: np.concatenate(parts) for speaker, parts in found.items()}
