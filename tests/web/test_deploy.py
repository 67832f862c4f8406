"""The files in deploy/: linted, and held to what they promise. Containers are not run here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.web.configured import configured
from assay.web.server import require_safe

yaml = pytest.importorskip("yaml", reason="needs the dev extra")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
HADOLINT = Path(sys.executable).with_name("hadolint")


def lint(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [str(HADOLINT), "--no-color", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not installed")
def test_the_dockerfile_is_clean() -> None:
    answer = lint(DEPLOY / "Dockerfile")
    assert (answer.returncode, answer.stdout) == (0, "")


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not installed")
def test_the_lint_can_fail(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /x; pip install assay\n")
    assert lint(tmp_path / "Dockerfile").returncode != 0


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")


def test_the_image_runs_as_its_own_user_with_settings_that_the_service_takes() -> None:
    (user,) = re.findall(r"^USER (\S+)", dockerfile(), re.M)
    assert user.split(":")[0] not in ("0", "root")
    found = configured({}, dict(re.findall(r"(ASSAY_SERVE_\w+)=(\S+)", dockerfile())), Path("/"))
    assert (found.host, found.auth) == ("0.0.0.0", True)
    require_safe(found)
    assert f"VOLUME {found.data}" in dockerfile()
    assert f"EXPOSE {found.port}" in dockerfile()
    assert f"http://127.0.0.1:{found.port}/health" in dockerfile()


def test_the_image_is_given_what_it_copies_and_no_more() -> None:
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile(), re.M)
    named = [name for line in copied for name in line.split()]
    assert kept[0] == "*"
    assert {line[1:] for line in kept if line.startswith("!")} == set(named)
    assert all((ROOT / name).exists() for name in named)


@pytest.fixture
def compose() -> dict[str, Any]:
    held: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return held


KEYS = {
    "build", "image", "restart", "init", "read_only", "tmpfs", "cap_drop", "cap_add",
    "security_opt", "mem_limit", "pids_limit", "stop_grace_period", "environment", "volumes",
    "networks", "depends_on", "shm_size", "healthcheck", "ports",
}  # fmt: skip


def test_the_compose_file_names_only_what_it_defines(compose: dict[str, Any]) -> None:
    assert set(compose) == {"name", "services", "networks", "volumes"}
    for name, service in compose["services"].items():
        assert set(service) <= KEYS, name
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        for mounted in service["volumes"]:
            source = mounted.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_file(), mounted
    build = compose["services"]["assay"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_composed_the_service_has_no_way_out(compose: dict[str, Any]) -> None:
    service = compose["services"]["assay"]
    assert all(compose["networks"][name]["internal"] for name in service["networks"])
    assert "ports" not in service
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "ports" not in compose["services"]["database"]


def test_the_composed_settings_are_ones_that_the_service_takes(compose: dict[str, Any]) -> None:
    told = {"POSTGRES_PASSWORD": "secret", "ASSAY_HOST": "assay.example.org"}

    def filled(match: re.Match[str]) -> str:
        name, _, default = match[1].partition(":")
        return told.get(name) or default.removeprefix("-")

    environment = compose["services"]["assay"]["environment"]
    given = {key: re.sub(r"\$\{([^}]+)\}", filled, text) for key, text in environment.items()}
    image = dict(re.findall(r"(ASSAY_SERVE_\w+)=(\S+)", dockerfile()))
    found = configured({}, image | given, Path("/"))
    require_safe(found)
    assert found.auth
    assert found.database_url == "postgresql+pg8000://assay:secret@database/assay"
    assert found.public_url == "https://assay.example.org"
    network = compose["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    assert found.forwarded_from == (network,)
    assert (found.n_workers, found.keep_s) == (2, 30 * 86400)


def unit() -> str:
    return (DEPLOY / "assay.service").read_text()


def test_the_unit_gives_settings_that_the_service_takes() -> None:
    found = configured({}, dict(re.findall(r"(ASSAY_SERVE_\w+)=(\S+)", unit())), Path("/"))
    require_safe(found)
    assert str(found.data) == "/var/lib/" + re.findall(r"^StateDirectory=(\S+)", unit(), re.M)[0]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    # The program and its user are not on this machine, all else is as it stands.
    text = unit().replace("/opt/assay/bin/assay", "/bin/true").replace("=assay\n", "=root\n", 2)
    (tmp_path / "assay.service").write_text(text)
    verify = ["systemd-analyze", "verify", str(tmp_path / "assay.service")]
    answer = subprocess.run(verify, capture_output=True, text=True, timeout=60)
    assert (answer.returncode, answer.stderr) == (0, "")


PROXIES = ("/usr/sbin:" + os.environ.get("PATH", "")).split(":")


def proxy(name: str) -> str:
    found = shutil.which(name, path=":".join(PROXIES))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    command = [proxy("caddy"), "validate", "--adapter", "caddyfile", "--config"]
    answer = subprocess.run(
        [*command, str(DEPLOY / "Caddyfile")],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "HOME": str(tmp_path), "ASSAY_HOST": "localhost"},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    program = proxy("nginx")
    site = (DEPLOY / "nginx.conf").read_text()
    for name in ("fullchain", "privkey"):
        site = re.sub(rf"\S+/{name}\.pem", str(tmp_path / f"{name}.pem"), site)
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    make += ["-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem")]
    subprocess.run(make, check=True, capture_output=True, timeout=60)
    (tmp_path / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {places} include {tmp_path}/site.conf; }}\n"
    )
    command = [program, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_proxies_let_through_what_the_service_does_by_itself(name: str) -> None:
    """2 GiB are 2147 MB: a proxy's limit lies above that of the service."""
    (limit,) = re.findall(r"(?:max_size|client_max_body_size) (\d+)", (DEPLOY / name).read_text())
    factor = 2**20 if name == "nginx.conf" else 10**6
    assert int(limit) * factor > configured({}, {}, Path("/")).max_upload_bytes
