from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ConfigError, MissingFileError
from assay.media.content_credentials import read_store, source_types
from assay.training.marks import Mark, encode_marked
from assay.training.signing import read_credentials, sign
from tests.media.tag_makers import Signer
from tests.real_faces import textured

pytest.importorskip("cryptography", reason="certificates for the test are made with it")

MARK = Mark("made/square", "Made", 7, "compositeSynthetic")
Paths = tuple[str, str]


def written(folder: Path, key: bytes, chain: bytes) -> Paths:
    (folder / "key.pem").write_bytes(key)
    (folder / "cert.pem").write_bytes(chain)
    return str(folder / "key.pem"), str(folder / "cert.pem")


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
def paths(signer: Signer, tmp_path: Path) -> Paths:
    return written(tmp_path, signer._key, signer._chain)


def store(data: bytes, path: Path, media_type: str) -> tuple[dict[str, Any], str]:
    path.write_bytes(data)
    report, state = read_store(path, media_type, "", time.monotonic() + 60)
    assert report is not None
    return report, state


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_manifest_says_what_the_mark_says(form: str, paths: Paths, tmp_path: Path) -> None:
    media_type = f"image/{form.lower()}"
    plain = encode_marked(textured(60, 80), form, MARK)
    data = sign(plain, media_type, MARK, read_credentials(*paths))
    report, state = store(data, tmp_path / "file", media_type)
    assert state == "Valid"
    assert source_types(report) == [MARK.source_type]
    manifest = report["manifests"][report["active_manifest"]]
    assert manifest["claim_generator_info"][0]["name"] == "assay"
    assert manifest["title"] == MARK.sentence
    # No preview of the picture inside it.
    assert len(data) - len(plain) < 20_000


def test_a_change_after_signing_shows(paths: Paths, tmp_path: Path) -> None:
    plain = encode_marked(textured(60, 80), "JPEG", MARK)
    data = bytearray(sign(plain, "image/jpeg", MARK, read_credentials(*paths)))
    data[-40] ^= 0x10
    assert store(bytes(data), tmp_path / "file", "image/jpeg")[1] == "Invalid"


def test_key_and_certificate_must_belong_together(signer: Signer, tmp_path: Path) -> None:
    credentials = read_credentials(*written(tmp_path, Signer()._key, signer._chain))
    with pytest.raises(ConfigError, match="could not be signed"):
        sign(encode_marked(textured(60, 80), "JPEG", MARK), "image/jpeg", MARK, credentials)


def test_a_key_shows_nowhere(paths: Paths) -> None:
    credentials = read_credentials(*paths)
    assert "PRIVATE" not in repr(credentials)
    assert credentials.algorithm == "es256"


def private_key(kind: str, password: bytes = b"") -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    makers: dict[str, Any] = {
        "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "es512": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "ps256": lambda: rsa.generate_private_key(65537, 2048),
    }
    lock: Any = serialization.NoEncryption()
    if password:
        lock = serialization.BestAvailableEncryption(password)
    form = serialization.PrivateFormat.PKCS8
    pem: bytes = makers[kind]().private_bytes(serialization.Encoding.PEM, form, lock)
    return pem


@pytest.mark.parametrize("kind", ["es256", "es384", "es512", "ed25519", "ps256"])
def test_the_key_tells_its_algorithm(kind: str, signer: Signer, tmp_path: Path) -> None:
    paths = written(tmp_path, private_key(kind), signer._chain)
    assert read_credentials(*paths).algorithm == kind


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        b"-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----",
        private_key("es256", b"secret"),
    ],
    ids=["empty", "no key", "no base64", "encrypted"],
)
def test_what_is_no_key_is_refused(key: bytes, signer: Signer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--key"):
        read_credentials(*written(tmp_path, key, signer._chain))


def test_what_is_no_certificate_is_refused(signer: Signer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--cert"):
        read_credentials(*written(tmp_path, signer._key, signer._key))
    with pytest.raises(MissingFileError):
        read_credentials(str(tmp_path / "none.pem"), str(tmp_path / "none.pem"))
