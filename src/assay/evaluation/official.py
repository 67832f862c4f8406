"""Each set measured as its authors measure it: their metrics, their averages, their thresholds.

FaceForensics++: accuracy of each class and in all (Rössler et al., 2019). DFDC: log loss with p
held within 1e-7 of its ends, AUC, F1. Celeb-DF: AUC of videos. ASVspoof: EER, of each attack too,
min t-DCF, minDCF. CNNDetection and its followers: accuracy at one half and average precision of
each generator against its own real pictures, then the mean. LAV-DF and AV-Deepfake1M: AP and AR of
forged seconds. Every other set: as DeepfakeBench measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assay.errors import ConfigError
from assay.evaluation import localisation, spoofing
from assay.evaluation.bootstrap import Numbers, intervals, ratio
from assay.evaluation.generators import plain
from assay.evaluation.measures import MIN_OF_A_LABEL, Row, Scored, row
from assay.evaluation.official_measures import (
    Measure,
    accuracy,
    accuracy_over_half,
    act_dcf,
    auc,
    average_precision,
    balanced_accuracy,
    bench_eer,
    cllr,
    equal_error_rate,
    f1,
    log_loss,
    min_dcf,
    numbers,
)
from assay.evaluation.official_spans import ItemKey, clips_of, makes_proposals
from assay.evaluation.predictions import FILE, FRAME, Prediction
from assay.evaluation.protocol_runs import Asked, Keep, Outcome, Scores, within
from assay.evaluation.ranking import Flags
from assay.training.datasets.records import Notice, Record


@dataclass(frozen=True, slots=True)
class Extra:
    """What some sets need beside scores: the records of the items, the speaker verification's
    error rates."""

    records: Mapping[ItemKey, Record] = field(default_factory=dict)
    asv: spoofing.AsvErrors | None = None


Family = Callable[[Scores, str, Asked, Extra], Iterator[Row]]


def official(models: Sequence[Scores], asked: Asked, extra: Extra) -> Outcome:
    """Every set by its own rules, as slices `official: SET …`, beside the numbers of `within`."""
    found = within(models, asked)
    sets = sorted({r.dataset for scores in models for r in scores.rows})
    for scores in models:
        for name in sets:
            if any(r.dataset == name for r in scores.rows):
                found.rows += family_of(name)(scores, name, asked, extra)
    found.notices += list(_told(sets, models, extra))
    return found


def _told(sets: Sequence[str], models: Sequence[Scores], extra: Extra) -> Iterator[Notice]:
    if extra.asv is None and any(family_of(name) is _asvspoof_la for name in sets):
        text = "min t-DCF needs the organisers' speaker-verification scores: name them"
        yield Notice("no_asv_scores", f"{text} with --asv-scores")
    if any(family_of(name) is _asvspoof_5 for name in sets):
        text = "actDCF and Cllr take log-likelihood ratios: those of calibrated probabilities at"
        yield Notice("llr", f"{text} equal odds, or the raw logit of an uncalibrated network")
    without = [one.about.name for one in models if not makes_proposals(one)]
    if without and any(family_of(name) in (_lav_df, _av_deepfake1m) for name in sets):
        who = "no model here" if len(without) == len(models) else f"not every model ({without[0]})"
        text = f"{who} proposes intervals: runs of frames over .1 to .9 are taken for them"
        yield Notice("proposals_of_frames", text)
    if any(family_of(name) in (_lav_df, _av_deepfake1m) for name in sets) and not extra.records:
        yield Notice("no_spans", "the forged seconds are not known: AP and AR need the manifest")


def family_of(dataset: str) -> Family:
    """By whose rules a set is measured."""
    name = plain(dataset)
    for start, family in _FAMILIES:
        if name.startswith(start):
            return family
    return _deepfakebench


def _slices(scores: Scores, dataset: str, level: str, keep: Keep) -> Scored:
    return scores.part(lambda r: r.dataset == dataset and keep(r), level)


def _distinct(scores: Scores, dataset: str, name: str) -> list[str]:
    found = {
        getattr(r, name)
        for r in scores.rows
        if r.dataset == dataset and (name != "method" or r.label == "fake")
    }
    return sorted(found)


# FaceForensics++ and FaceForensics


def _faceforensics(scores: Scores, dataset: str, asked: Asked, extra: Extra) -> Iterator[Row]:
    for level in scores.levels:
        for subset in _distinct(scores, dataset, "subset"):
            part = _slices(scores, dataset, level, _in_subset(subset))
            title = f"official: {dataset} {subset}".rstrip()
            if part.p is None:
                yield row(part, title, "accuracy", {"why": "the scores are no probabilities"})
                continue
            yield from numbers(part, title, {"accuracy": accuracy}, asked)
            for method in _distinct(scores, dataset, "method"):
                own = part.take(np.array([r.method == method for r in part.rows], bool) & part.fake)
                yield _share_right(own, f"{title} {method}", asked)
                pair = part.take(
                    ~part.fake | np.array([r.method == method for r in part.rows], bool)
                )
                named = f"{title} {method} and pristine"
                yield from numbers(pair, named, {"balanced_accuracy": balanced_accuracy}, asked)
            yield _share_right(part.take(~part.fake), f"{title} pristine", asked)


def _in_subset(subset: str) -> Keep:
    return lambda r: r.subset == subset


def _share_right(part: Scored, name: str, asked: Asked) -> Row:
    """The share of one class's items that are called what they are, at one half."""
    if len(part.rows) < MIN_OF_A_LABEL or part.p is None:
        return row(part, name, "class_accuracy", {"why": f"too small: {len(part.rows)} scored"})
    right = (part.p >= 0.5) == part.fake
    found = intervals(
        lambda w: {"share": ratio(w @ right, w.sum(axis=1))},
        part.group.tolist(),
        asked.n_draws,
        asked.seed,
    )
    return row(part, name, "class_accuracy", found["share"])


# DFDC, Celeb-DF


def _dfdc(scores: Scores, dataset: str, asked: Asked, extra: Extra) -> Iterator[Row]:
    part = _slices(scores, dataset, FILE, lambda r: True)
    measures = {"log_loss": log_loss, "auc": auc, "f1": f1}
    yield from numbers(part, f"official: {dataset}", measures, asked)


def _celeb_df(scores: Scores, dataset: str, asked: Asked, extra: Extra) -> Iterator[Row]:
    for level in scores.levels:
        part = _slices(scores, dataset, level, lambda r: True)
        yield from numbers(part, f"official: {dataset}", {"auc": auc}, asked)


# Sound


def _sound(scores: Scores, dataset: str, asked: Asked, extra: Extra) -> Iterator[Row]:
    whole = _slices(scores, dataset, FILE, lambda r: True)
    title = f"official: {dataset}"
    yield from numbers(whole, title, {"equal_error_rate": equal_error_rate}, asked)
    methods = _distinct(scores, dataset, "method")
    for method in methods if len(methods) > 1 else ():
        part = _slices(scores, dataset, FILE, _against_all(method))
        measures: dict[str, Measure] = {"equal_error_rate": equal_error_rate}
        yield from numbers(part, f"{title} {method}", measures, asked)


def _against_all(method: str) -> Keep:
    return lambda r: r.label == "real" or r.method == method


def _asvspoof_la(scores: Scores, dataset: str, asked: Asked, extra: Extra) -> Iterator[Row]:
    yield from _sound(scores, dataset, asked, extra)
    part = _slices(scores, dataset, FILE, lambda r: True)
    asv = extra.asv
    if asv is None:
        why = {"why": "there are no speaker-verification scores (--asv-scores)"}
        yield row(part, f"official: {dataset}", "min_tdcf", why)
        return

    def revisited(score: Numbers, _p: Numbers | None, fake: Flags) -> float:
        return spoofing.min_tdcf(spoofing.Trials.of(score, fake), asv)

    def first(score: Numbers, _p: Numbers | None, fake: Flags) -> float:
        return spoofing.min_tdcf_2019(spoofing.Trials.of(score, fake), asv)

    # Each challenge ranks by the form of its own year; the other stands beside it.
    old = "2019" in dataset
    measures = {
        "min_tdcf": first if old else revisited,
        "min_tdcf_2021_form" if old else "min_tdcf_2019_form": revisited if old else first,
    }
    yield from numbers(part, f"official: {dataset}", measures, asked)


def _asvspoof_5(scores: Scores, dataset: str, asked: Asked, extra: Extra) -> Iterator[Row]:
    yield from _sound(scores, dataset, asked, extra)
    part = _slices(scores, dataset, FILE, lambda r: True)
    measures = {"min_dcf": min_dcf, "act_dcf": act_dcf, "cllr": cllr}
    yield from numbers(part, f"official: {dataset}", measures, asked)


# Generated pictures


def _generated(scores: Scores, dataset: str, asked: Asked, extra: Extra) -> Iterator[Row]:
    """Each generator with the real pictures of its own folder, where it has some; the mean."""
    kept: list[Scored] = []
    for method in _distinct(scores, dataset, "method"):
        part = _slices(scores, dataset, FILE, _with_own_reals(scores, dataset, method))
        title = f"official: {dataset} {method}"
        measures = {"accuracy": accuracy, "average_precision": average_precision}
        yield from numbers(part, title, measures, asked)
        if min(part.n_fake, part.n_real) >= MIN_OF_A_LABEL:
            kept.append(part)
    whole = _slices(scores, dataset, FILE, lambda r: True)
    title = f"official: {dataset} mean over generators"
    for metric, measure in (("accuracy", accuracy), ("average_precision", average_precision)):
        values = [measure(part.score, part.p, part.fake) for part in kept]
        value = float(np.mean(values)) if values and np.isfinite(values).all() else None
        yield row(whole, title, metric, {"value": value, "why": "no generator is measurable"})


def _with_own_reals(scores: Scores, dataset: str, method: str) -> Keep:
    rows = [r for r in scores.rows if r.dataset == dataset and r.level == FILE]
    folders = {r.subset for r in rows if r.label == "fake" and r.method == method}
    own = any(r.label == "real" and r.subset in folders for r in rows)

    def keep(r: Prediction) -> bool:
        if r.label == "fake":
            return r.method == method
        return not own or r.subset in folders

    return keep


# Forged seconds


def _lav_df(scores: Scores, dataset: str, asked: Asked, extra: Extra) -> Iterator[Row]:
    yield from _localised(scores, dataset, extra, localisation.lav_df)


def _av_deepfake1m(scores: Scores, dataset: str, asked: Asked, extra: Extra) -> Iterator[Row]:
    yield from _localised(scores, dataset, extra, localisation.av_deepfake1m)


def _localised(
    scores: Scores,
    dataset: str,
    extra: Extra,
    measure: Callable[[Sequence[localisation.LocalisedClip]], dict[str, float]],
) -> Iterator[Row]:
    whole = _slices(scores, dataset, FILE, lambda r: True)
    title = f"official: {dataset}"
    yield row(whole, title, "auc", _plain_auc(whole))
    if not extra.records:
        return
    clips = clips_of(scores, dataset, extra.records)
    for name, value in measure(clips).items():
        known = {"value": value if np.isfinite(value) else None, "why": "there is no forged span"}
        yield row(whole, title, _localisation_name(name), known)


def _plain_auc(part: Scored) -> dict[str, Any]:
    if min(part.n_fake, part.n_real) < MIN_OF_A_LABEL:
        return {"why": f"too small: {part.n_fake} fakes and {part.n_real} reals scored"}
    return {"value": auc(part.score, None, part.fake)}


def _localisation_name(name: str) -> str:
    """ "ap_50" for "ap@0.5", "ar_100" for "ar@100"."""
    kind, _, at = name.partition("@")
    if not at:
        return f"localisation_{kind}"
    return f"{kind}_{round(100 * float(at))}" if kind == "ap" else f"{kind}_{at}"


# Every other set


def _deepfakebench(scores: Scores, dataset: str, asked: Asked, extra: Extra) -> Iterator[Row]:
    """Frames: accuracy over one half, AUC, EER (the false-alarm rate nearest to the miss rate),
    AP; `video_auc` of the mean probability of each item's frames."""
    level = FRAME if FRAME in scores.levels else FILE
    part = _slices(scores, dataset, level, lambda r: True)
    title = f"official: {dataset}"
    if not len(part.rows):
        return
    measures: dict[str, Measure] = {
        "accuracy": accuracy_over_half,
        "auc": auc,
        "equal_error_rate": bench_eer,
        "average_precision": average_precision,
    }
    yield from numbers(part, title, measures, asked)
    if level == FRAME and part.p is not None:
        whole = _mean_of_frames(part)
        yield from numbers(whole, title, {"video_auc": auc}, asked)


def _mean_of_frames(part: Scored) -> Scored:
    """One row an item: the mean probability of its frames."""
    assert part.p is not None
    first: dict[ItemKey, int] = {}
    member = np.array([first.setdefault(r.item, len(first)) for r in part.rows])
    mean = np.bincount(member, part.p) / np.bincount(member)
    at = np.array([int(np.flatnonzero(member == i)[0]) for i in range(len(first))])
    found = part.take(np.isin(np.arange(len(member)), at))
    order = member[np.sort(at)]
    return Scored(
        found.model, FILE, found.rows, mean[order], mean[order], None, found.fake, found.group,
        found.n_fake_all, found.n_real_all,
    )  # fmt: skip


_FAMILIES: tuple[tuple[str, Family], ...] = (
    ("faceforensics", _faceforensics),
    ("dfdc", _dfdc),
    ("celebdf", _celeb_df),
    ("asvspoof2019", _asvspoof_la),
    ("asvspoof2021la", _asvspoof_la),
    ("asvspoof5", _asvspoof_5),
    ("asvspoof", _sound),
    ("inthewild", _sound),
    ("wavefake", _sound),
    ("forensynths", _generated),
    ("genimage", _generated),
    ("lavdf", _lav_df),
    ("avdeepfake1m", _av_deepfake1m),
)


def require_asv(path: Any) -> spoofing.AsvErrors | None:
    """The error rates of `--asv-scores`, None where it is not given. Raises ConfigError."""
    if path is None:
        return None
    if not path.exists():
        raise ConfigError(f"There are no speaker-verification scores at {path}.")
    return spoofing.read_asv_scores(path)
