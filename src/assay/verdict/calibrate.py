"""From raw logits to probabilities: each detector's own calibration, subject by subject."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from assay.bundles import Card, load_bundle_folder, load_card
from assay.detectors import Detector, discover
from assay.errors import BundleMismatchError, BundleMissingError
from assay.types import Evidence, OperatingPoint


def installed_cards(detectors: Mapping[str, type[Detector]] | None = None) -> dict[str, Card]:
    """The bundle card of each detector that has one, by detector name.

    The card of a folder that was given carries the name of its detector, whatever it calls
    itself, and assay's own limits of what can be judged.
    """
    cards = {}
    for name, detector in (discover() if detectors is None else detectors).items():
        if detector.bundle is not None:
            folder = getattr(detector, "folder", None)
            try:
                if folder is None:
                    cards[name] = load_card(detector.bundle)
                else:
                    cards[name] = replace(
                        load_bundle_folder(Path(folder))[0], name=name, in_domain={}
                    )
            except (BundleMissingError, BundleMismatchError):
                # The detector itself abstains and says so; there is nothing to calibrate.
                continue
    return cards


def calibrate(
    evidence: Sequence[Evidence],
    operating_point: str,
    cards: Mapping[str, Card] | None = None,
) -> list[Evidence]:
    """Give scored evidence its p_fake, threshold and false-alarm rate, spans included.

    Platt scaling (Platt, 1999) as fitted in the bundle's card. `threshold` is the p_fake of the
    operating point's cut for ONE subject; `verdict.fuse` raises it where there are several. The
    false-alarm rate is that of one bona fide subject reaching this score. A score that cannot be
    calibrated (no card, no calibration, no such operating point) becomes an abstention: an
    uncalibrated number has no meaning to a reader.
    """
    known = installed_cards() if cards is None else cards
    return [
        _calibrated(one, operating_point, known.get(one.detector)) if one.logit is not None else one
        for one in evidence
    ]


def cut_logit(card: Card, point: OperatingPoint, n_tests: int) -> float | None:
    """The raw logit at which one of `n_tests` scores fires, None where none can.

    Šidák (1967): for the file's rate to stay at `point.false_alarm_rate`, each single score may
    raise a false alarm at no more than 1 - (1 - rate)^(1/n). None when so small a rate was not
    measured, because the calibration set has too few bona fide faces.
    """
    if n_tests <= 1 or card.calibration is None:
        return point.threshold
    allowed = 1.0 - (1.0 - point.false_alarm_rate) ** (1.0 / n_tests)
    logits = card.calibration.bona_fide_logits
    n_above = math.floor(allowed * (len(logits) + 1) + 1e-9) - 1
    if n_above < 0:
        return None
    if n_above >= len(logits):
        return point.threshold
    highest_below = sorted(logits, reverse=True)[n_above]
    return max(point.threshold, math.nextafter(highest_below, math.inf))


def _calibrated(one: Evidence, operating_point: str, card: Card | None) -> Evidence:
    if card is None or card.calibration is None:
        return _uncalibrated(one, "not_calibrated: This detector has no measured calibration.")
    try:
        point = card.operating_point(operating_point)
    except BundleMismatchError as error:
        return _uncalibrated(one, f"operating_point_unmeasured: {error}")
    fit = card.calibration
    logit = float(one.logit if one.logit is not None else math.nan)
    return replace(
        one,
        p_fake=fit.p_fake(logit),
        threshold=fit.p_fake(point.threshold),
        false_alarm_rate=fit.false_alarm_rate(logit),
        spans=tuple(replace(span, p_fake=fit.p_fake(span.logit)) for span in one.spans),
        patches=tuple(replace(patch, p_fake=fit.p_fake(patch.logit)) for patch in one.patches),
        bundle_sha256=one.bundle_sha256 or card.network_sha256,
        licence=one.licence or card.licence,
    )


def _uncalibrated(one: Evidence, reason: str) -> Evidence:
    return replace(
        one, status="abstained", logit=None, reason=reason, spans=(), patches=(), heatmaps=()
    )
