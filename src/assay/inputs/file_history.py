"""Findings from the headers of sound files: frames of MP3, pages of Ogg, chunks of WAV, edits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from assay.errors import InputError
from assay.findings import Finding
from assay.inputs.container_history import hidden_in, writers_of
from assay.inputs.told_history import MOST_TOLD, history_finding
from assay.media.boxes import read_movie
from assay.media.files import reopen
from assay.media.mp3_frames import Mp3Stream, read_mp3
from assay.media.ogg_pages import read_ogg
from assay.media.structure import riff_chunks
from assay.types import Media

MOST_CHUNKS = 200
FRAMES_APART = 3
_finding = partial(history_finding, "sound_history")


def header_findings(media: Media, check: Callable[[], None] = lambda: None) -> list[Finding]:
    """What the structure of a sound file tells; [] for other containers and unreadable files.

    The boxes of a video are left to `video_history`.
    """
    check()
    reader = _READERS.get(media.container)
    if reader is None or (media.kind == "video" and media.container in ("mp4", "mov")):
        return []
    try:
        with reopen(media) as file:
            return reader(file, media)
    except (InputError, OSError):
        return []


def _mp3(file: Any, media: Media) -> list[Finding]:
    stream = read_mp3(file, media.n_bytes)
    if not stream.n_frames:
        return []
    return [_mp3_facts(stream), *_mp3_joins(stream), *_mp3_count(stream)]


def _mp3_facts(stream: Mp3Stream) -> Finding:
    rates = sorted(stream.bitrates)
    told = f"{rates[0]}" if len(rates) == 1 else f"{rates[0]} to {rates[-1]}"
    by = f", by {stream.encoder}" if stream.encoder else ""
    return _finding(
        "mp3_stream",
        "info",
        f"MP3 at {told} kbit/s{by}",
        "What the headers of the frames and the tag of the encoder say.",
        {
            "n_frames": stream.n_frames,
            "duration_s": round(stream.duration_s, 3),
            "kbit_s": rates[:14],
            "encoder": stream.encoder,
            "lowpass_hz": stream.lowpass_hz,
            "delay_samples": stream.delay,
            "padding_samples": stream.padding,
            "junk_bytes": stream.junk_bytes,
            "whole": stream.whole,
        },
    )


def _mp3_joins(stream: Mp3Stream) -> list[Finding]:
    told = [(at_s, "the header of another file stands there") for at_s in stream.starts]
    told += stream.changes
    return [
        _finding(
            "mp3_joined",
            "notable",
            f"Another MP3 begins at {at_s:.2f} s",
            f"Inside the stream {what}: files were joined without compressing them again.",
            {"at_s": round(at_s, 3), "what": what},
            ("A podcast with inserted parts, a recorded broadcast, files joined openly.",),
            span_s=(at_s, at_s),
        )
        for at_s, what in sorted(told)[:MOST_TOLD]
    ]


def _mp3_count(stream: Mp3Stream) -> list[Finding]:
    stated = stream.stated_frames
    if stated is None or not stream.whole or abs(stated - stream.n_frames) < FRAMES_APART:
        return []
    seconds = stream.duration_s / stream.n_frames * (stated - stream.n_frames)
    what = "shorter" if seconds > 0 else "longer"
    return [
        _finding(
            "mp3_length",
            "notable",
            f"The sound is {abs(seconds):.1f} s {what} than its header says",
            "The encoder wrote how many frames it made; the file now holds another number. It was "
            "cut or lengthened without compressing it again.",
            {"stated_frames": stated, "n_frames": stream.n_frames},
            ("A download broke off.", "A clip was cut out by a program that keeps the header."),
        )
    ]


def _ogg(file: Any, media: Media) -> list[Finding]:
    pages = read_ogg(file, media.n_bytes)
    if not pages.chained:
        return []
    return [
        _finding(
            "ogg_joined",
            "notable",
            "The file holds streams one behind the other",
            f"{pages.chained + 1} streams follow each other: they were recorded or encoded one by "
            "one.",
            {"n_streams": len(pages.serials), "n_lost_pages": pages.n_lost},
            ("Recorded web radio begins a new stream with each title.",),
        )
    ]


def _wav(file: Any, media: Media) -> list[Finding]:
    chunks: list[str] = []
    end = 12
    for kind, start, length in riff_chunks(file, media.n_bytes):
        text = kind.decode("latin-1")
        chunks.append("".join(c if c.isprintable() else "?" for c in text))
        end = start + length + length % 2
        if len(chunks) >= MOST_CHUNKS:
            break
    behind = max(0, media.n_bytes - end)
    return [
        _finding(
            "wav_chunks",
            "info",
            f"WAV of {len(chunks)} chunk(s): {', '.join(chunks[:8])}",
            "Recorders and programs write different chunks in different order; `bext` belongs to "
            "broadcast recorders, `LIST` to programs that name themselves.",
            {"chunks": chunks[:40], "bytes_behind": behind},
        )
    ]


def _boxes(file: Any, media: Media) -> list[Finding]:
    movie = read_movie(file, media.n_bytes)
    writers = writers_of(movie)
    by = f", written by {writers.last}" if writers.last else ""
    found = [
        _finding(
            "container",
            "info",
            f"The container{by}",
            "The order of the boxes tells which program wrote the file last.",
            {"brand": movie.brand, "boxes": list(movie.top), "writer": writers.last},
        )
    ]
    for hidden in filter(None, map(hidden_in, movie.tracks)):
        found.append(
            _finding(
                "edit_list",
                "notable",
                "The file holds sound that a player does not play",
                f"An edit list keeps {hidden.before_s:.1f} s at the start and {hidden.after_s:.1f} "
                "s at the end from being heard. They are still in the file.",
                {
                    "hidden_before_s": round(hidden.before_s, 3),
                    "hidden_after_s": round(hidden.after_s, 3),
                    "n_pieces": hidden.n_pieces,
                },
                ("A voice memo was trimmed without compressing it again.",),
            )
        )
    return found


_READERS: dict[str, Callable[[Any, Media], list[Finding]]] = {
    "mp3": _mp3, "ogg": _ogg, "wav": _wav, "mp4": _boxes, "mov": _boxes,
}  # fmt: skip
