"""What was tested and, just as plainly, what was not: sentences for a reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.case import Case
from assay.detectors import Detector
from assay.types import Coverage, Evidence, MediaKind, Reason
from assay.verdict.motion_coverage import motion_not_tested
from assay.verdict.naming import clock, counted, in_words, joined
from assay.verdict.sound_coverage import sound_not_tested, sound_tested
from assay.verdict.stability import changes_in_words

NO_VOICE_DETECTOR = Reason("no_voice_detector", "Voices and sound: no voice detector is installed.")
# Of detectors that read the file and give no score.
TRACES_OF_EDITING = ("compression", "noise", "geometry")
NOT_ASKED = "it was not asked for."
LEAST_UNREAD = 0.05
GRID = 100
HEARD = ("scored", "reported")


@dataclass(frozen=True, slots=True)
class Installed:
    """The detectors that were run and, with the ground, those that were not."""

    run: Mapping[str, type[Detector]]
    not_run: Mapping[str, str]
    voice: bool


def cover(
    case: Case, evidence: Sequence[Evidence], installed: Installed, variants: Sequence[str] = ()
) -> Coverage:
    """State the coverage of one examination; `variants` are those of the stability test."""
    scored = [one for one in evidence if one.status == "scored"]
    faces = {one.track_id for one in scored if one.track_id is not None}
    seen = case.media.kind != "audio"
    return Coverage(
        n_frames_examined=case.n_frames_examined if seen else 0,
        n_frames_total=case.media.n_frames or (1 if case.media.kind == "image" else None),
        seconds_examined=_seconds(case),
        n_faces_examined=len(faces),
        tested=tuple(_tested(case, evidence, installed, variants)),
        not_tested=(
            *_kinds_not_tested(case.media.kind, case, evidence, installed),
            *_parts_not_tested(case),
            *motion_not_tested(case, installed.run.values()),
            *sound_not_tested(case, evidence, installed.run.values()),
            *_windows_not_read(case, scored),
            *_familiarity_not_checked(scored, installed),
            *_detectors_not_heard(evidence, installed),
        ),
    )


def reason_of(evidence: Evidence) -> Reason:
    """An evidence's reason, `code: text` taken apart."""
    code, separator, text = (evidence.reason or "").partition(": ")
    if separator and code.replace("_", "").isalnum() and code == code.lower():
        return Reason(code, text)
    bare = evidence.reason or evidence.status
    if bare.isidentifier() and bare == bare.lower():
        return Reason(bare, bare.replace("_", " "))
    return Reason(evidence.status, bare)


def _seconds(case: Case) -> tuple[float, float] | None:
    """Of a video from its first examined frame to its last, of a sound what was decoded."""
    if case.media.kind == "audio":
        return case.sound_seconds
    if case.media.kind != "video" or not case.n_frames_examined:
        return None
    times = case.frame_times_s[: case.n_frames_examined]
    return (float(times[0]), float(times[-1])) if times else None


def _tested(
    case: Case, evidence: Sequence[Evidence], installed: Installed, variants: Sequence[str]
) -> list[str]:
    sentences = []
    for name, detector in installed.run.items():
        scored = [e for e in evidence if e.detector == name and e.status == "scored"]
        faces = {e.track_id for e in scored if e.track_id is not None}
        looks_at = detector.looks_at.rstrip(".")
        if faces:
            where = _where(case)
            sentences.append(
                f"Faces: {counted(len(faces), 'person')} {where} by {name}: {looks_at}."
            )
        elif detector.needs == "sound":
            heard = [e for e in evidence if e.detector == name and e.status in HEARD]
            sentences += [f"{sound_tested(case, heard)} by {name}: {looks_at}."] if heard else []
        elif scored and scored[0].patches:
            sentences.append(f"{_read(case, scored[0])} by {name}: {looks_at}.")
        elif scored:
            sentences.append(f"{scored[0].subject.capitalize()} by {name}: {looks_at}.")
        elif any(e.detector == name and e.status == "reported" for e in evidence):
            whole = {"faces": "Faces", "motion": "Faces in motion", "picture": "Pictures"}
            sentences.append(f"{whole.get(detector.needs, 'File')} by {name}: {looks_at}.")
    changes = changes_in_words(variants)
    if changes:
        sentences.append(f"Whether the score stands after {changes}.")
    return sentences


def _read(case: Case, one: Evidence) -> str:
    """How much of the whole picture was read."""
    windows = counted(len(one.patches), "window")
    if case.media.kind != "video":
        return f"The whole picture, in {windows} of its own resolution"
    frames = counted(len({patch.time_s for patch in one.patches}), "frame")
    return f"Whole frames, with or without a face: {windows} in {frames}"


def _where(case: Case) -> str:
    seconds = _seconds(case)
    if seconds is None:
        return "in the picture"
    frames = counted(case.n_frames_examined, "frame")
    return f"in {frames} between {clock(seconds[0])} and {clock(seconds[1])}"


def _kinds_not_tested(
    kind: MediaKind, case: Case, evidence: Sequence[Evidence], installed: Installed
) -> list[str]:
    sentences = []
    has_sound = kind == "audio" or case.media.sample_rate_hz is not None
    if has_sound and not installed.voice:
        sentences.append(NO_VOICE_DETECTOR.text)
    if kind == "video" and not has_sound and installed.voice:
        sentences.append("Voices and sound: the video has no sound.")
    needs = {detector.needs for detector in installed.run.values()}
    if kind != "audio" and case.tracks and not needs & {"faces", "motion"}:
        sentences.append(
            f"{counted(len(case.tracks), 'face')} found: no detector for faces was run."
        )
    if kind != "audio" and any(one.patches for one in evidence if one.status == "scored"):
        sentences.append(_edited_parts(evidence))
    elif kind != "audio":
        sentences.append(
            "Everything outside faces: no detector for generated scenes or edited objects gave "
            "a score."
        )
    if kind == "video" and has_sound:
        sentences.append("Whether lips and sound belong together.")
    return sentences


def _edited_parts(evidence: Sequence[Evidence]) -> str:
    looking = [
        one.detector
        for one in evidence
        if one.status == "reported" and one.subject == "file" and one.family in TRACES_OF_EDITING
    ]
    parts = "Parts outside faces that were added, removed or re-drawn"
    if not looking:
        return f"{parts}: no detector looks for them."
    verb = "looks" if len(looking) == 1 else "look"
    names = f"{', '.join(looking[:-1])} and {looking[-1]}" if looking[1:] else looking[0]
    return f"{parts}, by a score: {names} {verb} for traces of it, which most savings remove."


def _parts_not_tested(case: Case) -> list[str]:
    sentences = []
    if case.options.time_range_s is not None and case.media.kind != "image":
        start, end = case.options.time_range_s
        sentences.append(f"Everything outside {clock(start)} to {clock(end)}, the range asked for.")
    return sentences if case.media.kind == "audio" else [*_frames_not_tested(case), *sentences]


def _frames_not_tested(case: Case) -> list[str]:
    sentences = []
    total, examined = case.media.n_frames, case.n_frames_examined
    if case.media.kind == "image" and total is not None and total > 1:
        sentences.append(f"The pictures of this animation after the first ({total - 1}).")
    if case.media.kind == "video" and (total is None or total > examined):
        of_how_many = f" of {total}" if total else ""
        sentences.append(
            f"The frames between the examined ones ({examined}{of_how_many} were examined)."
        )
    if case.n_faces_left_out:
        faces = counted(case.n_faces_left_out, "further face")
        sentences.append(f"{faces}: more than {case.options.max_faces} people were found.")
    if "time_limit_faces" in case.notes:
        sentences.append(
            f"The frames after the first {examined}: the limit of "
            f"{case.options.time_limit_s:g} s was reached."
        )
    return sentences


def _windows_not_read(case: Case, scored: Sequence[Evidence]) -> list[str]:
    """The share of the frames between the windows, where a detector did not read all of them."""
    sentences = []
    sizes = {view.time_s: view.rgb.shape[:2] for view in case.picture_views}
    for one in scored:
        shares = [_unread(one, time_s, size) for time_s, size in sizes.items()]
        known = [share for share in shares if share is not None]
        if known and sum(known) / len(known) >= LEAST_UNREAD:
            share = sum(known) / len(known)
            what = "picture" if case.media.kind == "image" else "frames"
            sentences.append(
                f"{100 * share:.0f} % of the {what}, between the windows that {one.detector} read."
            )
    return sentences


def _unread(one: Evidence, time_s: float, size: tuple[int, ...]) -> float | None:
    """The share of one frame outside all windows, to about 2 %; None where none was read."""
    import numpy as np

    boxes = [patch.box_px for patch in one.patches if patch.time_s == time_s]
    if not boxes:
        return None
    read = np.zeros((GRID, GRID), bool)
    to_cell = np.array([GRID / size[1], GRID / size[0]] * 2)
    for box in boxes:
        x0, y0, x1, y1 = np.rint(np.array(box) * to_cell).astype(int)
        read[y0:y1, x0:x1] = True
    return float(1 - read.mean())


def _familiarity_not_checked(scored: Sequence[Evidence], installed: Installed) -> list[str]:
    """Detectors whose bundle cannot tell whether a file resembles its calibration set."""
    unchecked = {
        one.detector
        for one in scored
        if "domain_distance" not in one.details
        and getattr(installed.run.get(one.detector), "bundle", None)
    }
    return [
        f"Whether the file resembles what {name} was calibrated on: its bundle holds no measure of "
        "that."
        for name in sorted(unchecked)
    ]


def _detectors_not_heard(evidence: Sequence[Evidence], installed: Installed) -> list[str]:
    """Those that did not run, abstained or failed; one sentence for all with the same ground."""
    silent: dict[tuple[str, str], list[str]] = {}
    for name, why in installed.not_run.items():
        silent.setdefault(("not run", why), []).append(name)
    for one in evidence:
        if one.status in ("abstained", "failed"):
            verb = "failed on" if one.status == "failed" else "abstained on"
            ground = f"{verb} {in_words(one.subject)}", reason_of(one).text
            silent.setdefault(ground, []).append(one.detector)
    return [_silence(list(dict.fromkeys(who)), *ground) for ground, who in silent.items()]


def _silence(who: list[str], what: str, why: str) -> str:
    if what == "not run":
        what = "was not run" if len(who) == 1 else "were not run"
        if len(who) > 1:
            why = why.replace("it does ", "they do ").replace("it was ", "they were ")
    return f"{joined(who)} {what}: {why}"
