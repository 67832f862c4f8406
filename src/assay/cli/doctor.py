"""`assay doctor`: is this installation whole, and which settings hold here."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

from assay import __version__
from assay.cli.exits import BROKEN, WRONG_USAGE, guarded
from assay.errors import AssayError, ConfigError

# distribution name -> the module whose import must work
LIBRARIES = {
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "av": "av",
    "pillow": "PIL.Image",
    "pi-heif": "pi_heif",
    "c2pa-python": "c2pa",
    "jinja2": "jinja2",
    "rich": "rich",
    "typer": "typer",
}


_TABLES = {
    "settings": ("name", "value", "source"),
    "libraries": ("name", "version"),
    "detectors": ("name", "version", "bundle"),
    "bundles": ("name", "state", "sha256"),
}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(doctor)


@guarded
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Check the installation: settings and their sources, versions, bundles, detectors.

    Exit code 4 where something is broken, 2 where only a setting is wrong.
    """
    findings = examination()
    if as_json:
        typer.echo(json.dumps(findings, indent=1))
    else:
        _print(findings)
    if findings["broken"]:
        raise typer.Exit(BROKEN)
    if findings["settings_problem"]:
        raise typer.Exit(WRONG_USAGE)


def examination() -> dict[str, Any]:
    """Everything the doctor looks at, as JSON values; `broken` lists what is wrong, in words."""
    settings, settings_problem = _settings()
    libraries = [_library(name, module) for name, module in LIBRARIES.items()]
    detectors, detector_problem = _detectors()
    bundles = _bundles(detectors)
    broken = [item["problem"] for item in (*libraries, *bundles) if item["problem"]]
    if detector_problem:
        broken.append(detector_problem)
    return {
        "assay": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "settings": settings,
        "settings_problem": settings_problem,
        "libraries": libraries,
        "detectors": detectors,
        "bundles": bundles,
        "broken": broken,
    }


def _settings() -> tuple[list[dict[str, Any]], str | None]:
    from assay.options import resolve

    try:
        resolved = resolve({}, os.environ, Path.cwd())
    except ConfigError as error:
        return [], error.as_text()
    values = asdict(resolved.options)
    return [
        {"name": name, "value": values[name], "source": source}
        for name, source in resolved.sources.items()
    ], None


def _library(name: str, module: str) -> dict[str, str | None]:
    try:
        found = version(name)
        import_module(module)
    except PackageNotFoundError:
        return {"name": name, "version": None, "problem": f"{name} is not installed."}
    except Exception as error:
        problem = f"{name} {found} cannot be imported: {type(error).__name__}: {error}"
        return {"name": name, "version": found, "problem": problem}
    return {"name": name, "version": found, "problem": None}


def _detectors() -> tuple[list[dict[str, Any]], str | None]:
    from assay.cli.detectors import described
    from assay.detectors import discover

    try:
        return [described(detector) for detector in discover().values()], None
    except AssayError as error:
        return [], error.as_text()
    except Exception as error:
        return [], f"The detectors cannot be loaded: {type(error).__name__}: {error}"


def _bundles(detectors: list[dict[str, Any]]) -> list[dict[str, str | None]]:
    """The state of every bundle that is installed or that a detector needs."""
    from assay.bundles import bundle_names

    needed = [detector["bundle"] for detector in detectors if detector["bundle"]]
    return [_opened(name) for name in sorted({*bundle_names(), *needed})]


def _opened(name: str) -> dict[str, str | None]:
    from assay.bundles import open_network
    from assay.cli.models import bundle_state

    state = bundle_state(name)
    if state["state"] != "ok":
        return state
    try:
        open_network(name)
    except Exception as error:
        problem = f"{name} cannot be opened: {type(error).__name__}: {error}"
        return {**state, "state": "unusable", "problem": problem}
    return state


def _print(findings: dict[str, Any]) -> None:
    from assay.cli.tables import print_table

    place = f"Python {findings['python']}, {findings['platform']}"
    typer.echo(f"assay {findings['assay']}, {place}\n")
    for kind, columns in _TABLES.items():
        print_table(
            (kind, *columns[1:]),
            ([str(row[column]) for column in columns] for row in findings[kind]),
        )
    problems = [*findings["broken"], *filter(None, [findings["settings_problem"]])]
    typer.echo("\n".join(problems) if problems else "Everything is in order.")
