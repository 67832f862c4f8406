from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from assay.training.net_config import run_of
from assay.training.net_listing import as_markdown, facts_of, input_in_words, recipe_of
from assay.training.nets import discover

ROOT = Path(__file__).resolve().parents[2]
NETS = discover()


@pytest.mark.parametrize("name", NETS)
def test_every_network_is_told_as_json(name: str) -> None:
    facts = json.loads(json.dumps(facts_of(NETS[name]), allow_nan=False))
    assert facts["name"] == name
    assert facts["parameters"] == NETS[name].n_parameters
    assert facts["macs"] > 0
    assert facts["paper"]
    assert facts["licence"]
    assert set(facts["aggregation"]) == {"over_frames", "over_people", "above"}
    assert input_in_words(NETS[name])


@pytest.mark.parametrize("name", NETS)
def test_every_recipe_is_a_run_that_is_read_again(name: str) -> None:
    stored = tomllib.loads(recipe_of(NETS[name]))
    run = run_of({key: value for key, value in stored.items() if key != "kind"})
    assert stored["kind"] == "net"
    assert run.spec is NETS[name] or run.spec.name == name
    # Our own learn from pairs by programs of their own; here, as all others, from labels.
    loss = "binary" if NETS[name].own else NETS[name].fit.loss
    wanted = {**vars_of(NETS[name].fit), "sure": None, "loss": loss}
    assert {**vars_of(run.fit), "sure": None} == wanted


def test_a_recipe_says_where_it_is_not_how_the_network_is_trained() -> None:
    assert "assay train` refuses it" in recipe_of(NETS["ba_tfd"])
    assert "learned from pairs" in recipe_of(NETS["face_blending"])
    assert "refuses" not in recipe_of(NETS["xception"])


def vars_of(fit: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(fit)  # type: ignore[call-overload, no-any-return]


def test_the_table_of_the_docs_is_current() -> None:
    page = (ROOT / "docs" / "nets.md").read_text(encoding="utf-8")
    table = as_markdown(NETS.values())
    assert table in page, "write it again: assay nets --markdown"
    assert all(line.count(" | ") >= 8 for line in table.splitlines()[2:])
