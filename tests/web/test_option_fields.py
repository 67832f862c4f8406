"""Options from a request: what may be set, how far, and what is the operator's."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from assay.options import Options
from assay.web.option_fields import OPEN, as_shown, open_fields, options_from, options_of
from assay.web.refusals import ForbiddenError, UnprocessableError
from assay.web.settings import Settings

PLAIN = Settings(Path("data"))
CLOSED = {"reference", "camera", "threads", "fail_on"}


def test_every_option_is_open_or_closed_on_purpose() -> None:
    assert {field.name for field in fields(Options)} == {*OPEN} | CLOSED


def test_texts_become_options_and_options_come_back() -> None:
    given = {"frames": "8", "time_range_s": "0:01-0:05", "stability": "off", "heatmaps": ""}
    held = options_from(given, PLAIN)
    assert held == {"frames": 8, "time_range_s": [1.0, 5.0], "stability": False}
    assert options_of(held) == Options(frames=8, time_range_s=(1.0, 5.0), stability=False)


def test_what_equals_the_default_is_not_kept() -> None:
    assert options_from({"frames": "32", "operating_point": "far_1"}, PLAIN) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fraems": "8"}, "Did you mean 'frames'"),
        ({"frames": "many"}, "whole number"),
        ({"frames": "0"}, "above zero"),
        ({"frames": "2000"}, "1024 at most"),
        ({"max_megapixels": "nan"}, "finite"),
        ({"time_limit_s": "601"}, "600 at most"),
        ({"operating_point": "far_2"}, "far_0.1"),
        ({"time_range_s": "5:1"}, "end after"),
        ({"detectors": "sythetic_picture"}, "no detector"),
        ({"a\x1b[2J\n": "1"}, r"\x1b"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(UnprocessableError) as raised:
        options_from(given, PLAIN)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_paths_and_the_operators_own_are_closed(name: str) -> None:
    with pytest.raises(ForbiddenError):
        options_from({name: "/etc/passwd"}, PLAIN)


def test_the_network_is_the_operators_to_open() -> None:
    with pytest.raises(ForbiddenError):
        options_from({"allow_network": "true"}, PLAIN)
    opened = Settings(Path("data"), allow_network=True)
    assert options_from({"allow_network": "true"}, opened) == {"allow_network": True}


def test_networks_are_asked_for_by_name_and_told_by_name() -> None:
    settings = Settings(Path("data"), bundles=("/srv/models/xception", "/srv/models/meso4"))
    held = options_from({"bundles": "meso4, xception"}, settings)
    assert held == {"bundles": ["/srv/models/meso4", "/srv/models/xception"]}
    assert options_of(held).bundles == ("/srv/models/meso4", "/srv/models/xception")
    assert as_shown(held) == {"bundles": ["meso4", "xception"]}
    for name in ("/srv/models/meso4", "../meso4", "other"):
        with pytest.raises(UnprocessableError):
            options_from({"bundles": name}, settings)


def test_a_short_limit_of_the_operator_holds_where_none_is_asked_for() -> None:
    short = Settings(Path("data"), time_limit_s=20.0)
    assert options_from({}, short) == {"time_limit_s": 20.0}
    assert options_from({"time_limit_s": "10"}, short) == {"time_limit_s": 10.0}


def test_no_environment_and_no_file_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "assay.toml").write_text("frames = 4\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_MAX_FACES", "3")
    assert options_from({"motion_s": "2"}, PLAIN) == {"motion_s": 2.0}


def test_fields_for_a_form_say_what_they_take() -> None:
    told = {one.name: one for one in open_fields(PLAIN)}
    assert "allow_network" not in told
    assert "bundles" not in told
    assert told["operating_point"].choices == ("far_0.1", "far_1", "far_5")
    assert (told["stability"].kind, told["frames"].kind) == ("switch", "whole")
    assert (told["time_limit_s"].kind, told["time_limit_s"].highest) == ("number", 600.0)
    assert "allow_network" in {
        one.name for one in open_fields(Settings(Path("d"), allow_network=True))
    }
