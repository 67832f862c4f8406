"""Plots of models beside each other: ROC, DET, reliability, risk–coverage, matrix, correlation.

Colours and lines as in `plots`; everything is measured at item level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assay.evaluation.bootstrap import Numbers
from assay.evaluation.calibration import reliability
from assay.evaluation.measures import MIN_OF_A_LABEL, Scored
from assay.evaluation.plots import COLOURS, DASHES, GREY, LOWEST_RATE, STYLE
from assay.evaluation.protocol_runs import Scores
from assay.evaluation.ranking import Ranking
from assay.evaluation.selective import Selective, confidence
from assay.report.sanitise import visible

Result = Mapping[str, Any]
TICKS = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
MAX_ROWS = 60


def write_model_plots(models: Sequence[Scores], result: Result, folder: Path) -> list[Path]:
    """Draw what there is to draw into `folder`; the files written, older ones are taken away."""
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    for old in ("roc", "det", "reliability", "risk_coverage", "generalisation", "correlation"):
        (folder / f"{old}.png").unlink(missing_ok=True)
    parts = [scores.part(lambda r: True) for scores in models]
    drawn = [part for part in parts if min(part.n_fake, part.n_real) >= MIN_OF_A_LABEL]
    sure = [part for part in drawn if part.p is not None]
    wanted: list[tuple[str, bool, Callable[[], Any]]] = [
        ("roc", bool(drawn), lambda: _roc(drawn)),
        ("det", bool(drawn), lambda: _det(drawn)),
        ("reliability", bool(sure), lambda: _reliability(sure)),
        ("risk_coverage", bool(sure), lambda: _risk_coverage(sure)),
        ("generalisation", bool(result["matrix"]), lambda: _generalisation(result["matrix"])),
        ("correlation", len(drawn) > 1, lambda: _correlation(drawn)),
    ]
    written = []
    with mpl.rc_context():
        mpl.rcdefaults()  # nobody's matplotlibrc
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
        for stem, there, draw in wanted:
            if there:
                path = folder / f"{stem}.png"
                draw().savefig(path)
                written.append(path)
    return written


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _label(name: str, most: int = 36) -> str:
    text = visible(name)
    return text if len(text) <= most else text[: most - 1] + "…"


def _line(number: int) -> dict[str, Any]:
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    return {"color": colour, "ls": dash, "lw": 1.8}


def _rates(part: Scored) -> tuple[Numbers, Numbers]:
    curve = Ranking(part.score, part.fake).curve(np.ones((1, len(part.fake))))
    return curve.false_alarm_rates[0], curve.detection_rates[0]


def _roc(parts: Sequence[Scored]) -> Any:
    figure, axes = _figure(6.2, 5.0)
    for number, part in enumerate(parts):
        x, y = _rates(part)
        area = float(np.trapezoid(y, x))
        label = f"{_label(part.model)}: AUC {area:.3f} ({part.n_fake} fakes, {part.n_real} reals)"
        axes.plot(x, y, label=label, **_line(number))
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":", label="chance")
    axes.set(xlim=(-0.005, 1), ylim=(0, 1.01))
    axes.set_xlabel("false-alarm rate (real items called fake)")
    axes.set_ylabel("detection rate (fakes found)")
    axes.set_title("ROC, each model on the items that it answers", fontsize=10, loc="left")
    figure.legend(loc="outside lower left", fontsize=9)
    return figure


def _det(parts: Sequence[Scored]) -> Any:
    from scipy.stats import norm

    figure, axes = _figure(5.6, 5.8)
    ends = norm.ppf([LOWEST_RATE / 2, 1 - LOWEST_RATE * 10])
    for number, part in enumerate(parts):
        alarms, hits = _rates(part)
        # A rate of none has no place on this axis: half an item stands for it.
        x = norm.ppf(np.clip(alarms, 0.5 / part.n_real, 1 - 0.5 / part.n_real))
        y = norm.ppf(np.clip(1 - hits, 0.5 / part.n_fake, 1 - 0.5 / part.n_fake))
        at = int(np.argmin(np.abs(1 - hits - alarms)))
        error = (1 - hits[at] + alarms[at]) / 2
        label = f"{_label(part.model)}: EER {error:.1%}"
        axes.plot(x, y, label=label, drawstyle="steps-post", **_line(number))
    axes.plot(ends, ends, color=GREY, lw=1, ls=":", label="both errors equal")
    places, texts = norm.ppf(TICKS), [f"{100 * tick:g} %" for tick in TICKS]
    axes.set_xticks(places, texts)
    axes.set_yticks(places, texts)
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.set_xlabel("false-alarm rate (real items called fake)")
    axes.set_ylabel("miss rate (fakes not found)")
    axes.set_title("DET: normal deviates on both axes", fontsize=10, loc="left")
    figure.legend(loc="outside lower left", fontsize=9)
    return figure


def _reliability(parts: Sequence[Scored]) -> Any:
    figure, axes = _figure(5.8, 5.6)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":")
    for number, part in enumerate(parts):
        assert part.p is not None
        rows = reliability(part.p, part.fake)
        x, y = ([row[key] for row in rows] for key in ("p_fake", "share_fake"))
        reach = [
            [max(0.0, row["share_fake"] - row["low"]) for row in rows],
            [max(0.0, row["high"] - row["share_fake"]) for row in rows],
        ]
        n = len(part.fake)
        gap = sum(row["n"] * abs(row["p_fake"] - row["share_fake"]) for row in rows) / n
        style = {**_line(number), "marker": "os^Dv"[number % 5], "ms": 5, "elinewidth": 1}
        axes.errorbar(x, y, reach, label=f"{_label(part.model)}: ECE {gap:.3f}", **style)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_xlabel("stated probability of a fake")
    axes.set_ylabel("share of fakes (bars: Wilson 95 %)")
    axes.set_title("Reliability, at the odds of these data", fontsize=10, loc="left")
    figure.legend(loc="outside lower left", fontsize=9)
    return figure


def _risk_coverage(parts: Sequence[Scored]) -> Any:
    figure, axes = _figure(6.2, 4.8)
    for number, part in enumerate(parts):
        assert part.p is not None
        sure = confidence(part.p, np.full(len(part.p), 0.5), probabilities=True)
        selective = Selective(sure, (part.p >= 0.5) != part.fake)
        points = selective.curve(part.n_fake_all + part.n_real_all)
        x, y = ([point[key] for point in points] for key in ("coverage", "risk"))
        area = float(selective.aurc(np.ones((1, len(part.p))))[0])
        label = f"{_label(part.model)}: AURC {area:.3f}, answers {x[-1]:.0%}"
        axes.plot(x, y, label=label, **_line(number))
        axes.plot(x[-1], y[-1], "o", color=COLOURS[number % len(COLOURS)], ms=6)
    axes.set(xlim=(0, 1.02), ylim=(0, None))
    axes.set_xlabel("coverage (share of all items answered, surest first)")
    axes.set_ylabel("risk (share of these answers that are wrong)")
    axes.set_title("Risk–coverage at one half", fontsize=10, loc="left")
    figure.legend(loc="outside lower left", fontsize=9)
    return figure


def _generalisation(cells: Sequence[Mapping[str, Any]]) -> Any:
    models = list(dict.fromkeys(cell["model"] for cell in cells))
    names = list(dict.fromkeys(cell["generator"] for cell in cells))[:MAX_ROWS]
    known = {(cell["generator"], cell["model"]): cell for cell in cells}
    grid = np.full((len(names), len(models)), np.nan)
    width = 3.2 + 1.5 * len(models)
    figure, axes = _figure(width, 1.8 + 0.42 * len(names))
    for y, name in enumerate(names):
        for x, model in enumerate(models):
            cell = known.get((name, model), {"value": None, "state": "unknown"})
            if cell["value"] is not None:
                grid[y, x] = cell["value"]
            _write_cell(axes, x, y, cell)
    image = axes.imshow(grid, cmap="cividis", vmin=0.5, vmax=1.0, aspect="auto")
    axes.set_facecolor("#EFEFEF")
    axes.set_xticks(range(len(models)), [_label(m, 24) for m in models], rotation=20, ha="right")
    axes.set_yticks(range(len(names)), [_label(name) for name in names])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.set_title("AUC on generators outside of training", fontsize=10, loc="left")
    if any(cell["state"] == "unknown" for cell in cells):
        axes.set_xlabel("* not told whether it was in training")
    figure.colorbar(image, ax=axes, label="AUC (0.5: chance, or below)")
    return figure


def _write_cell(axes: Any, x: int, y: int, cell: Mapping[str, Any]) -> None:
    value = cell["value"]
    if value is None:
        text, colour = ("seen" if cell["state"] == "seen" else "too small"), GREY
    else:
        text = f"{value:.2f}" + ("*" if cell["state"] == "unknown" else "")
        colour = "black" if value > 0.78 else "white"
    axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=10)


def _correlation(parts: Sequence[Scored]) -> Any:
    values, counts = correlations(parts)
    n = len(parts)
    figure, axes = _figure(3.4 + 1.1 * n, 2.8 + 0.9 * n)
    image = axes.imshow(values, cmap="PuOr", vmin=-1, vmax=1)
    for y in range(n):
        for x in range(n):
            there = np.isfinite(values[y, x])
            text = f"{values[y, x]:.2f}\nn {counts[y, x]}" if there else "too few"
            colour = "white" if there and abs(values[y, x]) > 0.6 else "black"
            axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=9)
    names = [_label(part.model, 24) for part in parts]
    axes.set_xticks(range(n), names, rotation=20, ha="right")
    axes.set_yticks(range(n), names)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.set_title("Rank correlation of scores within labels", fontsize=10, loc="left")
    figure.colorbar(image, ax=axes, label="Spearman's correlation")
    return figure


def correlations(parts: Sequence[Scored]) -> tuple[Numbers, Any]:
    """Spearman's correlation of each two models' scores (k, k) on shared items, and their number.

    The mean of that among fakes and that among reals: two models that both work agree across
    labels by that alone. NaN with fewer than five of a label.
    """
    from scipy.stats import spearmanr

    k = len(parts)
    found, counts = np.full((k, k), np.nan), np.zeros((k, k), int)
    scores = [dict(zip([r.item for r in p.rows], p.score, strict=True)) for p in parts]
    labels = {r.item: r.label for part in parts for r in part.rows}
    for i in range(k):
        for j in range(k):
            shared = [item for item in scores[i] if item in scores[j]]
            counts[i, j] = len(shared)
            values = []
            for label in ("fake", "real"):
                own = [item for item in shared if labels[item] == label]
                a, b = ([scores[m][item] for item in own] for m in (i, j))
                if len(own) >= MIN_OF_A_LABEL and np.ptp(a) > 0 and np.ptp(b) > 0:
                    values.append(float(spearmanr(a, b).statistic))
            if values:
                found[i, j] = np.mean(values)
    return found, counts
