"""Plots of the tables: ROC, risk–coverage, reliability, sources, confusion.

Drawn from the tables alone, so that they can be drawn again from tables.json. Colours after Okabe
and Ito (2008), which people with any colour vision can tell apart; lines differ in dash as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.report.sanitise import visible

Table = Mapping[str, Any]
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
GREY, LIGHT = "#5A5A5A", "#D9D9D9"
LOWEST_RATE = 0.001
STYLE: dict[str, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.dpi": 130,
    "savefig.bbox": "tight",
    "text.parse_math": False,
}


def write_plots(tables: Mapping[str, Table], folder: Path) -> list[Path]:
    """Draw what the tables of `held_out_tables` hold into `folder`; the files written."""
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    drawn = {name: table for name, table in tables.items() if table["curves"]}
    written = []
    with mpl.rc_context():
        mpl.rcdefaults()  # nobody's matplotlibrc
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
        if drawn:
            written.append(_save(_roc(drawn), folder, "roc"))
            written.append(_save(_risk_coverage(drawn), folder, "risk_coverage"))
        for number, (name, table) in enumerate(tables.items()):
            stem = file_stem(name, number)
            if "reliability_after" in table["curves"]:
                written.append(_save(_reliability(name, table), folder, f"reliability-{stem}"))
            written.append(_save(_sources(name, table), folder, f"sources-{stem}"))
            if table["confusion"]:
                written.append(_save(_confusion(name, table), folder, f"confusion-{stem}"))
    return written


def file_stem(name: str, number: int) -> str:
    """A detector's name as a part of a file name; names come from files and may hold anything."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:60]
    return safe if safe == name else f"{number}-{safe}"


def _save(figure: Any, folder: Path, stem: str) -> Path:
    path = folder / f"{stem}.png"
    figure.savefig(path)
    return path


def _figure(width: float, height: float, n_columns: int = 1, **settings: Any) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, n_columns, **settings)


def _label(name: str) -> str:
    text = "whole file" if name == "file" else visible(name)
    return text if len(text) <= 40 else text[:39] + "…"


def _roc(tables: Mapping[str, Table]) -> Any:
    figure, axes = _figure(6.2, 4.8)
    for number, (name, table) in enumerate(tables.items()):
        points = [p for p in table["curves"]["roc"] if p["false_alarm_rate"] >= LOWEST_RATE]
        x = [point["false_alarm_rate"] for point in points]
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        area = table["slices"][0]["auc"]
        label = f"{_label(name)}: AUC {_with_interval(area)}"
        axes.plot(x, [p["value"] for p in points], color=colour, ls=dash, lw=1.8, label=label)
        if any(p["low"] is not None for p in points):
            ends = [[p["value"] if p[e] is None else p[e] for p in points] for e in ("low", "high")]
            axes.fill_between(x, *ends, color=colour, alpha=0.15, lw=0)
    chance = [10 ** (-3 + k / 20) for k in range(61)]  # a straight line bends on this axis
    axes.plot(chance, chance, color=GREY, lw=1, ls=":", label="chance")
    for rate in (0.01, 0.05):
        axes.axvline(rate, color=LIGHT, lw=1.2, zorder=0)
        axes.text(rate, 1.03, f"{rate:.0%}", ha="center", color=GREY, fontsize=9)
    axes.set(xscale="log", xlim=(LOWEST_RATE, 1), ylim=(0, 1.02))
    axes.set_xticks([0.001, 0.01, 0.1, 1], ["0.1 %", "1 %", "10 %", "100 %"])
    axes.set_xlabel("false-alarm rate (real files called fake)")
    axes.set_ylabel("detection rate (fakes found)")
    figure.legend(loc="outside lower left", fontsize=9)
    axes.set_title("ROC over all files, bands: 95 % over groups", fontsize=10, loc="left", pad=16)
    return figure


def _risk_coverage(tables: Mapping[str, Table]) -> Any:
    figure, axes = _figure(6.2, 4.6)
    for number, (name, table) in enumerate(tables.items()):
        points = table["curves"]["risk_coverage"]
        x, y = ([p[key] for p in points] for key in ("coverage", "risk"))
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        aurc = _with_interval(table["slices"][0]["selective"]["aurc"])
        label = f"{_label(name)}: AURC {aurc}, answers {x[-1]:.0%} of the files"
        axes.plot(x, y, color=colour, ls=dash, lw=1.8, label=label)
        axes.plot(x[-1], y[-1], "o", color=colour, ms=6)
    axes.set(xlim=(0, 1.02), ylim=(0, None))
    axes.set_xlabel("coverage (share of all files answered, surest first)")
    axes.set_ylabel("risk (share of these answers that are wrong)")
    figure.legend(loc="outside lower left", fontsize=9)
    title = "Risk–coverage at the main cut; the curve ends where the detector abstains"
    axes.set_title(title, fontsize=10, loc="left")
    return figure


def _reliability(name: str, table: Table) -> Any:
    figure, (axes, counts) = _figure_rows()
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":")
    kinds = (("before", "raw logit, sigmoid", 1, "s"), ("after", "calibrated p_fake", 0, "o"))
    for when, text, number, marker in kinds:
        rows = table["curves"].get(f"reliability_{when}")
        if not rows:
            continue
        x, y = ([row[key] for row in rows] for key in ("p_fake", "share_fake"))
        reach = [[max(0.0, row["share_fake"] - row["low"]) for row in rows]]
        reach.append([max(0.0, row["high"] - row["share_fake"]) for row in rows])
        colour = COLOURS[number]
        error = table["slices"][0]["calibration"][when]["equal_odds"]["ece"]
        label = f"{text}: ECE {_with_interval(error)}"
        style = {"color": colour, "marker": marker, "ms": 5, "lw": 1.2, "elinewidth": 1}
        face = "white" if when == "before" else colour
        axes.errorbar(x, y, reach, label=label, markerfacecolor=face, **style)
        shift = 0.012 if when == "after" else -0.012
        counts.bar([v + shift for v in x], [r["n"] for r in rows], width=0.022, color=colour)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="share of fakes")
    counts.set(xlabel="stated probability of a fake", ylabel="files")
    figure.legend(loc="outside lower left", fontsize=9, title="ECE at equal odds of both labels:")
    axes.set_title(f"Reliability: {_label(name)} (bars: Wilson 95 %)", fontsize=10, loc="left")
    return figure


def _figure_rows() -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 6.0), layout="constrained")
    return figure, figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))


def _sources(name: str, table: Table) -> Any:
    fakes = [one for one in table["slices"] if one["kind"] == "fake_source"]
    reals = table["false_alarms"]
    height = 1.6 + 0.36 * max(len(fakes), len(reals), 1)
    figure, (left, right) = _figure(10.5, height, 2)
    rows = [(f"{one['name']}  (n {one['n_fake_scored']})", one["auc"]) for one in fakes]
    _bars(left, rows, COLOURS[0])
    left.axvline(0.5, color=GREY, lw=1, ls=":")
    left.set(xlim=(0, 1), xlabel="AUC against all real files (0.5: chance)")
    left.set_title(f"{_label(name)}: each fake source", fontsize=10, loc="left")
    main = table["main_cut"]
    rows = [(f"{one['name']}  (n {one['n']})", one["cuts"].get(main, {})) for one in reals]
    _bars(right, rows, COLOURS[1])
    highest = max((number.get("high") or 0.0 for _, number in rows), default=0.0)
    right.set(xlim=(0, min(1.0, max(0.1, 1.1 * highest))))
    right.set_xlabel(f"false-alarm rate {_cut_text(table)} (bars: Wilson 95 %)")
    right.set_title("each real source", fontsize=10, loc="left")
    return figure


def _cut_text(table: Table) -> str:
    cut = table["cuts"].get(table["main_cut"])
    return "at no cut" if cut is None else "at the cut " + table["main_cut"].replace("_", " ")


def _bars(axes: Any, rows: list[tuple[str, Table]], colour: str) -> None:
    """Horizontal bars with intervals; a cell that is too small says so instead of a bar."""
    axes.set_yticks(range(len(rows)), [_label(label) for label, _ in rows])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    for y, (_, number) in enumerate(rows):
        value = number.get("value")
        if value is None:
            text = f"too small: {number.get('too_small', 'no number')}"
            along = axes.get_yaxis_transform()
            axes.text(0.02, y, text, transform=along, va="center", color=GREY, fontsize=9)
            continue
        axes.barh(y, value, height=0.6, color=colour, alpha=0.75)
        if number.get("low") is not None:
            reach = [[max(0.0, value - number["low"])], [max(0.0, number["high"] - value)]]
            axes.errorbar(value, y, xerr=reach, color="black", lw=1, capsize=3)
    if rows:
        axes.set_ylim(len(rows) - 0.4, -0.6)


def _confusion(name: str, table: Table) -> Any:
    figure, axes = _figure(5.4, 3.0)
    columns = (("not_fired", "not fired"), ("fired", "fired"), ("no_score", "no score"))
    counts = [[table["confusion"][label][key] for key, _ in columns] for label in ("real", "fake")]
    shares = [[count / max(1, sum(row)) for count in row] for row in counts]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for y, row in enumerate(counts):
        for x, count in enumerate(row):
            colour = "white" if shares[y][x] > 0.55 else "black"
            text = f"{count}\n{shares[y][x]:.0%}"
            axes.text(x, y, text, ha="center", va="center", color=colour, fontsize=11)
    axes.set_xticks(range(3), [text for _, text in columns])
    axes.set_yticks(range(2), ["real", "fake"])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    title = f"{_label(name)}, {_cut_text(table)}: files, share of the row"
    axes.set_title(title, fontsize=10, loc="left")
    return figure


def _with_interval(number: Table) -> str:
    if number.get("value") is None:
        return "unknown"
    if number.get("low") is None:
        return f"{number['value']:.3f}"
    return f"{number['value']:.3f} [{number['low']:.3f}, {number['high']:.3f}]"
