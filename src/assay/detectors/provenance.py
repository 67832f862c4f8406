"""What a C2PA manifest (Content Credentials) in the file proves, checked without any network."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.case import Case
from assay.media.content_credentials import (
    ANCHORS_VARIABLE,
    OutOfTimeError,
    as_dict,
    holds_store,
    read_store,
    source_types,
    store_values,
    trust_anchors,
)
from assay.media.tag_text import clean_text, clean_values
from assay.types import Evidence, Finding, MediaKind, Provenance, Severity

REASONS = {
    "assertion.dataHash.mismatch": "the file was changed after it was signed",
    "assertion.bmffHash.mismatch": "the file was changed after it was signed",
    "assertion.boxesHash.mismatch": "the file was changed after it was signed",
    "assertion.collectionHash.mismatch": "the file was changed after it was signed",
    "assertion.hashedURI.mismatch": "a statement in the manifest was changed after signing",
    "assertion.missing": "a statement that was signed is missing from the manifest",
    "assertion.action.malformed": "the list of actions is malformed",
    "claimSignature.mismatch": "the signature does not fit the manifest",
    "claimSignature.missing": "the manifest carries no signature",
    "claimSignature.outsideValidity": "it was signed outside the certificate's validity",
    "claim.missing": "the manifest carries no claim",
    "ingredient.manifest.missing": "the manifest of a source is missing",
    "ingredient.manifest.mismatch": "the manifest of a source was changed",
    "manifest.multipleParents": "the manifest names more than one parent",
    "signingCredential.expired": "the signer's certificate had expired",
    "signingCredential.invalid": "the signer's certificate may not sign such manifests",
    "signingCredential.ocsp.revoked": "the signer's certificate was revoked",
    "signingCredential.revoked": "the signer's certificate was revoked",
}
AI_WHOLE = ("trainedalgorithmicmedia", "trainedalgorithmicdata")
AI_PART = ("compositewithtrainedalgorithmicmedia", "compositesynthetic")
CAPTURED = ("digitalcapture", "computationalcapture")
LIMIT = "A signature proves who signed and what changed since, not that the scene is true."


class ProvenanceDetector:
    """Content Credentials: who signed the file, what they declared, whether it changed since.

    Looks at: the C2PA manifest embedded in the file. Abstains when: never; a file without one is
    reported as `none`. Fails on: manifests kept elsewhere (remote addresses, sidecar files), which
    are named and not read. Licences: c2pa-python, MIT or Apache-2.0.
    Source: C2PA technical specification 2.x.
    """

    name = "provenance"
    version = "1"
    family = "provenance"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image", "video", "audio")
    looks_at = "The signed C2PA manifest (Content Credentials) embedded in the file."
    fails_on = (
        "Manifests at a remote address or in a sidecar file, which are never read; most platforms "
        "remove manifests, so their absence says nothing."
    )
    licence = "Apache-2.0; c2pa-python MIT or Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One piece of evidence for the file; `details["provenance"]` holds the state."""
        started = time.monotonic()
        path = Path(case.media.path)
        findings: list[Finding] = []
        anchors, complaint = trust_anchors()
        if complaint:
            findings.append(_trust_list_unusable(complaint))
        until = started + case.options.detector_time_limit_s
        provenance, finding, more = _examine(path, case.media.media_type, anchors, until)
        findings = [finding, *more, *findings, *_sidecar(path)]
        evidence = Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject="file",
            status="reported",
            findings=tuple(findings),
            details={"provenance": _as_dict(provenance)},
            licence=self.licence,
            seconds_taken=time.monotonic() - started,
        )
        return [evidence]


def _examine(
    path: Path, media_type: str, anchors: str, until: float
) -> tuple[Provenance, Finding, list[Finding]]:
    try:
        report, state = read_store(path, media_type, anchors, until)
        if report is not None:
            return _from_report(report, state, bool(anchors))
    except OutOfTimeError:
        return *_state("not_checked", "out_of_time", _OUT_OF_TIME, "notable"), []
    except Exception as problem:  # the reader's own tree, or whatever hostile bytes provoke
        return *_unread(path, problem), []
    return *_state("none", "none", _NONE, "info"), []


_OUT_OF_TIME = "Checking the manifest took longer than the time limit, so it was not checked."
_NONE = (
    "The file carries no Content Credentials (C2PA manifest). That is not suspicious: most cameras "
    "write none and most platforms remove them."
)


def _trust_list_unusable(complaint: str) -> Finding:
    return Finding(
        "provenance_trust_list_unusable",
        "The trust list could not be used",
        f"{complaint} Signers were examined as if no trust list were installed.",
        "strong",
    )


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


def _unread(path: Path, problem: Exception) -> tuple[Provenance, Finding]:
    text = clean_text(problem, 300)
    if text.startswith("Remote:"):
        address = text.rsplit("url", 1)[-1].strip() if "url" in text else ""
        meaning = (
            "The file says that its manifest is kept at a remote address. It was not fetched: "
            "nothing leaves this machine, so nothing is proved either way."
        )
        return _state("none", "remote_only", meaning, "notable", {"remote_address": address})
    values = {"reader_message": text}
    if not holds_store(path):
        meaning = f"{_NONE} (The manifest reader could not open this kind of file.)"
        return _state("none", "none", meaning, "info", values)
    meaning = (
        "The file carries a Content Credentials manifest that could not be read, so it proves "
        "nothing. It may be damaged or written by a test or early version of a signing program."
    )
    return _state("invalid", "unreadable", meaning, "notable", values)


def _from_report(
    report: Mapping[str, Any], state: str, has_list: bool
) -> tuple[Provenance, Finding, list[Finding]]:
    values = store_values(report)
    failures = values.get("validation_codes", {}).get("failure", [])
    if state == "Trusted":
        meaning = (
            "The file carries Content Credentials whose signature is intact, it has not changed "
            f"since it was signed, and the signer is on the trust list in use. {LIMIT}"
        )
        outcome = _state("valid_trusted", "valid_trusted", meaning, "info", values)
    elif state == "Valid":
        outcome = _state("valid_untrusted", "valid_untrusted", _untrusted(has_list), "info", values)
    else:
        why = dict.fromkeys(REASONS.get(code, code) for code in failures if "untrusted" not in code)
        meaning = (
            "The file carries Content Credentials that do not hold: "
            f"{'; '.join(why) or 'the reader names no cause'}. What they declare proves nothing; "
            "an ordinary editor that re-saves a signed file breaks them as surely as a forger does."
        )
        outcome = _state("invalid", "invalid", meaning, "strong", values)
    return *outcome, _declarations(report, state in ("Trusted", "Valid"))


def _untrusted(has_list: bool) -> str:
    intact = (
        "The file carries Content Credentials whose signature is intact, and it has not changed "
        "since it was signed. "
    )
    if has_list:
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
            found.append(Finding(code, title, text + doubt, level, values))
    return found


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
    state: Any, code: str, meaning: str, severity: Severity, values: Mapping[str, Any] | None = None
) -> tuple[Provenance, Finding]:
    shown = clean_values(values or {})
    finding = Finding(f"provenance_{code}", _TITLES[code], meaning, severity, shown)
    return Provenance(state, meaning, shown), finding


def _as_dict(provenance: Provenance) -> dict[str, Any]:
    return {
        "state": provenance.state,
        "meaning": provenance.meaning,
        "values": dict(provenance.values),
    }


DETECTOR = ProvenanceDetector
