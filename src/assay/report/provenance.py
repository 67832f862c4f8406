"""Signed provenance in words: the state, what speaks against it, and the manifests as a tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.report.sanitise import shortened, visible
from assay.report.value_pairs import value_pairs
from assay.report.wording import titled
from assay.types import Provenance

STATES = {
    "valid_trusted": "Signed, and the signature is valid and trusted",
    "valid_untrusted": "Signed and intact, but the signer is not on the trust list",
    "invalid": "Signed, but the signature does not hold",
    "none": "No signed provenance (C2PA) in the file",
    "not_checked": "Provenance was not checked",
}
_MEANINGS = {
    "none": "Most files carry none. That it is missing is not suspicious.",
    "not_checked": "Whether the file carries a signed history is not known.",
}
NO_HOLD = "does not hold"
DECLARES_AI = "declares AI generation"
DECLARES_AI_PARTS = "declares AI-made parts"
MAX_DEPTH = 8
MAX_NODES = 60
MAX_ACTIONS = 30
MAX_CODES = 12
MAX_TEXT = 200
MAX_LINES = 10
_AI_WHOLE = ("trainedalgorithmicmedia", "trainedalgorithmicdata")
_AI_PART = ("compositewithtrainedalgorithmicmedia", "compositesynthetic")
_HOLDS = {
    "valid_trusted": "holds, by a trusted signer",
    "valid_untrusted": "holds, signer not on the trust list",
    "none": "carries no manifest of its own",
}
_RELATIONS = {
    "parentof": "the version before",
    "componentof": "a part of it",
    "inputto": "an input of a generator",
}
_TOLD_BY_TREE = frozenset(
    ("tree", "validation_codes", "claim_generator", "title", "actions", "digital_source_type",
     "ingredients", "n_ingredients")
)  # fmt: skip


@dataclass(slots=True)
class Node:
    """One manifest, or a source that carries none, as a report shows it."""

    title: str
    relation: str
    facts: list[tuple[str, str]]
    state: str
    marks: list[tuple[str, str]]  # (class, words): "ai" or "bad"
    actions: list[str]
    children: list[Node] = field(default_factory=list)
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """All that the report says of provenance."""

    state: str
    heading: str
    meaning: str
    codes: tuple[str, ...]
    pairs: list[tuple[str, str]]
    tree: Node | None


def box(held: Provenance | None) -> Box:
    """The provenance of a verdict in words; "not checked" where there is none."""
    state = held.state if held else "not_checked"
    values: Mapping[str, Any] = held.values if held else {}
    branches = tree(values.get("tree"))
    told_apart = _TOLD_BY_TREE if branches is not None else {"tree"}
    rest = {key: value for key, value in values.items() if key not in told_apart}
    codes = tuple(_text(code) for code in (held.codes if held else ())[:MAX_CODES])
    told = meaning(state, held.meaning if held else "")
    return Box(state, STATES[state], told, codes, value_pairs(rest), branches)


def meaning(state: str, told: str) -> str:
    """The meaning given, or the standing one for that state."""
    return told or _MEANINGS.get(state, STATES[state] + ".")


def tree(found: Any) -> Node | None:
    """The manifests as nodes, at most 60 and 8 deep; None where nothing can be read of them."""
    return _node(found, 0, [MAX_NODES]) if isinstance(found, Mapping) and found else None


def lines(held: Provenance) -> list[str]:
    """For a terminal: the state, what speaks against it, and the tree in at most 10 lines."""
    told = box(held)
    said = [f"{told.heading}. {told.meaning}"]
    if told.codes:
        said.append(f"Codes: {', '.join(told.codes)}")
    if told.tree is not None:
        branches = _branches(told.tree, 0)
        said += branches[:MAX_LINES]
        if len(branches) > MAX_LINES:
            said.append(f"and {len(branches) - MAX_LINES} more (see --report)")
    return said


def _branches(node: Node, depth: int) -> list[str]:
    told = ("Made by", "Signed by") if depth else ("Made by", "Signed by", "Signed at")
    facts = [f"{name.lower()} {value}" for name, value in node.facts if name in told]
    words = [node.title, *facts]
    marks = "".join(f" [{mark}]" for _, mark in node.marks)
    stem = "   " * (depth - 1) + "└─ " if depth else ""
    relation = f"{node.relation}: " if node.relation else ""
    own = f"{stem}{relation}{shortened(', '.join(words), 160)}{marks}"
    return [own, *(line for child in node.children for line in _branches(child, depth + 1))]


def _node(found: Mapping[str, Any], depth: int, left: list[int]) -> Node:
    left[0] -= 1
    actions = [one for one in _listed(found.get("actions")) if isinstance(one, Mapping)]
    node = Node(
        _text(found.get("title")) or "without a title",
        _relation(found.get("relationship")),
        _facts(found),
        _HOLDS.get(_state(found), ""),
        _marks(found, actions),
        [_action(one) for one in actions[:MAX_ACTIONS]],
    )
    sources = [one for one in _listed(found.get("ingredients")) if isinstance(one, Mapping)]
    for source in sources:
        if depth + 1 >= MAX_DEPTH or left[0] <= 0:
            break
        node.children.append(_node(source, depth + 1, left))
    node.left_out = _left_out(found, len(sources) - len(node.children))
    return node


def _left_out(found: Mapping[str, Any], n_sources: int) -> str:
    told = [_text(one) for one in _listed(found.get("left_out"))[:4]]
    if n_sources:
        told.append(f"{n_sources} ingredients")
    if found.get("cycle") is True:
        told.append("what is its own source, again")
    return ", ".join(told)


def _facts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    signers = dict.fromkeys(_text(found.get(key)) for key in ("signer", "issuer"))
    facts = [
        ("Made by", _text(found.get("claim_generator"))),
        ("Signed by", ", ".join(filter(None, signers))),
        ("Signed at", _text(found.get("signed_at"))),
        ("Format", _text(found.get("format"))),
    ]
    codes = _codes(found)
    if codes:
        facts.append(("Codes", ", ".join(codes)))
    return [(name, value) for name, value in facts if value]


def _codes(found: Mapping[str, Any]) -> list[str]:
    validation = found.get("validation")
    codes = validation.get("codes") if isinstance(validation, Mapping) else None
    return [_text(code) for code in _listed(codes)[:MAX_CODES]]


def _marks(found: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    kinds = {_term(one.get("digital_source_type")) for one in actions}
    kinds.add(_term(found.get("digital_source_type")))
    marks = []
    if kinds & set(_AI_WHOLE):
        marks.append(("ai", DECLARES_AI))
    if kinds & set(_AI_PART):
        marks.append(("ai", DECLARES_AI_PARTS))
    if _state(found) == "invalid":
        marks.append(("bad", NO_HOLD))
    return marks


def _state(found: Mapping[str, Any]) -> str:
    validation = found.get("validation")
    state = validation.get("state") if isinstance(validation, Mapping) else validation
    return _text(state).lower()


def _term(source_type: Any) -> str:
    return str(source_type or "").rstrip("/").rsplit("/", 1)[-1].lower()


def _action(one: Mapping[str, Any]) -> str:
    name = _text(one.get("action")) or "an action without a name"
    words = [titled(name.rsplit(".", 1)[-1]) if name.startswith("c2pa.") else name]
    if one.get("software"):
        words.append(f"with {_text(one.get('software'))}")
    if one.get("when"):
        words.append(f"at {_text(one.get('when'))}")
    text = " ".join(words)
    kind, told = str(one.get("digital_source_type") or ""), _text(one.get("description"))
    if kind:
        text += f" (source type: {_text(kind.rstrip('/').rsplit('/', 1)[-1])})"
    return f"{text}: {told}" if told else text


def _relation(relationship: Any) -> str:
    told = _text(relationship)
    return _RELATIONS.get(told.lower(), told)


def _listed(found: Any) -> list[Any]:
    if isinstance(found, Iterable) and not isinstance(found, (str, bytes, Mapping)):
        return list(found)
    return []


def _text(found: Any) -> str:
    """Anything as one short line; a program told as a mapping by its name and version."""
    if found is None or found == "":
        return ""
    if isinstance(found, Mapping):
        found = " ".join(str(found[key]) for key in ("name", "version") if found.get(key))
    elif isinstance(found, (list, tuple)):
        return shortened(", ".join(filter(None, (_text(one) for one in found[:4]))), MAX_TEXT)
    return shortened(visible(str(found)), MAX_TEXT)
