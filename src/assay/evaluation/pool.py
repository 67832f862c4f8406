"""Run a task over many inputs in processes of their own; one that dies costs its input alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Input = TypeVar("Input")
Result = TypeVar("Result")
Answered = tuple[int, Result | Exception]


class ProcessDiedError(RuntimeError):
    """The process that worked on an input ended without an answer (a crash, or no memory)."""


def each(
    task: Callable[[Input], Result], inputs: Sequence[Input], workers: int
) -> Iterator[tuple[int, Result | Exception]]:
    """(index, result or what was raised) for each input, in the order they are done.

    `workers` 0 runs all in this process, where a crash is a crash. Otherwise `task` must be
    importable by name, and no more inputs than workers are under way at any time: when the pool
    breaks, each of those is tried again alone, and the one that breaks it again is answered with
    ProcessDiedError.
    """
    if workers <= 0:
        for index, one in enumerate(inputs):
            yield index, _tried(task, one)
        return
    waiting = list(range(len(inputs)))[::-1]
    while waiting:
        suspects: list[int] = []
        yield from _until_broken(task, inputs, waiting, workers, suspects)
        for index in suspects:
            yield index, _alone(task, inputs[index])


def _until_broken(
    task: Callable[[Input], Result],
    inputs: Sequence[Input],
    waiting: list[int],
    workers: int,
    suspects: list[int],
) -> Iterator[tuple[int, Result | Exception]]:
    """Work through `waiting` (taken from its end); those under way at a death are `suspects`."""
    running: dict[Future[Result | Exception], int] = {}
    pool = _new_pool(workers)
    try:
        while (waiting and not suspects) or running:
            while waiting and len(running) < workers and not suspects:
                index = waiting.pop()
                try:
                    running[pool.submit(_tried, task, inputs[index])] = index
                except BrokenProcessPool:
                    suspects.append(index)
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                index = running.pop(future)
                try:
                    answer = future.result()
                except BrokenProcessPool:
                    suspects.append(index)
                    continue
                yield index, answer
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _alone(task: Callable[[Input], Result], one: Input) -> Result | Exception:
    pool = _new_pool(1)
    try:
        return pool.submit(_tried, task, one).result()
    except BrokenProcessPool:
        return ProcessDiedError("the process that examined it died")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _new_pool(workers: int) -> ProcessPoolExecutor:
    # Fresh processes: a fork would copy the threads' locks of ONNX Runtime without the threads.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_on_interrupt)


def _leave_on_interrupt() -> None:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))


def _tried(task: Callable[[Input], Result], one: Input) -> Result | Exception:
    try:
        return task(one)
    except Exception as error:
        return error
