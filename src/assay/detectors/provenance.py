"""What a C2PA manifest (Content Credentials) in the file proves, checked without any network."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.case import Case
from assay.media import remote_manifest
from assay.media.content_credentials import (
    OFFLINE,
    OutOfTimeError,
    holds_store,
    read_store,
    source_types,
    store_values,
)
from assay.media.json_values import as_dict
from assay.media.manifest_tree import manifest_tree
from assay.media.tag_text import clean_text, clean_values
from assay.media.trust_list import ANCHORS_VARIABLE, OLD_DAYS, TrustList, trust_list
from assay.media.validation_codes import CHANGED, told
from assay.types import Evidence, Finding, MediaKind, Provenance, Severity

AI_WHOLE = ("trainedalgorithmicmedia", "trainedalgorithmicdata")
AI_PART = ("compositewithtrainedalgorithmicmedia", "compositesynthetic")
CAPTURED = ("digitalcapture", "computationalcapture")
LIMIT = "A signature proves who signed and what changed since, not that the scene is true."


class ProvenanceDetector:
    """Content Credentials: who signed the file, what they declared, whether it changed since.

    Looks at: the C2PA manifest embedded in the file; one at a remote address only where the
    options allow the network. Abstains when: never; a file without one is reported as `none`.
    Fails on: sidecar files, which are named and not read; revocation that only a server knows.
    Licences: c2pa-python, MIT or Apache-2.0. Source: C2PA technical specification 2.x.
    """

    name = "provenance"
    version = "2"
    family = "provenance"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image", "video", "audio")
    looks_at = "The signed C2PA manifest (Content Credentials) embedded in the file."
    fails_on = (
        "Manifests in a sidecar file, which are never read, and at a remote address, which are "
        "read only with --allow-network; most platforms remove manifests, so their absence says "
        "nothing."
    )
    licence = "Apache-2.0; c2pa-python MIT or Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One piece of evidence for the file; `details["provenance"]` holds the state."""
        started = time.monotonic()
        path = Path(case.media.path)
        anchors, complaint = trust_list(OFFLINE)
        until = started + case.options.detector_time_limit_s
        way = _Way(path, case.media.media_type, anchors, until, case.options.allow_network)
        provenance, findings = _examine(way)
        if complaint:
            findings.append(_trust_list_unusable(complaint))
        elif anchors is not None and provenance.values.get("trust_list"):
            findings += _trust_list_old(anchors)
        evidence = Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject="file",
            status="reported",
            findings=(*findings, *_sidecar(path)),
            details={"provenance": _as_dict(provenance)},
            licence=self.licence,
            seconds_taken=time.monotonic() - started,
        )
        return [evidence]


@dataclass(frozen=True, slots=True)
class _Way:
    """One file and the terms on which its manifest is read; `until` is a time.monotonic()."""

    path: Path
    media_type: str
    anchors: TrustList | None
    until: float
    network: bool

    def read(self, manifest: bytes | None = None) -> tuple[dict[str, Any] | None, str]:
        pem = self.anchors.pem if self.anchors else ""
        return read_store(self.path, self.media_type, pem, self.until, manifest)


def _examine(way: _Way) -> tuple[Provenance, list[Finding]]:
    try:
        report, state = way.read()
        if report is not None:
            return _from_report(report, state, way.anchors)
    except OutOfTimeError:
        return _state("not_checked", "out_of_time", _OUT_OF_TIME, "notable", causes=_SLOW)
    except Exception as problem:  # the reader's own tree, or whatever hostile bytes provoke
        text = clean_text(problem, remote_manifest.MAX_ADDRESS_CHARS + 100)
        if text.startswith("Remote:"):
            address = text.partition("url ")[2].strip()
            return _from_afar(way, address) if way.network else _remote(address, _NOT_ASKED)
        return _unread(way.path, text)
    return _state("none", "none", _NONE, "info")


_OUT_OF_TIME = "Checking the manifest took longer than the time limit, so it was not checked."
_SLOW = ("A large file on a slow disk: a signed file is read whole to be checked.",)
_NONE = (
    "The file carries no Content Credentials (C2PA manifest). That is not suspicious: most cameras "
    "write none and most platforms remove them."
)
_NOT_ASKED = "It was not fetched: nothing leaves this machine unless --allow-network is given."
_KEPT_AFAR = ("Some cameras and programs keep manifests on a server so that files stay small.",)


def _from_afar(way: _Way, address: str) -> tuple[Provenance, list[Finding]]:
    """The state by the manifest that the file's address gives, and where it came from."""
    try:
        fetched = remote_manifest.fetch(address, way.until)
        report, state = way.read(fetched.data)
    except remote_manifest.FetchError as problem:
        return _remote(address, f"Fetching it failed: {problem}.", problem.code)
    except OutOfTimeError:
        return _remote(address, _OUT_OF_TIME, "timeout")
    except Exception as problem:
        why = f"What came is no manifest that can be read ({clean_text(problem, 120)})."
        return _remote(address, why, "unreadable")
    if report is None:
        return _remote(address, "What came is no manifest.", "unreadable")
    source = {"address": address, "came_from": fetched.address, "n_bytes": len(fetched.data)}
    provenance, findings = _from_report(report, state, way.anchors, clean_values(source))
    meaning = (
        f"The manifest was fetched from {clean_text(fetched.address)}, which the file names; its "
        "server has seen the request. It was checked against this file like one inside it."
    )
    title = "The manifest was fetched from a remote address"
    told_from = Finding("provenance_remote_fetched", title, meaning, "info", clean_values(source))
    return provenance, [*findings, told_from]


def _remote(address: str, why: str, failure: str | None = None) -> tuple[Provenance, list[Finding]]:
    meaning = (
        f"The file says that its manifest is kept at a remote address. {why} So nothing is proved "
        "either way."
    )
    values = {"remote_address": address, "fetch_failure": failure}
    return _state("none", "remote_only", meaning, "notable", values, causes=_KEPT_AFAR)


def _trust_list_unusable(complaint: str) -> Finding:
    return Finding(
        "provenance_trust_list_unusable",
        "The trust list could not be used",
        f"{complaint} Signers were examined as if no trust list were installed. This says nothing "
        "about the file.",
        "notable",
        innocent_causes=("The setting names a file that was moved, emptied or cut short.",),
    )


def _trust_list_old(anchors: TrustList) -> list[Finding]:
    if anchors.age_days() <= OLD_DAYS:
        return []
    meaning = (
        f"The trust list in use dates from {anchors.dated.isoformat()} ({anchors.dated_by}), "
        f"{anchors.age_days()} days ago. Signers that joined since are told as unverified, and "
        "one that was struck off since would still be told as trusted. Fetch the present list."
    )
    title, values = "The trust list is more than a year old", clean_values(anchors.values())
    return [Finding("provenance_trust_list_old", title, meaning, "info", values)]


def _sidecar(path: Path) -> list[Finding]:
    sidecar = path.with_suffix(".c2pa")
    # os.path and not Path: a name of 255 bytes would raise there.
    if sidecar == path or not os.path.isfile(sidecar):
        return []
    meaning = (
        "A manifest file lies beside this file. It was not read: it may belong to another version, "
        "and only a manifest inside the file travels with it."
    )
    values, title = clean_values({"file": sidecar.name}), "Sidecar manifest ignored"
    return [Finding("provenance_sidecar_ignored", title, meaning, "info", values)]


def _unread(path: Path, text: str) -> tuple[Provenance, list[Finding]]:
    values = {"reader_message": clean_text(text)}
    if not holds_store(path):
        meaning = f"{_NONE} (The manifest reader could not open this kind of file.)"
        return _state("none", "none", meaning, "info", values)
    meaning = (
        "The file carries a Content Credentials manifest that could not be read, so it proves "
        "nothing. It may be damaged or written by a test or early version of a signing program."
    )
    causes = (
        "The file was cut short or damaged on its way.",
        "A test or early version of a signing program wrote the manifest.",
        "The manifest is newer than this reader.",
    )
    return _state("invalid", "unreadable", meaning, "notable", values, causes=causes)


def _from_report(
    report: Mapping[str, Any],
    state: str,
    anchors: TrustList | None,
    source: Mapping[str, Any] | None = None,
) -> tuple[Provenance, list[Finding]]:
    name = {"Trusted": "valid_trusted", "Valid": "valid_untrusted"}.get(state, "invalid")
    values = store_values(report)
    values["tree"] = manifest_tree(report, name)
    if anchors is not None:
        values["trust_list"] = clean_values(anchors.values())
    if source:
        values["remote"] = dict(source)
    codes = _codes_against(values, name)
    if name == "valid_trusted":
        meaning = (
            "The file carries Content Credentials whose signature is intact, it has not changed "
            f"since it was signed, and the signer is on the trust list in use. {LIMIT}"
        )
        outcome = _state(name, name, meaning, "info", values, codes)
    elif name == "valid_untrusted":
        outcome = _state(name, name, _untrusted(anchors), "info", values, codes)
    else:
        outcome = _not_holding(values, codes)
    provenance, findings = outcome
    return provenance, [*findings, *_declarations(report, name != "invalid")]


def _codes_against(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The reader's codes that speak against the state; none speaks against a trusted one."""
    raised = as_dict(values.get("validation_codes"))
    kinds = ("failure",) if name == "valid_trusted" else ("failure", "ingredient_failure")
    return tuple(dict.fromkeys(code for kind in kinds for code in raised.get(kind) or ()))


def _not_holding(
    values: Mapping[str, Any], codes: tuple[str, ...]
) -> tuple[Provenance, list[Finding]]:
    own = as_dict(values.get("validation_codes")).get("failure") or ()
    meaning = (
        f"The file carries Content Credentials that do not hold: {told(codes)}. What they declare "
        "proves nothing; an ordinary editor that re-saves a signed file breaks them as surely as "
        "a forger does."
    )
    severity: Severity = "strong" if CHANGED.intersection(own) else "notable"
    return _state("invalid", "invalid", meaning, severity, values, codes, _BROKEN)


_BROKEN = (
    "An editor, messenger or upload page re-saved the signed file and kept the old manifest.",
    "A tool wrote tags into the file after it was signed.",
    "The signer's certificate ran out, or a test certificate signed it.",
)


def _untrusted(anchors: TrustList | None) -> str:
    intact = (
        "The file carries Content Credentials whose signature is intact, and it has not changed "
        "since it was signed. "
    )
    if anchors is not None:
        return f"{intact}The signer is not on the trust list in use: anybody can sign like this."
    return (
        f"{intact}This copy of assay has no trust list, so whether the signer is who the "
        f"certificate says was not checked ({ANCHORS_VARIABLE} names a list): anybody can make "
        "such a signature."
    )


def _declarations(report: Mapping[str, Any], holds: bool) -> list[Finding]:
    manifests = as_dict(report.get("manifests"))
    active = str(report.get("active_manifest", ""))
    own = source_types(as_dict(manifests.get(active)).get("assertions"))
    sources = [
        kind
        for label, manifest in list(manifests.items())[:50]
        if label != active
        for kind in source_types(as_dict(manifest).get("assertions"))
    ]
    doubt = "" if holds else " The manifest does not hold, so this is a claim without proof."
    severity: Severity = "strong" if holds else "notable"
    found = []
    for code, title, text, wanted, kinds in _DECLARATIONS:
        matched = [kind for kind in (own if kinds == "own" else sources) if _term(kind) in wanted]
        if matched:
            level: Severity = "info" if wanted is CAPTURED else severity
            values = clean_values({"digital_source_type": matched[0]})
            causes = () if wanted is CAPTURED else _DECLARED
            found.append(Finding(code, title, text + doubt, level, values, causes))
    return found


_DECLARED = (
    "Anybody can sign: where the signer is not verified, the statement may have been planted to "
    "discredit a genuine file.",
    "Programs declare a small generative edit of a photograph (a widened edge, a removed "
    "passer-by) in the same words.",
)
_DECLARATIONS = (
    (
        "provenance_declares_ai_generation",
        "The manifest declares AI generation",
        "Whoever signed this file declares that it was made by a generative model.",
        AI_WHOLE,
        "own",
    ),
    (
        "provenance_declares_ai_elements",
        "The manifest declares AI-generated parts",
        "Whoever signed this file declares that parts of it were made by a generative model.",
        AI_PART,
        "own",
    ),
    (
        "provenance_source_declares_ai",
        "A source of this file declares AI generation",
        "An earlier version or a part of this file declares that a generative model made it, "
        "wholly or partly.",
        AI_WHOLE + AI_PART,
        "sources",
    ),
    (
        "provenance_declares_capture",
        "The manifest declares a camera capture",
        "Whoever signed this file declares that a camera took it.",
        CAPTURED,
        "own",
    ),
)


def _term(source_type: str) -> str:
    return source_type.rstrip("/").rsplit("/", 1)[-1].lower()


_TITLES = {
    "valid_trusted": "Signed and unchanged, by a trusted signer",
    "valid_untrusted": "Signed and unchanged, by an unverified signer",
    "invalid": "Content Credentials that do not hold",
    "unreadable": "Content Credentials that cannot be read",
    "remote_only": "A manifest is referenced at a remote address",
    "none": "No Content Credentials",
    "out_of_time": "Content Credentials not checked",
}


def _state(
    state: Any,
    code: str,
    meaning: str,
    severity: Severity,
    values: Mapping[str, Any] | None = None,
    codes: tuple[str, ...] = (),
    causes: tuple[str, ...] = (),
) -> tuple[Provenance, list[Finding]]:
    shown = clean_values(values or {})
    # The tree stands with the state, once: as a value of the finding it would be told twice.
    facts = {key: value for key, value in shown.items() if key != "tree"}
    finding = Finding(f"provenance_{code}", _TITLES[code], meaning, severity, facts, causes)
    return Provenance(state, meaning, shown, codes), [finding]


def _as_dict(provenance: Provenance) -> dict[str, Any]:
    return {
        "state": provenance.state,
        "meaning": provenance.meaning,
        "values": dict(provenance.values),
        "codes": list(provenance.codes),
    }


DETECTOR = ProvenanceDetector
