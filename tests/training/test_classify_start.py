from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.inputs.face import FaceInput  # noqa: E402
from assay.training.classify_start import start_from  # noqa: E402
from assay.training.nets.spec import NetSpec  # noqa: E402
from tests.training.made_classes import TinyNet, tiny_net  # noqa: E402

SPEC = NetSpec("tiny", "Tiny", "none", "face", FaceInput(), TinyNet, 1, 1)


def renamed(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if not all(name.startswith("public.") for name in stored):
        raise ValueError("not the public layout")
    return {name.removeprefix("public."): tensor for name, tensor in stored.items()}


def kept(path: Path, prefix: str = "") -> TinyNet:
    net = tiny_net(5)
    torch.save({prefix + name: tensor for name, tensor in net.state_dict().items()}, path)
    return net


@pytest.mark.parametrize("prefix", ["", "public."])
def test_own_weights_and_public_ones_are_loaded(tmp_path: Path, prefix: str) -> None:
    wanted = kept(tmp_path / "w.pt", prefix)
    net = tiny_net()
    said = start_from(net, replace(SPEC, published=renamed), tmp_path / "w.pt")
    assert ("public checkpoint" in said) is bool(prefix)
    assert all(torch.equal(v, wanted.state_dict()[k]) for k, v in net.state_dict().items())


def test_another_format_is_read_by_the_network(tmp_path: Path) -> None:
    wanted = tiny_net(5)
    (tmp_path / "w.h5").write_bytes(b"\x89HDF")
    spec = replace(SPEC, published=dict, read_checkpoint=lambda path: wanted.state_dict())
    net = tiny_net()
    start_from(net, spec, tmp_path / "w.h5")
    assert torch.equal(net.score.weight, wanted.score.weight)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file of weights"):
        start_from(tiny_net(), SPEC, tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(ConfigError, match="holds no weights of tiny"):
        start_from(tiny_net(), SPEC, tmp_path / "text.pt")
    with pytest.raises(ConfigError, match="cannot be read as a checkpoint"):
        start_from(tiny_net(), replace(SPEC, published=renamed), tmp_path / "text.pt")
    kept(tmp_path / "other.pt", "other.")
    with pytest.raises(ConfigError, match="is no checkpoint of tiny: not the public layout"):
        start_from(tiny_net(), replace(SPEC, published=renamed), tmp_path / "other.pt")
    state = {name: tensor[..., :1] for name, tensor in tiny_net().state_dict().items()
             if tensor.ndim}  # fmt: skip
    torch.save({**tiny_net().state_dict(), **state}, tmp_path / "small.pt")
    with pytest.raises(ConfigError, match=r"small\.pt do not fit"):
        start_from(tiny_net(), SPEC, tmp_path / "small.pt")


def test_a_checkpoint_that_runs_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    torch.save({"a": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(ConfigError):
        start_from(tiny_net(), SPEC, tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()
