"""`assay forge`: make one marked forgery, to test detectors with."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli import flags
from assay.cli.exits import guarded
from assay.cli.extras import missing, needing
from assay.errors import UnsupportedMediaError, UsageError

if TYPE_CHECKING:
    from assay.training.forgeries import Forger, Forgery
    from assay.training.forgeries.sound_forgery import SoundForger
    from assay.training.forgeries.video_forgery import VideoForger
    from assay.training.marks import Mark
    from assay.training.signing import Credentials
    from assay.types import Array

KeyFile = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="PEM",
        envvar="ASSAY_FORGE_KEY",
        help="Private key to sign a C2PA manifest with (PKCS #8).",
    ),
]
CertificateFile = Annotated[
    str | None,
    typer.Option(
        "--cert",
        metavar="PEM",
        envvar="ASSAY_FORGE_CERT",
        help="The key's certificate chain, the signer's own first.",
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")]


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be forged from what; `source` is None where the forger needs nothing."""

    source: str | None
    out: str
    donor: str | None
    mask: str | None
    face: int | None
    seed: int
    max_megapixels: float
    force: bool


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("forge")(forge)


@guarded
def forge(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A forger of `assay forge --list`.")
    ] = None,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[IN] OUT", help="What to forge, where to.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--list", help="List the forgers, what they make and need.")
    ] = False,
    donor: Annotated[
        str | None, typer.Option(metavar="FILE", help="Whose face or voice is lent.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Same seed, same forgery; else drawn.")
    ] = None,
    face: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Which face of IN; 1, the largest.")
    ] = None,
    mask: Annotated[
        str | None, typer.Option(metavar="PNG", help="Write what was changed, as a grey picture.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT and the mask.")] = False,
    key: KeyFile = None,
    cert: CertificateFile = None,
    max_megapixels: flags.MaxMegapixels = None,
    debug: Debug = False,
) -> None:
    """Forge a picture, sound or video, marked as forged, to test detectors (needs the train extra).

    IN is what the forger works on, or - for standard input; leave it out where the forger needs
    nothing. OUT is written as .jpg (quality 95), .png or .webp; a sound as .wav, .flac or .mp3, a
    video as .mp4 or .mov. The forgeries are of research quality.

    Every output says in its tags that assay forged it, and no option leaves that out; a key and its
    certificate add a signed C2PA manifest. Forge no real person without their consent.
    """
    if show:
        return _print_forgers(_forgers())
    forger = _chosen(name)
    source, out = _in_and_out(forger, paths or [])
    drawn = seed if seed is not None else int.from_bytes(os.urandom(4), "big")
    limit = _megapixels(max_megapixels)
    order = _Order(source, out, donor, mask, face, drawn, limit, force)
    if forger.modality == "sound":
        return typer.echo(_forge_sound(forger, order, _credentials(key, cert)))
    _require_extra("cv2")
    if forger.modality == "video":
        return typer.echo(_forge_video(forger, order, _credentials(key, cert)))
    return typer.echo(_forge_picture(forger, order, key, cert))


def _forge_picture(forger: Forger, order: _Order, key: str | None, cert: str | None) -> str:
    _require_sensible(forger, order)
    with ExitStack() as stack:
        return _forge(forger, order, _credentials(key, cert), stack)


def _forge_sound(forger: SoundForger, order: _Order, credentials: Credentials | None) -> str:
    from assay.cli.forge_sound import SoundOrder, forge_file

    drawn = (order.donor, order.mask, order.face, order.seed, order.force)
    return forge_file(forger, SoundOrder(order.source or "-", order.out, *drawn), credentials)


def _forge_video(forger: VideoForger, order: _Order, credentials: Credentials | None) -> str:
    from assay.cli.forge_video import VideoOrder, forge_file

    drawn = (order.donor, order.mask, order.face, order.seed, order.force)
    with needing("Forging needs", "train"):
        return forge_file(forger, VideoOrder(order.source or "-", order.out, *drawn), credentials)


def _forgers() -> dict[str, Forger | SoundForger | VideoForger]:
    with needing("Forging needs", "train"):
        from assay.training import forgeries

        return {
            **forgeries.discover(),
            **forgeries.discover_sound(),
            **forgeries.discover_video(),
        }


def _require_extra(library: str) -> None:
    from importlib.util import find_spec

    if find_spec(library) is None:
        raise missing("Forging needs", library, "train")


def _print_forgers(forgers: dict[str, Forger | SoundForger | VideoForger]) -> None:
    from assay.cli.tables import print_table

    columns = ("name", "of", "what it makes", "kind", "needs", "source and licence")
    print_table(
        columns,
        (
            (
                one.name,
                one.modality,
                one.title,
                one.kind.replace("_", " "),
                one.needs.replace("_", " "),
                one.source,
            )
            for one in forgers.values()
        ),
    )


def _chosen(name: str | None) -> Forger | SoundForger | VideoForger:
    if name is None:
        raise UsageError("Name a forger.", remedy="See `assay forge --list`.")
    forgers = _forgers()
    if name in forgers:
        return forgers[name]
    from difflib import get_close_matches

    near = get_close_matches(name, forgers, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "See `assay forge --list`."
    raise UsageError(f"There is no forger {name!r}.", remedy=hint)


def _in_and_out(
    forger: Forger | SoundForger | VideoForger, paths: list[str]
) -> tuple[str | None, str]:
    if forger.needs == "nothing":
        if len(paths) == 1:
            return None, paths[0]
        if len(paths) == 2 and paths[0] == "-":
            return None, paths[1]
        raise UsageError(
            f"{forger.name} forges out of nothing.",
            remedy=f"Write: assay forge {forger.name} OUT",
        )
    if len(paths) != 2:
        raise UsageError(
            f"{forger.name} needs a {forger.modality} and a place for its forgery.",
            remedy=f"Write: assay forge {forger.name} IN OUT",
        )
    return paths[0], paths[1]


def _megapixels(given: float | None) -> float:
    from assay.options import resolve

    flags_given = {"max_megapixels": given}
    return resolve(flags_given, os.environ, Path.cwd()).options.max_megapixels


def _require_sensible(forger: Forger, order: _Order) -> None:
    """Whatever is wrong with the call is said before any work is done."""
    from assay.cli.outputs import require_writable
    from assay.training.marks import picture_format

    if forger.needs == "two_faces" and order.donor is None:
        raise UsageError(f"{forger.name} needs a second face.", remedy="Name it: --donor FILE")
    if forger.needs != "two_faces" and order.donor is not None:
        raise UsageError(f"{forger.name} takes no --donor.")
    if forger.needs == "nothing" and order.face is not None:
        raise UsageError(f"{forger.name} takes no --face.")
    picture_format(order.out)
    if order.mask is not None and picture_format(order.mask) != "PNG":
        raise UsageError("The mask is written as .png.")
    read = [path for path in (order.source, order.donor) if path not in (None, "-")]
    others = [path for path in read if path is not None]
    require_writable(order.out, order.force, others)
    if order.mask is not None:
        require_writable(order.mask, order.force, [*others, order.out])


def _credentials(key: str | None, cert: str | None) -> Credentials | None:
    if key is None and cert is None:
        return None
    if key is None or cert is None:
        raise UsageError("A signature needs both --key and --cert.")
    from assay.training.signing import read_credentials

    return read_credentials(key, cert)


def _forge(forger: Forger, order: _Order, credentials: Credentials | None, stack: ExitStack) -> str:
    """Forge, mark, sign, write; gives the line that says what was done."""
    from assay.cli.stdout import answers_only
    from assay.training.forging import forge_picture
    from assay.training.marks import mark_of

    stack.enter_context(answers_only())
    rgb = _read(order.source, order.max_megapixels, stack)
    donor = _read(order.donor, order.max_megapixels, stack)
    with needing("Forging needs", "train"):
        forgery = forge_picture(forger, rgb, donor, order.seed, order.face)
    mark = mark_of(forger, forgery, order.seed)
    _write(forgery, mark, order, credentials)
    stack.close()
    around = "" if rgb is None or (forgery.genuine == rgb).all() else ", surroundings changed too"
    signed = " and signed" if credentials is not None else ""
    made = f"{mark.forger}, seed {order.seed}{around}"
    return f"{order.out}: {made}; marked{signed} as forged by assay"


def _read(path: str | None, max_megapixels: float, stack: ExitStack) -> Array | None:
    if path is None:
        return None
    from assay.cli.sources import sources
    from assay.media.files import printable
    from assay.media.image import read_image
    from assay.media.probe import probe

    if path == "-":
        (source,) = sources([path], stack)
        if source.problem is not None:
            raise source.problem
        path = source.path
    media = probe(path)
    if media.kind != "image":
        raise UnsupportedMediaError(
            f"{printable(path)} is no still picture ({media.media_type}).",
            remedy="`assay forge` works on pictures only.",
        )
    return read_image(media, max_megapixels).rgb


def _write(forgery: Forgery, mark: Mark, order: _Order, credentials: Credentials | None) -> None:
    from assay.cli.outputs import write_whole
    from assay.training.marks import encode_marked, encode_mask, media_type, picture_format

    form = picture_format(order.out)
    data = encode_marked(forgery.fake, form, mark)
    if credentials is not None:
        from assay.training.signing import sign

        data = sign(data, media_type(form), mark, credentials)
    if order.mask is not None:
        write_whole(order.mask, encode_mask(forgery.mask), order.force)
    write_whole(order.out, data, order.force)
