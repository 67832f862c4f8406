"""The flow of one examination, top to bottom: a path in, a Verdict out."""

from __future__ import annotations

import difflib
import logging
import os
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import assay
from assay.bundles import Card, use_threads
from assay.case import Case, Deadline, Progress, silent
from assay.detectors import Detector, discover
from assay.errors import (
    AssayError,
    ConfigError,
    InputError,
    InstallationError,
    MemoryLimitError,
    UsageError,
)
from assay.options import Options
from assay.types import Coverage, Evidence, Media, Reason, Stability, Verdict
from assay.verdict.calibrate import calibrate, installed_cards
from assay.verdict.coverage import NOT_ASKED, Installed
from assay.verdict.decide import Examined, decide
from assay.verdict.finding_rates import with_rates
from assay.verdict.fuse import Fused, fuse, key_of
from assay.verdict.gate import Domain, domain_of, judge_unscored
from assay.verdict.known_pictures import read_known_pictures
from assay.verdict.run import Ahead, bounded, run_detector, unscored
from assay.verdict.stability import measure_stability

LOOKING_SHARE = 0.6
FOLLOWING_SHARE = 0.7
LISTENING_SHARE = 0.8
READERS = 2  # detectors of the file at work at one time, beside one of another kind
log = logging.getLogger(__name__)


def detect(
    path: str | os.PathLike[str],
    options: Options | None = None,
    progress: Progress = silent,
    **option_fields: Any,
) -> Verdict:
    """Examine one file: is what it shows manipulated, how sure is that, what was not tested?

    `option_fields` are fields of Options (`detect(path, operating_point="far_5")`) and win over
    `options`. `progress(step, done, total)` is called along the way. Whatever is wrong with the
    file itself is answered with a verdict of status `failed` and exit code 3, as is a file in
    which nothing could be scored (`declined`). Raises UsageError and ConfigError for a wrong
    call, InstallationError when assay itself is broken; nothing else.
    """
    started, began = time.monotonic(), datetime.now(UTC)
    chosen = _options(options, option_fields)
    text = _path_text(path)
    try:
        verdict = _examine(text, chosen, progress)
    except (UsageError, InstallationError):
        raise
    except AssayError as error:
        verdict = _failed(text, error.code, error.as_text())
    except MemoryError:
        refusal = MemoryLimitError("Examining the file needs more memory than there is.")
        verdict = _failed(text, refusal.code, refusal.as_text())
    except Exception as error:
        # A fault of ours; the other files of the call must still be examined.
        log.debug("examining %r failed", text, exc_info=error)
        verdict = _failed(text, "internal_error", f"assay failed: {type(error).__name__}: {error}")
    return replace(
        verdict,
        assay_version=assay.__version__,
        elapsed_ms=(time.monotonic() - started) * 1000,
        examined_at=began.isoformat(timespec="seconds"),
        rerun=rerun_command(text, chosen),
    )


def _examine(path: str, options: Options, progress: Progress) -> Verdict:
    use_threads(options.threads)
    read_known_pictures(options, progress)
    deadline = Deadline.after(options.time_limit_s)
    found = _named(discover(), options)
    case = Case(_probe(path, deadline), options, progress, deadline)
    _look(case)
    _follow(case, found)
    _listen(case, found)
    installed = _fitting(found, case)
    cards = installed_cards(installed.run)
    raw = with_rates(_run_all(installed, case))
    point = options.operating_point
    evidence = tuple(calibrate(raw, point, cards))
    fused, domain = _in_domain(case, fuse(evidence, point, cards), cards)
    stability = _stability(case, fused, installed, cards)
    progress("decide", 1, 1)
    evidence = fused.evidence if fused else evidence
    return decide(Examined(case, evidence, installed, cards, fused, stability, domain))


def _probe(path: str, deadline: Deadline) -> Media:
    from assay.media.probe import probe

    return _step(lambda: probe(path), deadline, "Opening the file")


def _look(case: Case) -> None:
    """Find the faces now, so that their time is not charged to the first detector.

    A long video stops being searched when a part of the time is spent: the faces found until
    then are examined in the rest.
    """
    if case.media.kind != "audio":
        whole = case.deadline
        case.deadline = Deadline(whole.limit_s * LOOKING_SHARE, whole.started)
        _step(lambda: case.tracks, whole, "Decoding the file and finding faces")
        case.deadline = whole


def _follow(case: Case, found: Installed) -> None:
    """Follow people frame by frame now, where a detector that was asked for needs their motion.

    What goes wrong here loses the motion and nothing else: the case says why.
    """
    wanted = any(detector.needs == "motion" for detector in found.run.values())
    if case.media.kind != "video" or not case.tracks or not wanted:
        return
    whole = case.deadline
    case.deadline = Deadline(whole.limit_s * FOLLOWING_SHARE, whole.started)
    case.progress("motion", 0, 1)
    try:
        _step(lambda: case.motion, case.deadline, "Following faces frame by frame")
    except AssayError as error:
        log.debug("following failed", exc_info=error)
        case.give_up_motion(Reason(error.code, error.as_text()))
    case.deadline = whole


def _listen(case: Case, found: Installed) -> None:
    """Find speech now, for the same reason, where a detector that was asked for needs sound.

    What goes wrong here loses the sound and nothing else: the case says why.
    """
    if case.media.sample_rate_hz is None or not any(map(_hears(case), found.run.values())):
        return
    whole = case.deadline
    until = Deadline(whole.limit_s * LISTENING_SHARE, whole.started)
    own = Deadline.after(case.options.detector_time_limit_s)
    case.deadline = min(own, until, key=lambda deadline: deadline.remaining_s)
    case.progress("speech", 0, 1)
    try:
        _step(lambda: case.speech, case.deadline, "Reading the sound and finding speech")
    except AssayError as error:
        log.debug("finding speech failed", exc_info=error)
        case.give_up_sound(Reason(error.code, error.as_text()))
    case.deadline = whole


def _hears(case: Case) -> Callable[[type[Detector]], bool]:
    return lambda detector: detector.needs == "sound" and case.media.kind in detector.kinds


def _step(step: Any, deadline: Deadline, what: str) -> Any:
    """A bounded step over the file's content, where any surprise is the file's fault."""
    try:
        return bounded(step, deadline.remaining_s, what)
    except (AssayError, KeyboardInterrupt):
        raise
    except MemoryError as error:
        raise MemoryLimitError(f"{what} needs more memory than there is.") from error
    except BaseException as error:
        log.debug("%s failed", what, exc_info=error)
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{what} failed: {type(error).__name__}: {said}") from error


def _named(found: dict[str, type[Detector]], options: Options) -> Installed:
    """All detectors, those not asked for set aside. Raises UsageError on an unknown name.

    Of what the options name (`stand_ins`) there is one detector each in place of the one that is
    found; they run whatever else was asked for.
    """
    voice = any(detector.needs == "sound" for detector in found.values())
    given = _given(found, options)
    own = {name: one for name, one in found.items() if not hasattr(one, "stand_ins")}
    if options.detectors is None:
        return Installed({**own, **given}, {}, voice)
    for name in options.detectors:
        if name not in found:
            near = difflib.get_close_matches(name, found, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(found)}."
            raise UsageError(f"There is no detector {name!r}.", remedy=hint)
    asked = own if given else found
    run = {name: asked[name] for name in asked if name in options.detectors}
    left_out = {name: NOT_ASKED for name in own if name not in run}
    return Installed({**run, **given}, left_out, voice)


def _given(found: Mapping[str, type[Detector]], options: Options) -> dict[str, type[Detector]]:
    """What stands in for detectors of what the options name."""
    given: dict[str, type[Detector]] = {}
    for detector in found.values():
        stand_ins = getattr(detector, "stand_ins", None)
        if stand_ins is not None:
            given |= stand_ins(options, found)
    return given


def _fitting(installed: Installed, case: Case) -> Installed:
    """Set aside the detectors that have nothing to look at in this file."""
    kind, run, not_run = case.media.kind, {}, dict(installed.not_run)
    for name, detector in installed.run.items():
        if kind not in detector.kinds or (
            detector.needs in ("faces", "picture", "motion") and kind == "audio"
        ):
            not_run[name] = f"it does not examine {kind} files."
        elif detector.needs in ("faces", "motion") and not case.tracks:
            not_run[name] = "no face was found."
        elif getattr(detector, "needs_reference", False) and case.options.reference is None:
            not_run[name] = "no known footage was given to compare with (--reference)."
        elif getattr(detector, "needs_camera", False) and case.options.camera is None:
            not_run[name] = "no pictures of a known camera were given to compare with (--camera)."
        elif getattr(detector, "needs_bundle", False) and case.options.bundles is None:
            not_run[name] = "no trained network was given to examine with (--bundle)."
        elif detector.needs == "sound" and case.media.sample_rate_hz is None:
            not_run[name] = "the file has no sound."
        else:
            run[name] = detector
    return Installed(run, not_run, installed.voice)


def _run_all(installed: Installed, case: Case) -> list[Evidence]:
    evidence: list[Evidence] = []
    reading = [one for one in installed.run.values() if one.needs == "file"]
    ahead = Ahead(reading, case, READERS if case.options.threads != 1 else 1)
    for done, (name, detector) in enumerate(installed.run.items()):
        case.progress(name, done, len(installed.run))
        if detector.needs == "sound" and case.sound_fault is not None:
            fault = case.sound_fault
            one = unscored(detector, "failed", fault.code, fault.text)
            evidence.append(replace(one, subject="sound"))
        elif detector.needs == "motion" and case.motion.fault is not None:
            fault = case.motion.fault
            evidence.append(unscored(detector, "failed", fault.code, fault.text))
        elif name in ahead:
            evidence += ahead.evidence(name)
        else:
            evidence += run_detector(detector, case)
    return evidence


def _stability(
    case: Case, fused: Fused | None, installed: Installed, cards: Mapping[str, Card]
) -> Stability | None:
    if fused is None or not case.options.stability:
        return None
    case.progress("stability", 0, 1)
    return measure_stability(case, fused, installed.run, case.options.operating_point, cards)


def _in_domain(
    case: Case, fused: Fused | None, cards: Mapping[str, Card]
) -> tuple[Fused | None, Domain]:
    """What decides, and whether it lies in its detector's measured domain.

    Each subject is judged by itself: a blurred face does not silence a whole picture, nor the
    reverse. What fires outside its domain is set aside while something inside one fires.
    """
    if fused is None:
        return None, judge_unscored(case)
    found = {
        key_of(one): domain_of(case, one, cards[one.detector]) for one in (fused.top, *fused.fired)
    }
    outside = {key for key, domain in found.items() if domain.ok is False}
    if outside and len(outside) < len(found):
        point = case.options.operating_point
        fused = fuse(fused.evidence, point, cards, outside) or fused
    return fused, found[key_of(fused.top)]


def _failed(path: str, code: str, text: str) -> Verdict:
    nothing = Coverage(0, None, None, 0, (), ("Everything: the file could not be examined.",))
    return Verdict(
        name=os.path.basename(path.rstrip(os.sep)) or path,
        path=path,
        status="failed",
        label="not_analysable",
        coverage=nothing,
        reasons=(Reason(code, text),),
        exit_code=InputError.exit_code,
    )


def _options(options: Options | None, option_fields: dict[str, Any]) -> Options:
    known = [field.name for field in fields(Options)]
    for name in option_fields:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
            raise ConfigError(f"There is no option {name!r}.", remedy=hint)
    try:
        return replace(options or Options(), **option_fields)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"An option has a value of the wrong type: {error}.") from error


def _path_text(path: Any) -> str:
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"A path is needed, got {type(path).__name__}.")
    return os.fsdecode(path)


def rerun_command(path: str, options: Options) -> str:
    """The shell-quoted command that repeats this examination.

    Options that have no flag are set through their `ASSAY_*` variables.
    """
    flags: list[str] = []
    variables: list[str] = []
    default = Options()
    for field in fields(Options):
        name, value = field.name, getattr(options, field.name)
        if value == getattr(default, name):
            continue
        if name in FLAGS:
            word = _as_word(value)
            # A folder may be named "-x": only joined does the command line read it as a value.
            flags += [f"{FLAGS[name]}={word}"] if word.startswith("-") else [FLAGS[name], word]
        elif name == "stability":
            flags.append("--stability" if value else "--no-stability")
        elif name in SWITCHES:
            flags.append(SWITCHES[name])
        elif name == "bundles":
            flags += [f"--bundle={folder}" for folder in value]
        else:
            variables.append(f"ASSAY_{name.upper()}={_as_word(value)}")
    command = [*(["env", *variables] if variables else []), "assay", "detect", *flags]
    return shlex.join([*command, "--", path] if path.startswith("-") else [*command, path])


FLAGS = {
    "operating_point": "--operating-point",
    "time_range_s": "--time-range",
    "detectors": "--detectors",
    "reference": "--reference",
    "camera": "--camera",
    "frames": "--frames",
    "time_limit_s": "--time-limit",
    "fail_on": "--fail-on",
}
SWITCHES = {"allow_network": "--allow-network", "bundle_counts": "--bundle-counts"}


def _as_word(value: Any) -> str:
    if isinstance(value, tuple):
        return (":" if isinstance(value[0], float | int) else ",").join(map(_as_word, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)
