"""Train the small autoencoders whose decoders' traces `upsampling_reconstruction` leaves.

`python -m assay.training.autoencoders --pictures FOLDER --out FOLDER --minutes-total 4`, or
`train_from_config`. Needs torch, timm and Pillow; no video or metadata library.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
import tomllib
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor, nn

from assay.errors import AssayError, ConfigError
from assay.training.autoencoder_losses import Features, PatchCritic, balanced, critic_loss
from assay.training.forgeries.reconstruction import through
from assay.training.forgeries.upsampling import Kind, UpsamplingAutoencoder, save_trained
from assay.training.picture_crops import Crops, pictures_of
from assay.types import Array

REPORT = "autoencoders.jsonl"
HELD_OUT, LOG_EVERY_S, LOOK_EVERY, RAMP = 48, 10.0, 50, 0.15
Log = Callable[[str], None]


def print_now(line: str) -> None:
    """Print a line at once, whatever standard output is."""
    print(line, flush=True)


@dataclass(frozen=True, slots=True)
class Variant:
    """One network to train: its shape, its seed, and the weights of its losses.

    `adversarial` is the share of the gradient that the critic gives in the last two thirds;
    0 trains without one.
    """

    name: str
    kind: Kind
    factor: int = 8
    latent: int = 16
    width: int = 32
    seed: int = 0
    perceptual: float = 0.1
    adversarial: float = 0.4
    divergence: float = 1e-4


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast: `steps`, or `minutes_total` over all variants, what comes first."""

    steps: int = 100_000
    minutes_total: float = 4.0
    batch: int = 32
    crop_px: tuple[int, ...] = (128, 160, 192)
    learning_rate: float = 1e-3
    warmup: int = 50
    device: str = "auto"


# Two of each kind; factor, latents and losses differ, as they do between generators.
VARIANTS: tuple[Variant, ...] = (
    Variant("transposed-f8", "transposed", 8, 16, seed=1),
    Variant("nearest-f8", "nearest", 8, 16, seed=2),
    Variant("bilinear-f8", "bilinear", 8, 12, seed=3),
    Variant("pixel_shuffle-f8", "pixel_shuffle", 8, 16, seed=4),
    Variant("transposed-f4", "transposed", 4, 8, seed=5, adversarial=0.0),
    Variant("nearest-f4", "nearest", 4, 4, seed=6),
    Variant("bilinear-f4", "bilinear", 4, 4, seed=7, perceptual=0.0, adversarial=0.0),
    Variant("pixel_shuffle-f4", "pixel_shuffle", 4, 8, seed=8, adversarial=0.6),
)


@dataclass
class Training:
    """One network under training, with its critic."""

    variant: Variant
    plan: Plan
    crops: Crops
    features: nn.Module | None
    seconds: float
    log: Log = print_now
    step: int = 0
    numbers: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build the networks and their optimisers."""
        v, self.device = self.variant, self.crops.flat.device
        net = UpsamplingAutoencoder(v.kind, v.factor, v.latent, v.width, v.seed)
        self.net: UpsamplingAutoencoder = _placed(net, self.device)
        torch.manual_seed(v.seed)
        self.critic = _placed(PatchCritic(), self.device)
        rate, fused = self.plan.learning_rate, self.device.type == "cuda"
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), rate, (0.9, 0.99), weight_decay=1e-4, fused=fused
        )
        self.critic_optimiser = torch.optim.AdamW(
            self.critic.parameters(), rate / 2, (0.5, 0.9), weight_decay=1e-4, fused=fused
        )
        self.started = time.monotonic()

    @property
    def progress(self) -> float:
        """0 at the start, 1 at the end, by steps or by time."""
        return max(self.step / self.plan.steps, (time.monotonic() - self.started) / self.seconds)

    def run(self) -> UpsamplingAutoencoder:
        """Train to the end. Raises FloatingPointError where the loss is no number any more."""
        logged = self.started
        while (progress := self.progress) < 1:
            self._one_step(progress)
            self.step += 1
            if self.step % LOOK_EVERY == 0 or self.step == 1:
                numbers = {name: value.item() for name, value in self.numbers.items()}
                if not all(map(math.isfinite, numbers.values())):
                    raise FloatingPointError(f"At step {self.step} the losses are {numbers}.")
                if time.monotonic() - logged > LOG_EVERY_S or self.step == 1:
                    logged = time.monotonic()
                    shown = " ".join(f"{name}={value:.4f}" for name, value in numbers.items())
                    self.log(f"{self.variant.name}: step {self.step} ({progress:.0%}) {shown}")
        return self.net

    def _one_step(self, progress: float) -> None:
        rate = self.plan.learning_rate * min(1.0, (self.step + 1) / self.plan.warmup)
        rate *= 0.5 * (1 + math.cos(math.pi * progress))
        _set_rate(self.optimiser, rate)
        _set_rate(self.critic_optimiser, rate / 2)
        side = self.plan.crop_px[self.step % len(self.plan.crop_px)]
        pictures = self.crops.random(self.plan.batch, side)
        with self._fast():
            mean, log_variance = self.net.encode(pictures)
            noise = torch.randn_like(mean) * (0.5 * log_variance).exp()
            made = self.net.decode(mean + noise)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        gradient = self._gradient(pictures, made, share=self._share(progress))
        self.optimiser.zero_grad(set_to_none=True)
        weighted = self.variant.divergence * divergence.mean()
        torch.autograd.backward(  # type: ignore[no-untyped-call,unused-ignore]
            [made, weighted], [gradient, torch.ones_like(weighted)]
        )
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()

    def _share(self, progress: float) -> float:
        """The critic's share: none in the first third, then slowly all that the variant gives."""
        return self.variant.adversarial * min(1.0, max(0.0, (progress - 1 / 3) / RAMP))

    def _gradient(self, pictures: Tensor, drawn: Tensor, share: float) -> Tensor:
        """The losses' gradient with respect to the pictures drawn; trains the critic beside it."""
        made = drawn.detach().requires_grad_()
        off = (made - pictures).abs().mean()
        self.numbers = {"l1": off.detach()}
        wanted = off
        if self.features is not None and self.variant.perceptual > 0:
            with self._fast():
                distance = self.features(made, pictures)
            wanted = wanted + self.variant.perceptual * distance
            self.numbers["perceptual"] = distance.detach()
        (gradient,) = torch.autograd.grad(wanted, made)
        if share <= 0:
            return gradient
        self.critic.requires_grad_(False)
        with self._fast():
            fooled = self.critic(made)
        (against,) = torch.autograd.grad(-fooled.mean(), made)
        self.critic.requires_grad_(True)
        self._train_critic(pictures, made.detach())
        return balanced(gradient, against, drawn, self.net.last.weight, share)

    def _train_critic(self, pictures: Tensor, made: Tensor) -> None:
        with self._fast():
            genuine, forged = self.critic(torch.cat([pictures, made])).chunk(2)
        loss = critic_loss(genuine, forged)
        self.critic_optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
        self.critic_optimiser.step()
        self.numbers["critic"] = loss.detach()

    def _fast(self) -> torch.autocast:
        enabled = self.device.type == "cuda"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)


def _placed(net: Any, device: torch.device) -> Any:
    return net.to(device).to(memory_format=torch.channels_last)


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def psnr(net: UpsamplingAutoencoder, pictures: Tensor, batch: int = 16) -> float:
    """Mean peak signal-to-noise ratio in dB of `pictures` (n, 3, h, w) in [0, 1], each by itself,
    after rounding to 8 bits."""
    ratios: list[Tensor] = []
    for part in torch.split(pictures, batch):
        made = (through(net, net.factor, part) * 255).round() / 255
        error = (made - part).square().mean(dim=(1, 2, 3)).clamp_min(1e-10)
        ratios.append(-10 * torch.log10(error))
    return float(torch.cat(ratios).mean())


def train_autoencoders(
    pictures: Sequence[Array],
    variants: Iterable[Variant],
    plan: Plan,
    out_folder: Path,
    log: Log = print_now,
) -> list[dict[str, Any]]:
    """Train each variant on crops of `pictures` ((h, w, 3) uint8, any sizes); write its weights
    into `out_folder` and a line of facts into autoencoders.jsonl; give the facts.

    A variant that fails is reported (`error`) and the others go on. Raises ConfigError where there
    are no pictures or no such device.
    """
    device = chosen_device(plan.device)
    began, wanted = time.monotonic(), list(variants)
    held_out, training = split(pictures)
    crops, checks = Crops(training, device), Crops(held_out, device)
    middles = checks.middles(HELD_OUT, max(plan.crop_px))
    features = load_features(wanted, device, log)
    out_folder.mkdir(parents=True, exist_ok=True)
    reports = []
    for number, variant in enumerate(wanted):
        left = 60 * plan.minutes_total - (time.monotonic() - began)
        seconds = max(0.1, left / (len(wanted) - number))
        try:
            training_run = Training(variant, plan, crops, features, seconds, log)
            report = _one(training_run, middles, out_folder)
        except Exception as error:
            log(traceback.format_exc())
            report = {"name": variant.name, "error": f"{type(error).__name__}: {error}"}
        with (out_folder / REPORT).open("a", encoding="utf-8") as file:
            file.write(json.dumps(report) + "\n")
        log(json.dumps(report))
        reports.append(report)
    return reports


def _one(training: Training, middles: Tensor, out_folder: Path) -> dict[str, Any]:
    before = psnr(training.net.eval(), middles)
    net = training.run().eval()
    facts = {
        **asdict(training.variant),
        "perceptual_used": training.features is not None and training.variant.perceptual > 0,
        "parameters": sum(p.numel() for p in net.parameters()),
        "steps": training.step,
        "seconds": round(time.monotonic() - training.started, 1),
        "psnr_untrained": round(before, 2),
        "psnr_held_out": round(psnr(net, middles), 2),
        "n_held_out": len(middles),
        "losses": {name: round(value.item(), 5) for name, value in training.numbers.items()},
    }
    save_trained(net, training.variant.name, out_folder, facts)
    return facts


def split(pictures: Sequence[Array]) -> tuple[list[Array], list[Array]]:
    """Pictures to check on (every nth, 48 at most, a tenth at most) and pictures to train on."""
    if not pictures:
        raise ConfigError("There are no pictures to train on.")
    if len(pictures) == 1:
        return list(pictures), list(pictures)
    every = max(2, len(pictures) // HELD_OUT, min(10, len(pictures)))
    training = [p for i, p in enumerate(pictures) if i % every]
    return list(pictures[::every]), training


def load_features(variants: Sequence[Variant], device: torch.device, log: Log) -> nn.Module | None:
    """The perceptual loss; None where unwanted, or (logged) where a package is missing."""
    if not any(variant.perceptual > 0 for variant in variants):
        return None
    try:
        net: nn.Module = _placed(Features(), device)
    except ImportError as error:
        log(f"WARNING: no perceptual loss, {error.name or error} is not installed")
        return None
    return net


def chosen_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one. Raises ConfigError for a device that is not there."""
    cuda = torch.cuda.is_available()
    if name == "auto":
        name = "cuda" if cuda else "cpu"
    if name.startswith("cuda") and not cuda:
        raise ConfigError("There is no CUDA device.", remedy="Use device auto or cpu.")
    if name.startswith("cuda"):
        torch.backends.cudnn.benchmark = True
    return torch.device(name)


def train_from_config(
    path: Path, pictures: Sequence[Array], out_folder: Path | None = None, log: Log = print_now
) -> list[dict[str, Any]]:
    """Train the variants of a configuration file (see configs/autoencoders.toml). Raises
    ConfigError naming what is wrong with the file."""
    plan, variants, folder = read_config(path)
    return train_autoencoders(pictures, variants, plan, out_folder or folder, log)


def read_config(path: Path) -> tuple[Plan, tuple[Variant, ...], Path]:
    """The plan, the variants and the folder for the weights. Raises ConfigError."""
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        variants = tuple(Variant(**row) for row in raw["variant"])
        plan = Plan(**{**raw["plan"], "crop_px": tuple(raw["plan"]["crop_px"])})
        folder = Path(raw["out"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no usable configuration: {error!r}.") from error
    names = [variant.name for variant in variants]
    unknown = {variant.kind for variant in variants} - set(get_args(Kind))
    if unknown or not names or len(set(names)) != len(names):
        raise ConfigError(f"{path}: unknown kinds {sorted(unknown)}, or names used twice: {names}.")
    return plan, variants, folder


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives 1 where a variant failed."""
    asked = _parser().parse_args(arguments)
    plan, variants = Plan(), tuple(VARIANTS)
    if asked.config:
        plan, variants, _ = read_config(asked.config)
    plan = replace(plan, minutes_total=asked.minutes_total, device=asked.device)
    if asked.steps:
        plan = replace(plan, steps=asked.steps)
    if asked.only:
        variants = tuple(v for v in variants if v.name in asked.only.split(","))
    if asked.processes > 1:
        return _in_processes(asked, [v.name for v in variants])
    began = time.monotonic()
    pictures = pictures_of(asked.pictures, asked.max_pictures)
    print_now(f"{len(pictures)} pictures read in {time.monotonic() - began:.1f} s")
    plan = replace(plan, minutes_total=plan.minutes_total - (time.monotonic() - began) / 60)
    reports = train_autoencoders(pictures, variants, plan, asked.out)
    return int(any("error" in report for report in reports))


def _in_processes(asked: argparse.Namespace, names: list[str]) -> int:
    """The same command for a share of the variants each, side by side: one small network does not
    fill a large GPU."""
    command = [sys.executable, "-m", "assay.training.autoencoders", "--processes", "1"]
    for key in ("pictures", "out", "minutes_total", "device", "steps", "max_pictures", "config"):
        value = getattr(asked, key)
        if value:
            command += ["--" + key.replace("_", "-"), str(value)]
    count = min(asked.processes, len(names))
    shares = [names[i::count] for i in range(count)]
    started = [subprocess.Popen([*command, "--only", ",".join(share)]) for share in shares]
    return max(process.wait() for process in started)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assay.training.autoencoders")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of JPEG and PNG files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    parser.add_argument("--minutes-total", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=0, help="at most so many for each network")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--config", type=Path, help="variants of a file; otherwise the built-in")
    parser.add_argument("--only", default="", help="names of variants, separated by commas")
    parser.add_argument("--processes", type=int, default=1, help="train so many side by side")
    parser.add_argument("--max-pictures", type=int, default=4000)
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AssayError as error:
        print_now(error.as_text())
        sys.exit(error.exit_code)
