from __future__ import annotations

import builtins
import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from assay.training.nets import discover

from .conftest import Answer

Assay = Callable[..., Answer]


def test_all_are_listed(assay: Assay) -> None:
    answer = assay("nets")
    assert answer.code == 0
    assert all(name in answer.out for name in discover())


def test_json_is_one_object_a_network(assay: Assay) -> None:
    lines = assay("nets", "--json").out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == list(discover())
    (one,) = assay("nets", "meso4", "--json").out.splitlines()
    assert json.loads(one)["parameters"] == 27_977


def test_a_recipe_is_toml(assay: Assay) -> None:
    stored = tomllib.loads(assay("nets", "simple_cnn", "--recipe").out)
    assert (stored["net"], stored["fit"]["epochs"]) == ("simple_cnn", 10)


def test_one_is_told_in_full(assay: Assay) -> None:
    answer = assay("nets", "aasist")
    assert "MIT (NAVER Corp.)" in answer.out
    assert "297866" in answer.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--recipe"], "assay nets NAME --recipe"),
        (["simple_cn"], "'simple_cnn'"),
        (["simple_cnn", "--json", "--recipe"], "ask for one"),
    ],
)
def test_wrong_usage(assay: Assay, words: list[str], says: str) -> None:
    answer = assay("nets", *words)
    assert answer.code == 2
    assert says in answer.err


def test_without_the_extra_it_says_which(assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *more: Any, **named: Any) -> Any:
        if name.startswith("assay.training"):
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return original(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    answer = assay("nets")
    assert answer.code == 4
    assert "assay[train]" in answer.err
