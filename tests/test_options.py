from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest

from assay import options as options_module
from assay.errors import ConfigError
from assay.options import Options, find_config, parse_time_range, resolve


def write_config(folder: Path, text: str) -> Path:
    path = folder / "assay.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_come_from_nowhere_else(tmp_path: Path) -> None:
    resolved = resolve({}, {}, tmp_path)
    assert resolved.options == Options()
    assert set(resolved.sources) == {field.name for field in fields(Options)}
    assert set(resolved.sources.values()) == {"default"}


def test_argument_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    path = write_config(tmp_path, "frames = 1\nmax_faces = 2\nthreads = 1\n")
    environ = {"ASSAY_FRAMES": "10", "ASSAY_MAX_FACES": "20", "HOME": "/x"}
    resolved = resolve({"frames": 100, "threads": None}, environ, tmp_path)
    chosen = resolved.options
    assert (chosen.frames, chosen.max_faces, chosen.threads) == (100, 20, 1)
    assert chosen.max_sound_s == Options().max_sound_s
    assert resolved.sources["frames"] == "argument"
    assert resolved.sources["max_faces"] == "environment ASSAY_MAX_FACES"
    assert resolved.sources["threads"] == str(path)
    assert resolved.sources["max_sound_s"] == "default"
    assert resolved.config_path == path


def test_the_nearest_file_upward_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    outermost = write_config(tmp_path, "frames = 3\n")
    assert find_config(inner) == outermost
    nearer = write_config(tmp_path / "a", "frames = 4\n")
    assert find_config(inner) == nearer
    assert resolve({}, {}, inner).options.frames == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("frmaes = 3\n", "'frames'"),
        ("frames = true\n", "whole number"),
        ("frames = 3.5\n", "whole number"),
        ("frames = 0\n", "above zero"),
        ("max_megapixels = nan\n", "finite"),
        ("time_limit_s = inf\n", "finite"),
        ("stability = 2\n", "true or false"),
        ("detectors = 3\n", "names"),
        ("detectors = []\n", "at least one"),
        ("operating_point = 'far_2'\n", "far_1"),
        ("operating_point = 1\n", "text"),
        ("time_range_s = [5, 5]\n", "end after"),
        ("threads = -1\n", "0 (all cores)"),
        ("detector_time_limit_s = 0\n", "above zero"),
        ("frames = \n", "cannot be read"),
    ],
)
def test_a_bad_file_names_itself_and_the_fault(tmp_path: Path, text: str, says: str) -> None:
    path = write_config(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        resolve({}, {}, tmp_path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_utf8_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "assay.toml").write_bytes(b"frames = '\xff'\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        resolve({}, {}, tmp_path)


def test_an_unknown_variable_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ASSAY_FRAME.*ASSAY_FRAMES"):
        resolve({}, {"ASSAY_FRAME": "3"}, tmp_path)
    with pytest.raises(ConfigError, match="ASSAY_ZZZZZZZ"):
        resolve({}, {"ASSAY_ZZZZZZZ": "3"}, tmp_path)


def test_the_media_folder_of_the_tests_is_no_setting(tmp_path: Path) -> None:
    assert resolve({}, {"ASSAY_SHARED": "/x"}, tmp_path).options == Options()


def test_an_unknown_argument_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'stability'"):
        resolve({"stabilty": True}, {}, tmp_path)


def test_texts_of_the_environment_are_parsed(tmp_path: Path) -> None:
    environ = {
        "ASSAY_OPERATING_POINT": "far_5",
        "ASSAY_TIME_RANGE_S": "0:05-1:00",
        "ASSAY_DETECTORS": "metadata, face_blending,metadata",
        "ASSAY_REFERENCE": "known/person",
        "ASSAY_FRAMES": "8",
        "ASSAY_MAX_FACES": "3",
        "ASSAY_MAX_MEGAPIXELS": "12.5",
        "ASSAY_CAMERA": "pictures/of one camera",
        "ASSAY_BUNDLES": f"runs/a{os.pathsep}runs/b, c{os.pathsep}runs/a",
        "ASSAY_BUNDLE_COUNTS": "1",
        "ASSAY_ALLOW_NETWORK": "yes",
        "ASSAY_MAX_SOUND_S": "60",
        "ASSAY_MOTION_S": "20",
        "ASSAY_TIME_LIMIT_S": "9",
        "ASSAY_DETECTOR_TIME_LIMIT_S": "4",
        "ASSAY_STABILITY": "off",
        "ASSAY_HEATMAPS": "No",
        "ASSAY_EMBED_SOUND": "0",
        "ASSAY_EMBED_VIDEO": "off",
        "ASSAY_THREADS": "2",
        "ASSAY_FAIL_ON": "never",
    }
    assert len(environ) == len(fields(Options)), "a new option needs its line here"
    assert resolve({}, environ, tmp_path).options == Options(
        operating_point="far_5",
        time_range_s=(5.0, 60.0),
        detectors=("metadata", "face_blending"),
        reference="known/person",
        camera="pictures/of one camera",
        bundles=("runs/a", "runs/b, c"),
        bundle_counts=True,
        allow_network=True,
        frames=8,
        max_faces=3,
        max_megapixels=12.5,
        max_sound_s=60.0,
        motion_s=20.0,
        time_limit_s=9.0,
        detector_time_limit_s=4.0,
        stability=False,
        heatmaps=False,
        embed_sound=False,
        embed_video=False,
        threads=2,
        fail_on="never",
    )


@pytest.mark.parametrize("motion_s", ["-1", "31"])
def test_motion_is_bounded(motion_s: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="motion_s"):
        resolve({}, {"ASSAY_MOTION_S": motion_s}, tmp_path)


def test_every_option_has_a_parser() -> None:
    assert set(options_module._PARSERS) == {field.name for field in fields(Options)}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("12:30", (12.0, 30.0)),
        ("0:2.5", (0.0, 2.5)),
        ("0:12:1:05", (12.0, 65.0)),
        ("0:12-1:05.5", (12.0, 65.5)),
        ("5-1:00:00", (5.0, 3600.0)),
        ("1:00:00:1:00:10", (3600.0, 3610.0)),
        ([1, 2.5], (1.0, 2.5)),
    ],
)
def test_time_ranges(written: object, seconds: tuple[float, float]) -> None:
    assert parse_time_range(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "5", "1:2:3", "a:b", "0:75-2:00", "5-", "nan:3", 7, [1], "1:x-3"]
)
def test_time_ranges_that_are_none(written: object) -> None:
    with pytest.raises(ValueError, match=r"expected|seconds"):
        parse_time_range(written)


@pytest.mark.parametrize("written", ["30:12", "-5:3"])
def test_a_range_ends_after_it_starts(tmp_path: Path, written: str) -> None:
    with pytest.raises(ConfigError, match="argument"):
        resolve({"time_range_s": written}, {}, tmp_path)


@pytest.mark.parametrize(
    "variable", ["ASSAY_C2PA_TRUST_ANCHORS", "ASSAY_FORGE_KEY", "ASSAY_FORGE_CERT", "ASSAY_SHARED"]
)
def test_variables_that_are_no_settings_stop_nothing(variable: str, tmp_path: Path) -> None:
    assert resolve({}, {variable: "a.pem"}, tmp_path).options == Options()
