"""A C2PA manifest store as a tree: what was done to the file and to what it was made from.

Bounded in depth and size, and every text is cleaned: a store can be made so that its ingredients
name each other in a circle, or so that a few manifests unfold to millions of branches.
Source: C2PA technical specification 2.x (actions, ingredients).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.media.json_values import as_dict, as_list
from assay.media.tag_text import clean_text, clean_values
from assay.media.validation_codes import codes_of, is_about_trust, listed

MAX_DEPTH = 8
MAX_NODES = 200
MAX_ACTIONS = 400  # of the whole tree
MAX_CHILDREN = 20  # ingredients of one manifest, and actions of one


@dataclass(slots=True)
class _Store:
    """What is left to spend on a tree, and where its manifests are found."""

    manifests: Mapping[str, Any]
    failures: Mapping[str, list[str]]
    trusted: frozenset[str]
    added: Mapping[str, list[str]]  # by the address of the statement that names the source
    n_nodes: int = MAX_NODES
    n_actions: int = MAX_ACTIONS
    above: list[str] = field(default_factory=list)


def manifest_tree(report: Mapping[str, Any], state: str) -> dict[str, Any]:
    """The active manifest and, below it, its sources; `state` is the verdict over the whole store.

    A node holds what is known of title, format, relationship (to the node above), claim_generator,
    issuer, signer, signed_at, actions (action, software, when, digital_source_type, description),
    validation (state, codes), ingredients; `left_out` says what the bounds cut, `cycle` is True
    where a manifest names itself as its own source. What is not known is absent.
    """
    store = _Store(
        as_dict(report.get("manifests")),
        _failures_of(report),
        _trusted_of(report),
        _failures_by_statement(report),
    )
    label = str(report.get("active_manifest", ""))
    codes = codes_of(report)["failure"]
    return _node(store, {"active_manifest": label}, {"state": state, "codes": codes})


def _node(
    store: _Store, ingredient: Mapping[str, Any], validation: dict[str, Any] | None = None
) -> dict[str, Any]:
    store.n_nodes -= 1
    label = str(ingredient.get("active_manifest") or "")
    manifest = as_dict(store.manifests.get(label))
    signature = as_dict(manifest.get("signature_info"))
    known = {
        "title": ingredient.get("title") or manifest.get("title"),
        "format": ingredient.get("format") or manifest.get("format"),
        "relationship": ingredient.get("relationship"),
        "claim_generator": generator(manifest),
        "issuer": signature.get("issuer"),
        "signer": signature.get("common_name"),
        "signed_at": signature.get("time"),
    }
    # Texts only: whatever else a hostile report puts there is written out, never walked into.
    node = clean_values({key: str(value) for key, value in known.items() if value})
    node["validation"] = clean_values(validation or _validation(store, ingredient, label))
    if label in store.above:
        node["cycle"] = True
        return node
    left_out: list[str] = []
    _add_actions(store, node, manifest, left_out)
    _add_ingredients(store, node, label, manifest, left_out)
    if left_out:
        node["left_out"] = left_out
    return node


def _add_actions(
    store: _Store, node: dict[str, Any], manifest: Mapping[str, Any], left_out: list[str]
) -> None:
    found = actions(manifest)
    kept = found[: max(0, min(MAX_CHILDREN, store.n_actions))]
    store.n_actions -= len(kept)
    if kept:
        node["actions"] = kept
    if len(found) > len(kept):
        left_out.append(f"{len(found) - len(kept)} actions")


def _add_ingredients(
    store: _Store,
    node: dict[str, Any],
    label: str,
    manifest: Mapping[str, Any],
    left_out: list[str],
) -> None:
    sources = as_list(manifest.get("ingredients"))
    store.above.append(label)
    nodes = []
    if len(store.above) < MAX_DEPTH:
        for source in sources[:MAX_CHILDREN]:
            if store.n_nodes <= 0:
                break
            nodes.append(_node(store, as_dict(source)))
    store.above.pop()
    if nodes:
        node["ingredients"] = nodes
    if len(sources) > len(nodes):
        left_out.append(f"{len(sources) - len(nodes)} ingredients")


def _validation(store: _Store, ingredient: Mapping[str, Any], label: str) -> dict[str, Any]:
    """What speaks against a source: found now, or written down when it was added."""
    if label not in store.manifests:
        named_in = f"{store.above[-1]}/{ingredient.get('label')}" if store.above else ""
        codes = listed(ingredient.get("validation_status")) or store.added.get(named_in, [])
        return {"state": "invalid" if codes else "none", "codes": codes}
    recorded = as_dict(as_dict(ingredient.get("validation_results")).get("activeManifest"))
    codes = list(
        dict.fromkeys(
            [
                *store.failures.get(label, []),
                *listed(ingredient.get("validation_status")),
                *listed(recorded.get("failure")),
            ]
        )
    )
    if any(not is_about_trust(code) for code in codes):
        return {"state": "invalid", "codes": codes}
    trusted = label in store.trusted and not codes
    return {"state": "valid_trusted" if trusted else "valid_untrusted", "codes": codes}


def _statuses(report: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    results = as_dict(report.get("validation_results"))
    deltas = [as_dict(one) for one in as_list(results.get("ingredientDeltas"))[:1000]]
    groups = [results.get("activeManifest"), *(one.get("validationDeltas") for one in deltas)]
    return [as_dict(one) for group in groups for one in as_list(as_dict(group).get(kind))[:1000]]


def _label_in(address: object) -> str:
    """The manifest that a JUMBF address such as self#jumbf=/c2pa/LABEL/c2pa.signature points to."""
    parts = str(address or "").partition("/c2pa/")[2].split("/")
    return parts[0]


def _failures_of(report: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[Any]] = {}
    for status in _statuses(report, "failure"):
        found.setdefault(_label_in(status.get("url")), []).append(status)
    return {label: listed(statuses) for label, statuses in found.items()}


def _failures_by_statement(report: Mapping[str, Any]) -> dict[str, list[str]]:
    found = {}
    results = as_dict(report.get("validation_results"))
    for delta in map(as_dict, as_list(results.get("ingredientDeltas"))[:1000]):
        address = str(delta.get("ingredientAssertionURI", ""))
        statement = f"{_label_in(address)}/{address.rpartition('/')[2]}"
        found[statement] = listed(as_dict(delta.get("validationDeltas")).get("failure"))
    return found


def _trusted_of(report: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        _label_in(status.get("url"))
        for status in _statuses(report, "success")
        if status.get("code") == "signingCredential.trusted"
    )


def generator(manifest: Mapping[str, Any]) -> str:
    """The programs that made the claim, with their versions."""
    infos = [as_dict(info) for info in as_list(manifest.get("claim_generator_info"))[:MAX_CHILDREN]]
    named = [_program(info) for info in infos]
    return ", ".join(name for name in named if name) or str(manifest.get("claim_generator") or "")


def _program(info: Mapping[str, Any]) -> str:
    return clean_text(f"{info.get('name') or ''} {info.get('version') or ''}", 120)


def actions(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the signer says was done, cleaned: action, software, when, and so on where told."""
    return [
        _action(as_dict(action))
        for assertion in map(as_dict, as_list(manifest.get("assertions"))[:1000])
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for action in as_list(as_dict(assertion.get("data")).get("actions"))[:1000]
    ]


def _action(action: Mapping[str, Any]) -> dict[str, Any]:
    agent = action.get("softwareAgent")
    parameters = as_dict(action.get("parameters"))
    entry = {
        "action": action.get("action"),
        "software": _program(agent) if isinstance(agent, dict) else agent,
        "when": action.get("when"),
        "digital_source_type": action.get("digitalSourceType"),
        "description": action.get("description") or parameters.get("description"),
    }
    return clean_values({key: str(value) for key, value in entry.items() if value})
