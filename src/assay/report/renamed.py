"""A verdict told under the name a file was given by, not under that of a copy that was examined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from assay.types import Evidence, Reason, Verdict


def renamed(verdict: Verdict, path: str, name: str, rerun_as: str = "-") -> Verdict:
    """The verdict with the copy's `path` gone from everything a reader sees; `name` in its place.

    `rerun_as` is the word that stands for the file in the command that examines it again.
    """
    without = _without(path, name)
    media = verdict.media
    if media is not None:
        media = replace(media, name=name, path=name)
    coverage = verdict.coverage
    return replace(
        verdict,
        name=name,
        path=name,
        media=media,
        reasons=_reasons(verdict.reasons, without),
        in_domain_reasons=_reasons(verdict.in_domain_reasons, without),
        evidence=tuple(_evidence(one, without) for one in verdict.evidence),
        coverage=replace(coverage, not_tested=tuple(map(without, coverage.not_tested))),
        limits=tuple(map(without, verdict.limits)),
        rerun=verdict.rerun.replace(path, rerun_as),
    )


def _without(path: str, name: str) -> Callable[[str], str]:
    return lambda text: text.replace(path, name) if path in text else text


def _reasons(reasons: tuple[Reason, ...], without: Callable[[str], str]) -> tuple[Reason, ...]:
    return tuple(replace(reason, text=without(reason.text)) for reason in reasons)


def _evidence(one: Evidence, without: Callable[[str], str]) -> Evidence:
    return one if one.reason is None else replace(one, reason=without(one.reason))
