"""The flags that stand for options: one for each field of `Options`, so that a rerun can say all.

A flag that is not given is None, which leaves the environment and assay.toml their say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated

import typer

from assay.options import FAIL_ON, OPERATING_POINTS, Options

OperatingPoint = Annotated[
    str | None,
    typer.Option(metavar="NAME", help=f"Accepted false-alarm rate: {', '.join(OPERATING_POINTS)}."),
]
TimeRange = Annotated[
    str | None,
    typer.Option(metavar="A:B", help="Examine only this range: 12:30 (seconds), 0:12-1:05."),
]
Detectors = Annotated[
    str | None, typer.Option(metavar="A,B", help="Run only these (see `assay detectors`).")
]
Reference = Annotated[
    str | None,
    typer.Option(
        metavar="PATH", help="Known footage of one person (folder or file) to compare faces with."
    ),
]
Camera = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="Folder of pictures from one camera, for its fingerprint."),
]
Bundles = Annotated[
    list[str] | None,
    typer.Option(
        "--bundle",
        metavar="DIR",
        help="Examine with a network of yours too (folder with card.json); may be repeated.",
    ),
]
BundleCounts = Annotated[
    bool | None,
    typer.Option(
        "--bundle-counts/--bundle-beside",
        help="Let calibrated ones of --bundle count in the verdict; without, they are shown.",
    ),
]
AllowNetwork = Annotated[
    bool | None,
    typer.Option(
        "--allow-network/--no-network", help="Fetch a signed manifest that the file only names."
    ),
]
Frames = Annotated[
    int | None, typer.Option(metavar="N", help="Examine at most N frames of a video.")
]
MaxFaces = Annotated[int | None, typer.Option(metavar="N", help="Follow at most N people.")]
MaxMegapixels = Annotated[
    float | None, typer.Option(metavar="N", help="Refuse larger pictures than this.")
]
MaxSound = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Examine at most this much sound.")
]
Motion = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Follow this much frame by frame; 0: none."),
]
TimeLimit = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Spend at most this long on one file.")
]
DetectorTimeLimit = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="… and this long on one detector.")
]
Stability = Annotated[
    bool | None,
    typer.Option("--stability/--no-stability", help="Re-score under harmless changes."),
]
Heatmaps = Annotated[
    bool | None, typer.Option("--heatmaps/--no-heatmaps", help="Show where a detector looked.")
]
EmbedSound = Annotated[
    bool | None,
    typer.Option(
        "--embed-sound/--no-embed-sound", help="Let a report hold up to 60 s of the sound."
    ),
]
EmbedVideo = Annotated[
    bool | None,
    typer.Option(
        "--embed-video/--no-embed-video", help="Let a report hold up to 20 s of small pictures."
    ),
]
Threads = Annotated[
    int | None, typer.Option(metavar="N", help="Processor threads; 0 takes all cores.")
]
FailOn = Annotated[
    str | None,
    typer.Option(metavar="LEVEL", help=f"Exit with 1 from this level on: {', '.join(FAIL_ON)}."),
]


def by_field(given: Mapping[str, object]) -> dict[str, object]:
    """The flags under the names of their option fields: `time_limit` is `time_limit_s`."""
    values = {field.name: given[field.name.removesuffix("_s")] for field in fields(Options)}
    # A flag that may be repeated and was not given is an empty list.
    return {name: None if value == [] else value for name, value in values.items()}
