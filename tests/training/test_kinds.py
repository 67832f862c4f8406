from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training import (  # noqa: E402
    autoencoders,
    blink_measuring,
    config,
    eye_state,
    face_geometry,
    face_surroundings,
    frequency_traces,
    kinds,
    lip_sync,
    localisation,
    net_config,
    optical_flow,
    run,
    temporal,
    voice_cues,
    voice_splice,
)
from assay.training.datasets.camera_files import (  # noqa: E402
    read_packages as read_camera_files,
)
from assay.training.datasets.edited_sources import (  # noqa: E402
    read_config as read_edited_pictures,
)
from assay.training.datasets.forged_clips_plan import (  # noqa: E402
    read_config as read_forged_clips,
)
from assay.training.datasets.forged_plan import read_config as read_forged  # noqa: E402
from assay.training.datasets.forged_voices_plan import (  # noqa: E402
    read_config as read_forged_voices,
)
from assay.training.datasets.spliced_clips_plan import (  # noqa: E402
    read_config as read_spliced_clips,
)
from assay.training.datasets.web_generated import (  # noqa: E402
    read_config as read_web_generated,
)
from assay.training.datasets.web_photos import read_packages  # noqa: E402
from assay.training.datasets.web_videos import (  # noqa: E402
    read_packages as read_video_packages,
)
from assay.training.datasets.web_voices import read_sources as read_voice_packages  # noqa: E402
from assay.training.kinds import OTHERS, PAIRED, RESUMABLE, kind_of, train_other  # noqa: E402
from tests.real_faces import ROOT  # noqa: E402
from tests.training.makers import write_config, write_manifest  # noqa: E402

CONFIGS = sorted((ROOT / "configs").glob("*.toml"))


def read_sentences(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


BY_KIND: dict[str, Callable[[Path], Any]] = {
    "face": config.read_config,
    "picture": config.read_config,
    "voice": config.read_config,
    "autoencoders": autoencoders.read_config,
    "geometry": face_geometry.read_config,
    "frequency": frequency_traces.read_config,
    "voice_cues": voice_cues.read_config,
    "voice_splice": voice_splice.read_config,
    "flow": optical_flow.read_config,
    "eye_state": eye_state.read_config,
    "blinking": blink_measuring.read_config,
    "face_surroundings": face_surroundings.read_config,
    "temporal": temporal.read_config,
    "localisation": localisation.read_config,
    "lip_sync": lip_sync.read_config,
    "net": net_config.read_run,
}
# Not for `assay train`: these make media, by commands of their own.
BY_NAME: dict[str, Callable[[Path], Any]] = {
    "web_generated": read_web_generated,
    "web_photos": read_packages,
    "forged_media": read_forged,
    "forged_voices": read_forged_voices,
    "forged_voices_sentences": read_sentences,
    "web_voices": read_voice_packages,
    "web_videos": read_video_packages,
    "forged_clips": read_forged_clips,
    "camera_files": read_camera_files,
    "edited_pictures": read_edited_pictures,
    "spliced_clips": read_spliced_clips,
}


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shared"
    write_manifest(folder / "data", [])
    monkeypatch.setenv("ASSAY_SHARED", str(folder))
    return folder


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_configuration_can_be_read_by_what_its_kind_calls_for(
    path: Path, shared: Path
) -> None:
    read = BY_NAME.get(path.stem) or BY_KIND[kind_of(path)]
    assert read(path)


def test_every_kind_has_its_reader() -> None:
    assert set(BY_KIND) == {*PAIRED, *OTHERS, *RESUMABLE}
    assert {name for name in BY_NAME if (ROOT / "configs" / f"{name}.toml").is_file()} == set(
        BY_NAME
    )


@pytest.mark.parametrize("name", BY_NAME)
def test_what_makes_media_is_not_trained(name: str) -> None:
    with pytest.raises(ConfigError, match="names no kind; there are: face, picture"):
        kind_of(ROOT / "configs" / f"{name}.toml")


@pytest.mark.parametrize("line", ['kind = "song"', "kind = 3", ""])
def test_an_unknown_kind_is_refused_with_those_there_are(tmp_path: Path, line: str) -> None:
    path = write_config(tmp_path, kind=line)
    with pytest.raises(ConfigError, match="face, picture, voice, autoencoders, geometry"):
        run.train(path)


@pytest.mark.parametrize("text", ["kind = ", "kind = [\xff"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"a\.toml"):
        run.train(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        run.train(tmp_path / "nowhere.toml")


def test_each_kind_is_handed_to_who_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = []
    monkeypatch.setattr(face_geometry, "run", handed.append)
    path = tmp_path / "a.toml"
    path.write_text('kind = "geometry"\n')
    assert train_other(path, resume=False)
    run.train(path)
    assert handed == [path, path]
    with pytest.raises(ConfigError, match="cannot be resumed"):
        run.train(path, resume=True)
    assert not train_other(write_config(tmp_path), resume=True)


AUTOENCODERS = """
kind = "autoencoders"
folders = ["{folder}"]
out = "{out}"
[plan]
crop_px = [32]
steps = 2
batch = 2
minutes_total = 1.0
warmup = 1
device = "cpu"
[[variant]]
name = "tiny"
kind = "nearest"
factor = 4
latent = 2
perceptual = 0.0
adversarial = 0.0
"""


def test_autoencoders_are_trained_on_the_genuine_pictures_of_the_train_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    from tests.real_faces import textured

    data, out = tmp_path / "data", tmp_path / "weights"
    rows = [
        {"path": "a.png"},
        {"path": "b.png", "label": "fake"},
        {"path": "c.png", "split": "val"},
        {"path": "d.wav", "modality": "audio"},
    ]
    write_manifest(data, rows)
    for seed, row in enumerate(rows[:3]):
        Image.fromarray(textured(80 + seed, 90, seed)).save(data / row["path"])
    seen = []
    trained = autoencoders.train_autoencoders

    def watched(pictures: Any, *given: Any) -> Any:
        seen.extend(picture.shape for picture in pictures)
        return trained(pictures, *given)

    monkeypatch.setattr(autoencoders, "train_autoencoders", watched)
    path = tmp_path / "a.toml"
    path.write_text(AUTOENCODERS.format(folder=data, out=out))
    run.train(path)
    assert seen == [(80, 90, 3)]
    assert (out / "upsampling_tiny.npz").is_file()


def test_what_is_wrong_with_autoencoders_is_said_before_pictures_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "read_manifest", lambda _: pytest.fail("pictures were read"))
    path = tmp_path / "a.toml"
    path.write_text('kind = "autoencoders"\nout = "x"\n')
    with pytest.raises(ConfigError, match=r"a\.toml"):
        run.train(path)


def test_a_run_of_a_network_is_handed_over_with_its_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.training import classify

    handed: list[tuple[Path, bool]] = []
    monkeypatch.setattr(classify, "train_from_file", lambda *given: handed.append(given))
    path = tmp_path / "a.toml"
    path.write_text('kind = "net"\n')
    run.train(path)
    run.train(path, resume=True)
    assert handed == [(path, False), (path, True)]
