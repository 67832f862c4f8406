"""The C2PA validation codes of a manifest store: which ones speak against it, and what they mean.

Source of the codes: C2PA technical specification 2.x, "Standard status codes".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from assay.media.json_values import as_dict, as_list
from assay.media.tag_text import clean_text

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
    "claim.hardBindings.missing": "nothing ties the manifest to this file",
    "algorithm.unsupported": "it was signed or hashed in a way that the reader does not know",
    "ingredient.manifest.missing": "the manifest of a source is missing",
    "ingredient.manifest.mismatch": "the manifest of a source was changed",
    "ingredient.claimSignature.missing": "the signature of a source's manifest is missing",
    "ingredient.claimSignature.mismatch": "the manifest of a source was changed",
    "manifest.multipleParents": "the manifest names more than one parent",
    "signingCredential.expired": "the signer's certificate had expired",
    "signingCredential.invalid": "the signer's certificate may not sign such manifests",
    "signingCredential.ocsp.revoked": "the signer's certificate was revoked",
    "signingCredential.revoked": "the signer's certificate was revoked",
}
# Each says that bytes which a signature covered are no longer what was signed.
CHANGED = frozenset(
    {
        "assertion.dataHash.mismatch",
        "assertion.bmffHash.mismatch",
        "assertion.boxesHash.mismatch",
        "assertion.collectionHash.mismatch",
        "assertion.hashedURI.mismatch",
        "assertion.missing",
        "claimSignature.mismatch",
    }
)
MAX_CODES = 40


def codes_of(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """The codes by where they were raised: failure, informational, ingredient_failure."""
    results = as_dict(report.get("validation_results"))
    active = as_dict(results.get("activeManifest"))
    deltas = [
        as_dict(as_dict(delta).get("validationDeltas"))
        for delta in as_list(results.get("ingredientDeltas"))[:1000]
    ]
    return {
        "failure": listed(active.get("failure")),
        "informational": listed(active.get("informational")),
        "ingredient_failure": listed(one for delta in deltas for one in _failures(delta)),
    }


def _failures(delta: Mapping[str, Any]) -> list[Any]:
    return as_list(delta.get("failure"))


def listed(statuses: Any) -> list[str]:
    """The codes of a list of validation statuses, cleaned, each once, at most 40."""
    found: dict[str, None] = {}
    for one in statuses if isinstance(statuses, Iterable) else ():
        code = as_dict(one).get("code")
        if isinstance(code, str) and len(found) < MAX_CODES:
            found[clean_text(code, 80)] = None
    return list(found)


def is_about_trust(code: str) -> bool:
    """Whether the code only says that nobody vouches for the signer."""
    return code.endswith("untrusted")


def told(codes: Iterable[str]) -> str:
    """Why a manifest does not hold, in words; a code without words of ours stands for itself."""
    why = dict.fromkeys(REASONS.get(code, code) for code in codes if not is_about_trust(code))
    return "; ".join(why) or "the reader names no cause"
