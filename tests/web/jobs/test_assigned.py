from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ConfigError
from assay.web.jobs import assigned
from assay.web.jobs.assigned import job_of
from assay.web.service import Service
from tests.web.jobs.test_gathered import HELD


def job(service: Service, temp: Path, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    temp.mkdir(exist_ok=True)
    held = replace(HELD, options=options, **more)
    return job_of(service.settings, service.store, held, temp)


def test_it_can_be_told_to_another_process(service: Service, tmp_path: Path) -> None:
    wanted = {"time_range_s": [1.0, 2.0], "detectors": ["metadata"], "frames": 4}
    found = job(service, tmp_path / "t", wanted, name="\udcff.jpg")
    assert json.loads(json.dumps(found)) == found
    assert found["options"] == wanted
    assert found["time_limit_s"] == 120.0
    assert Path(found["folder"]).is_dir()
    assert found["path"].endswith("/file.jpg")


def test_no_more_than_the_operator_allows(
    make_service: Callable[..., Service], tmp_path: Path
) -> None:
    service = make_service(time_limit_s=9.0, bundles=("/nets/ours",))
    wanted = {"allow_network": True, "bundles": ["/nets/theirs", "/nets/ours"]}
    found = job(service, tmp_path / "t", wanted | {"time_limit_s": 600.0})
    assert found["time_limit_s"] == found["options"]["time_limit_s"] == 9.0
    assert found["allow_network"] is False
    assert "allow_network" not in found["options"]
    assert found["options"]["bundles"] == ["/nets/ours"]
    assert "/nets/theirs" not in found["readable"]


def test_with_privacy_a_report_keeps_no_sound_no_film_and_no_copy_of_the_picture(
    make_service: Callable[..., Service], tmp_path: Path
) -> None:
    found = job(make_service(privacy=True), tmp_path / "a", {})
    assert found["options"] == {"embed_sound": False, "embed_video": False}
    assert found["keep_pictures"] is False
    assert job(make_service(), tmp_path / "b", {})["keep_pictures"] is True


def test_the_network_is_open_only_where_both_want_it(
    make_service: Callable[..., Service], tmp_path: Path
) -> None:
    service = make_service(allow_network=True)
    assert job(service, tmp_path / "a", {"allow_network": True})["allow_network"] is True
    assert job(service, tmp_path / "b", {})["allow_network"] is False


def test_known_footage_is_told_by_its_name(service: Service, tmp_path: Path) -> None:
    found = job(
        service, tmp_path / "t", {}, reference_sha256="b" * 64, reference_name="her films.mp4"
    )
    assert found["options"]["reference"] == str(tmp_path / "t" / "reference.mp4")
    assert found["told_options"]["reference"] == "her films.mp4"
    assert str(service.store.media_path("b" * 64).absolute()) in found["readable"]


def test_several_workers_share_the_cores(
    make_service: Callable[..., Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assigned.os, "cpu_count", lambda: 8)
    service = make_service(n_workers=3)
    found = job(service, tmp_path / "t", {})
    assert found["options"]["threads"] == 2
    assert "threads" not in found["told_options"]


def test_options_of_another_version_are_an_error(service: Service, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        job(service, tmp_path / "t", {"no_such": 1})
