from __future__ import annotations

import pytest

from assay.media.validation_codes import (
    CHANGED,
    MAX_CODES,
    REASONS,
    codes_of,
    is_about_trust,
    listed,
    told,
)


def test_codes_are_sorted_by_where_they_were_raised() -> None:
    report = {
        "validation_results": {
            "activeManifest": {
                "failure": [{"code": "a"}, {"code": "a"}, {"code": "b"}],
                "informational": [{"code": "c"}],
            },
            "ingredientDeltas": [{"validationDeltas": {"failure": [{"code": "d"}]}}, 3],
        }
    }
    assert codes_of(report) == {
        "failure": ["a", "b"],
        "informational": ["c"],
        "ingredient_failure": ["d"],
    }


@pytest.mark.parametrize("nonsense", [None, 3, "code", {"code": "x"}, [3, {"code": 4}, {}]])
def test_a_list_of_any_form_gives_no_codes(nonsense: object) -> None:
    assert listed(nonsense) == []


def test_codes_are_bounded_and_cleaned() -> None:
    assert len(listed([{"code": f"c{n}"} for n in range(1000)])) == MAX_CODES
    (code,) = listed([{"code": "a\x1b[2J" + "x" * 500}])
    assert len(code) <= 80
    assert "\x1b" not in code


def test_reasons_in_words() -> None:
    assert told(["assertion.dataHash.mismatch", "signingCredential.untrusted"]) == (
        "the file was changed after it was signed"
    )
    assert told(["some.new.code"]) == "some.new.code"
    assert told([]) == told(["signingCredential.untrusted"]) == "the reader names no cause"
    assert is_about_trust("cawg.x509.credential.untrusted")
    assert set(REASONS) >= CHANGED
