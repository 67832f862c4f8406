from __future__ import annotations

from assay.media.json_values import as_dict, as_list, walk


def test_anything_else_is_empty() -> None:
    assert as_dict({"a": 1}) == {"a": 1}
    assert as_dict([1]) == as_dict("x") == as_dict(None) == {}
    assert as_list([1]) == [1]
    assert as_list({"a": 1}) == as_list("x") == as_list(None) == []


def test_a_walk_meets_every_key_and_ends() -> None:
    tree = {"a": [{"b": 1}], "c": {"d": 2}}
    assert {key for key, _ in walk(tree)} == {"a", "b", "c", "d"}
    wide = [{"k": n} for n in range(1000)]
    assert len(list(walk(wide, limit=10))) < 10
