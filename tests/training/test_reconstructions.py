from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("cv2", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training import reconstructions  # noqa: E402
from assay.training.reconstructions import (  # noqa: E402
    PAD_PX,
    SIDES_PX,
    Decoders,
    reconstructed_pictures,
    with_reconstructions,
)
from assay.types import Array  # noqa: E402
from tests.training.makers import make_picture, make_view  # noqa: E402


class Dimmer:
    """In place of networks: one halves each pixel, the other takes a third of it."""

    named = ("half", "third/small")

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def draw(self, rng: np.random.Generator) -> str:
        return self.named[int(rng.integers(2))]

    def __call__(self, name: str, pictures: Sequence[Array]) -> list[Array]:
        self.sizes += [picture.shape for picture in pictures]
        assert len({picture.shape for picture in pictures}) == 1
        return [picture // (2 if name == "half" else 3) for picture in pictures]


def test_a_forgery_and_its_twin_differ_by_the_decoder_alone(tmp_path: Path) -> None:
    pictures = [make_picture(n, side=side) for n, side in enumerate((200, 260, 600, 300))]
    made = reconstructed_pictures(pictures, Dimmer(), 3, tmp_path)  # type: ignore[arg-type]
    assert len(made) == 12
    for forgery in made:
        assert forgery.fake
        assert forgery.twin is not None
        factor = {"half": 2, "third": 3}[forgery.method]
        assert np.array_equal(forgery.rgb, forgery.twin // factor)
        assert forgery.rgb.shape[0] == forgery.rgb.shape[1]
        assert forgery.rgb.shape[0] in SIDES_PX
    assert {p.method for p in made} == {"half", "third"}
    by_source = {p.source_path: p.group for p in pictures}
    assert all(by_source[p.source_path] == p.group for p in made)


def test_the_twin_is_a_part_of_the_picture(tmp_path: Path) -> None:
    picture = make_picture(side=260)
    made = reconstructed_pictures([picture], Dimmer(), 24, tmp_path)  # type: ignore[arg-type]
    whole = np.asarray(picture.rgb)
    found = 0
    for twin in (p.twin for p in made if p.twin is not None):
        side = twin.shape[0]
        places = np.argwhere((whole == twin[0, 0]).all(axis=2))
        found += any(np.array_equal(whole[y : y + side, x : x + side], twin) for y, x in places)
    assert 1 <= found < 24  # some are cut as they are, the others were shrunk before


def test_the_same_seed_makes_the_same_forgeries_in_any_company(tmp_path: Path) -> None:
    pictures = [make_picture(n, side=230) for n in range(3)]
    alone = reconstructed_pictures(pictures[1:2], Dimmer(), 2, tmp_path / "a")  # type: ignore[arg-type]
    together = reconstructed_pictures(pictures, Dimmer(), 2, tmp_path / "b")  # type: ignore[arg-type]
    elsewhere = [replace(pictures[1], source_path="/another/place.png")]
    moved = reconstructed_pictures(elsewhere, Dimmer(), 2, tmp_path / "c")  # type: ignore[arg-type]
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(alone, moved, strict=True))
    of_it = [p for p in together if p.source_path == "1.png"]
    assert len(alone) == len(of_it) == 2
    for one in alone:
        assert any(np.array_equal(one.rgb, other.rgb) for other in of_it)
    other = reconstructed_pictures(pictures[1:2], Dimmer(), 2, tmp_path / "a", 1)  # type: ignore[arg-type]
    assert not any(
        a.rgb.shape == b.rgb.shape and np.array_equal(a.rgb, b.rgb)
        for a, b in zip(alone, other, strict=True)
    )


def test_pictures_too_small_for_a_decoder_are_left_out(tmp_path: Path) -> None:
    assert reconstructed_pictures([make_picture(side=150)], Dimmer(), 2, tmp_path) == []  # type: ignore[arg-type]


def test_pictures_kept_before_are_not_decoded_again(tmp_path: Path) -> None:
    pictures = [make_picture(n, side=230) for n in range(3)]
    first = reconstructed_pictures(pictures, Dimmer(), 2, tmp_path)  # type: ignore[arg-type]
    kept = sorted(tmp_path.iterdir())
    kept[0].unlink()
    dimmer = Dimmer()
    again = reconstructed_pictures(pictures, dimmer, 2, tmp_path)  # type: ignore[arg-type]
    assert len(dimmer.sizes) == 1  # what was lost, alone
    assert sorted(tmp_path.iterdir()) == kept
    for old, new in zip(first, again, strict=True):
        assert np.array_equal(old.rgb, new.rgb)


def test_faces_are_decoded_in_blocks_and_cut_back(tmp_path: Path) -> None:
    dimmer = Dimmer()
    views = [make_view("a", 1), make_view("b", 2), make_view("c", 3, twin=True)]
    found = with_reconstructions(views, dimmer, 3, tmp_path / "kept")  # type: ignore[arg-type]
    assert [len(view.reconstructions) for view in found] == [3, 3, 0]
    assert all(side % PAD_PX == 0 for shape in dimmer.sizes for side in shape[:2])
    for view in found[:2]:
        for decoded in view.reconstructions:
            assert decoded.shape == view.rgb.shape
            # Aligned, once the decoder's dimming is taken back: closer than when slipped by 6 px.
            factor = view.rgb.mean() / decoded.mean()
            assert factor == pytest.approx(2.0, abs=0.1) or factor == pytest.approx(3.0, abs=0.15)
            again = np.asarray(decoded) * factor
            error, slipped = (
                np.abs(np.roll(again, shift, axis=1) - view.rgb)[:, 10:-10].mean()
                for shift in (0, 6)
            )
            assert error < 0.7 * slipped


def test_faces_kept_before_are_not_decoded_again(tmp_path: Path) -> None:
    views = [make_view("a", 1), make_view("b", 2)]
    first = with_reconstructions(views, Dimmer(), 2, tmp_path)  # type: ignore[arg-type]
    idle = Dimmer()
    again = with_reconstructions(views[::-1], idle, 2, tmp_path)[::-1]  # type: ignore[arg-type]
    assert idle.sizes == []
    for old, new in zip(first, again, strict=True):
        assert all(map(np.array_equal, old.reconstructions, new.reconstructions))


def test_a_share_of_the_faces_is_chosen_by_content(tmp_path: Path) -> None:
    views = [make_view(f"p{n}", n) for n in range(24)]
    for share, least, most in ((0.0, 0, 0), (0.5, 6, 18), (1.0, 24, 24)):
        found = with_reconstructions(views, Dimmer(), 1, tmp_path, share)  # type: ignore[arg-type]
        assert least <= sum(bool(view.reconstructions) for view in found) <= most


@pytest.fixture
def decoders(monkeypatch: pytest.MonkeyPatch) -> Decoders:
    monkeypatch.setattr(reconstructions.vae, "load_vae", lambda device: None)
    monkeypatch.setattr(reconstructions.vae, "reconstruct", lambda net, x: 1.2 * x)
    monkeypatch.setattr(reconstructions.upsampling, "packaged", lambda: ("a", "b", "c"))
    monkeypatch.setattr(reconstructions.upsampling, "load_packaged", lambda name, device: name)
    factors: dict[str, Any] = {"a": 0.5, "b": 0.25, "c": 0.0}
    monkeypatch.setattr(reconstructions.upsampling, "reconstruct", lambda n, x: x * factors[n])
    return Decoders(torch.device("cpu"))


def test_each_decoder_gives_pictures_of_eight_bits(decoders: Decoders) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (16, 24, 3)).astype(np.uint8)
    (brighter,) = decoders("vae_reconstruction", [picture])
    assert brighter.dtype == np.uint8
    assert np.array_equal(brighter, np.minimum(np.floor(picture * 1.2 + 0.5), 255))
    halves = decoders("upsampling_reconstruction/a", [picture, picture[::-1]])
    assert np.array_equal(halves[1], np.floor(picture[::-1] / 2 + 0.5))


def test_the_packaged_decoders_together_are_drawn_as_often_as_the_other(decoders: Decoders) -> None:
    rng = np.random.default_rng(0)
    drawn = [decoders.draw(rng) for _ in range(600)]
    assert drawn.count("vae_reconstruction") == pytest.approx(300, abs=50)
    for name in "abc":
        assert drawn.count(f"upsampling_reconstruction/{name}") == pytest.approx(100, abs=35)
