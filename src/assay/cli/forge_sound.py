"""The part of `assay forge` that works on sounds."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery
    from assay.training.signing import Credentials
    from assay.types import Media, Waveform


@dataclass(frozen=True, slots=True)
class SoundOrder:
    """What sound is to be forged, and where to; `mask` and `face` are for pictures only."""

    source: str
    out: str
    donor: str | None
    mask: str | None
    face: int | None
    seed: int
    force: bool


def forge_file(forger: SoundForger, order: SoundOrder, credentials: Credentials | None) -> str:
    """Forge, mark, sign, write; gives the line that says what was done.

    Raises UsageError before any work where the call makes no sense, and the errors of the forger.
    """
    from assay.cli.outputs import write_whole
    from assay.cli.stdout import answers_only
    from assay.training.sound_forging import forge_sound
    from assay.training.sound_marks import (
        encode_marked_sound,
        sound_format,
        sound_mark_of,
        sound_media_type,
    )

    _require_sensible(forger, order)
    with ExitStack() as stack:
        stack.enter_context(answers_only())
        sound = _read(order.source, stack)
        donor = None if order.donor is None else _read(order.donor, stack)
        forgery = forge_sound(forger, sound, donor, order.seed)
        form, mark = sound_format(order.out), sound_mark_of(forger, forgery, order.seed)
        data = encode_marked_sound(forgery.fake, sound.sample_rate_hz, form, mark)
        if credentials is not None:
            from assay.training.signing import sign

            data = sign(data, sound_media_type(form), mark, credentials)
        write_whole(order.out, data, order.force)
    signed = " and signed" if credentials is not None else ""
    made = f"{mark.forger}, seed {order.seed}, {_changed(forgery)}"
    return f"{order.out}: {made}; marked{signed} as forged by assay"


def _require_sensible(forger: SoundForger, order: SoundOrder) -> None:
    from assay.cli.outputs import require_writable
    from assay.training.sound_marks import sound_format

    if order.mask is not None:
        raise UsageError(
            f"{forger.name} takes no --mask.", remedy="The answer names the seconds it changed."
        )
    if order.face is not None:
        raise UsageError(f"{forger.name} takes no --face.")
    if order.donor is not None and forger.needs != "two_voices":
        raise UsageError(f"{forger.name} takes no --donor.")
    sound_format(order.out)
    read = [path for path in (order.source, order.donor) if path is not None and path != "-"]
    require_writable(order.out, order.force, read)


def _changed(forgery: SoundForgery) -> str:
    spans = ", ".join(f"{start:.2f}-{end:.2f} s" for start, end in forgery.spans_s.tolist())
    return f"changed {spans}"


def _read(path: str, stack: ExitStack) -> Waveform:
    from assay.cli.sources import sources
    from assay.media.audio import read_waveform
    from assay.media.probe import probe
    from assay.training.sound_forging import MAX_SOUND_S

    if path == "-":
        (source,) = sources([path], stack)
        if source.problem is not None:
            raise source.problem
        path = source.path
    media = probe(path)
    _require_sound(media)
    # One second more than is forged: then a sound that is too long is known to be.
    return read_waveform(media, None, MAX_SOUND_S + 1, lambda: None)


def _require_sound(media: Media) -> None:
    from assay.errors import UnsupportedMediaError
    from assay.media.files import printable

    if media.kind == "image":
        raise UnsupportedMediaError(
            f"{printable(media.path)} is no sound ({media.media_type}).",
            remedy="This forger works on sounds, and on the sound of videos.",
        )
