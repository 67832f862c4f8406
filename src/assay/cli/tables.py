"""Tables for people on stdout; texts from files and cards are never read as markup."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence

# Wide enough that nothing is folded where a file or a pipe takes the table.
PIPED_WIDTH = 240


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print rows of texts below their column names; cells fold, none is cut."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from assay.report.sanitise import visible

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPED_WIDTH
    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    Console(width=width, markup=False, highlight=False, emoji=False).print(table)
