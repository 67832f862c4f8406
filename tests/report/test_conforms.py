from __future__ import annotations

import copy
import json
import random
from typing import Any

import jsonschema
import pytest
from tests.report.conftest import image_verdict

from assay.report.as_json import as_dict, schema
from assay.report.conforms import faults
from assay.report.unexamined import unexamined

VALUES: list[Any] = [None, True, 0, -1, 0.5, 1.5, "", "completed", "x" * 64, [], {}, [1], {"a": 1}]


def a_result() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(json.dumps(as_dict(image_verdict())))
    return held


def test_what_we_write_fits() -> None:
    assert list(faults(a_result())) == []
    assert list(faults(as_dict(unexamined("a", "b", "c")))) == []


def test_numbers_that_are_none_fit_nowhere() -> None:
    result = a_result()
    result["p_fake"] = float("nan")
    assert list(faults(result))


@pytest.mark.parametrize("seed", range(4))
def test_it_says_what_another_library_says(seed: int) -> None:
    """Random changes of a result: the same answer as jsonschema, refusals and passes alike."""
    chance, validator = random.Random(seed), jsonschema.Draft202012Validator(schema())
    answers = set()
    for _ in range(30):
        changed = _changed(a_result(), chance)
        expected = validator.is_valid(changed)
        assert (next(faults(changed), None) is None) == expected, changed
        answers.add(expected)
    assert answers == {True, False}


def _changed(result: dict[str, Any], chance: random.Random) -> Any:
    """One place of it, found by a random walk, is removed, added to or given another value."""
    place: Any = result
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return result
        key = chance.choice(keys)
        if not isinstance(place[key], dict | list) or chance.random() < 0.3:
            break
        place = place[key]
    how = chance.randrange(4)
    if how == 0:
        del place[key]
    elif how == 1 and isinstance(place, dict):
        place["a_new_one"] = 1
    else:
        place[key] = copy.deepcopy(chance.choice(VALUES))
    return result
