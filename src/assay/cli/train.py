"""`assay train`: train a detector by its configuration, or a known network on a folder of yours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.exits import guarded
from assay.cli.extras import needing
from assay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

RECIPE = "The network's recipe"
What = Annotated[
    str, typer.Argument(metavar="NET|CONFIG", help="A network (`assay nets`), or a TOML file.")
]
Data = Annotated[str, typer.Option(metavar="PATH", help="A data set's folder, or its manifest.")]
Out = Annotated[str, typer.Option(metavar="DIR", help="Where all of it goes (runs/NET).")]
Cache = Annotated[str, typer.Option(metavar="DIR", help="Faces and voices (cache/prepared).")]
Epochs = Annotated[int | None, typer.Option(help="Times over the data.", rich_help_panel=RECIPE)]
Batch = Annotated[int | None, typer.Option(help="Examples a step.", rich_help_panel=RECIPE)]
Frames = Annotated[int | None, typer.Option(help="Frames of a video.", rich_help_panel=RECIPE)]
Rate = Annotated[float | None, typer.Option(help="Of the optimiser.", rich_help_panel=RECIPE)]
Seed = Annotated[int | None, typer.Option(help="Of the training.", rich_help_panel=RECIPE)]
Start = Annotated[str, typer.Option(metavar="FILE", help="Weights to go on from.")]
Device = Annotated[str, typer.Option(help="auto, cpu or gpu.")]
Workers = Annotated[int | None, typer.Option(help="Processes that load examples.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the last checkpoint of this run.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("train")(train)


@guarded
def train(
    what: What,
    data: Data = "",
    out: Out = "",
    cache: Cache = "",
    epochs: Epochs = None,
    batch: Batch = None,
    frames: Frames = None,
    learning_rate: Rate = None,
    seed: Seed = None,
    start: Start = "",
    device: Device = "",
    workers: Workers = None,
    resume: Resume = False,
    debug: Debug = False,
) -> None:
    """Train a detector (needs `pip install 'assay[train]'`).

    `assay train simple_cnn --data FOLDER` trains that network on a folder of real and fake files
    and tests it; `assay train CONFIG.toml` does what the file says.
    """
    recipe = {
        "epochs": epochs,
        "batch": batch,
        "n_frames": frames,
        "learning_rate": learning_rate,
        "seed": seed,
    }
    given = {
        "data": data or None,
        "out": out or None,
        "cache": cache or None,
        "start": start or None,
        "device": device or None,
        "workers": workers,
    }
    said = {name: value for name, value in given.items() if value is not None}
    fit = {name: value for name, value in recipe.items() if value is not None}
    if Path(what).is_file():
        _by_file(Path(what), {**said, **fit}, resume)
    else:
        _by_name(what, {**said, **({"fit": fit} if fit else {})}, resume)


def _by_file(config: Path, said: Mapping[str, Any], resume: bool) -> None:
    if said:
        names = ", ".join(sorted(said))
        raise UsageError(
            f"{config} says all of a run; {names} cannot be given beside it.",
            remedy="Change it in the file, or name the network instead of the file.",
        )
    with needing("Training needs", "train"):
        from assay.training.run import train as train_by_config
    train_by_config(config, resume)


def _by_name(net: str, said: Mapping[str, Any], resume: bool) -> None:
    if "/" in net or net.endswith(".toml"):
        raise UsageError(
            f"There is no configuration {net}.", remedy="See configs/ for those we use."
        )
    with needing("Training needs", "train"):
        from assay.training.classify import train_net
        from assay.training.net_config import run_of
        from assay.training.nets import net_named
    net_named(net)  # a slip in the name is said before a missing folder
    if "data" not in said:
        raise UsageError(
            f"What shall {net} be trained on?",
            remedy=f"Name a folder with real/ and fake/ in it: assay train {net} --data FOLDER",
        )
    train_net(run_of({"net": net, **said}), resume)
