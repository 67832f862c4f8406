from __future__ import annotations

import pytest

from assay.inputs.tag_findings import FORGEABLE, tag_finding


def test_values_are_cleaned_and_forgery_is_mentioned() -> None:
    made = tag_finding("x", "info", "A title", "A meaning.", {"a": "b\x1b[2J", "empty": ""})
    assert (made.code, made.values) == ("metadata_x", {"a": "b [2J"})
    assert made.meaning == f"A meaning. {FORGEABLE}"


@pytest.mark.parametrize("severity", ["notable", "strong"])
def test_what_is_worth_a_look_needs_innocent_causes(severity: str) -> None:
    with pytest.raises(ValueError, match="innocent"):
        tag_finding("x", severity, "t", "m", {})  # type: ignore[arg-type]
    made = tag_finding("x", severity, "t", "m", {}, ("a cause",))  # type: ignore[arg-type]
    assert made.innocent_causes == ("a cause",)
