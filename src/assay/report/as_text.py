"""Verdicts for a terminal: a card for one file, a table for many.

Only `Text` objects are printed, so nothing in a file name or its metadata is read as markup, and
control characters are spelled out before they reach the terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from assay.report import findings, moments, provenance, voices, wording
from assay.report.next_steps import next_step
from assay.report.sanitise import shortened, visible
from assay.types import Evidence, Verdict

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

STYLES = {
    "strong_evidence": "bold red",
    "some_evidence": "bold yellow",
    "inconclusive": "bold magenta",
    "no_evidence_found": "bold cyan",
    "not_analysable": "bold bright_black",
}
SHORT = {
    "strong_evidence": "strong evidence",
    "some_evidence": "some evidence",
    "inconclusive": "inconclusive",
    "no_evidence_found": "no evidence found",
    "not_analysable": "not analysable",
}
SCALE_CELLS = 40
MAX_LINES = 12
MAX_ROWS = 24


def print_verdicts(verdicts: Sequence[Verdict], console: Console) -> None:
    """Print one card for a single verdict, a table with a summary line for several."""
    if len(verdicts) == 1:
        console.print(_card(verdicts[0]), soft_wrap=False)
    elif verdicts:
        console.print(_table(verdicts))
        console.print(_summary(verdicts))


def _text(content: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(visible(content), style=style, overflow="fold")


def _card(verdict: Verdict) -> RenderableType:
    from rich.console import Group
    from rich.padding import Padding
    from rich.panel import Panel

    style = STYLES[verdict.label]
    rows = [*_head(verdict), *_body(verdict)]
    return Panel(
        Padding(Group(*rows), (0, 1)),
        title=_text(wording.display_name(verdict, 60), "bold"),
        title_align="left",
        subtitle=_text(f"assay {verdict.assay_version} · {verdict.elapsed_ms / 1000:.1f} s"),
        subtitle_align="right",
        border_style=style.removeprefix("bold "),
        width=None,
    )


def _head(verdict: Verdict) -> list[RenderableType]:
    rows: list[RenderableType] = [
        _text(wording.headline(verdict), STYLES[verdict.label]),
        _text(wording.answer(verdict)),
        _text(""),
        _text(wording.does_not_mean(verdict), "italic"),
    ]
    if verdict.p_fake is not None:
        rows += [_text(""), _scale(verdict)]
        line = f"p_fake {wording.score(verdict.p_fake)}"
        if verdict.interval:
            line += f"   90 % interval {wording.interval(verdict.interval)}"
        rows.append(_text(line, "bold"))
        point = wording.operating_point_sentence(verdict)
        rows += [_text(point)] if point else []
    return rows


def _scale(verdict: Verdict) -> Text:
    """The 0–1 scale: `─` scale, `━` interval, `●` p_fake, `┃` threshold."""
    from rich.text import Text

    cells = ["─"] * (SCALE_CELLS + 1)
    if verdict.interval:
        low, high = (_cell(bound) for bound in verdict.interval)
        cells[low : high + 1] = "━" * (high + 1 - low)
    cut = wording.threshold(verdict)
    if cut is not None:
        cells[_cell(cut)] = "┃"
    at = _cell(verdict.p_fake or 0.0)
    cells[at] = "●"
    scale = Text("0 ", style="dim")
    for i, cell in enumerate(cells):
        scale.append(cell, STYLES[verdict.label] if i == at or cell == "━" else "")
    scale.append(" 1", style="dim")
    return scale if cut is None else scale.append("   ┃ threshold", style="dim")


def _cell(value: float) -> int:
    return round(SCALE_CELLS * min(1.0, max(0.0, value)))


def _body(verdict: Verdict) -> Iterable[RenderableType]:
    reasons = [wording.reason_text(r) for r in (*verdict.reasons, *verdict.in_domain_reasons)]
    yield from _section("Reasons", list(dict.fromkeys(reasons)))
    if verdict.evidence:
        yield _title("Evidence")
        yield _evidence(sorted(verdict.evidence, key=_weight)[:MAX_ROWS])
        left_out = len(verdict.evidence) - MAX_ROWS
        if left_out > 0:
            yield _text(f"and {left_out} more (see --report)", "dim")
    yield from _section("Voices", voices.lines(verdict))
    yield from _section("Most suspicious moments", moments.lines(verdict))
    held = (wording.agreement_sentence(verdict), wording.stability_sentence(verdict))
    yield from _section("How firm", [sentence for sentence in held if sentence])
    yield from _section("Found in the file", findings.lines(verdict))
    extent = wording.coverage_line(verdict)
    tested = [*verdict.coverage.tested, *([extent] if extent else [])]
    yield from _section("Tested", tested)
    yield from _section("Not tested", verdict.coverage.not_tested)
    if verdict.provenance:
        yield from _section("Provenance", provenance.lines(verdict.provenance))
    yield from _section("Limits", verdict.limits)
    yield from _section("Next step", [next_step(verdict)])


def _title(words: str) -> Text:
    from rich.text import Text

    return Text(f"\n{words}", style="bold")


def _section(title: str, lines: Sequence[str]) -> Iterable[RenderableType]:
    from rich.table import Table

    if not lines:
        return
    yield _title(title)
    rows = Table.grid(padding=(0, 1))
    rows.add_column(width=1)
    rows.add_column(overflow="fold")
    for line in lines[:MAX_LINES]:
        rows.add_row(_text("·"), _text(shortened(visible(line), 600)))
    if len(lines) > MAX_LINES:
        rows.add_row(_text("·"), _text(f"and {len(lines) - MAX_LINES} more (see --report)"))
    yield rows


def _weight(one: Evidence) -> int:
    """What weighs comes first: scores, then what is worth a look, then the rest as it came."""
    if one.status == "scored":
        return 0
    return 1 if any(finding.severity != "info" for finding in one.findings) else 2


def _evidence(evidence: Sequence[Evidence]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=False)
    for name in ("detector", "subject"):
        table.add_column(name, overflow="fold")
    for name in ("p_fake", "threshold"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what it says", overflow="fold", ratio=1)
    for row in evidence:
        table.add_row(
            _text(wording.titled(row.detector)),
            _text(shortened(row.subject, 40)),
            _text(wording.score(row.p_fake), "bold red" if wording.reaches(row) else ""),
            _text(wording.cut_score(row.threshold)),
            _text(shortened(wording.evidence_sentence(row), 300)),
        )
    return table


def _table(verdicts: Sequence[Verdict]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("file", overflow="fold", ratio=3)
    table.add_column("verdict", no_wrap=True)
    table.add_column("p_fake", justify="right", no_wrap=True)
    table.add_column("interval", justify="right", no_wrap=True)
    table.add_column("what or why", overflow="fold", ratio=4)
    for verdict in verdicts:
        table.add_row(
            _text(wording.display_name(verdict, 60)),
            _text(SHORT[verdict.label], STYLES[verdict.label]),
            _text(wording.score(verdict.p_fake)),
            _text(wording.interval(verdict.interval)),
            _text(_what_or_why(verdict)),
        )
    return table


def _what_or_why(verdict: Verdict) -> str:
    if verdict.label in ("strong_evidence", "some_evidence"):
        return wording.listed(wording.KINDS[kind] for kind in verdict.kind) if verdict.kind else ""
    told = [reason for reason in verdict.reasons if reason.code == "file_findings"]
    if told:  # one line a file: what the file carries says more than why nothing was scored
        return shortened(visible(told[0].text), 160)
    return shortened(wording.first_reason(verdict), 160) if verdict.reasons else ""


def _summary(verdicts: Sequence[Verdict]) -> Text:
    counts: Counter[str] = Counter(verdict.label for verdict in verdicts)
    parts = [f"{counts[label]} {SHORT[label]}" for label in SHORT if counts[label]]
    return _text(f"{len(verdicts)} files: {', '.join(parts)}.", "bold")
