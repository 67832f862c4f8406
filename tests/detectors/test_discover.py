from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import assay.detectors as room
from assay.errors import BrokenDetectorError, DuplicateDetectorError


def entry(load: Any) -> SimpleNamespace:
    return SimpleNamespace(value="other_package:Thing", load=load)


def added(monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    monkeypatch.setattr(room, "entry_points", lambda group: [entry(load)])


def test_another_packages_detector_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    added(monkeypatch, lambda: SimpleNamespace(name="aaa_theirs"))
    assert next(iter(room.discover())) == "aaa_theirs"


def test_two_of_one_name_name_both_places(monkeypatch: pytest.MonkeyPatch) -> None:
    added(monkeypatch, lambda: SimpleNamespace(name="metadata"))
    with pytest.raises(DuplicateDetectorError, match=r"metadata\.py and other_package:Thing"):
        room.discover()


def raising() -> None:
    raise ImportError("no module\nnamed torch")


@pytest.mark.parametrize("load", [raising, lambda: SimpleNamespace(), lambda: None])
def test_one_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    added(monkeypatch, load)
    with pytest.raises(
        BrokenDetectorError, match=r"other_package:Thing .*cannot be loaded"
    ) as told:
        room.discover()
    assert told.value.exit_code == 4
    assert "\n" not in str(told.value)
