from __future__ import annotations

import re
from http import HTTPStatus

from assay.errors import AssayError
from assay.web import refusals
from assay.web.refusals import Refusal, TooManyRequestsError, UnauthenticatedError


def every() -> list[type[Refusal]]:
    return [
        one
        for one in vars(refusals).values()
        if isinstance(one, type) and issubclass(one, Refusal) and one is not Refusal
    ]


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"── (\w+)\s+(\d{3})\s+(\w+)", refusals.__doc__ or "")
    assert sorted(drawn) == sorted(
        (one.__name__, str(one.http_status), one.code) for one in every()
    )


def test_each_has_a_code_of_its_own_and_a_status_that_is_one() -> None:
    codes = [one.code for one in every()]
    assert len(set(codes)) == len(codes) > 8
    assert all(HTTPStatus(one.http_status) >= 400 for one in every())
    assert all(issubclass(one, AssayError) for one in every())


def test_it_says_when_to_come_again() -> None:
    assert TooManyRequestsError("no", retry_after_s=7).retry_after_s == 7
    assert TooManyRequestsError("no").retry_after_s is None
    assert "Bearer" in UnauthenticatedError("no").remedy
    assert UnauthenticatedError("no", remedy="so").as_text() == "no so"
