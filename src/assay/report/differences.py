"""What differs between two results of one file: verdict, scores by detector, networks, version.

Both are JSON values of `as_dict` (the earlier may be of an older schema). Nothing is judged here:
a score that moved says that the program changed, not which of the two is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.report.sanitise import finite

LABELS = (
    "not_analysable",
    "no_evidence_found",
    "inconclusive",
    "some_evidence",
    "strong_evidence",
)  # weakest first
CLOSE = 0.005  # of p_fake: what two runs on different machines may differ by


def differences(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """What differs, as JSON values; `changed` is False where verdict and scores are the same.

    `verdict` and `status` hold {earlier, later} where they differ, else null; `direction` says
    whether the later verdict is stronger or weaker. `detectors` lists each subject of a detector
    whose status, score or network differs. `same_file` compares the hashes of the content.
    """
    detectors = list(_detectors(earlier, later))
    kinds = sorted(earlier.get("kind") or []), sorted(later.get("kind") or [])
    told = {
        "same_file": _sha256(earlier) is not None and _sha256(earlier) == _sha256(later),
        "status": _pair(earlier.get("status"), later.get("status")),
        "verdict": _pair(earlier.get("verdict"), later.get("verdict")),
        "direction": _direction(earlier.get("verdict"), later.get("verdict")),
        "kind": _pair(*kinds),
        "p_fake": _scores(earlier.get("p_fake"), later.get("p_fake")),
        "operating_point": _pair(_point(earlier), _point(later)),
        "reasons": _listed(_codes(earlier), _codes(later)),
        "detectors": detectors,
        "forensics": _listed(_found(earlier), _found(later)),
        "assay_version": _pair(_version(earlier), _version(later)),
        "schema_version": _pair(earlier.get("schema_version"), later.get("schema_version")),
    }
    decisive = ("status", "verdict", "kind", "p_fake", "reasons", "forensics")
    moved = any(one["status"] or one["p_fake"] or one["only_in"] for one in detectors)
    return {"changed": moved or any(told[name] for name in decisive), **told}


def _pair(earlier: Any, later: Any) -> dict[str, Any] | None:
    return None if earlier == later else {"earlier": earlier, "later": later}


def _scores(earlier: Any, later: Any) -> dict[str, float | None] | None:
    """Both scores and how far the later one lies above; None where they are close."""
    first, second = _number(earlier), _number(later)
    if first is None or second is None:
        same = first is None and second is None
        return None if same else {"earlier": first, "later": second, "by": None}
    by = second - first
    return None if abs(by) < CLOSE else {"earlier": first, "later": second, "by": round(by, 6)}


def _number(value: Any) -> float | None:
    return finite(value) if isinstance(value, int | float) else None


def _direction(earlier: Any, later: Any) -> str | None:
    if earlier == later or earlier not in LABELS or later not in LABELS:
        return None
    if "not_analysable" in (earlier, later):
        return None  # no step of the same ladder
    return "stronger" if LABELS.index(later) > LABELS.index(earlier) else "weaker"


def _detectors(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    before, after = _by_subject(earlier), _by_subject(later)
    for key in dict.fromkeys((*before, *after)):
        found = _detector(before.get(key), after.get(key))
        if found is not None:
            yield {"detector": key[0], "subject": key[1], **found}


def _by_subject(result: Mapping[str, Any]) -> dict[tuple[str, str, int], Mapping[str, Any]]:
    """Evidence by detector and subject; the number tells several of the same subject apart."""
    found: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    for one in result.get("detectors") or []:
        number = 0
        while (key := (str(one.get("name")), str(one.get("subject")), number)) in found:
            number += 1
        found[key] = one
    return found


def _detector(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    first, second = before or {}, after or {}
    only_in = None
    if before is None or after is None:
        only_in = "later" if before is None else "earlier"
    told = {
        "only_in": only_in,
        "status": _pair(first.get("status"), second.get("status")),
        "p_fake": _scores(first.get("p_fake"), second.get("p_fake")),
        "threshold": _scores(first.get("threshold"), second.get("threshold")),
        "version": _pair(first.get("version"), second.get("version")),
        "bundle_sha256": _pair(first.get("bundle_sha256"), second.get("bundle_sha256")),
    }
    return told if any(told.values()) else None


def _listed(earlier: Sequence[str], later: Sequence[str]) -> dict[str, list[str]] | None:
    gone = [one for one in earlier if one not in later]
    new = [one for one in later if one not in earlier]
    return {"gone": gone, "new": new} if gone or new else None


def _codes(result: Mapping[str, Any]) -> list[str]:
    return sorted({str(one.get("code")) for one in result.get("reasons") or []})


def _found(result: Mapping[str, Any]) -> list[str]:
    held = result.get("forensics") or []
    return sorted({f"{one.get('detector')}: {one.get('finding')}" for one in held})


def _point(result: Mapping[str, Any]) -> Any:
    return (result.get("operating_point") or {}).get("name")


def _version(result: Mapping[str, Any]) -> Any:
    return (result.get("runtime") or {}).get("assay_version")


def _sha256(result: Mapping[str, Any]) -> Any:
    return (result.get("input") or {}).get("sha256")
