from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assay.errors import ConfigError
from assay.training.importing import (
    OWN,
    PUBLIC,
    example_inputs,
    facts_of,
    import_checkpoint,
    licence_of,
    trained_on,
)
from assay.training.nets import net_named
from assay.training.shared import shared_folder

from .tiny_nets import TinyFace, spec

PEERS = shared_folder() / "weights" / "peers" if os.environ.get("ASSAY_SHARED") else Path()
State = dict[str, torch.Tensor]


def own() -> State:
    torch.manual_seed(5)
    return TinyFace().state_dict()


def public() -> State:
    names = {"first": "stem", "norm": "bn", "score": "fc"}
    return {names[k.partition(".")[0]] + "." + k.partition(".")[2]: v for k, v in own().items()}


def prefixed(prefix: str, state: State) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


def saved(folder: Path, stored: Any, name: str = "a.pth") -> Path:
    torch.save(stored, folder / name)
    return folder / name


WRAPPED: dict[str, tuple[Callable[[], Any], str]] = {
    "own": (own, OWN),
    "own, several devices": (lambda: prefixed("module.", own()), OWN),
    "own, lightning": (lambda: {"state_dict": prefixed("model.", own()), "epoch": 3}, OWN),
    "own, compiled": (lambda: {"model": prefixed("_orig_mod.module.", own())}, OWN),
    "public": (public, PUBLIC),
    "public, wrapped": (lambda: {"net": prefixed("module.", public()), "loss": 0.1}, PUBLIC),
    "public, inside another": (lambda: {"state_dict": prefixed("model.", public())}, PUBLIC),
    "older, without counters": (
        lambda: {k: v for k, v in own().items() if "num_batches" not in k},
        OWN,
    ),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_tensors_are_found_in_their_wrapping(name: str, tmp_path: Path) -> None:
    make, layout = WRAPPED[name]
    found = import_checkpoint(spec(), saved(tmp_path, make()))
    assert found.layout == layout
    assert all(bool((value == own()[key]).all()) for key, value in found.net.state_dict().items())


def test_safetensors_are_read(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(public(), tmp_path / "a.safetensors")
    assert import_checkpoint(spec(), tmp_path / "a.safetensors").layout == PUBLIC


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return (os.mkdir, (os.environ["EVIL"],))


def test_code_of_a_checkpoint_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVIL", str(tmp_path / "it ran"))
    path = saved(tmp_path, {"state_dict": own(), "callbacks": Evil()})
    with pytest.raises(ConfigError, match="never run"):
        import_checkpoint(spec(), path)
    with pytest.raises(ConfigError, match="never run"):
        import_checkpoint(spec(), saved(tmp_path, TinyFace(), "module.pt"))
    assert not (tmp_path / "it ran").exists()


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    state = own()
    state["score.weight"] = torch.zeros(1, 9)
    del state["first.bias"]
    state["extra.weight"] = torch.zeros(3)
    with pytest.raises(ConfigError) as told:
        import_checkpoint(spec(), saved(tmp_path, state))
    said = str(told.value)
    assert "1 missing: first.bias" in said
    assert "1 unexpected: extra.weight" in said
    assert "score.weight (1, 9) instead of (1, 4)" in said
    assert "tiny.pth of nobody" in str(told.value.remedy)


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ({"a": torch.zeros(2)}, "no part of it"),
        ({}, "no tensors"),
        ({"epoch": 3, "loss": 0.2}, "no tensors but: epoch, loss"),
        ([torch.zeros(2)], "list where named tensors"),
        (own() | {"score.bias": torch.full((1,), float("nan"))}, "no number in score.bias"),
    ],
)
def test_what_is_no_checkpoint_of_it_is_refused(stored: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        import_checkpoint(spec(), saved(tmp_path, stored))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pth", b"rubbish", "cannot be read|plain tensors"),
        ("a.pth", b"", "cannot be read|plain tensors"),
        ("a.safetensors", b"\xff" * 64, "safetensors"),
        ("a.exe", b"MZ", "none of the checkpoints"),
        ("a.h5", b"rubbish", "Keras"),
    ],
)
def test_rubbish_is_refused(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        import_checkpoint(spec(), tmp_path / name)


def test_a_missing_or_a_huge_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no checkpoint"):
        import_checkpoint(spec(), tmp_path / "none.pth")
    with (tmp_path / "a.pth").open("wb") as file:
        file.truncate(5_000_000_000)
    with pytest.raises(ConfigError, match="larger than"):
        import_checkpoint(spec(), tmp_path / "a.pth")


def test_the_licence_and_the_origin_are_told(tmp_path: Path) -> None:
    path = saved(tmp_path, public())
    found = import_checkpoint(spec(), path)
    assert licence_of(spec(), found) == "CC0"
    assert "weights: CC0" in facts_of(spec(), found, path)["licence"]
    assert trained_on(spec(), found) == [{"set": "as its authors say: tiny.pth of nobody"}]
    mine = import_checkpoint(spec(), saved(tmp_path, own()))
    assert licence_of(spec(), mine) == "whoever trained them"
    assert trained_on(spec(), mine) == [{"set": "not told by the file"}]
    assert "ask them" in licence_of(spec(checkpoint_licence=""), found)


def test_examples_are_as_the_recipe_cuts_them() -> None:
    faces, sounds = example_inputs(spec()), example_inputs(spec("voice"))
    assert (faces.shape, faces.dtype) == ((4, 16, 16, 3), np.uint8)
    assert (sounds.shape, sounds.dtype) == ((4, 16000), np.float32)
    clips, lips = example_inputs(net_named("ba_tfd")), example_inputs(net_named("av_lip_sync"))
    assert {n: (a.shape, str(a.dtype)) for n, a in clips.items()} == {
        "frames": ((1, 512, 96, 96, 3), "uint8"),
        "mel": ((1, 64, 2048), "float32"),
    }
    assert {n: a.shape for n, a in lips.items()} == {
        "mouths": (1, 50, 48, 48, 3),
        "mel": (1, 64, 200),
    }


@pytest.mark.parametrize(
    ("net", "file"),
    [
        ("aasist", "AASIST.pth"),
        ("meso4", "Meso4_DF.h5"),
        ("meso4", "Meso4_F2F.h5"),
        ("mesoinception4", "MesoInception_DF.h5"),
        ("mesoinception4", "MesoInception_F2F.h5"),
    ],
)
def test_public_checkpoints_fit(net: str, file: str) -> None:
    path = PEERS / file
    if not path.is_file():
        pytest.skip("needs the peers' weights in ASSAY_SHARED")
    found = import_checkpoint(net_named(net), path)
    assert found.layout == PUBLIC
    assert len(found.sha256) == 64


def test_a_folders_hash_is_of_the_tensors_wherever_in_it_they_lie(tmp_path: Path) -> None:
    def read(folder: Path) -> State:
        return dict(torch.load(folder / "inner" / "a.pt", weights_only=True))

    (tmp_path / "inner").mkdir()
    saved(tmp_path, own(), "inner/a.pt")
    reading = spec(read_checkpoint=read)
    first = import_checkpoint(reading, tmp_path).sha256
    (tmp_path / "notes.txt").write_text("no tensor")
    assert import_checkpoint(reading, tmp_path).sha256 == first
    changed = own()
    changed["score.bias"] = torch.nextafter(changed["score.bias"], torch.tensor(9.0))
    saved(tmp_path, changed, "inner/a.pt")
    assert import_checkpoint(reading, tmp_path).sha256 != first
