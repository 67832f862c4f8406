"""`assay models import`: other people's weights of a known network become a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.exits import guarded
from assay.cli.extras import needing
from assay.errors import UsageError


def register(group: typer.Typer) -> None:
    """Add the command to the group `models`."""
    group.command("import")(import_model)


@guarded
def import_model(
    net: Annotated[str, typer.Argument(metavar="NET", help="A network of `assay nets`.")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Its checkpoint: .pth .pt .ckpt .safetensors .h5")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the bundle goes.")],
    calibrate: Annotated[
        Path | None,
        typer.Option("--calibrate", metavar="MANIFEST", help="Fit it on these validation items."),
    ] = None,
    cache: Annotated[
        Path, typer.Option("--cache", metavar="DIR", help="Where faces and voices are kept.")
    ] = Path("cache/prepared"),
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an internal error.")
    ] = False,
) -> None:
    """Make a bundle of a public checkpoint (needs `pip install 'assay[train]'`).

    Weights are read as plain tensors; code that a checkpoint holds is never run. Without
    --calibrate the bundle reports a raw logit and no probability.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; a folder is needed.")
    with needing("Importing needs", "train"):
        from assay.training.import_net import import_net
        from assay.training.nets import net_named
    outcome = import_net(net_named(net), file, out, calibrate, cache)
    for line in outcome.lines:
        typer.echo(line)
    typer.echo(f"Use it: assay detect FILE --bundle {outcome.folder}")
