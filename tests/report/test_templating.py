from __future__ import annotations

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from assay.report.templating import MAX_PRINTED, environment, finalized


@pytest.mark.parametrize("package", ["assay.report", "assay.web"])
def test_what_is_printed_is_escaped_and_spelled_out(package: str) -> None:
    template = environment(package).from_string("{{ name }}|{{ own }}|{{ n }}")
    said = template.render(name="<b>\u202e", own=Markup("<i>"), n=3)
    assert said == "&lt;b&gt;\\u202e|<i>|3"


def test_a_name_that_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment("assay.report").from_string("{{ nothing }}").render()


def test_what_is_printed_is_bounded() -> None:
    assert len(finalized("a" * (2 * MAX_PRINTED))) <= MAX_PRINTED
