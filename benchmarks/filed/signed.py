"""What signed files and files of generators get, against another reader and their own names."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from assay.errors import AssayError, ConfigError
from assay.findings import Finding
from assay.media.probe import probe
from assay.training.shared import shared_folder
from assay.verdict.run import run_detector
from filed.reading import OPTIONS, PictureCase, file_detectors

Table = dict[str, Any]
STATES = {"Trusted": "valid_trusted", "Valid": "valid_untrusted", "Invalid": "invalid"}
TOOLS = {
    "automatic1111": "automatic1111",
    "fooocus": "fooocus",
    "invokeai": "invokeai",
    "novelai": "novelai",
    "img2img": "comfyui",
    "night_evening": "comfyui",
    "noisy_latents": "comfyui",
    "unclip": "comfyui",
}
ONLY = ("metadata", "provenance")


def signed_files() -> Table:
    """Every file of the shared `file` folder: its state beside c2pa-python's own, and the tool."""
    try:
        folder = shared_folder() / "data"
    except ConfigError as error:
        return {"skipped": str(error)}
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(line.replace("\0", "") for line in file))
    paths = [folder / row["path"] for row in rows if row["modality"] == "file"]
    return {"files": [_file(path) for path in paths]}


def _file(path: Path) -> Table:
    state, findings = _read(path)
    found = [one for one in findings if "generator" in one.code]
    return {
        "name": f"{path.parent.name}/{path.name}",
        "state": state,
        "reader": own_answer(path),
        "wanted_tool": wanted_tool(path),
        "tools": sorted({str(value) for one in found for value in _told(one.values, one.title)}),
        "codes": sorted({one.code for one in found}),
    }


def _read(path: Path) -> tuple[str, list[Finding]]:
    detectors, _ = file_detectors(ONLY)
    try:
        case = PictureCase(probe(path), OPTIONS)
    except AssayError as error:
        return f"unread ({error.code})", []
    evidence = [one for detector in detectors.values() for one in run_detector(detector, case)]
    states = [one.details.get("provenance", {}).get("state") for one in evidence]
    state = next((str(one) for one in states if one), "not_checked")
    return state, [finding for one in evidence for finding in one.findings]


def _told(values: Any, title: str) -> Iterable[str]:
    yield title
    for name in ("tool", "generator", "program", "software", "name"):
        if name in values:
            yield str(values[name])


def own_answer(path: Path) -> str:
    """The state by c2pa-python alone, without a trust list: as in `STATES`, `none`, or `unread`."""
    import c2pa

    try:
        with c2pa.Reader(str(path)) as reader:
            report = json.loads(reader.json())
            state = report.get("validation_state") or reader.get_validation_state()
    except Exception as error:
        return "none" if "ManifestNotFound" in str(error) else f"unread ({str(error)[:60]})"
    return STATES.get(str(state), str(state))


def wanted_tool(path: Path) -> str:
    """The generator that the file's name tells, empty for a file of none."""
    if path.parent.name != "ai-generator-metadata":
        return ""
    return next((tool for part, tool in TOOLS.items() if part in path.name.lower()), "?")


def names_tool(entry: Mapping[str, Any]) -> bool:
    """Whether the findings name the tool that the file's name tells."""
    said = " ".join(entry["tools"]).lower().replace(" ", "").replace("-", "")
    return bool(entry["wanted_tool"]) and entry["wanted_tool"] in said


def agrees(entry: Mapping[str, Any]) -> bool:
    """Whether both readers say the same; what one could not read, the other must not call valid."""
    if entry["reader"].startswith("unread"):
        return entry["state"].startswith("unread") or entry["state"] in (
            "invalid",
            "none",
            "not_checked",
        )
    return bool(entry["reader"] == entry["state"])
