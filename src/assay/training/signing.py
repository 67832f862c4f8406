"""Sign a forged picture's mark as a C2PA manifest, so that removing it can be noticed.

Source: C2PA technical specification 2.x (actions, claim generator information). Licence of
c2pa-python: MIT or Apache-2.0.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from dataclasses import dataclass
from typing import Any

from assay import __version__
from assay.errors import ConfigError
from assay.media.content_credentials import OFFLINE
from assay.media.files import open_file
from assay.media.tag_text import clean_text
from assay.training.marks import Mark

MAX_PEM_BYTES = 2**20
# The object identifiers by which a private key names its kind (RFC 5480, RFC 8410, RFC 8017).
_ALGORITHMS = (
    (bytes.fromhex("06082a8648ce3d030107"), "es256"),
    (bytes.fromhex("06052b81040022"), "es384"),
    (bytes.fromhex("06052b81040023"), "es512"),
    (bytes.fromhex("06032b6570"), "ed25519"),
    (bytes.fromhex("06092a864886f70d010101"), "ps256"),
)
# A preview in the manifest would be a second copy of the picture, as large as the file itself.
_SETTINGS: dict[str, Any] = {**OFFLINE, "builder": {"thumbnail": {"enabled": False}}}
_KEY = re.compile(rb"-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----")


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A private key and the chain of its certificate, both PEM; `algorithm` as C2PA names it."""

    key_pem: bytes
    chain_pem: bytes
    algorithm: str


def read_credentials(key_path: str, chain_path: str) -> Credentials:
    """Read a key (PKCS #8, not encrypted) and its certificate chain, the signer's own first.

    Raises ConfigError where one is of another form, and the errors of `open_file`.
    """
    key, chain = _read(key_path), _read(chain_path)
    if b"-----BEGIN CERTIFICATE-----" not in chain:
        raise ConfigError("The --cert file holds no PEM certificate.")
    return Credentials(key, chain, _algorithm(key))


def _read(path: str) -> bytes:
    with open_file(path) as file:
        return file.read(MAX_PEM_BYTES)


def _algorithm(key: bytes) -> str:
    found = _KEY.search(key)
    try:
        der = base64.b64decode(found[1]) if found else b""
    except binascii.Error:
        der = b""
    for identifier, algorithm in _ALGORITHMS:
        if identifier in der[:64]:
            return algorithm
    raise ConfigError(
        "The --key file holds no private key that C2PA can sign with.",
        remedy="Give an EC, Ed25519 or RSA key as unencrypted PKCS #8 (BEGIN PRIVATE KEY).",
    )


def sign(data: bytes, media_type: str, mark: Mark, credentials: Credentials) -> bytes:
    """The file with a signed manifest in it that says what the mark says.

    No network: there is no time stamp by an authority. Raises ConfigError where the library
    refuses the key or the certificate.
    """
    import c2pa

    info = c2pa.C2paSignerInfo(
        credentials.algorithm, credentials.chain_pem, credentials.key_pem, None
    )
    out = io.BytesIO()
    try:
        with (
            c2pa.Context.from_dict(_SETTINGS) as context,
            c2pa.Builder(json.dumps(manifest(mark)), context) as builder,
            c2pa.Signer.from_info(info) as signer,
        ):
            builder.sign(signer, media_type, io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise ConfigError(
            f"The file could not be signed: {clean_text(error, 200)}.",
            remedy="Certificates for C2PA need a chain, digitalSignature, and an extended key "
            "usage such as e-mail protection; key and certificate must belong together.",
        ) from error
    return out.getvalue()


def manifest(mark: Mark) -> dict[str, Any]:
    """The manifest: the forgery is a new asset that assay created, of the mark's source type."""
    agent = {"name": "assay", "version": __version__}
    created = {
        "action": "c2pa.created",
        "softwareAgent": agent,
        "digitalSourceType": mark.source_type,
        "description": mark.sentence,
    }
    return {
        "claim_generator_info": [agent],
        "title": mark.sentence,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }
