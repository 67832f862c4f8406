"""What every network that is found by walking keeps to: one made later is tested by being there."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from assay.bundles.aggregation import Aggregation  # noqa: E402
from assay.inputs.face import FaceInput  # noqa: E402
from assay.inputs.patch import PatchInput  # noqa: E402
from assay.inputs.waveform import WaveformInput  # noqa: E402
from assay.training.augment import CHAINS  # noqa: E402
from assay.training.net_bundle import write_bundle  # noqa: E402
from assay.training.nets import discover  # noqa: E402
from assay.training.nets.spec import NetSpec  # noqa: E402

NETS = discover()
# Those that look at clips have a test of their own: each has an input of its own shape.
STILL = sorted(name for name, spec in NETS.items() if spec.kind != "clip")
# What their papers, or others' counts of the public code, say: millions, and how exactly.
MILLIONS = {
    "aasist": (0.297866, 0.0),
    "aasist_l": (0.085306, 0.0),
    "cross_efficient_vit": (101.378, 0.0005),
    "efficient_vit": (109, 0.5),
    "efficientnet_b4": (17.550, 0.0005),
    "efficientnet_b4_att": (17.550, 0.0005),
    "efficientnet_b4_st": (17.556, 0.0005),
    "efficientnet_b4_att_st": (17.556, 0.0005),
    "meso4": (0.027977, 0.0),
    "mesoinception4": (0.028615, 0.0),
    "rawnet2": (25.43, 0.005),
    "xception": (20.811, 0.0005),
}
GIGA_MACS = {
    "aasist": 9.56,
    "aasist_l": 6.60,
    "cross_efficient_vit": 0.59,
    "efficientnet_b4": 1.50,
    "efficientnet_b4_att": 1.50,
    "xception": 8.36,
}
# Many seconds of one core each, and all but Xception have a smaller sister: of these only the
# parameters and operations are counted, unless `-m slow` (or `-m "slow or not slow"`) asks.
SLOW = (
    "aasist",
    "cross_efficient_vit",
    "efficientnet_b4_att",
    "efficientnet_b4_ensemble",
    "efficientnet_b4_st",
    "rawnet2",
    "xception",
)
# Parameters that the published checkpoints hold and the published code never uses.
NEVER_USED = {
    "aasist": r"blocks\.\d\.before\.",
    "aasist_l": r"blocks\.\d\.before\.",
    "rawnet2_baseline": r"blocks\.\d\.before\.",
    "efficient_vit": r"trunk\.classifier\.",
    "cross_efficient_vit": r"small\.trunk\.classifier\.|"
    r"large\.trunk\.(blocks\.[2-6]|conv_head|bn2|classifier)\.",
    "efficientnet_b4_st": r"extractor\.score\.",
    "efficientnet_b4_att_st": r"extractor\.score\.",
    "efficientnet_b4_ensemble": r"members\.efficientnet_b4(_att)?_st\.extractor\.score\.",
}


def built(spec: NetSpec) -> nn.Module:
    torch.manual_seed(0)
    return spec.build(**spec.arguments)


def inputs(spec: NetSpec, n: int, seconds: float | None = None) -> Tensor:
    """Made inputs of the recipe: the second half brighter, or louder and higher, than the first."""
    rng = np.random.default_rng(1)
    recipe, late = spec.recipe, np.arange(n) >= n // 2
    if isinstance(recipe, WaveformInput):
        m = recipe.n_samples if seconds is None else round(seconds * recipe.sample_rate_hz)
        sound = rng.normal(0, 0.1, (n, m)) * (1 + late[:, None])
        return torch.from_numpy(sound.astype(np.float32))
    assert isinstance(recipe, FaceInput | PatchInput)
    side = recipe.size_px
    faces = rng.integers(0, 128, (n, side, side, 3)) + 100 * late[:, None, None, None]
    return torch.from_numpy(faces.astype(np.uint8))


def outputs_of(net: nn.Module, given: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Logit, features and mask."""
    found = net(given)
    if isinstance(found, Tensor):
        return found, None, None
    return found.logit, found.pooled, found.mask


@pytest.fixture(
    scope="module",
    params=[pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in STILL],
)
def spec(request: pytest.FixtureRequest) -> NetSpec:
    require_asked(request.param, request.config)
    return NETS[request.param]


def require_asked(name: str, config: pytest.Config) -> None:
    if name in SLOW and "slow" not in config.getoption("markexpr"):
        pytest.skip("takes many seconds of a core: run with -m slow")


@pytest.fixture(scope="module")
def net(spec: NetSpec) -> Iterator[nn.Module]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield built(spec)
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", NETS)
def test_a_spec_tells_all_that_is_known(name: str) -> None:
    spec = NETS[name]
    assert spec.name == name == name.lower()
    assert spec.title
    assert spec.paper
    assert spec.licence
    assert spec.fit.augment in {"none", "flip", "icpr2020", "coccomini", "deepfakebench"}
    assert spec.fit.augment in CHAINS or spec.kind != "face"
    assert spec.fit.epochs > 0
    assert spec.fit.steps is None or spec.fit.steps > 0
    assert spec.n_frames > 0
    assert spec.max_faces > 0
    assert Aggregation.from_card(spec.aggregation.as_card()) == spec.aggregation
    assert (spec.published is None) <= (spec.checkpoint == "")
    assert (spec.checkpoint == "") <= (spec.checkpoint_licence == "")
    assert spec.source or spec.own or name == "simple_cnn"
    assert all(point and point == point.strip() for point in spec.differs)
    assert spec.recipe.fingerprint == type(spec.recipe)(**asdict(spec.recipe)).fingerprint


@pytest.mark.parametrize("name", sorted(NETS.keys() - {"simple_cnn"}))
def test_a_papers_bibtex_can_be_put_into_a_bibliography(name: str) -> None:
    text = NETS[name].bibtex
    assert re.match(r"@(inproceedings|article|misc)\{[\w:.-]+,\s", text), text
    depths = np.cumsum([{"{": 1, "}": -1}.get(sign, 0) for sign in text])
    assert depths.min() >= 0
    assert depths[-1] == 0
    assert (depths[text.index("{") : len(text.rstrip()) - 1] > 0).all()
    found = re.finditer(r"\b(\w+)\s*=\s*[{\"](.*?)[}\"]\s*(?=,|\}\s*$)", text, re.DOTALL)
    fields = {match[1]: match[2] for match in found if depths[match.start()] == 1}
    assert {"title", "author", "year"} <= fields.keys()
    assert re.fullmatch(r"(19|20)\d\d", fields["year"])


@pytest.mark.parametrize("name", NETS)
def test_it_has_the_parameters_and_costs_the_operations_that_it_says(name: str) -> None:
    spec = NETS[name]
    # There is no arithmetic on the meta device, but autocast does not know it.
    device = "cpu" if name == "voice_synthesis" else "meta"
    with torch.device(device):
        net = built(spec).eval().to(device)
    n = sum(part.numel() for part in net.parameters())
    assert n == spec.n_parameters
    if name in MILLIONS:
        assert abs(n / 1e6 - MILLIONS[name][0]) <= MILLIONS[name][1]
    if name not in STILL:
        return
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        net(inputs(spec, 1).to(device))
    assert counter.get_total_flops() // 2 == spec.n_macs
    if name in GIGA_MACS:
        assert round(spec.n_macs / 1e9, 2) == GIGA_MACS[name]


@torch.no_grad()
def test_what_its_recipe_cuts_goes_in_and_one_logit_each_comes_out(
    spec: NetSpec, net: nn.Module
) -> None:
    given = inputs(spec, 2)
    logit, pooled, mask = outputs_of(net.eval(), given)
    assert logit.shape == (2,)
    assert logit.dtype == torch.float32
    assert torch.isfinite(logit).all()
    assert float(logit[0]) != float(logit[1])
    assert pooled is None or (pooled.ndim == 2 and len(pooled) == 2)
    assert mask is None or (mask.ndim == 3 and torch.isfinite(mask).all())
    if spec.n_macs > 2e9:  # the bundle of it is asked for one and for three as well
        return
    alone, _, _ = outputs_of(net, given[1:])
    assert math.isclose(float(alone[0]), float(logit[1]), rel_tol=1e-4, abs_tol=1e-5)


def test_the_score_teaches_every_parameter_that_is_used(spec: NetSpec, net: nn.Module) -> None:
    given = inputs(spec, 2, seconds=0.5)
    net.zero_grad(set_to_none=True)
    logit, pooled, mask = outputs_of(net.train(), given)
    total = (logit * torch.tensor([1.0, -2.0])).sum()
    if "_st" in spec.name or "ensemble" in spec.name:  # features learn from triplets instead
        assert pooled is not None
        total = total + pooled.square().sum()
    if spec.own and mask is not None:  # a head of its own draws it
        total = total + mask.square().sum()
    total.backward()
    idle = {name for name, part in net.named_parameters() if part.grad is None}
    unused = re.compile(NEVER_USED.get(spec.name, r"(?!)"))
    wanted = {name for name, _ in net.named_parameters() if unused.match(name)}
    assert idle == wanted
    net.zero_grad(set_to_none=True)


def test_it_becomes_a_bundle_that_answers_alike(
    spec: NetSpec, net: nn.Module, tmp_path: Path
) -> None:
    if spec.name.endswith("vit"):
        settled(net, inputs(spec, 4))
    folder = write_bundle(
        spec,
        net,
        tmp_path / "bundle",
        facts={"seed": 0, "data_hash": "made"},
        calibration=None,
        operating_points=[],
        trained_on=[],
        examples=inputs(spec, 1).numpy(),
    )
    assert (folder / "network.onnx").stat().st_size > 2 * (spec.n_parameters - unread(net, spec))


def settled(net: nn.Module, given: Tensor) -> nn.Module:
    """The network with norms that have seen something, as after training: fresh ones, fed with 0
    to 255 as these papers do, hand on values of hundreds, and rounding grows with them."""
    given[1] = 0  # a black picture, a silence: the comparison asks for one
    given[2] = given[2] // 8 + 100 if given.dtype == torch.uint8 else given[2] / 1000
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    paces = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    with torch.no_grad():
        net.train()(given)
    for norm, pace in zip(norms, paces, strict=True):
        norm.momentum = pace
    return net.eval()


def unread(net: nn.Module, spec: NetSpec) -> int:
    """Parameters that the exported graph has no use for."""
    unused = re.compile(NEVER_USED.get(spec.name, r"(?!)"))
    return sum(part.numel() for name, part in net.named_parameters() if unused.match(name))


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in STILL]
)
def test_a_few_steps_on_a_few_inputs_lower_the_loss(name: str, pytestconfig: pytest.Config) -> None:
    require_asked(name, pytestconfig)
    spec = NETS[name]
    net = built(spec).train()
    small = spec.n_macs < 2e8
    n, steps = (8, 8) if small else (4, 3)
    given = inputs(spec, n, seconds=0.5)
    fake = (torch.arange(n) >= n // 2).float()
    used = [part for part in net.parameters() if part.requires_grad]
    optimiser = torch.optim.Adam(used, lr=1e-3)
    losses = []
    for _ in range(steps + 1):
        torch.manual_seed(3)  # the same parts dropped each time: only the weights change
        logit, _, _ = outputs_of(net, given)
        loss = nn.functional.binary_cross_entropy_with_logits(logit, fake)
        losses.append(float(loss.detach()))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.95 * losses[0], losses
