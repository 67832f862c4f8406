from __future__ import annotations

import re

import pytest

from assay import errors
from assay.errors import AssayError, InputError, InstallationError, UsageError

ALL = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, AssayError) and value is not AssayError
]


def test_codes_are_unique() -> None:
    codes = [error.code for error in ALL]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("error", ALL)
def test_the_drawn_tree_is_the_tree(error: type[AssayError]) -> None:
    drawn = re.search(
        rf"{error.__name__} +(\d) +(\d+) +{error.code}$", str(errors.__doc__), re.MULTILINE
    )
    assert drawn is not None
    assert (error.exit_code, error.http_status) == (int(drawn[1]), int(drawn[2]))


@pytest.mark.parametrize(
    ("family", "exit_code"), [(UsageError, 2), (InputError, 3), (InstallationError, 4)]
)
def test_each_family_has_its_exit_code(family: type[AssayError], exit_code: int) -> None:
    assert {error.exit_code for error in ALL if issubclass(error, family)} == {exit_code}


def test_an_error_says_what_to_do() -> None:
    assert errors.EmptyFileError("a.jpg is empty.").as_text().endswith("again.")
    assert InputError("Wrong.", remedy="Do this.").as_text() == "Wrong. Do this."
    assert InputError("Wrong.").as_text() == "Wrong."
