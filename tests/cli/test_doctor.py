from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.bundles import bundle_names
from assay.cli import doctor
from assay.errors import DuplicateDetectorError

from .conftest import Answer

Assay = Callable[..., Answer]


@pytest.fixture
def no_detectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the detectors and the bundles they need out of what the doctor looks at."""
    monkeypatch.setattr(doctor, "_detectors", lambda: ([], None))


def findings(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.out)
    return found


def test_a_whole_installation(
    assay: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assay.toml").write_text("frames = 5\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_THREADS", "1")
    answer = assay("doctor", "--json")
    settings = {one["name"]: one for one in findings(answer)["settings"]}
    assert settings["frames"]["value"] == 5
    assert settings["frames"]["source"].endswith("assay.toml")
    assert settings["threads"]["source"] == "environment ASSAY_THREADS"
    assert settings["max_faces"]["source"] == "default"
    if "synthetic_picture" not in bundle_names():
        pytest.skip("the bundle synthetic_picture is not installed: the doctor is right to say so")
    assert findings(answer)["broken"] == []
    assert {one["state"] for one in findings(answer)["bundles"]} == {"ok"}
    assert answer.code == 0
    table = assay("doctor").out
    for text in ("onnxruntime", "pillow", "environment ASSAY_THREADS", "in order"):
        assert text in table


@pytest.mark.usefixtures("no_detectors")
def test_a_wrong_setting_is_exit_code_2(assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_FRAMES", "many")
    answer = assay("doctor", "--json")
    assert answer.code == 2
    assert "environment ASSAY_FRAMES" in findings(answer)["settings_problem"]
    assert "ASSAY_FRAMES" in assay("doctor").out


@pytest.mark.usefixtures("no_detectors")
def test_a_library_that_is_missing_or_torn_is_exit_code_4(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(doctor.LIBRARIES, "no-such-distribution", "x")
    monkeypatch.setitem(doctor.LIBRARIES, "rich", "rich.no_such_module")
    answer = assay("doctor", "--json")
    assert answer.code == 4
    first, second = findings(answer)["broken"]
    assert "rich" in first
    assert "no-such-distribution is not installed" in second


def test_a_detector_without_its_bundle_is_exit_code_4(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    lonely = {"name": "lonely", "version": "1", "bundle": "nowhere"}
    monkeypatch.setattr(doctor, "_detectors", lambda: ([lonely], None))
    answer = assay("doctor", "--json")
    assert answer.code == 4
    states = {one["name"]: one["state"] for one in findings(answer)["bundles"]}
    assert states["nowhere"] == "bundle_missing"


def test_detectors_that_cannot_be_loaded_are_exit_code_4(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    import assay.detectors as room

    for error in (DuplicateDetectorError("Two of them."), SyntaxError("torn file")):

        def discover(error: Exception = error) -> Any:
            raise error

        monkeypatch.setattr(room, "discover", discover)
        answer = assay("doctor", "--json")
        assert answer.code == 4
        assert str(error) in findings(answer)["broken"][0]


@pytest.mark.usefixtures("no_detectors")
def test_a_network_that_does_not_open_is_exit_code_4(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    import assay.bundles as room

    def open_network(name: str) -> Any:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(room, "open_network", open_network)
    answer = assay("doctor", "--json")
    assert answer.code == 4
    assert {one["state"] for one in findings(answer)["bundles"]} == {"unusable"}
