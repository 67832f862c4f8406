from __future__ import annotations

import os
import time

import pytest

from assay.evaluation.pool import ProcessDiedError, each


def doubled(value: int) -> int:
    """Twice the value; some values misbehave."""
    if value == 13:
        raise ValueError("thirteen")
    if value == 99:
        os._exit(1)  # as a crash in native code ends the process
    if value == 50:
        time.sleep(0.3)
    return 2 * value


def test_without_workers_it_runs_here() -> None:
    found = dict(each(doubled, [1, 13, 2], 0))
    assert found[0] == 2
    assert isinstance(found[1], ValueError)
    assert found[2] == 4


@pytest.mark.slow
def test_an_input_that_kills_its_process_costs_itself_alone() -> None:
    inputs = [1, 99, 50, 13, 4, 99, 6]
    found = dict(each(doubled, inputs, 2))
    assert sorted(found) == list(range(7))
    assert isinstance(found[1], ProcessDiedError)
    assert isinstance(found[5], ProcessDiedError)
    assert isinstance(found[3], ValueError)
    assert [found[i] for i in (0, 2, 4, 6)] == [2, 100, 8, 12]


def test_nothing_to_do_starts_nothing() -> None:
    assert list(each(doubled, [], 3)) == []
