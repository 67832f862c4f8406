"""Findings about decoded pictures of a video: frozen, shown twice, missing; in plain language."""

from __future__ import annotations

from functools import partial

from assay.findings import Finding
from assay.inputs import frame_history
from assay.inputs.frame_history import Seen
from assay.inputs.told_history import MOST_TOLD, history_finding

LEAST_PICTURES = 12
video_finding = partial(history_finding, "video_history")


def picture_findings(seen: Seen | None) -> list[Finding]:
    """Frozen, repeated and missing pictures among those decoded, each with its seconds."""
    if seen is None or len(seen.times_s) < LEAST_PICTURES:
        return []
    times = seen.times_s
    found: list[Finding] = []
    last_at = len(times) - 1
    for first, last in frame_history.frozen(seen):
        if first > 0 and last < last_at and len(found) < MOST_TOLD:
            found.append(video_finding(
                "frozen",
                "notable",
                f"The picture stands still at {times[first]:.2f} s for {last - first} pictures",
                "These pictures are the same one, in a video that moves before and after.",
                {"n_pictures": last - first},
                ("A video call, a stream or a screen recording stalled.",
                 "A still was shown on purpose."),
                (float(times[first]), float(times[last])),
            ))  # fmt: skip
    n_single, period = frame_history.single_repeats(seen)
    if period:
        found.append(video_finding(
            "rate_converted",
            "info",
            f"Every {period:.0f}th picture is the one before it",
            "A video of a lower rate was stretched to this one by showing pictures twice.",
            {"n_repeated": n_single, "period": period},
            ("The rate was converted, as between film, television and screen recordings.",),
        ))  # fmt: skip
    for one in frame_history.repeats(seen):
        again_s = float(times[one.first + one.away]), float(times[one.last + one.away])
        found.append(video_finding(
            "repeated",
            "notable",
            f"{times[one.first]:.2f} to {times[one.last]:.2f} s come again at {again_s[0]:.2f} s",
            "The same moving pictures are there twice; two moments are never so alike.",
            {"again_start_s": round(again_s[0], 3), "again_end_s": round(again_s[1], 3)},
            ("A loop, a replay or an animation.",),
            (float(times[one.first]), float(times[one.last])),
        ))  # fmt: skip
    return [*found, *_jumps(seen)]


def _jumps(seen: Seen) -> list[Finding]:
    inside = [one for one in frame_history.jumps(seen) if one.same_scene]
    return [
        video_finding(
            "jump",
            "notable",
            f"The picture jumps at {seen.times_s[one.at]:.2f} s and the scene stays",
            f"From one picture to the next {one.ratio:.0f} times as much changes as around it, "
            "though the scene is the same: pictures may be missing there.",
            {"ratio": round(one.ratio, 1)},
            ("A jump cut, as in interviews.", "A flash, a blow to the camera, lost pictures."),
            (float(seen.times_s[one.at - 1]), float(seen.times_s[one.at])),
        )
        for one in sorted(inside, key=lambda one: -one.ratio)[:MOST_TOLD]
    ]
