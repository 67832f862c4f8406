from typing import Any

import pytest
from tests.report.conftest import TREE

from assay.report import provenance
from assay.types import Provenance


def depth_of(node: provenance.Node | None) -> int:
    return 0 if node is None else 1 + max(map(depth_of, node.children), default=0)


def n_nodes(node: provenance.Node | None) -> int:
    return 0 if node is None else 1 + sum(map(n_nodes, node.children))


def test_a_tree_in_words() -> None:
    tree = provenance.tree(TREE)
    assert tree is not None
    assert tree.title == "montage.jpg"
    assert ("Signed by", "Example Press") in tree.facts
    assert tree.actions == [
        "Opened at 2026-01-02T03:00:00Z",
        "Placed with Editor 3.1 (source type: compositeWithTrainedAlgorithmicMedia): "
        "A sky was added.",
    ]
    assert tree.marks == [("ai", provenance.DECLARES_AI_PARTS)]
    sky, street = tree.children
    assert sky.marks == [("ai", provenance.DECLARES_AI), ("bad", provenance.NO_HOLD)]
    assert sky.relation == "a part of it"
    assert street.relation == "the version before"
    assert street.state == "carries no manifest of its own"
    assert street.marks == []


@pytest.mark.parametrize(
    "found",
    [
        None, 7, "x", [], {}, {"ingredients": "abc", "actions": {"a": 1}},
        {"title": ["a", None], "validation": 3, "actions": [None, 7, {"action": None}]},
        {"validation": {"codes": "x", "state": []}, "ingredients": [None, 1, {"title": {}}]},
        {"claim_generator": {"name": "n", "version": 2}, "issuer": b"\xff", "left_out": 3},
    ],
)  # fmt: skip
def test_odd_trees_are_read_as_far_as_they_go(found: Any) -> None:
    tree = provenance.tree(found)
    assert (tree is None) == (not isinstance(found, dict) or not found)
    held = Provenance("none", "", {"tree": found})
    assert all("\n" not in line for line in provenance.lines(held))


def test_a_circle_and_a_bush_end() -> None:
    circle: dict[str, Any] = {"title": "c"}
    circle["ingredients"] = [circle, circle, circle]
    tree = provenance.tree(circle)
    assert depth_of(tree) <= provenance.MAX_DEPTH
    assert n_nodes(tree) <= provenance.MAX_NODES
    assert len(provenance.lines(Provenance("none", "m", {"tree": circle}))) <= 12
    wide = {"ingredients": [{}] * 9000, "actions": [{"action": "a" * 9000}] * 9000}
    bush = provenance.tree(wide)
    assert bush is not None
    assert n_nodes(bush) <= provenance.MAX_NODES
    assert bush.left_out == f"{9000 - len(bush.children)} ingredients"
    assert len(bush.actions) == provenance.MAX_ACTIONS
    assert max(map(len, bush.actions)) < 300


def test_the_box_holds_values_beside_the_tree_and_the_codes() -> None:
    held = Provenance(
        "invalid", "", {"tree": TREE, "trust_list_date": "2026-01-01"}, ("a.b", "c\x1bd")
    )
    box = provenance.box(held)
    assert box.pairs == [("Trust list date", "2026-01-01")]
    assert box.codes == ("a.b", "c\\x1bd")
    assert box.heading == "Signed, but the signature does not hold"
    assert provenance.box(None).heading == "Provenance was not checked"


def test_lines_hold_state_codes_and_branches() -> None:
    held = Provenance("valid_untrusted", "Anybody can sign.", {"tree": TREE}, ("x.y",))
    lines = provenance.lines(held)
    assert lines[0].startswith("Signed and intact, but the signer is not on the trust list. Any")
    assert lines[1] == "Codes: x.y"
    assert lines[3] == "└─ a part of it: sky.png [declares AI generation] [does not hold]"
