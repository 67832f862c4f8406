"""Figures of the tables: the never seen beside the reference, and the shipped networks' ROC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assay.evaluation.plots import COLOURS, DASHES, GREY, LIGHT, STYLE
from assay.evaluation.ranking import Ranking
from assay.evaluation.slices import MIN_OF_A_LABEL
from held_out.scores import LEFT_OUT, REFERENCE, SHIPPED, WITHOUT, Scores, run_of

Table = Mapping[str, Any]
Bar = tuple[str, Table | None, str]
LOWEST_RATE = 0.002
KINDS = ("generators", "sources", "shipped")
UNSEEN, SEEN, WHOLE = COLOURS[1], COLOURS[0], GREY


def write_figures(result: Table, all_scores: Sequence[Scores], folder: Path) -> list[Path]:
    """Draw all of them into `folder`; the files written."""
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    by_name = {scores.name: scores for scores in all_scores}
    networks = sorted({name.removesuffix(LEFT_OUT) for name in by_name})
    with mpl.rc_context():
        mpl.rcdefaults()  # nobody's matplotlibrc
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
        for kind, name in ((k, run_of(k, n, by_name)) for n in networks for k in KINDS):
            if name in by_name:
                path = folder / f"generalisation-{name}-{kind}.png"
                figure = _drawn(kind, by_name[name], result["networks"][name])
                # No date inside: the same numbers give the same file.
                figure.savefig(path, metadata={"Software": None})
                written.append(path)
    return written


def _drawn(kind: str, scores: Scores, run: Table) -> Any:
    if kind == "shipped":
        return _roc(scores)
    return (_generators if kind == "generators" else _sources)(scores.name, run)


def _generators(name: str, run: Table) -> Any:
    rows = []
    for entry in run["generators"]:
        column = WITHOUT + entry["left_out"]
        fresh = entry["fresh"]
        if "too_small" in fresh:
            bars = [("never saw it", entry["never_seen"].get(column, {}).get("auc"), UNSEEN)]
        else:
            bars = [
                ("never saw it", fresh.get(column, {}).get("auc"), UNSEEN),
                ("reference", fresh.get(REFERENCE, {}).get("auc"), SEEN),
                ("shipped", fresh[SHIPPED]["auc"], WHOLE),
            ]
        note = ", no network saw it" if entry["seen_by"] == "no network" else ""
        n = entry["n_fakes_fresh"] or entry["n_fakes"]
        rows.append((f"{entry['left_out']}  (n {n}{note})", bars))
    figure, axes = _bars(rows)
    axes.axvline(0.5, color=GREY, lw=1, ls=":")
    low = min((bar[1]["low"] or 1 for _, bars in rows for bar in bars if _has(bar)), default=0.5)
    axes.set(xlim=(max(0.0, min(0.5, low) - 0.05), 1.0), xlabel="AUC against genuine rows kept out")
    title = f"{name}: fakes of a generator, by networks that saw it or not (bars: 95 %)"
    axes.set_title(title, fontsize=10, loc="left")
    return figure


def _sources(name: str, run: Table) -> Any:
    rows = []
    for entry in run["real_sources"]:
        column = WITHOUT + entry["left_out"]
        fresh = entry["fresh"]
        cell = "false_alarms_at_5"
        if "too_small" in fresh:
            bars = [("never saw it", entry["never_seen"].get(column, {}).get(cell), UNSEEN)]
        else:
            bars = [
                ("never saw it", fresh.get(column, {}).get(cell), UNSEEN),
                ("reference", fresh.get(REFERENCE, {}).get(cell), SEEN),
                ("shipped", fresh[SHIPPED][cell], WHOLE),
            ]
        note = ", no network saw it" if entry["seen_by"] == "no network" else ""
        n = entry["n_reals_fresh"] or entry["n_reals"]
        rows.append((f"{entry['left_out']}  (n {n}{note})", bars))
    figure, axes = _bars(rows)
    axes.axvline(0.05, color=GREY, lw=1, ls=":")
    highest = max(
        (bar[1]["high"] or bar[1]["value"] for _, bars in rows for bar in bars if _has(bar)),
        default=0.1,
    )
    label = "false alarms at the cut that gives 5 % on all other genuine rows kept out"
    axes.set(xlim=(0, min(1.0, max(0.12, 1.05 * highest))), xlabel=label)
    title = f"{name}: genuine pictures of a source, by networks that saw it or not (bars: 95 %)"
    axes.set_title(title, fontsize=10, loc="left")
    return figure


def _has(bar: Bar) -> bool:
    return bool(bar[1]) and bar[1] is not None and bar[1].get("value") is not None


def _bars(rows: Sequence[tuple[str, Sequence[Bar]]]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    figure = Figure(figsize=(8.2, 1.4 + 0.52 * max(1, len(rows))), layout="constrained")
    axes = figure.subplots()
    named: dict[str, str] = {}
    for y, (_, bars) in enumerate(rows):
        shown = [bar for bar in bars if _has(bar)]
        for i, (label, cell, colour) in enumerate(shown):
            assert cell is not None
            named.setdefault(label, colour)
            at = y + (i - (len(shown) - 1) / 2) * 0.26
            axes.barh(at, cell["value"], height=0.24, color=colour, alpha=0.8)
            if cell.get("low") is not None:
                reach = [[max(0.0, cell["value"] - cell["low"])]]
                reach.append([max(0.0, cell["high"] - cell["value"])])
                axes.errorbar(cell["value"], at, xerr=reach, color="black", lw=0.9, capsize=2)
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    if named:
        patches = [Patch(color=colour, alpha=0.8, label=label) for label, colour in named.items()]
        figure.legend(handles=patches, loc="outside lower left", ncols=3, fontsize=9)
    return figure, axes


def _roc(scores: Scores) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.6, 5.4), layout="constrained")
    axes = figure.subplots()
    reals = ~scores.fake & scores.held_out
    fakes = scores.fake & scores.held_out
    drawn = 0
    for name in sorted(set(scores.method[fakes].tolist())):
        chosen = fakes & (scores.method == name)
        if min(int(chosen.sum()), int(reals.sum())) < MIN_OF_A_LABEL:
            continue
        rows = chosen | reals
        ranked = Ranking(scores.logits[SHIPPED][rows], chosen[rows])
        curve = ranked.curve(np.ones((1, int(rows.sum()))))
        x, y = curve.false_alarm_rates[0], curve.detection_rates[0]
        colour, dash = COLOURS[drawn % len(COLOURS)], DASHES[drawn % len(DASHES)]
        label = f"{name} (n {int(chosen.sum())})"
        axes.step(
            np.maximum(x, LOWEST_RATE), y, where="post", color=colour, ls=dash, lw=1.6, label=label
        )
        drawn += 1
    for rate in (0.01, 0.05):
        axes.axvline(rate, color=LIGHT, lw=1.2, zorder=0)
    axes.set(xscale="log", xlim=(LOWEST_RATE, 1), ylim=(0, 1.02))
    axes.set_xticks([0.01, 0.05, 0.1, 1], ["1 %", "5 %", "10 %", "100 %"])
    axes.set_xlabel("false-alarm rate over all genuine rows kept out")
    axes.set_ylabel("detection rate")
    axes.set_title(f"{scores.name} as it ships, each fake source", fontsize=10, loc="left")
    figure.legend(loc="outside lower left", ncols=2, fontsize=9)
    return figure
