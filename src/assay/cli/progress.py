"""Progress bars on stderr while a terminal watches; silence otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

Progress = Callable[[str, int, int], None]
NAME_LENGTH = 40


class Bars:
    """What is drawn: one bar over the files (where there are several) and one for the step."""

    def __init__(self, drawing: RichProgress | None, n_files: int) -> None:
        self._drawing = drawing
        self._n_files = n_files
        if drawing is not None:
            self._files = drawing.add_task("files", total=n_files, visible=n_files > 1)
            self._step = drawing.add_task("", total=None, visible=n_files > 0)

    def start_file(self, name: str, index: int) -> Progress:
        """Begin the file number `index`; gives what its examination reports to."""
        drawing = self._drawing
        if drawing is None:
            return _silent
        from assay.report.sanitise import shortened, visible

        label = shortened(visible(name), NAME_LENGTH)
        drawing.update(self._files, completed=index)
        drawing.reset(self._step, description=label, total=None)

        def report(step: str, done: int, total: int) -> None:
            drawing.update(
                self._step, description=f"{label}: {step}", completed=done, total=total or None
            )

        return report

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bars away while something is printed."""
        if self._drawing is None:
            yield
            return
        self._drawing.stop()
        try:
            yield
        finally:
            self._drawing.start()


@contextmanager
def bars(n_files: int) -> Iterator[Bars]:
    """Draw bars for `n_files` on stderr where that is a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield Bars(None, n_files)
        return
    with _drawing() as drawing:
        yield Bars(drawing, n_files)


def _drawing() -> RichProgress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
    )


def _silent(_step: str, _done: int, _total: int) -> None:
    return
