from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from .conftest import Answer, make_verdict


def test_the_schema_is_printed_and_accepts_an_answer(assay: Callable[..., Answer]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from assay.report import as_dict

    answer = assay("schema")
    assert answer.code == 0
    schema = json.loads(answer.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    answered = as_dict(make_verdict("a.jpg", "not_analysable", status="failed"))
    jsonschema.validate(answered, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**answered, "p_fake": 0.5}, schema)
