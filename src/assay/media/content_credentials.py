"""Read a C2PA manifest store (Content Credentials) without any network."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.media.tag_text import clean_text, clean_values

ANCHORS_VARIABLE = "ASSAY_C2PA_TRUST_ANCHORS"
MAX_ANCHORS_BYTES = 8 * 2**20
MAX_REPORT_CHARS = 16 * 2**20
# The type of the box that opens every C2PA store (ISO 19566-5 type, C2PA specification 11.1.4).
STORE_MARK = bytes.fromhex("6332706100110010800000aa00389b71")
OFFLINE: dict[str, Any] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
    "core": {"allowed_network_hosts": [], "allow_redirects": False},
}


class OutOfTimeError(Exception):
    """Reading took longer than the detector's limit."""


def read_store(
    path: Path, media_type: str, anchors: str, until: float
) -> tuple[dict[str, Any] | None, str]:
    """The manifest store and its validation state ("Trusted", "Valid", "Invalid").

    (None, "") where the file has none. `anchors` is PEM text or "", `until` a time.monotonic().
    Raises OutOfTimeError, OSError, and c2pa.C2paError for whatever the store's bytes provoke.
    """
    import c2pa

    settings = {**OFFLINE, "trust": {"trust_anchors": anchors}} if anchors else OFFLINE
    known = c2pa.Reader.get_supported_mime_types()
    with (
        c2pa.Context.from_dict(settings) as context,
        path.open("rb") as file,
        _TimedStream(file, until) as stream,
    ):
        try:
            # A stream, never a path: with a path the library would look for a sidecar beside it.
            form = media_type if media_type in known else None
            with c2pa.Reader(form, stream, None, context) as reader:
                text = reader.json()
                if len(text) > MAX_REPORT_CHARS:
                    raise ValueError("the manifest is too large to be read")
                return json.loads(text), str(reader.get_validation_state() or "")
        except c2pa.C2paError.ManifestNotFound:
            if stream.out_of_time:
                raise OutOfTimeError from None
            return None, ""
        except c2pa.C2paError:
            if stream.out_of_time:
                raise OutOfTimeError from None
            raise


class _TimedStream(io.RawIOBase):
    """The file for the native reader, which cannot be interrupted otherwise."""

    def __init__(self, file: Any, until: float) -> None:
        self._file, self._until, self.out_of_time = file, until, False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if time.monotonic() > self._until:
            self.out_of_time = True
            raise OutOfTimeError
        return int(self._file.readinto(buffer))

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def write(self, _data: Any) -> int:
        raise io.UnsupportedOperation("opened for reading only")


def trust_anchors() -> tuple[str, str]:
    """The PEM text of the installed trust list ("" without one) and what was wrong with it."""
    place = os.environ.get(ANCHORS_VARIABLE, "").strip()
    if not place:
        return "", ""
    try:
        with Path(place).open("rb") as file:
            text = file.read(MAX_ANCHORS_BYTES).decode("utf-8", "replace")
        import c2pa

        if "BEGIN CERTIFICATE" not in text:
            return "", f"{ANCHORS_VARIABLE} names a file without PEM certificates."
        c2pa.Context.from_dict({**OFFLINE, "trust": {"trust_anchors": text}}).close()
    except OSError as problem:
        return "", f"{ANCHORS_VARIABLE} could not be read: {problem.strerror}."
    except Exception as problem:
        return "", f"{ANCHORS_VARIABLE} was refused: {clean_text(problem, 120)}."
    return text, ""


def holds_store(path: Path, span_bytes: int = 4 * 2**20) -> bool:
    """Whether the first or last `span_bytes` of the file hold the opening of a C2PA store."""
    try:
        with path.open("rb") as file:
            head = file.read(span_bytes)
            file.seek(max(0, path.stat().st_size - span_bytes))
            return STORE_MARK in head or STORE_MARK in file.read(span_bytes)
    except OSError:
        return False


def source_types(tree: Any) -> list[str]:
    """Every digital source type in a manifest's statements, whichever assertion carries it."""
    return [
        value
        for key, value in _walk(tree)
        if key.lower().endswith("digitalsourcetype") and isinstance(value, str)
    ]


def _walk(tree: Any, limit: int = 20_000) -> Iterator[tuple[str, Any]]:
    waiting = [tree]
    while waiting and limit > 0:
        limit -= 1
        node = waiting.pop()
        if isinstance(node, dict):
            for key, value in node.items():
                yield str(key), value
                waiting.append(value)
        elif isinstance(node, list):
            waiting.extend(node)


def store_values(report: Mapping[str, Any]) -> dict[str, Any]:
    """The facts a reader wants of the active manifest, cleaned and bounded."""
    label = str(report.get("active_manifest", ""))
    manifest = as_dict(as_dict(report.get("manifests")).get(label))
    signature = as_dict(manifest.get("signature_info"))
    kinds = list(dict.fromkeys(source_types(manifest.get("assertions"))))
    values = {
        "active_manifest": label,
        "claim_generator": _generator(manifest),
        "title": manifest.get("title"),
        "issuer": signature.get("issuer"),
        "signer": signature.get("common_name"),
        "signed_at": signature.get("time"),
        "algorithm": signature.get("alg"),
        "actions": _actions(manifest),
        "digital_source_type": kinds,
        "n_ingredients": len(as_list(manifest.get("ingredients"))),
        "ingredients": [as_dict(one).get("title") for one in as_list(manifest.get("ingredients"))],
        "validation_codes": _codes(report),
    }
    return clean_values(values)


def _generator(manifest: Mapping[str, Any]) -> str:
    infos = [as_dict(info) for info in as_list(manifest.get("claim_generator_info"))]
    named = [f"{info.get('name', '')} {info.get('version', '')}".strip() for info in infos]
    return ", ".join(name for name in named if name) or str(manifest.get("claim_generator") or "")


def _actions(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for assertion in as_list(manifest.get("assertions")):
        if not str(as_dict(assertion).get("label", "")).startswith("c2pa.actions"):
            continue
        for action in map(as_dict, as_list(as_dict(assertion.get("data")).get("actions"))):
            agent = action.get("softwareAgent")
            agent = agent.get("name") if isinstance(agent, dict) else agent
            entry = {"action": action.get("action"), "software": agent, "when": action.get("when")}
            found.append({key: value for key, value in entry.items() if value})
    return found


def _codes(report: Mapping[str, Any]) -> dict[str, list[str]]:
    results = as_dict(report.get("validation_results"))
    active = as_dict(results.get("activeManifest"))
    codes = {
        kind: [str(as_dict(one).get("code")) for one in as_list(active.get(kind))]
        for kind in ("failure", "informational")
    }
    codes["ingredient_failure"] = [
        str(as_dict(one).get("code"))
        for delta in as_list(results.get("ingredientDeltas"))
        for one in as_list(as_dict(as_dict(delta).get("validationDeltas")).get("failure"))
    ]
    return {kind: list(dict.fromkeys(found)) for kind, found in codes.items()}


def as_dict(value: Any) -> dict[str, Any]:
    """`value` where it is an object; an empty one for anything else a hostile report holds."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """`value` where it is an array; an empty one for anything else a hostile report holds."""
    return value if isinstance(value, list) else []
