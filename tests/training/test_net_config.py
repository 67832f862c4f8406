from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training.net_config import as_toml, differing, read_run, run_of, told  # noqa: E402
from assay.training.nets import net_named  # noqa: E402
from assay.training.nets.spec import Fit  # noqa: E402

LEAST = {"net": "simple_cnn", "data": "media"}


def test_what_is_not_said_is_the_networks_own() -> None:
    run = run_of(LEAST)
    assert run.fit == net_named("simple_cnn").fit
    assert (run.out, run.name) == (Path("runs/simple_cnn"), "simple_cnn")
    assert (run.device, run.start, run.workers) == ("auto", None, None)


def test_what_is_said_counts() -> None:
    fit = {"epochs": 2, "learning_rate": 1, "augment": "flip", "betas": [0.5, 0.9], "patience": 3}
    run = run_of({**LEAST, "out": "x/y", "workers": 0, "start": "w.pt", "fit": fit})
    assert (run.fit.epochs, run.fit.learning_rate, run.fit.augment) == (2, 1.0, "flip")
    assert (run.fit.betas, run.fit.patience) == ((0.5, 0.9), 3)
    assert (run.out, run.start, run.workers) == (Path("x/y"), Path("w.pt"), 0)


def test_epochs_take_the_place_of_the_papers_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.training import net_config

    spec = replace(net_named("simple_cnn"), fit=Fit(steps=30_000))
    monkeypatch.setattr(net_config, "net_named", lambda name: spec)
    assert run_of(LEAST).fit.steps == 30_000
    assert run_of({**LEAST, "fit": {"epochs": 3}}).fit.steps is None
    assert run_of({**LEAST, "fit": {"steps": 0}}).fit.steps is None


def test_a_network_of_our_own_learns_from_labels_here() -> None:
    assert net_named("face_blending").fit.loss == "own"
    assert run_of({**LEAST, "net": "face_blending"}).fit.loss == "binary"
    assert run_of({**LEAST, "net": "face_blending", "fit": {"loss": "own"}}).fit.loss == "own"


@pytest.mark.parametrize("name", ['wéird "quoted"', "tab\tnew\nline", "back\\slash", "\x7f💥"])
def test_a_run_is_a_file_too(tmp_path: Path, name: str) -> None:
    fit = {
        "epochs": 2,
        "patience": 4,
        "betas": [0.5, 0.99],
        "balanced": False,
        "weight_decay": 1e-7,
    }
    run = run_of(
        {**LEAST, "data": name, "fit": fit, "arguments": {"depth": 2, "wide": True, "kind": name}}
    )
    path = tmp_path / "run.toml"
    path.write_text(as_toml(run), encoding="utf-8")
    again = read_run(path)
    assert again == run
    assert told(again.fit)["steps"] == 0


def test_two_files_are_compared_by_what_they_say() -> None:
    run = run_of(LEAST)
    changed = replace(run, fit=replace(run.fit, epochs=3), device="cpu")
    assert differing(as_toml(run), as_toml(run)) == []
    assert differing(as_toml(run), as_toml(changed)) == ["device", "fit.epochs"]
    assert differing("not [ toml", as_toml(run)) == ["everything"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"net": "simple_cmn"}, "no network"),
        ({"net": ""}, "needs `net`"),
        ({"data": 3}, "needs `data`"),
        ({"data": "a\0b"}, "no path"),
        ({"dta": "x"}, "no key 'dta'"),
        ({"device": "tpu"}, "none of auto, cpu, gpu"),
        ({"workers": -1}, "workers = -1"),
        ({"workers": True}, "workers = True"),
        ({"fit": 3}, "no table"),
        ({"fit": {"epoch": 3}}, "no key 'epoch'"),
        ({"fit": {"epochs": 0}}, "epochs = 0"),
        ({"fit": {"epochs": 1.5}}, "epochs = 1.5"),
        ({"fit": {"epochs": True}}, "epochs = True"),
        ({"fit": {"learning_rate": -1.0}}, "learning_rate"),
        ({"fit": {"learning_rate": float("nan")}}, "learning_rate"),
        ({"fit": {"learning_rate": float("inf")}}, "learning_rate"),
        ({"fit": {"batch": "32"}}, "batch"),
        ({"fit": {"betas": [0.5]}}, "betas"),
        ({"fit": {"betas": [0.5, 1.0]}}, "betas"),
        ({"fit": {"loss": "hinge"}}, "loss = 'hinge'"),
        ({"fit": {"optimiser": "lion"}}, "optimiser"),
        ({"fit": {"augment": "icpr2O20"}}, "no chain"),
        ({"fit": {"patience": -2}}, "patience"),
        ({"arguments": []}, "no table"),
    ],
)
def test_what_cannot_be_used_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        run_of({**LEAST, **changes})


@pytest.mark.parametrize(
    ("changes", "near"),
    [
        ({"net": "simple_cmn"}, "simple_cnn"),
        ({"dta": "x"}, "data"),
        ({"fit": {"epoch": 3}}, "epochs"),
        ({"fit": {"augment": "icpr2O20"}}, "icpr2020"),
    ],
)
def test_a_slip_is_answered_with_the_nearest(changes: dict[str, Any], near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run_of({**LEAST, **changes})
    assert near in caught.value.remedy


@pytest.mark.parametrize("text", ["net = ", "\xff", "net = 'simple_cnn'\n"])
def test_a_bad_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        read_run(path)
