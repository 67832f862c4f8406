"""How a video file came about: its boxes, its rhythm of key frames, cuts and repeated pictures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.case import Case
from assay.errors import InputError, TimeLimitError
from assay.findings import SEVERITIES, Finding
from assay.inputs import frame_history, gop_history
from assay.inputs.container_history import dates_apart, hidden_in, writers_of
from assay.inputs.frame_history import Seen
from assay.inputs.gop_history import Break, Comb, Rhythm
from assay.inputs.picture_history import picture_findings, video_finding
from assay.inputs.told_history import MOST_TOLD
from assay.media.boxes import Movie, read_movie
from assay.media.files import reopen
from assay.media.packets import Packets, read_packets
from assay.types import Evidence, MediaKind

COMB_SCORE = 6.5
BREAK_GAIN, BREAK_TOTAL = 5.0, 6.5
MOST_PLOTTED = 2000
LENGTHS_APART_S = 1.0


@dataclass(frozen=True, slots=True)
class _Facts:
    packets: Packets
    rhythm: Rhythm | None
    comb: Comb | None
    broken: Break | None
    times_s: Any
    seen: Seen | None
    sound_s: tuple[float, float] | None
    movie: Movie | None


class VideoHistory:
    """Findings about the container, earlier compressions and places of editing; never a score.

    Looks at: the boxes of MP4 and MOV with their edit lists, packet sizes and times, the first
    decoded pictures (150 million pixels, 1500 pictures). Abstains when: the file is an animated
    picture, or no packet can be read. Fails on: whatever was compressed again with B-frames after
    editing, which hides the comb of the earlier key frames; edits at the rhythm of the key frames;
    still scenes. Licences: PyAV (BSD-3-Clause, FFmpeg LGPL).
    """

    name = "video_history"
    version = "1"
    family = "container"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("video",)
    looks_at = "The container's structure, key frames, earlier compressions and places of editing."
    fails_on = "Edits followed by a strong compression with B-frames; still scenes."
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the file."""
        started = time.monotonic()
        if "animated" in case.media.notes:
            return [self._abstained("no_stream: An animated picture holds no video stream.")]
        try:
            facts = _facts_of(case)
        except TimeLimitError:
            raise
        except InputError as error:
            return [self._abstained(f"unreadable: {error}")]
        if facts is None or not len(facts.packets):
            return [self._abstained("no_packets: No packet of the pictures can be read.")]
        findings = _findings(facts)
        return [
            Evidence(
                detector=self.name,
                version=self.version,
                family=self.family,
                subject="file",
                status="reported",
                findings=tuple(findings),
                details=_details(facts, findings),
                licence=self.licence,
                seconds_taken=time.monotonic() - started,
            )
        ]

    def _abstained(self, reason: str) -> Evidence:
        return Evidence(
            self.name, self.version, self.family, "file", "abstained", reason=reason,
            licence=self.licence,
        )  # fmt: skip


def _facts_of(case: Case) -> _Facts | None:
    media, check = case.media, case.deadline.check
    packets = read_packets(media, "video", check)
    if packets is None:
        return None
    rhythm = gop_history.rhythm_of(packets)
    now = rhythm.usual if rhythm is not None and rhythm.regular >= 0.6 else 0
    values, order = gop_history.excess(packets)
    comb = gop_history.find_comb(values, now)
    broken = None if comb is None else gop_history.find_break(values, comb.period)
    times_s = packets.shown_s[: len(order)][order]
    try:
        seen = frame_history.look(media, check)
    except TimeLimitError:
        raise
    except InputError:
        seen = None
    sound = read_packets(media, "audio", check) if media.audio_codec else None
    movie = None
    if media.container in ("mp4", "mov"):
        with reopen(media) as file:
            movie = read_movie(file, media.n_bytes)
    span = None if sound is None or not sound.whole else _span(sound)
    return _Facts(packets, rhythm, comb, broken, times_s, seen, span, movie)


def _span(packets: Packets) -> tuple[float, float] | None:
    """First and last instant (s) of a stream, the last packet's length included."""
    times = np.sort(packets.shown_s[np.isfinite(packets.shown_s)])
    if len(times) < 2:
        return None
    return float(times[0]), float(times[-1] + np.median(np.diff(times)))


def _findings(facts: _Facts) -> list[Finding]:
    found = [
        *_container(facts),
        *_joins(facts),
        *_rhythm(facts),
        *_history(facts),
        *_gaps(facts),
        *picture_findings(facts.seen),
        *_lengths(facts),
    ]
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def _container(facts: _Facts) -> list[Finding]:
    movie = facts.movie
    if movie is None:
        return []
    writers = writers_of(movie)
    by = f", written by {writers.last}" if writers.last else ""
    values: dict[str, Any] = {
        "brand": movie.brand,
        "compatible_brands": list(movie.brands),
        "boxes": list(movie.top),
        "index_first": movie.index_first,
        "writer": writers.last,
        "earlier_writer": writers.before,
        "unknown_boxes": list(movie.unknown),
        "free_bytes": movie.free_bytes,
        "n_fragments": movie.n_fragments,
        "faults": list(movie.faults),
    }
    meaning = (
        "The order of the boxes and the names in them tell which program wrote the file last. "
        "Every upload, download and edit writes it anew, so that this is rarely the camera."
    )
    if writers.before:
        meaning = f"{meaning} The names of the tracks are still those of {writers.before}."
    found = [video_finding("container", "info", f"The container{by}", meaning, values)]
    for hidden in filter(None, map(hidden_in, movie.tracks)):
        found.append(_hidden(hidden))
    dates = dates_apart(movie)
    if dates:
        text = "Movie and tracks were not created at the same time: a track was added or rewritten."
        found.append(video_finding("dates", "info", "The tracks have dates of their own", text,
                              {"dates": dates}))  # fmt: skip
    return found


def _hidden(hidden: Any) -> Finding:
    what = {"vide": "pictures", "soun": "sound"}[hidden.handler]
    return video_finding(
        "edit_list",
        "notable",
        f"The file holds {what} that a player does not show",
        f"An edit list keeps {hidden.before_s:.1f} s at the start and {hidden.after_s:.1f} s at "
        f"the end of the {what} from view and shows {hidden.n_pieces} piece(s). They are still in "
        "the file and other programs can show them.",
        {
            "hidden_before_s": round(hidden.before_s, 3),
            "hidden_after_s": round(hidden.after_s, 3),
            "n_pieces": hidden.n_pieces,
        },
        ("The clip was trimmed on a phone or cut without compressing it again.",),
    )


def _joins(facts: _Facts) -> list[Finding]:
    later = [i for i in facts.packets.signed if i > 0][:MOST_TOLD]
    found = []
    for i in later:
        at_s = float(facts.packets.shown_s[i])
        if not np.isfinite(at_s):
            continue
        found.append(video_finding(
            "joined",
            "notable",
            f"Another encoding begins at {at_s:.2f} s",
            "The encoder signs the first picture of what it encodes, and it does so again here: "
            "pieces that were encoded one by one were put together without compressing them again.",
            {"at_s": round(at_s, 3)},
            ("A service encoded the video in pieces, on several machines.",
             "Clips were joined openly, as in a compilation."),
            (at_s, at_s),
        ))  # fmt: skip
    many = [t for t in (facts.movie.tracks if facts.movie else ()) if t.n_descriptions > 1]
    if many:
        found.append(video_finding(
            "descriptions",
            "notable",
            "One track holds streams of several encodings",
            "The track describes its media more than once, as where clips were joined.",
            {"n_descriptions": max(t.n_descriptions for t in many)},
            ("Clips were joined openly.", "A recorder changed its settings while it ran."),
        ))  # fmt: skip
    return found


def _rhythm(facts: _Facts) -> list[Finding]:
    rhythm = facts.rhythm
    if rhythm is None:
        return []
    early = gop_history.off_beat(rhythm)
    keys_s = facts.packets.shown_s[facts.packets.is_key]
    values = {
        "usual_distance": rhythm.usual,
        "share_regular": round(rhythm.regular, 3),
        "n_key_frames": rhythm.n_keys,
        "n_pictures": rhythm.n_frames,
        "share_b": round(rhythm.n_b / rhythm.n_frames, 3),
        "early_keys_s": [round(float(keys_s[i]), 2) for i in early[:20] if np.isfinite(keys_s[i])],
        "whole": facts.packets.whole,
    }
    if rhythm.n_keys < 2:
        title = "The pictures have one key frame"
    else:
        title = f"Key frames come every {rhythm.usual} pictures ({rhythm.regular:.0%} of the time)"
    text = (
        "Cameras keep a short, even distance; programs use long ones and put a key frame where the "
        "scene changes, or where clips were joined."
    )
    return [video_finding("rhythm", "info", title, text, values)]


def _is_broken(facts: _Facts) -> bool:
    broken = facts.broken
    return broken is not None and broken.gain >= BREAK_GAIN and broken.total >= BREAK_TOTAL


def _history(facts: _Facts) -> list[Finding]:
    comb, broken = facts.comb, facts.broken
    if comb is None:
        return []
    found = []
    if comb.score >= COMB_SCORE or _is_broken(facts):
        found.append(video_finding(
            "compressed_before",
            "info",
            f"Compressed before, with key frames every {comb.period} pictures",
            f"Every {comb.period} pictures one costs more bytes than its neighbours: there an "
            "earlier file had a key frame (or at a divisor of this). Every upload to a platform "
            "compresses a video again.",
            {"period": comb.period, "score": round(comb.score, 2)},
            ("The video was uploaded, sent or converted.",
             "Something in the scene returns with the same period."),
        ))  # fmt: skip
    if broken is not None and _is_broken(facts):
        low, high = (min(max(broken.at + d, 0), len(facts.times_s) - 1)
                     for d in (-comb.period, comb.period))  # fmt: skip
        span_s = float(facts.times_s[low]), float(facts.times_s[high])
        if np.isfinite(span_s).all():
            found.append(video_finding(
                "rhythm_breaks",
                "notable",
                f"The earlier rhythm breaks between {span_s[0]:.1f} and {span_s[1]:.1f} s",
                "Before and after this place the key frames of an earlier file follow the same "
                "distance, but not the same beat: pictures were taken out or put in between the "
                "two compressions.",
                {"period": comb.period, "gain": round(broken.gain, 2)},
                ("The video was cut or put together openly before it was compressed again.",
                 "An earlier encoder put an extra key frame at a change of scene."),
                span_s,
            ))  # fmt: skip
    return found


def _gaps(facts: _Facts) -> list[Finding]:
    gaps, _ = gop_history.find_gaps(facts.packets)
    return [
        video_finding(
            "time_gap",
            "notable",
            f"No picture for {gap.end_s - gap.start_s:.2f} s at {gap.start_s:.2f} s",
            f"The pictures follow each other evenly every {gap.usual_s:.3f} s, but not here: some "
            "are missing, or pieces were joined.",
            {"gap_s": round(gap.end_s - gap.start_s, 3), "usual_s": round(gap.usual_s, 4)},
            ("The recorder or the network lost pictures.",),
            (gap.start_s, gap.end_s),
        )
        for gap in sorted(gaps, key=lambda one: one.start_s - one.end_s)[:MOST_TOLD]
    ]


def _lengths(facts: _Facts) -> list[Finding]:
    pictures, sound = _span(facts.packets), facts.sound_s
    if pictures is None or sound is None or not facts.packets.whole:
        return []
    starts_s, ends_s = sound[0] - pictures[0], sound[1] - pictures[1]
    if max(abs(starts_s), abs(ends_s)) < LENGTHS_APART_S:
        return []
    return [
        video_finding(
            "lengths",
            "info",
            "Sound and pictures do not last equally long",
            f"The sound begins {starts_s:+.2f} s and ends {ends_s:+.2f} s against the pictures.",
            {"start_apart_s": round(starts_s, 3), "end_apart_s": round(ends_s, 3)},
            ("Sound of another length was put under the pictures.", "The file was cut."),
        )
    ]


_WEIGHTS = {"rhythm_breaks": 3.0, "joined": 3.0, "descriptions": 2.0, "edit_list": 2.0,
            "time_gap": 2.0, "frozen": 2.0, "repeated": 4.0, "jump": 1.0}  # fmt: skip


def _details(facts: _Facts, findings: list[Finding]) -> dict[str, Any]:
    codes = {one.code.removeprefix("video_history_") for one in findings}
    score = facts.comb.score / COMB_SCORE if facts.comb else 0.0
    gain = facts.broken.gain / BREAK_GAIN if facts.broken else 0.0
    logit = sum(_WEIGHTS.get(code, 0.0) for code in codes) + min(score, 3.0) / 3 + min(gain, 3.0)
    step = max(1, -(-len(facts.packets) // MOST_PLOTTED))
    order = np.argsort(np.nan_to_num(facts.packets.shown_s, nan=np.inf), kind="stable")[::step]
    times, sizes = facts.packets.shown_s[order], facts.packets.sizes[order]
    kept = np.isfinite(times)
    seen = facts.seen
    return {
        "raw_logit": round(logit - 3.0, 4),
        "n_packets": len(facts.packets),
        "all_packets_read": facts.packets.whole,
        "n_pictures_decoded": 0 if seen is None else len(seen.times_s),
        "decoded_until_s": None if seen is None else round(float(seen.times_s[-1]), 2),
        "all_pictures_decoded": seen is not None and seen.whole,
        "plot": {
            "times_s": [round(float(t), 3) for t in times[kept]],
            "frame_size_kb": [round(float(s) / 1000, 3) for s in sizes[kept]],
        },
    }


DETECTOR = VideoHistory
