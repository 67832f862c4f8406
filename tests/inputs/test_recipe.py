from __future__ import annotations

from dataclasses import dataclass

from assay.inputs.face import FaceInput
from assay.inputs.recipe import fingerprint_of


@dataclass(frozen=True)
class Inner:
    rate_hz: int = 16000


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    length_s: float = 4.0


def test_any_field_changes_it_inner_ones_too() -> None:
    found = {fingerprint_of(Outer(Inner(r), s)) for r in (8000, 16000) for s in (4.0, 5.0)}
    assert len(found) == 4
    assert fingerprint_of(Outer()) == fingerprint_of(Outer())


def test_it_has_as_many_digits_as_asked() -> None:
    assert len(fingerprint_of(Outer())) == 12
    assert fingerprint_of(Outer(), 16).startswith(fingerprint_of(Outer()))


def test_shipped_bundles_hold_it_so_it_never_changes() -> None:
    recipe = FaceInput(size_px=224, scale=1.25)
    assert fingerprint_of(recipe) == recipe.fingerprint
    assert fingerprint_of(Inner()) == "1cf66417656e"
