"""One verdict as one self-contained HTML file: nothing is fetched.

No script runs but the few lines that move the cursor of a sound or of a film that the page holds,
and the forensic view's slider, magnifier and levels; the policy in the page names them by their
hash.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import UsageError
from assay.report import (
    charts,
    findings,
    forensic_view,
    overlays,
    provenance,
    sound_chart,
    templating,
    video_chart,
    wording,
)
from assay.report.next_steps import next_step
from assay.report.sanitise import visible
from assay.report.value_pairs import value_pairs
from assay.types import Evidence, Verdict
from assay.verdict.heatmaps import heatmap_sentences

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from markupsafe import Markup

SCENES = ("scene", "scene_heatmap")
MAX_ROWS = 60
MAX_STEM = 60
FILM_AND_JPEG_BYTES = 1_200_000  # of the stills beside a film: a page stays under 5 MB


def to_html(verdict: Verdict) -> str:
    """The report as one HTML page, under 5 MB; everything from the file is escaped."""
    return _template().render(_context(verdict))


def write_report(verdict: Verdict, folder: Path | str) -> Path:
    """Write the page to `folder` (made when missing) and return its path.

    The name is the sanitised file name and the first digits of its hash, so files of one name do
    not overwrite each other. Raises UsageError when the folder cannot be written to.
    """
    path = Path(folder) / report_name(verdict)
    page = to_html(verdict).encode("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            part.write(page)
        os.chmod(part.name, 0o644)
        os.replace(part.name, path)
    except OSError as error:
        raise UsageError(
            f"The report folder {visible(str(folder))!r} cannot be written to: {error.strerror}.",
            remedy="Give a folder that may be written to.",
        ) from error
    return path


def report_name(verdict: Verdict) -> str:
    """`<name>-<12 digits of the sha256>.html`, plain ASCII letters only.

    A file that could not be opened has no hash; the digits of its path's stand in, after "path".
    """
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", verdict.name).strip("._-")[:MAX_STEM] or "file"
    if verdict.media is not None:
        return f"{stem}-{verdict.media.sha256[:12]}.html"
    digits = hashlib.sha256(verdict.path.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{stem}-path-{digits[:12]}.html"


@lru_cache(maxsize=1)
def _template() -> Template:
    return _environment().get_template("report.html")


def _environment() -> Environment:
    environment = templating.environment("assay.report")
    environment.filters["titled"] = wording.titled
    environment.filters["score"] = wording.score
    environment.filters["cut"] = wording.cut_score
    environment.filters["rate"] = wording.rate
    environment.filters["interval"] = wording.interval
    return environment


@dataclass(frozen=True, slots=True)
class _Shown:
    """An illustration as the page embeds it."""

    kind: str
    source: Markup
    width: int
    height: int
    caption: str
    alt: str


def _context(verdict: Verdict) -> dict[str, Any]:
    sound, video = sound_chart.sound_chart(verdict), video_chart.video_chart(verdict)
    film = video is not None and video.film is not None
    forensic = forensic_view.forensic_view(verdict, film)
    most = FILM_AND_JPEG_BYTES if film else overlays.MAX_JPEG_BYTES
    most -= forensic.n_bytes if forensic else 0
    pictures = [_shown(picture) for picture in overlays.illustrations(verdict, most)]
    measures = heatmap_sentences(verdict.evidence)
    script = _script(sound, video, forensic)
    return {
        "verdict": verdict,
        "media": verdict.media,
        "wording": wording,
        "medium": wording.medium(verdict),
        "next_step": next_step(verdict),
        "gauge": charts.gauge(verdict),
        "timeline": None if video and video.whole else charts.timeline(verdict),
        "sound": sound,
        "video": video,
        "script": script,
        "policy": _policy(script, plays=bool(film or (sound and sound.players))),
        "scenes": [p for p in pictures if p.kind in SCENES],
        "faces": _faced([p for p in pictures if p.kind not in SCENES]),
        "windows": any(one.patches for one in verdict.evidence),
        "outside": [r for r in verdict.in_domain_reasons if r not in verdict.reasons],
        "no_heatmap": _no_heatmap(verdict, pictures, measures),
        "map_measures": measures if pictures else [],
        "limits": [limit for limit in verdict.limits if not (pictures and limit in measures)],
        "heat_stops": [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in overlays.HEAT_STOPS],
        "evidence": [_row(evidence) for evidence in verdict.evidence[:MAX_ROWS]],
        "n_evidence_left_out": max(0, len(verdict.evidence) - MAX_ROWS),
        "findings": findings.groups(verdict),
        "n_findings_left_out": findings.n_left_out(verdict),
        "severity_means": findings.SEVERITY_MEANS,
        "forensic": forensic,
        "quality": value_pairs(verdict.quality),
        "facts": _file_facts(verdict),
        "provenance": provenance.box(verdict.provenance),
        "licences": _licences(verdict.evidence),
    }


def _script(
    sound: sound_chart.SoundChart | None,
    video: video_chart.VideoChart | None,
    forensic: forensic_view.ForensicView | None,
) -> Markup | None:
    """What moves cursors and views, for what the page holds; None where nothing moves."""
    from markupsafe import Markup

    held = [sound_chart.player_script()] if sound and sound.players else []
    held += [video_chart.player_script()] if video and video.film else []
    held += [forensic_view.view_script()] if forensic else []
    return Markup("\n").join(held) if held else None


def _policy(script: Markup | None, plays: bool) -> Markup:
    """The content security policy: nothing but what the page holds; of scripts only our own."""
    from markupsafe import Markup

    media = " media-src data:;" if plays else ""
    if script is not None:
        digest = hashlib.sha256(script.encode("utf-8")).digest()
        held = base64.b64encode(digest).decode("ascii")
        media += f" script-src 'sha256-{held}';"
    return Markup(
        f"default-src 'none'; img-src data:;{media} style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )


def _shown(picture: overlays.Illustration) -> _Shown:
    from markupsafe import Markup

    source = Markup("data:image/jpeg;base64,") + base64.b64encode(picture.jpeg).decode("ascii")
    return _Shown(picture.kind, source, *picture.size_px, picture.caption, picture.alt)


def _faced(pictures: list[_Shown]) -> list[list[_Shown]]:
    """Close-ups in groups: a face and, where one exists, its heat map."""
    groups: list[list[_Shown]] = []
    for picture in pictures:
        if picture.kind == "face":
            groups.append([])
        groups[-1].append(picture)
    return groups


def _no_heatmap(verdict: Verdict, pictures: list[_Shown], measures: list[str]) -> str | None:
    """Why no map is shown; None where one is, or where there is no picture to show it on.

    Empty where what was measured of the maps says it already.
    """
    if not pictures or any(picture.kind in ("heatmap", "scene_heatmap") for picture in pictures):
        return None
    scored = any(evidence.status == "scored" for evidence in verdict.evidence)
    if not scored and not verdict.faces:
        return wording.NO_HEATMAP["nothing_scored"]
    if any(sentence.startswith("No heat map") for sentence in measures):
        return ""
    made = any(evidence.heatmaps for evidence in verdict.evidence)
    return wording.NO_HEATMAP["not_faithful" if made else "none_made"]


def _row(evidence: Evidence) -> dict[str, Any]:
    return {
        "held": evidence,
        "reached": wording.reaches(evidence),
        "status": wording.STATUSES[evidence.status],
        "sentence": wording.evidence_sentence(evidence),
    }


def _file_facts(verdict: Verdict) -> list[tuple[str, str]]:
    media = verdict.media
    if media is None:
        return []
    facts = [
        ("Size", f"{wording.n_bytes(media.n_bytes)} ({media.n_bytes:,} bytes)"),
        ("Content", ", ".join(dict.fromkeys((media.media_type, media.container, media.codec)))),
    ]
    if media.audio_codec:
        facts.append(("Sound codec", media.audio_codec))
    if media.size_px:
        facts.append(("Picture size", f"{media.size_px[0]} × {media.size_px[1]} px"))
    if media.duration_s is not None:
        facts.append(("Duration", wording.clock(media.duration_s, tenths=True)))
    if media.fps:
        facts.append(("Frame rate", f"{media.fps:.4g} per second"))
    if media.n_frames and media.kind == "video":
        facts.append(("Frames", f"{media.n_frames:,}"))
    if media.sample_rate_hz:
        facts.append(("Sample rate", f"{media.sample_rate_hz:,} Hz"))
    if media.notes:
        facts.append(("Notes", " ".join(wording.sentence_for(note) for note in media.notes)))
    return facts


def _licences(evidence: Iterable[Evidence]) -> list[tuple[str, str]]:
    return sorted({(wording.titled(e.detector), e.licence) for e in evidence if e.licence})
