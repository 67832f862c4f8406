"""The tables as Markdown, put between the markers of docs/generalisation.md; prose stays as it is.

A marker pair is `<!-- begin NAME -->` and `<!-- end NAME -->`, each on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay.evaluation.slices import MIN_OF_A_LABEL
from assay.evaluation.variants import VARIANTS
from held_out.scores import REFERENCE, SHIPPED, WITHOUT, run_of

Table = Mapping[str, Any]

FIGURES = "models/figures"
N_NAMED = 6  # more are counted


class MarkerError(ValueError):
    """A page without the markers that a table needs."""


def blocks(result: Table, names: Sequence[str]) -> dict[str, str]:
    """All generated parts by marker name; networks in `names` without results say so. What was
    left out comes from a run of its own where there is one."""
    found = {"provenance": _provenance(result)}
    for name in names:
        for part, (write, figure) in PARTS.items():
            of = run_of(part, name, result["networks"])
            run = result["networks"].get(of)
            drawn = f"\n\n![{figure}]({FIGURES}/generalisation-{of}-{part}.png)"
            text = "Not scored yet." if run is None else write(run) + (drawn if figure else "")
            found[f"{part} {name}"] = text
    found["published"] = _published(result.get("published"))
    found["robustness"] = _robustness(result.get("robustness"))
    found["failures"] = _failures(result.get("made_failures"))
    return found


def filled(page: str, parts: Mapping[str, str]) -> str:
    """The page with every part between its markers. Raises MarkerError naming what is missing."""
    for name, text in parts.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(re.escape(begin) + r"\n.*?" + re.escape(end), re.DOTALL)
        if len(pattern.findall(page)) != 1:
            raise MarkerError(f"The page needs the lines {begin} and {end}, once each.")
        start = page.index(begin) + len(begin)
        page = f"{page[:start]}\n{text}\n{page[page.index(end) :]}"
    return page


def number(cell: Table | None, *, percent: bool = False, signed: bool = False) -> str:
    """ ".947 [.93, .96]", "4.2 % [1, 9]", "+.012 [−.01, .03]"; a dash with the reason."""
    if not cell or cell.get("value") is None:
        why = (cell or {}).get("too_small") or (cell or {}).get("unknown")
        return f"– ({why})" if why else "–"
    form = _percent if percent else _plain
    text = form(cell["value"])
    if signed:
        text = text if text.startswith("−") else f"+{text}"
    if percent:
        text += " %"
    if cell.get("low") is None:
        return text
    text = f"{text} [{form(cell['low'])}, {form(cell['high'])}]"
    beyond_chance = signed and (cell["low"] > 0 or cell["high"] < 0)
    return f"**{text}**" if beyond_chance else text


def _plain(value: float) -> str:
    text = f"{abs(value):.3f}"
    text = text if text.startswith("1") else text.removeprefix("0")
    return f"−{text}" if value < -0.0005 else text


def _percent(value: float) -> str:
    text = f"{100 * abs(value):.1f}".removesuffix(".0")
    return f"−{text}" if value < -0.0005 else text


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _of(entry: Table | None, part: str, network: str, measure: str) -> Table | None:
    block = (entry or {}).get(part) or {}
    if "too_small" in block:
        return {"too_small": block["too_small"]}
    return (block.get(network) or {}).get(measure)


def _provenance(result: Table) -> str:
    rows = []
    for name, run in result["networks"].items():
        facts, scores = run["facts"], run["scores"]
        config = facts.get("config", {})
        only = config.get("members", {}).get("only")
        rows.append(
            [
                f"`{name}`",
                "as installed" if only else config.get("version", "?"),
                f"{scores['rows']:,} ({scores['without_score']} without a score)",
                f"`{scores['sha256'][:12]}`",
                f"`{str(facts.get('commit', '?'))[:12]}`",
                f"`{facts.get('data_hash', '?')}`",
                run["decision"]["origin"],
            ]
        )
    columns = ("network", "version", "rows scored", "scores", "commit", "data", "cuts from")
    made = f"Made {result['made'][:10]} by `{result['command']}`, {result['draws']} draws."
    return _table(columns, rows) + f"\n\n{made}"


def _generators(run: Table) -> str:
    rows = []
    for entry in run["generators"]:
        column = WITHOUT + entry["left_out"]
        alone = entry["seen_by"] == "no network"
        unseen = SHIPPED if alone else column
        cells = [
            number(_of(entry, "never_seen", unseen, measure), percent=percent)
            for measure, percent in (
                ("auc", False),
                ("average_precision", False),
                ("equal_error_rate", True),
                ("detection_at_far_1", True),
                ("detection_at_far_5", True),
            )
        ]
        name = f"`{entry['left_out']}`" + (" (no network saw it; shipped)" if alone else "")
        rows.append([name, f"{entry['n_fakes']}", *cells])
    columns = ("never seen", "fakes", "AUC", "AP", "EER", "found at 1 %", "found at 5 %")
    n_reals = run["generators"][0]["n_reals"] if run["generators"] else 0
    first = f"Against {n_reals} genuine rows that no network was trained on:\n\n"
    return first + _table(columns, rows) + "\n\n" + _generators_beside(run)


def _generators_beside(run: Table) -> str:
    rows = []
    for entry in run["generators"]:
        column = WITHOUT + entry["left_out"]
        alone = entry["seen_by"] == "no network"
        own = entry["own_sources"]
        rows.append(
            [
                f"`{entry['left_out']}`",
                f"{entry['n_fakes_fresh']} of {entry['n_groups_fresh']}",
                "–" if alone else number(_of(entry, "fresh", column, "auc")),
                number(_of(entry, "fresh", REFERENCE, "auc")),
                number(_of(entry, "fresh", "worth", "auc"), signed=True),
                number(_of(entry, "fresh", SHIPPED, "auc")),
                number(_of(entry, "own_sources", column, "auc")) if own else "–",
            ]
        )
    columns = (
        "generator",
        "fakes of groups",
        "never saw it",
        "reference",
        "having seen it is worth",
        "shipped",
        "never saw it, against its own sources",
    )
    first = "AUC of all networks on the same rows, the fakes that none of them was trained on:"
    return first + "\n\n" + _table(columns, rows)


def _sources(run: Table) -> str:
    rows = []
    for entry in run["real_sources"]:
        column = WITHOUT + entry["left_out"]
        alone = entry["seen_by"] == "no network"
        unseen = SHIPPED if alone else column
        rows.append(
            [
                f"`{entry['left_out']}`" + (" (no network saw it; shipped)" if alone else ""),
                f"{entry['n_reals']}, {entry['n_reals_fresh']} kept out",
                number(_of(entry, "never_seen", unseen, "false_alarms_at_1"), percent=True),
                number(_of(entry, "never_seen", unseen, "false_alarms_at_5"), percent=True),
                number(_of(entry, "fresh", REFERENCE, "false_alarms_at_1"), percent=True),
                number(_of(entry, "fresh", REFERENCE, "false_alarms_at_5"), percent=True),
                number(_of(entry, "fresh", "worth", "false_alarms_at_5"), percent=True, signed=True)
                if not alone
                else "–",
                number(_of(entry, "against_fakes", unseen, "auc")),
                number(_of(entry, "against_fakes", REFERENCE, "auc")),
            ]
        )
    columns = (
        "real source, never seen",
        "rows",
        "false alarms at 1 %",
        "at 5 %",
        "reference at 1 %",
        "reference at 5 %",
        "reference − never saw it, at 5 %",
        "AUC against all fakes",
        "reference AUC",
    )
    return _table(columns, rows)


def _shipped(run: Table) -> str:
    texts = []
    for split, table in run["shipped"].items():
        texts += [f"**{split}**", "", f"All: {_overall(table)}", ""]
        part = table["without_unseen"]
        if part is not None:
            left_out = part["left_out"]
            names = ", ".join(f"`{name}`" for name in left_out)
            if len(left_out) > N_NAMED:
                names = f"the {len(left_out)} generators that nothing was trained on"
            texts += [f"Without {names}: {_overall(part)}", ""]
        texts += [*_slices(table), ""]
    return "\n".join(texts).rstrip()


def _overall(table: Table) -> str:
    one = table["overall"]
    before, after = table["calibration"]["before"], table["calibration"]["after"]
    return (
        f"{one['n_fakes']} fakes, {one['n_reals']} genuine rows, {one['n_groups']} groups; "
        f"AUC {number(one['auc'])}, AP {number(one['average_precision'])}, "
        f"EER {number(one['equal_error_rate'], percent=True)}; "
        f"at the 1 % cut found {number(one['found']['far_1'], percent=True)}, false alarms "
        f"{number(one['false_alarms']['far_1'], percent=True)}, balanced accuracy "
        f"{number(one['balanced_accuracy_at_far_1'])}; at the 5 % cut found "
        f"{number(one['found'].get('far_5'), percent=True)}, false alarms "
        f"{number(one['false_alarms'].get('far_5'), percent=True)}. "
        f"Before calibration ECE {number(before['ece'])}, Brier {number(before['brier'])}; after "
        f"ECE {number(after['ece'])}, Brier {number(after['brier'])} (equal odds). "
        f"Area under risk–coverage {number(table['aurc'])}."
    )


def _slices(table: Table) -> list[str]:
    """The tables of the fakes and of the genuine rows; what is too few for a number in a line."""
    fakes_shown, few_fakes = _parted(table["fakes"])
    reals_shown, few_reals = _parted(table["reals"])
    fakes = [
        [
            f"`{one['name']}`",
            f"{one['n']} of {one['n_groups']}",
            number(one["auc"]),
            number(one["average_precision"]),
            number(one["equal_error_rate"], percent=True),
            number(one["found"]["far_1"], percent=True),
            number(one["found"].get("far_5"), percent=True),
        ]
        for one in fakes_shown
    ]
    reals = [
        [
            f"`{one['name']}`",
            f"{one['n']} of {one['n_groups']}",
            number(one["false_alarms"]["far_1"], percent=True),
            number(one["false_alarms"].get("far_5"), percent=True),
            number(one["auc"]),
        ]
        for one in reals_shown
    ]
    of_fakes = ("fakes", "rows of groups", "AUC", "AP", "EER", "found at 1 % cut", "at 5 % cut")
    of_reals = ("genuine", "rows of groups", "false alarms at 1 % cut", "at 5 % cut", "AUC")
    return [
        *[_table(of_fakes, fakes), *_told(few_fakes), ""],
        *[_table(of_reals, reals), *_told(few_reals)],
    ]


def _parted(entries: Sequence[Table]) -> tuple[list[Table], list[Table]]:
    """Those with enough rows for a number, and the others."""
    enough = [one for one in entries if one["n"] >= MIN_OF_A_LABEL]
    return enough, [one for one in entries if one["n"] < MIN_OF_A_LABEL]


def _told(few: Sequence[Table]) -> list[str]:
    """One line for those that have too few rows for a number."""
    if not few:
        return []
    named = ", ".join(f"`{one['name']}` {one['n']}" for one in few)
    return ["", f"Too few for a number (rows): {named}."]


def _worth(run: Table) -> str:
    table = run["worth"]
    if not table["gains"]:
        return "Nothing was left out beside this network."
    names = table["forgeries"]
    rows = []
    for pattern, gains in table["gains"].items():
        cells = [number(gains.get(name), signed=True) for name in names]
        rows.append([f"`{pattern}`", number(gains.get("mean_of_others"), signed=True), *cells])
    rows.sort(key=lambda row: row[0])
    columns = ["left out", "mean of the others", *[f"`{name}`" for name in names]]
    return _table(columns, rows)


def _networks(run: Table) -> str:
    table = run["worth"]
    wanted = (SHIPPED, *run["variants"], REFERENCE)
    shown = [network for network in wanted if network in table["areas"]]
    rows = [
        [f"`{name}`", str(table["n_fakes"][name])]
        + [number(table["areas"][network][name]) for network in shown]
        for name in table["forgeries"]
    ]
    heads = {SHIPPED: "shipped", REFERENCE: "reference (a quarter of the batches)"}
    columns = ["fakes", "rows", *[heads.get(network, network) for network in shown]]
    return _table(columns, rows)


def _published(table: Table | None) -> str:
    if table is None:
        return "Not measured yet."
    detector = "synthetic_picture"
    rows = []
    for entry in table["entries"]:
        said, several = entry["verdicts"], entry["generators"] > 1
        name = f"{entry['generator']} ({entry['generators']})" if several else entry["generator"]
        cells = [
            number(_of(entry, "separation", detector, measure), percent=percent)
            for measure, percent in (("auc", False), ("equal_error_rate", True))
        ]
        counts = [str(said[name]) for name in ("alarm", "no answer", "nothing found")]
        rows.append([name, str(entry["files"]), *cells, *counts])
    columns = ("generator", "pictures", f"AUC of `{detector}`", "EER")
    columns += ("verdict: manipulated", "inconclusive", "no evidence found")
    genuine = table["genuine"]
    said = genuine["verdicts"]
    share = number(genuine["alarms"], percent=True)
    return (
        _table(columns, rows)
        + f"\n\nOf {genuine['files']} genuine twins {said['alarm']} were called "
        f"manipulated ({share}), {said['no answer']} were inconclusive."
    )


def _robustness(table: Table | None) -> str:
    if table is None:
        return "Not measured yet: it needs the bundles of both networks."
    parts = [
        f"{table['files']} files ({table['genuine']} genuine), {table['changed_copies']} changed "
        f"copies, at the default cut (`far_1`)."
    ]
    for name, entries in table["detectors"].items():
        rows = [
            [
                VARIANTS[one["variant"]].text,
                str(one["n"]),
                str(one["lost"]),
                number(one["flips"], percent=True),
                f"{one['flips']['to_fired']} / {one['flips']['to_silent']}",
                number(one["false_alarms_before"], percent=True),
                number(one["false_alarms_after"], percent=True),
                number(one["auc_before"]),
                number(one["auc_after"]),
                number(one["auc_change"], signed=True),
            ]
            for one in entries
        ]
        columns = (
            "after",
            "files",
            "lost their score",
            "flips",
            "to / from an alarm",
            "false alarms before",
            "false alarms after",
            "AUC before",
            "AUC after",
            "change",
        )
        title = "the verdict on the file" if name == "file" else f"`{name}`"
        parts += ["", f"**{title}**", "", _table(columns, rows) if rows else "No file was scored."]
    return "\n".join(parts)


def _failures(table: Table | None) -> str:
    if table is None:
        return "Not measured yet: it needs the bundles of both networks."
    rows = [
        [f"`{what}`" if one["fake"] else what, str(one["n"]), str(one["alarms"])]
        for what, one in table["by_kind"].items()
    ]
    table_text = _table(("what", "pictures", "alarms (some or strong evidence)"), rows)
    return f"{table_text}\n\n![Misses and false alarms]({FIGURES}/generalisation-failures.png)"


PARTS: dict[str, tuple[Callable[[Table], str], str]] = {
    "generators": (_generators, "AUC by generator, never seen and seen"),
    "sources": (_sources, "False alarms by real source, never seen and seen"),
    "shipped": (_shipped, "ROC of each fake source"),
    "worth": (_worth, ""),
    "networks": (_networks, ""),
}
