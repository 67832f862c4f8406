from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from pathlib import Path  # noqa: E402

import torch  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.training.nets import efficientnet_b4_ensemble as ensemble  # noqa: E402
from tests.training.nets import public_layouts as layouts  # noqa: E402

PUBLIC = {
    "EfficientNetB4_DFDC_bestval-c9f3": layouts.b4(),
    "EfficientNetAutoAttB4_FFPP_bestval-b0c9": layouts.b4(attention=True),
    "EfficientNetB4ST_FFPP_bestval-ccd0": layouts.siamese(),
    "EfficientNetAutoAttB4ST_DFDC_bestval-4df0": layouts.siamese(attention=True),
}


def short(shapes: layouts.Shapes) -> dict[str, torch.Tensor]:
    """The names, with a number each."""
    return layouts.numbered(dict.fromkeys(shapes, (1,)))


def public_folder(folder: Path) -> Path:
    for name, shapes in PUBLIC.items():
        torch.save(short(shapes), folder / f"{name}.pth")
    return folder


def test_four_public_checkpoints_of_a_folder_become_one(tmp_path: Path) -> None:
    own = ensemble.published(ensemble.read_folder(public_folder(tmp_path)))
    with torch.device("meta"):
        net = ensemble.EfficientNetB4Ensemble()
    assert own.keys() == net.state_dict().keys()


def test_one_trained_here_stands_beside_public_ones(tmp_path: Path) -> None:
    public_folder(tmp_path)
    (tmp_path / "EfficientNetB4ST_FFPP_bestval-ccd0.pth").unlink()
    (tmp_path / "efficientnet_b4_st").mkdir()
    with torch.device("meta"):
        spec = ensemble.SPECS["efficientnet_b4_st"]
        names = list(spec.build().state_dict())
    torch.save(
        {name: torch.ones(1) for name in names}, tmp_path / "efficientnet_b4_st" / "weights.pt"
    )
    own = ensemble.published(ensemble.read_folder(tmp_path))
    assert {f"members.efficientnet_b4_st.{name}" for name in names} <= own.keys()


def test_four_trained_here_are_weights_of_this_program(tmp_path: Path) -> None:
    from assay.training.importing import OWN, PUBLIC, _fitting

    for name, spec in ensemble.SPECS.items():
        (tmp_path / name).mkdir()
        with torch.device("meta"):
            state = {key: torch.ones(1) for key in spec.build().state_dict()}
        torch.save(state, tmp_path / name / "weights.pt")
    with torch.device("meta"):
        wanted = ensemble.EfficientNetB4Ensemble().state_dict()
    stored = ensemble.read_folder(tmp_path)
    tensors, layout = _fitting(ensemble.NETS[0], stored, wanted, tmp_path)
    assert (tensors.keys(), layout) == (wanted.keys(), OWN)
    assert ensemble.published(stored).keys() == wanted.keys()
    torch.save(short(layouts.siamese()), tmp_path / "efficientnet_b4_st" / "weights.pt")
    mixed = ensemble.read_folder(tmp_path)
    tensors, layout = _fitting(ensemble.NETS[0], mixed, wanted, tmp_path)
    assert (tensors.keys(), layout) == (wanted.keys(), PUBLIC)


def test_one_missing_one_twice_and_one_that_is_none_are_told(tmp_path: Path) -> None:
    folder = public_folder(tmp_path)
    torch.save({"a": torch.ones(1)}, folder / "efficientnet_b4.pt")
    with pytest.raises(ConfigError, match="Two files"):
        ensemble.read_folder(folder)
    (folder / "efficientnet_b4.pt").unlink()
    broken = folder / "EfficientNetB4_DFDC_bestval-c9f3.pth"
    broken.write_bytes(b"no tensors")
    with pytest.raises(ConfigError, match="no tensors of a network"):
        ensemble.read_folder(folder)
    broken.unlink()
    with pytest.raises(ConfigError, match="no checkpoint of efficientnet_b4"):
        ensemble.read_folder(folder)
    with pytest.raises(ConfigError, match="no folder"):
        ensemble.read_folder(folder / "nowhere")


@torch.no_grad()
def test_the_logit_is_the_mean_of_the_four() -> None:
    class Saying(torch.nn.Module):
        def __init__(self, logit: float, mask: bool) -> None:
            super().__init__()
            self.logit, self.mask = logit, mask

        def forward(self, pictures: torch.Tensor) -> ensemble.Outputs:
            n = len(pictures)
            mask = torch.full((n, 28, 28), self.logit) if self.mask else None
            return ensemble.Outputs(torch.full((n,), self.logit), torch.zeros(n, 2), mask)

    with torch.device("meta"):
        net = ensemble.EfficientNetB4Ensemble()
    for name, logit in zip(net.members, (1.0, 2.0, 4.0, 9.0), strict=True):
        net.members[name] = Saying(logit, "att" in name)
    found = net(torch.zeros(3, 224, 224, 3, dtype=torch.uint8))
    assert found.logit.tolist() == [4.0] * 3
    assert found.mask is not None
    assert float(found.mask[0, 0, 0]) == pytest.approx(5.5)
