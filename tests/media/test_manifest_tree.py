"""The tree of manifests: what it holds, and that no store can make it endless."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assay.media.manifest_tree import MAX_DEPTH, MAX_NODES, actions, generator, manifest_tree


def source(label: str, **more: Any) -> dict[str, Any]:
    return {"active_manifest": label, "title": label, "relationship": "componentOf", **more}


def report_of(manifests: dict[str, Any], active: str = "a", **more: Any) -> dict[str, Any]:
    return {"manifests": manifests, "active_manifest": active, **more}


def size(node: dict[str, Any]) -> int:
    return 1 + sum(map(size, node.get("ingredients", [])))


def depth(node: dict[str, Any]) -> int:
    return 1 + max(map(depth, node.get("ingredients", [])), default=0)


def test_a_circle_is_cut_and_said() -> None:
    manifests = {"a": {"ingredients": [source("b")]}, "b": {"ingredients": [source("a")]}}
    tree = manifest_tree(report_of(manifests), "valid_untrusted")
    again = tree["ingredients"][0]["ingredients"][0]
    assert again["cycle"] is True
    assert "ingredients" not in again


def test_a_chain_is_cut_at_a_depth() -> None:
    manifests = {f"m{n}": {"ingredients": [source(f"m{n + 1}")]} for n in range(500)}
    tree = manifest_tree(report_of(manifests, "m0"), "valid_untrusted")
    assert depth(tree) == MAX_DEPTH
    assert "left_out" in json.dumps(tree)


def test_manifests_that_unfold_without_end_are_bounded() -> None:
    # Twenty manifests, each twenty times the source of the one above: 20**20 branches.
    manifests = {f"m{n}": {"ingredients": [source(f"m{n + 1}")] * 20} for n in range(20)}
    tree = manifest_tree(report_of(manifests, "m0"), "valid_untrusted")
    assert size(tree) <= MAX_NODES
    assert len(json.dumps(tree)) < 200_000


def test_many_actions_are_bounded_and_counted() -> None:
    many = {"label": "c2pa.actions", "data": {"actions": [{"action": "x" * 5000}] * 900}}
    tree = manifest_tree(report_of({"a": {"assertions": [many]}}), "valid_untrusted")
    assert len(tree["actions"]) == 20
    assert len(tree["actions"][0]["action"]) == 300
    assert tree["left_out"] == ["880 actions"]


@pytest.mark.parametrize("nonsense", [{}, {"manifests": 3}, report_of({"a": ["b"]}), report_of({})])
def test_a_report_of_any_form_gives_a_root(nonsense: dict[str, Any]) -> None:
    assert manifest_tree(nonsense, "invalid")["validation"]["state"] == "invalid"


def test_texts_are_cleaned_and_objects_written_out() -> None:
    manifest = {"title": {"a": ["<script>"] * 9000}, "ingredients": [source("x\u202e\n")]}
    tree = manifest_tree(report_of({"a": manifest}), "valid_untrusted")
    assert len(tree["title"]) <= 300
    assert tree["ingredients"][0]["title"] == "x"


def test_a_source_is_told_by_what_speaks_against_it() -> None:
    url = "self#jumbf=/c2pa/{}/c2pa.signature"
    untrusted = [{"code": "signingCredential.untrusted", "url": url.format("c")}]
    results = {
        "activeManifest": {"failure": [{"code": "x", "url": "elsewhere"}]},
        "ingredientDeltas": [
            {"validationDeltas": {"failure": untrusted}},
            {
                "ingredientAssertionURI": "self#jumbf=/c2pa/a/c2pa.assertions/c2pa.ingredient__3",
                "validationDeltas": {"failure": [{"code": "ingredient.manifest.missing"}]},
            },
            {
                "validationDeltas": {
                    "success": [{"code": "signingCredential.trusted", "url": url.format("b")}]
                }
            },
        ],
    }
    hurt = source("d", validation_status=[{"code": "assertion.dataHash.mismatch"}])
    gone = {**source("gone"), "label": "c2pa.ingredient__3"}
    manifests = {"a": {"ingredients": [source("b"), source("c"), hurt, gone, {"title": "e"}]}}
    manifests |= {"b": {}, "c": {}, "d": {}}
    tree = manifest_tree(report_of(manifests, validation_results=results), "invalid")
    assert tree["validation"]["codes"] == ["x"]
    assert [node["validation"]["state"] for node in tree["ingredients"]] == [
        "valid_trusted",
        "valid_untrusted",
        "invalid",
        "invalid",
        "none",
    ]


def test_programs_and_their_versions() -> None:
    assert generator({"claim_generator_info": [{"name": "Cam", "version": "2"}, 3]}) == "Cam 2"
    assert generator({"claim_generator": "old/1"}) == "old/1"
    agent = {"action": "c2pa.edited", "softwareAgent": {"name": "Ed", "version": "4"}}
    described = {"action": "c2pa.filtered", "parameters": {"description": "grey"}, "when": "2026"}
    held = {"label": "c2pa.actions.v2", "data": {"actions": [agent, described]}}
    assert actions({"assertions": [held, {"label": "other", "data": {"actions": [agent]}}]}) == [
        {"action": "c2pa.edited", "software": "Ed 4"},
        {"action": "c2pa.filtered", "when": "2026", "description": "grey"},
    ]
