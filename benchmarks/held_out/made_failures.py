"""Failures that may be shown: forgeries of the two public-domain portraits in examples/.

The labelled media are other people's and cannot be printed. So every forger of the lab forges the
two portraits a few times, the whole program examines the results, and what it misses is drawn,
beside the untouched portraits that it calls manipulated after a change.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import assay
from assay.errors import AssayError
from assay.evaluation.variants import VARIANTS, write_variant
from assay.media.image import read_image
from assay.media.probe import probe
from assay.training.forgeries import discover
from assay.training.forging import forge_picture
from assay.types import Array, Verdict
from held_out.separation import Table

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PORTRAITS = ("astronaut", "grace_hopper")
SEEDS = (0, 1, 2)
QUALITY = 92
FIRED = ("strong_evidence", "some_evidence")
N_SHOWN, N_COLUMNS = 8, 4


@dataclass(frozen=True, slots=True)
class Made:
    """One picture of ours, and what the program says of it."""

    what: str
    portrait: str
    fake: bool
    rgb: Array
    verdict: Verdict

    @property
    def wrong(self) -> bool:
        """A forgery without an alarm, or an alarm without a forgery."""
        return (self.verdict.label in FIRED) != self.fake

    @property
    def as_entry(self) -> Table:
        """The row as it stands in the results."""
        said = {one.detector: one.p_fake for one in self.verdict.evidence if one.p_fake is not None}
        return {
            "what": self.what,
            "portrait": self.portrait,
            "fake": self.fake,
            "label": self.verdict.label,
            "p_fake": {name: round(p, 4) for name, p in said.items()},
        }


def made_failures(figure: Path) -> Table:
    """Make and examine them; draw the failures into `figure`. Counts by forger, and each file."""
    with tempfile.TemporaryDirectory() as folder:
        made = [*_forged(Path(folder)), *_untouched(Path(folder))]
    forged: dict[str, Table] = {}
    for one in made:
        entry = forged.setdefault(one.what, {"n": 0, "alarms": 0, "fake": one.fake})
        entry["n"] += 1
        entry["alarms"] += one.verdict.label in FIRED
    wrong = [one for one in made if one.wrong]
    shown = _spread(wrong)
    _draw(shown, figure)
    return {"by_kind": forged, "shown": [one.as_entry for one in shown], "n_wrong": len(wrong)}


def _forged(folder: Path) -> Iterator[Made]:
    pictures = {name: _rgb(EXAMPLES / f"{name}.jpg") for name in PORTRAITS}
    for forger in discover().values():
        if forger.needs == "nothing":
            continue
        for i, name in enumerate(PORTRAITS):
            donor = pictures[PORTRAITS[1 - i]] if forger.needs == "two_faces" else None
            for seed in SEEDS:
                try:
                    forgery = forge_picture(forger, pictures[name], donor, seed)
                except AssayError:
                    continue  # its weights or package are not here
                path = folder / f"{forger.name}-{name}-{seed}.jpg"
                _save(forgery.fake, path)
                yield Made(forger.name, name, True, forgery.fake, assay.detect(path))


def _untouched(folder: Path) -> Iterator[Made]:
    for name in PORTRAITS:
        path = EXAMPLES / f"{name}.jpg"
        yield Made("untouched", name, False, _rgb(path), assay.detect(path))
        for variant in VARIANTS:
            changed = write_variant(path, variant, folder)
            verdict = assay.detect(changed)
            yield Made(f"untouched, {variant}", name, False, _rgb(changed), verdict)


def _spread(wrong: list[Made]) -> list[Made]:
    """At most N_SHOWN: alarms on untouched pictures first, then one miss of each forger, then the
    rest."""
    alarms = [one for one in wrong if not one.fake]
    first: dict[str, Made] = {}
    for one in wrong:
        if one.fake:
            first.setdefault(one.what, one)
    chosen = [*alarms[: N_SHOWN // 2], *first.values()]
    chosen += [one for one in wrong if all(one is not other for other in chosen)]
    return chosen[:N_SHOWN]


def _draw(shown: list[Made], path: Path) -> None:
    from matplotlib.figure import Figure

    n_lines = max(1, -(-len(shown) // N_COLUMNS))
    figure = Figure(figsize=(3 * N_COLUMNS, 3.6 * n_lines), layout="constrained", dpi=80)
    grid: Any = figure.subplots(n_lines, N_COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, one in zip(grid.flat, shown, strict=False):
        axes.imshow(one.rgb)
        said = ", ".join(f"{n} {p:.2f}" for n, p in one.as_entry["p_fake"].items()) or "no score"
        kind = "missed" if one.fake else "false alarm"
        text = f"{kind}: {one.what}\n{one.verdict.label}\n{said}"
        axes.set_title(text, fontsize=9, loc="left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def _rgb(path: Path) -> Array:
    return np.asarray(read_image(probe(path), 50.0).rgb)


def _save(rgb: Array, path: Path) -> None:
    from PIL import Image

    Image.fromarray(rgb).save(path, "JPEG", quality=QUALITY)
