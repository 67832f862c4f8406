"""From scores to words: one of five labels, its reasons, and what limits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.bundles import Card, bundle_names, load_card
from assay.case import Case
from assay.subjects import NETWORKS, VOICE_NETWORKS
from assay.types import (
    Agreement,
    Evidence,
    FaceMark,
    ForgeryKind,
    Label,
    Provenance,
    Reason,
    Stability,
    Verdict,
)
from assay.verdict.coverage import NO_VOICE_DETECTOR, NOT_ASKED, Installed, cover, reason_of
from assay.verdict.file_findings import told_by_the_file, worth_a_look
from assay.verdict.fuse import Fused
from assay.verdict.gate import Domain
from assay.verdict.heatmaps import heatmap_sentences
from assay.verdict.naming import in_words
from assay.verdict.sound import is_of_sound, sound_of
from assay.verdict.timeline import timeline_of

STRONG_FALSE_ALARM_RATE = 0.001
EXIT_CODES: dict[Label, int] = {
    "strong_evidence": 1,
    "some_evidence": 0,
    "inconclusive": 0,
    "no_evidence_found": 0,
    "not_analysable": 3,
}
NOT_CHECKED = Provenance("not_checked", "Content credentials were not looked for.")


@dataclass(frozen=True, slots=True)
class Examined:
    """All that is known of a file when its verdict is written."""

    case: Case
    evidence: tuple[Evidence, ...]
    installed: Installed
    cards: Mapping[str, Card]
    fused: Fused | None
    stability: Stability | None
    domain: Domain


def decide(known: Examined) -> Verdict:
    """The verdict. Its exit code is 1 for strong evidence, 3 where nothing could be scored.

    `strong_evidence`: two independent families fire, or one at a score that a bona fide file
    with as many scores reaches in fewer than 0.1 % of cases. `some_evidence`: something fires.
    `inconclusive`: the answer flips under a harmless change, detectors contradict each other,
    the cut lies within the score's interval, something fires outside the measured domain, or
    nothing fires while the file itself carries a strong finding.
    """
    fused, case = known.fused, known.case
    label, reasons = _label(known) if fused else ("not_analysable", _unscored(known))
    variants = tuple(known.stability.scores) if known.stability else ()
    return Verdict(
        name=case.media.name,
        path=case.media.path,
        status="completed" if fused else "declined",
        label=label,
        coverage=cover(case, known.evidence, known.installed, variants),
        media=case.media,
        p_fake=fused.p_fake if fused else None,
        interval=fused.interval if fused else None,
        kind=_kinds(fused),
        reasons=tuple(reasons),
        evidence=known.evidence,
        agreement=fused.agreement if fused else _agreement_of_none(known.evidence),
        stability=known.stability,
        operating_point=fused.operating_point if fused else None,
        in_domain=known.domain.ok,
        in_domain_reasons=known.domain.reasons,
        quality=known.domain.quality,
        faces=_faces(case, known.evidence),
        provenance=_provenance(known.evidence),
        limits=tuple(_limits(known)),
        pictures=case.pictures if case.media.kind != "audio" else (),
        sound=sound_of(case, known.evidence),
        timeline=timeline_of(case, known.evidence),
        bundles=_bundles(known),
        exit_code=EXIT_CODES[label],
    )


def _bundles(known: Examined) -> dict[str, str]:
    """Every network that took part, those that find the faces included, with its SHA-256."""
    cards = list(known.cards.values())
    looked = NETWORKS if known.case.media.kind != "audio" else ()
    listened = VOICE_NETWORKS if "speech" in vars(known.case) else ()
    cards += [load_card(name) for name in bundle_names() if name in (*looked, *listened)]
    return {card.name: card.network_sha256 for card in cards}


def _label(known: Examined) -> tuple[Label, list[Reason]]:
    fused = known.fused
    assert fused is not None
    doubts = _doubts(fused, known.stability, known.domain)
    told = [] if fused.fired else told_by_the_file(known.evidence, "No score is high")
    doubts += told
    facts = [*_facts(fused), *([] if told else worth_a_look(known.evidence))]
    if doubts:
        return "inconclusive", doubts + facts
    if not fused.fired:
        return "no_evidence_found", facts
    strong = _why_strong(fused)
    return ("strong_evidence" if strong else "some_evidence"), strong + facts


def _doubts(fused: Fused, stability: Stability | None, domain: Domain) -> list[Reason]:
    doubts = []
    if stability is not None and stability.flips:
        text = f"The answer changes under {stability.flips} of {len(stability.scores) - 1} "
        doubts.append(Reason("flips", text + "changes that should not matter."))
    if fused.agreement.conflict:
        doubts.append(Reason("conflict", "Detectors contradict each other on the same subject."))
    low, high = fused.interval
    if low < fused.operating_point.threshold <= high:
        doubts.append(Reason("near_the_cut", "The cut lies within the score's interval."))
    if fused.beyond_measure:
        noun = _noun(fused.top)
        text = f"The score exceeds every bona fide {noun} measured, but too few were measured to "
        doubts.append(Reason(f"too_many_{noun}s_for_rate", text + "exclude chance among so many."))
    if fused.fired and domain.ok is False:
        text = "The score is high, but what was scored lies outside what was measured."
        doubts.extend([Reason("out_of_domain", text), *domain.reasons])
    return doubts


def _facts(fused: Fused) -> list[Reason]:
    facts = []
    for one in fused.fired or (fused.top,):
        fires = one in fused.fired
        word, code = ("above", "score_above_cut") if fires else ("below", "score_below_cut")
        text = f"{one.detector} gives {in_words(one.subject)} {one.p_fake:.3f}, {word} its cut"
        # A cut of one is no cut: too few bona fide faces were measured for so many scores.
        cut = f" of {one.threshold:.3f}." if one.threshold is not None else "."
        facts.append(Reason(code, text + cut))
    for one in fused.set_aside:
        named = in_words(one.subject)
        text = f"{one.detector} gives {named} {one.p_fake:.3f} too, which does not count: "
        facts.append(Reason("set_aside", text + "it lies outside what was measured."))
    return facts


def _noun(one: Evidence) -> str:
    if one.speaker_id is not None:
        return "voice"
    return {"picture": "picture", "sound": "recording"}.get(one.subject, "face")


def _why_strong(fused: Fused) -> list[Reason]:
    reasons = []
    families = fused.families_fired
    if len(families) >= 2:
        text = f"Independent kinds of evidence agree: {', '.join(families)}."
        reasons.append(Reason("families_agree", text))
    if fused.file_false_alarm_rate < STRONG_FALSE_ALARM_RATE:
        text = f"Of bona fide files, {fused.file_false_alarm_rate:.2%} score as high."
        reasons.append(Reason("rare_false_alarm", text))
    return reasons


def _unscored(known: Examined) -> list[Reason]:
    told = told_by_the_file(known.evidence, "Nothing was scored")
    return [*_why_nothing(known), *(told or worth_a_look(known.evidence))]


def _why_nothing(known: Examined) -> list[Reason]:
    """Every reason why nothing was scored; never empty."""
    case, reasons = known.case, []
    kind = case.media.kind
    if kind != "audio" and not case.tracks:
        what = "picture" if kind == "image" else "examined frames"
        reasons.append(Reason("no_face", f"No face was found in the {what}."))
    has_sound = kind == "audio" or case.media.sample_rate_hz is not None
    if has_sound and not known.installed.voice:
        reasons.append(NO_VOICE_DETECTOR)
    reasons += _why_no_voice(known)
    for one in known.evidence:
        if one.status in ("abstained", "failed"):
            said = reason_of(one)
            if said in reasons:  # it is why no speech was found
                continue
            reasons.append(Reason(said.code, f"{one.detector}, {one.subject}: {said.text}"))
    if kind != "audio" and case.tracks and not _needs(known) & {"faces", "motion"}:
        reasons.append(Reason("no_face_detector", "No detector for faces was run."))
    not_asked = [n for n, why in known.installed.not_run.items() if why == NOT_ASKED]
    reasons.extend(Reason("not_run", f"{name}: {NOT_ASKED}") for name in not_asked)
    fallback = Reason("nothing_scored", "No detector that was run gives this file a score.")
    return list(dict.fromkeys(reasons)) or [fallback]


def _why_no_voice(known: Examined) -> list[Reason]:
    """What finding speech gave as reasons: for the whole sound, else segment by segment."""
    speech = vars(known.case).get("speech")
    if speech is None:
        return []
    if not speech.segments:
        return list(speech.reasons)
    by_code: dict[str, Reason] = {}
    for reason in (reason for one in speech.segments for reason in one.reasons):
        by_code.setdefault(reason.code, reason)
    return list(by_code.values())


def _needs(known: Examined) -> set[str]:
    return {detector.needs for detector in known.installed.run.values()}


def _kinds(fused: Fused | None) -> tuple[ForgeryKind, ...]:
    if fused is None:
        return ()
    return tuple(dict.fromkeys(one.kind or "unknown" for one in fused.fired))


def _agreement_of_none(evidence: Sequence[Evidence]) -> Agreement:
    abstained = {one.detector for one in evidence if one.status == "abstained"}
    failed = {one.detector for one in evidence if one.status == "failed"}
    return Agreement(0, 0, len(abstained), len(failed - abstained), False)


def _faces(case: Case, evidence: Sequence[Evidence]) -> tuple[FaceMark, ...]:
    """Every seen face with the highest p_fake that any detector gave it in that frame."""
    if case.media.kind == "audio":
        return ()
    highest: dict[tuple[int | None, int], float] = {}
    for one in evidence:
        for span in one.spans:
            if span.p_fake is not None:
                key = (one.track_id, round(span.start_s * 1000))
                highest[key] = max(span.p_fake, highest.get(key, 0.0))
    marks = []
    for track in case.tracks:
        for view in case.face_views(track.track_id):
            x0, y0, x1, y1 = (float(value) for value in view.frame_box_px)
            p_fake = highest.get((track.track_id, round(view.time_s * 1000)))
            marks.append(FaceMark(track.track_id, view.time_s, (x0, y0, x1, y1), p_fake))
    return tuple(marks)


def _provenance(evidence: Sequence[Evidence]) -> Provenance:
    """What the provenance detector found; "not checked" where none did."""
    for one in evidence:
        found = one.details.get("provenance")
        if isinstance(found, Provenance):
            return found
        if isinstance(found, Mapping):
            return Provenance(
                found["state"],
                str(found.get("meaning", "")),
                found.get("values") or {},
                tuple(found.get("codes") or ()),
            )
    return NOT_CHECKED


def _limits(known: Examined) -> list[str]:
    limits = []
    if known.fused is not None:
        point = known.fused.operating_point
        limits = [
            f"The error rates were measured on {point.measured_on}; elsewhere they can be higher.",
            "p_fake assumes that manipulated and untouched are equally likely beforehand.",
        ]
        limits += heatmap_sentences(known.evidence)
        if known.stability is None:
            of_sound = is_of_sound(known.fused.top)
            changes = "re-saving or at another loudness" if of_sound else "re-saving or resizing"
            limits.append(f"Whether the score stands after {changes} was not tested.")
    limits.append(
        "No evidence found is not proof of origin: a method that the detectors do not know "
        "leaves no trace that they see."
    )
    for name, detector in known.installed.run.items():
        if detector.fails_on:
            limits.append(f"{name} is known to fail on: {detector.fails_on.rstrip('.')}.")
    return limits
