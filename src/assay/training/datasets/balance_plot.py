"""The balance of a set and its shortcuts as a picture for each kind of item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assay.evaluation.plots import COLOURS, GREY, LIGHT, STYLE
from assay.report.sanitise import shortened, visible
from assay.training.datasets.looking import Seen
from assay.training.datasets.records import Record
from assay.training.datasets.shortcuts import (
    FACTS,
    NAMES,
    SHORTCUT_AUC,
    Shortcut,
    is_sought,
    kind_of,
    names_of,
)

REAL, FAKE = COLOURS[0], COLOURS[1]
MOST_BARS, MOST_PANELS = 16, 4
SPLITS = ("train", "val", "test", "")
Item = tuple[Record, Seen]


def draw_all(
    records: Sequence[Record], seen: Sequence[Seen], found: Sequence[Shortcut], folder: Path
) -> list[Path]:
    """Write balance-KIND.png for each kind of item: items by label, method and split; facts by how
    well each tells the label alone; and the four that tell most, label by label."""
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
        for kind in sorted({kind_of(record) for record in records}):
            own = [pair for pair in zip(records, seen, strict=True) if kind_of(pair[0]) == kind]
            figure = _figure(kind, own, [one for one in found if one.kind == kind])
            written.append(folder / f"balance-{kind}.png")
            figure.savefig(written[-1])
    return written


def _figure(kind: str, items: Sequence[Item], found: Sequence[Shortcut]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8.5), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(3, 2))
    top, below = parts
    left, right = top.subplots(1, 2)
    _balance(left, kind, [record for record, _ in items])
    _facts(right, found)
    panels = below.subplots(1, MOST_PANELS)
    for axes, one in zip(panels, [*found[:MOST_PANELS], *[None] * MOST_PANELS], strict=False):
        _values(axes, one, items)
    return figure


def _balance(axes: Any, kind: str, records: Sequence[Record]) -> None:
    rows: Counter[tuple[str, str, str]] = Counter(
        (one.label, one.method or one.eye, one.split) for one in records
    )
    sizes: Counter[tuple[str, str]] = Counter((one.label, one.method or one.eye) for one in records)
    shown = [one for one, _ in sizes.most_common(MOST_BARS)]
    shown.sort(key=lambda one: (one[0] != "real", -sizes[one]))
    starts = np.zeros(len(shown))
    for split, alpha in zip(SPLITS, (1.0, 0.65, 0.4, 0.2), strict=True):
        widths = np.array([rows[(*one, split)] for one in shown])
        colours = [REAL if label == "real" else FAKE for label, _ in shown]
        axes.barh(range(len(shown)), widths, left=starts, color=colours, alpha=alpha)
        starts += widths
    texts = [" ".join((label, _short(method))).strip() for label, method in shown]
    axes.set_yticks(range(len(shown)), texts)
    for place, n in enumerate(starts):
        axes.annotate(f" {n:,.0f}", (n, place), va="center", color=GREY, fontsize=9)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.grid(axis="y", visible=False)
    left_out = len(sizes) - len(shown)
    more = f"; {left_out} smaller kinds are not shown" if left_out else ""
    axes.set_title(f"{kind}: items (dark to light: train, val, test, none){more}", loc="left")


def _facts(axes: Any, found: Sequence[Shortcut]) -> None:
    axes.set_title("One fact alone against the label (AUC, 95 %)", loc="left")
    shown = list(found[:MOST_BARS])
    if not shown:
        axes.text(0.5, 0.5, "too few items of one label", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    for place, one in enumerate(shown):
        colour = FAKE if one.is_one else GREY
        if one.low is not None:
            axes.plot([one.low, one.high], [place, place], color=colour, linewidth=2)
        axes.plot(one.auc, place, "o", color=colour)
    axes.axvline(0.5, color=LIGHT, linewidth=1)
    axes.axvline(SHORTCUT_AUC, color=FAKE, linewidth=1, linestyle=":")
    texts = [FACTS[one.fact] for one in shown]
    axes.set_yticks(range(len(shown)), texts)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0.4, 1.02)
    axes.set_xlabel("0.5: nothing · 1: the label is known without looking for a forgery")


def _values(axes: Any, one: Shortcut | None, items: Sequence[Item]) -> None:
    if one is None:
        axes.set_axis_off()
        return
    parts: list[list[Any]] = [[], []]
    for record, seen in items:
        value = getattr(seen, one.fact)
        if value is not None:
            parts[int(is_sought(record))].append(value)
    draw_part = _names if one.fact in NAMES else _numbers
    draw_part(axes, parts, names_of(one.kind))
    axes.set_title(f"{FACTS[one.fact]} ({one.auc:.2f})", loc="left")
    axes.set_xlabel(one.fact)
    axes.legend(fontsize=8)


def _numbers(axes: Any, parts: Sequence[list[float]], names: tuple[str, str]) -> None:
    both = np.array([*parts[0], *parts[1]], np.float64)
    low, high = np.quantile(both, [0.01, 0.99])
    edges = np.linspace(low, max(high, low + 1e-6), 25)
    for values, colour, name in zip(parts, (REAL, FAKE), names[::-1], strict=True):
        clipped = np.clip(values, edges[0], edges[-1])
        weights = np.full(len(clipped), 1 / max(1, len(clipped)))
        axes.hist(clipped, edges, weights=weights, color=colour, alpha=0.55, label=name)
    axes.set_ylabel("share of the label's items")


def _names(axes: Any, parts: Sequence[list[str]], names: tuple[str, str]) -> None:
    common = [name for name, _ in Counter([*parts[0], *parts[1]]).most_common(6)]
    for k, (values, colour, name) in enumerate(zip(parts, (REAL, FAKE), names[::-1], strict=True)):
        shares = [values.count(one) / max(1, len(values)) for one in common]
        axes.bar(np.arange(len(common)) + 0.4 * k, shares, 0.4, color=colour, label=name)
    axes.set_xticks(np.arange(len(common)) + 0.2, [_short(one) for one in common], rotation=30)
    axes.set_ylabel("share of the label's items")


def _short(text: str) -> str:
    return shortened(visible(text), 24)
