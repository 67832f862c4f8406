"""Read a C2PA manifest store (Content Credentials) without any network."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.media.json_values import as_dict, as_list, walk
from assay.media.manifest_tree import actions, generator
from assay.media.tag_text import clean_values
from assay.media.validation_codes import codes_of

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
    path: Path, media_type: str, anchors: str, until: float, manifest: bytes | None = None
) -> tuple[dict[str, Any] | None, str]:
    """The manifest store and its validation state ("Trusted", "Valid", "Invalid").

    (None, "") where the file has none. `anchors` is PEM text or "", `until` a time.monotonic().
    `manifest` is the store where it was kept outside the file.
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
            with c2pa.Reader(form, stream, manifest, context) as reader:
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
        for key, value in walk(tree)
        if key.lower().endswith("digitalsourcetype") and isinstance(value, str)
    ]


def store_values(report: Mapping[str, Any]) -> dict[str, Any]:
    """The facts a reader wants of the active manifest, cleaned and bounded."""
    label = str(report.get("active_manifest", ""))
    manifest = as_dict(as_dict(report.get("manifests")).get(label))
    signature = as_dict(manifest.get("signature_info"))
    kinds = list(dict.fromkeys(source_types(manifest.get("assertions"))))
    values = {
        "active_manifest": label,
        "claim_generator": generator(manifest),
        "title": manifest.get("title"),
        "issuer": signature.get("issuer"),
        "signer": signature.get("common_name"),
        "signed_at": signature.get("time"),
        "algorithm": signature.get("alg"),
        "actions": actions(manifest),
        "digital_source_type": kinds,
        "n_ingredients": len(as_list(manifest.get("ingredients"))),
        "ingredients": [as_dict(one).get("title") for one in as_list(manifest.get("ingredients"))],
        "validation_codes": codes_of(report),
    }
    return clean_values(values)
