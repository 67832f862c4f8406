from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("cv2", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from pathlib import Path  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.training.datasets.spliced_clips_plan import (  # noqa: E402
    Source,
    products,
    read_config,
    sources,
)
from tests.training.clip_makers import write_clip  # noqa: E402
from tests.training.makers import write_manifest  # noqa: E402

TEXT = """
seed = 3
folders = ["{folder}"]
methods = ["talk"]
test = ["bob"]
seconds = 1.0
margin_s = 0.3
least_face_px = 30.0
least_rms = 0.001
span_s = [0.2, 0.4]
shift_s = [0.1, 0.2]
[draws]
real = 2
sound_span = 2
shifted_sound = 1
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    rows = [
        {"path": f"{name}.mp4", "modality": "video", "method": method, "identity": name}
        for name, method in (("ann", "talk"), ("bob", "talk"), ("cat", "song"), ("gone", "talk"))
    ]
    write_manifest(folder, rows)
    for name, seconds in (("ann", 2.8), ("bob", 1.6), ("cat", 1.6)):
        write_clip(folder / f"{name}.mp4", seconds, seed=len(name), fake=False)
    path = tmp_path / "spliced.toml"
    path.write_text(TEXT.format(folder=folder))
    return path


def test_stretches_lie_between_the_margins_one_behind_the_other(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sources(read_config(config))
    assert [(s.identity, s.split, round(s.start_s, 2)) for s in found] == [
        ("bob", "test", 0.3),
        ("ann", "train", 0.3),
        ("ann", "train", 1.5),
    ]
    assert "gone.mp4 is left out" in capsys.readouterr().err


def test_each_draw_has_its_genuine_twin(config: Path) -> None:
    read = read_config(config)
    names = [p.stem.rpartition("/")[2] for p in products(sources(read)[0], read)]
    assert names == ["real-0", "sound_span-0", "shifted_sound-0", "real-1", "sound_span-1"]


def test_more_people_change_no_clip_and_other_settings_do(config: Path) -> None:
    before = read_config(config)
    config.write_text(config.read_text().replace('test = ["bob"]', 'test = ["ann"]'))
    assert read_config(config).fingerprint == before.fingerprint
    config.write_text(config.read_text().replace("seed = 3", "seed = 4"))
    assert read_config(config).fingerprint != before.fingerprint


def test_a_name_becomes_a_safe_path() -> None:
    source = Source(Path("x"), "a/../b c\n.mp4", "p", "train", "", "0123456789", 0.4)
    assert source.stem == "train/b-c-012345-0040"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("real = 2", "real = 1"),
        ("real = 2", "song = 2"),
        ("span_s = [0.2, 0.4]", "span_s = [0.4, 0.2]"),
        ("shift_s = [0.1, 0.2]", "shift_s = [0.1, 0.9]"),
        ("seconds = 1.0", "seconds = 100"),
        ("seed = 3", "seed = -1"),
        ("seed = 3", "speed = 3"),
        ("seed = 3", "seed = ["),
    ],
)
def test_a_configuration_of_no_use_is_refused(config: Path, old: str, new: str) -> None:
    config.write_text(config.read_text().replace(old, new))
    with pytest.raises(ConfigError):
        read_config(config)


def test_without_genuine_clips_there_is_nothing_to_splice(config: Path) -> None:
    config.write_text(config.read_text().replace('methods = ["talk"]', 'methods = ["none"]'))
    with pytest.raises(ConfigError, match="no genuine video"):
        sources(read_config(config))
