from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ConfigError
from assay.options import Options, resolve
from assay.web.configured import _PARSERS, configured, default_data
from assay.web.settings import Settings


def test_every_setting_can_be_given_and_no_other() -> None:
    assert set(_PARSERS) == {field.name for field in fields(Settings)}


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    found = configured({}, {"XDG_DATA_HOME": str(tmp_path)}, tmp_path)
    assert found == Settings(tmp_path / "assay")


def test_a_relative_xdg_folder_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_data({"XDG_DATA_HOME": "here"}) == Path("/home/someone/.local/share/assay")


def test_a_flag_outranks_the_environment_which_outranks_the_file(tmp_path: Path) -> None:
    (tmp_path / "assay.toml").write_text(
        'frames = 3\n[serve]\nport = 1\nn_workers = 2\nkeep_s = "7d"\nallow_urls = true\n'
    )
    environ = {"ASSAY_SERVE_PORT": "3", "ASSAY_SERVE_N_WORKERS": "4", "ASSAY_FRAMES": "5"}
    found = configured({"port": 6, "host": None}, environ, tmp_path)
    assert (found.port, found.n_workers, found.keep_s) == (6, 4, 7 * 86400)
    assert found.allow_urls
    assert found.host == "127.0.0.1"


def test_options_of_an_examination_are_not_disturbed_by_it(tmp_path: Path) -> None:
    (tmp_path / "assay.toml").write_text("frames = 3\n[serve]\nport = 1\n")
    resolved = resolve({}, {"ASSAY_SERVE_PORT": "3", "ASSAY_SHARED": "/x"}, tmp_path)
    assert resolved.options == Options(frames=3)


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("keep_s", "90", 90.0),
        ("keep_s", "15min", 900.0),
        ("keep_s", "1.5h", 5400.0),
        ("keep_s", 60, 60.0),
        ("keep_s", "forever", None),
        ("max_upload_bytes", "2GiB", 2 * 2**30),
        ("max_upload_bytes", "500 MB", 500_000_000),
        ("max_upload_bytes", 1000, 1000),
        ("min_free_bytes", "0", 0),
        ("auth", "off", False),
        ("auth", True, True),
        ("forwarded_from", "10.0.0.1, 10.0.0.2", ("10.0.0.1", "10.0.0.2")),
        ("forwarded_from", ["10.0.0.1"], ("10.0.0.1",)),
        ("bundles", "/a:/b", ("/a", "/b")),
        ("public_url", "https://assay.example.org/", "https://assay.example.org"),
        ("public_url", "", ""),
        ("database", "postgresql://me@db/assay", "postgresql://me@db/assay"),
        ("data", Path("/srv/assay"), Path("/srv/assay")),
    ],
)
def test_values_come_in_units_of_people(
    name: str, written: Any, value: Any, tmp_path: Path
) -> None:
    assert getattr(configured({name: written}, {}, tmp_path), name) == value


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("keep_s", "7x"),
        ("keep_s", "0"),
        ("keep_s", "-1d"),
        ("keep_s", "nan"),
        ("keep_s", True),
        ("time_limit_s", "2d"),
        ("max_upload_bytes", "2 parsecs"),
        ("port", "65536"),
        ("port", "1e3"),
        ("port", True),
        ("n_workers", -1),
        ("max_attempts", 0),
        ("auth", "perhaps"),
        ("host", " "),
        ("data", ""),
        ("public_url", "ftp://x"),
        ("public_url", "https://x/assay"),
        ("database", "mysql://x"),
        ("forwarded_from", 3),
        ("forwarded_from", "*"),
        ("forwarded_from", "proxy"),
        ("forwarded_from", "10.0.0.1/8"),
        ("bundles", 3),
    ],
)
def test_wrong_values_are_refused_with_their_place(name: str, written: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^{name} = .*set by argument"):
        configured({name: written}, {}, tmp_path)


def test_a_password_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        configured({}, {"ASSAY_SERVE_DATABASE": "mysql://me:secret@db/x"}, tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "text", "told"),
    [
        ({"ASSAY_SERVE_PROT": "1"}, "", "Did you mean 'ASSAY_SERVE_PORT'"),
        ({"ASSAY_SERVE_XYZQ": "1"}, "", "Unknown setting 'ASSAY_SERVE_XYZQ'"),
        ({}, "[serve]\nmax_upload = 1\n", "Did you mean 'max_upload_bytes'"),
        ({}, "serve = 3\n", "must be a table"),
        ({}, "[serve\n", "cannot be read"),
    ],
)
def test_unknown_settings_name_the_nearest(
    environ: dict[str, str], text: str, told: str, tmp_path: Path
) -> None:
    if text:
        (tmp_path / "assay.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        configured({}, environ, tmp_path)
    assert told in str(caught.value)
