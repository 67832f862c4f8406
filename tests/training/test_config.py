from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.bundles import bundle_folder  # noqa: E402
from assay.errors import ConfigError  # noqa: E402
from assay.inputs.patch import PatchInput  # noqa: E402
from assay.inputs.waveform import WaveformInput  # noqa: E402
from assay.training.config import read_config  # noqa: E402
from assay.training.pairs import Mixture  # noqa: E402
from tests.real_faces import ROOT  # noqa: E402
from tests.training.makers import SMALL, write_config, write_manifest  # noqa: E402

MEMBERS = """
[members]
leave_out = ["self_blend", "web-*"]
net = { backbone = "lite0" }
every = 4
variants = { "wide" = { backbone = "lite2" } }
"""


def test_a_configuration_is_read_whole(tmp_path: Path) -> None:
    path = write_config(tmp_path, '"a", "b"')
    path.write_text(path.read_text() + MEMBERS)
    config = read_config(path)
    assert (config.name, config.kind, config.start) == ("tiny", "face", None)
    assert config.data.folders == (tmp_path / "data",)
    assert config.data.cache == tmp_path / "cache"
    assert config.data.calibration_groups == ("a", "b")
    assert (config.data.calibration_share, config.data.reconstructions) == (0.3, 0)
    assert config.recipe == SMALL
    assert config.mixture == Mixture(0.3, 0.2)
    assert (config.schedule.steps, config.schedule.device) == (3, "cpu")
    assert config.run_folder == Path("runs/tiny")
    assert config.raw["schedule"]["pairs"] == 2
    assert config.members.leave_out == ("self_blend", "web-*")
    assert config.members.variants == {"wide": {"backbone": "lite2"}}
    assert (config.members.net, config.members.every) == ({"backbone": "lite0"}, 4)


def test_whole_pictures_have_a_recipe_of_their_own(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path, kind='kind = "picture"', scale=""))
    assert config.recipe == PatchInput(size_px=32)


def test_an_empty_folder_is_the_shared_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_manifest(tmp_path / "data", [])
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path))
    path = write_config(tmp_path, folders='folders = ["", "cache/photos"]')
    assert read_config(path).data.folders == (tmp_path / "data", Path("cache/photos"))


@pytest.mark.parametrize("name", ["face_blending", "synthetic_picture"])
def test_the_configuration_trains_what_the_detector_cuts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from assay.detectors import discover

    write_manifest(tmp_path / "data", [])
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path))
    detectors: dict[str, Any] = discover()
    if name not in detectors:
        pytest.skip(f"there is no detector {name} yet")
    config = read_config(ROOT / "configs" / f"{name}.toml")
    assert config.recipe.fingerprint == detectors[name].input.fingerprint


@pytest.mark.parametrize(
    "replaced",
    [
        {"name": "name = "},
        {"name": "title = 'x'"},
        {"kind": "kind = 'voice'"},
        {"data": "[media]"},
        {"cache": ""},
        {"cache": "cache = 3"},
        {"scale": "scales = 1.25"},
        {"steps": "stepz = 3"},
        {"swapped_twins": "twins = 0.3"},
        {"calibration_share": "calibration_shares = 0.3"},
        {"device": "device = 'cpu'\n[members]\nleaves_out = ['x']"},
        {"device": "device = 'cpu'\n[members]\nonly = true\nleave_out = ['x']"},
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(
    tmp_path: Path, replaced: dict[str, str]
) -> None:
    path = write_config(tmp_path, **replaced)
    with pytest.raises(ConfigError, match=r"tiny\.toml"):
        read_config(path)


def test_a_bundle_that_ships_is_started_from_by_its_name(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    text = path.read_text()
    for named, wanted in (("face_blending", bundle_folder("face_blending")), ("a.pt", "a.pt")):
        path.write_text(f'start = "{named}"\n{text}')
        assert read_config(path).start == Path(wanted)


def test_a_configuration_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        read_config(tmp_path / "nowhere.toml")


def test_a_configuration_for_voices(tmp_path: Path) -> None:
    path = tmp_path / "voices.toml"
    path.write_text(
        'name = "v"\nversion = "1"\nkind = "voice"\n'
        f'[data]\nfolders = ["{tmp_path}"]\ncache = "c"\ncopies = 2\n'
        "[data.forgers]\ngriffin_lim = 2.0\n"
        "[recipe]\nlength_s = 3.0\n[schedule]\nsteps = 5\nmethod_weight = 0.2\n",
        encoding="utf-8",
    )
    config = read_config(path)
    assert isinstance(config.recipe, WaveformInput)
    assert config.recipe.n_samples == 48_000
    assert (config.data.copies, config.data.forgers) == (2, {"griffin_lim": 2.0})
    assert config.schedule.method_weight == 0.2
