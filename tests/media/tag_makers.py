"""Small files with tags, and signed ones, made for the tests."""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assay.types import Media, MediaKind

SHARED = Path(os.environ.get("ASSAY_SHARED", Path(__file__).resolve().parents[3] / "shared"))
FORENSIC = SHARED / "data" / "file" / "forensic"
TYPES = {
    ".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".mp4": "video/mp4",
    ".wav": "audio/wav", ".tif": "image/tiff", ".gif": "image/gif", ".mp3": "audio/mpeg",
    ".mkv": "video/x-matroska", ".heic": "image/heic", ".avif": "image/avif",
}  # fmt: skip


def media_at(path: Path, size_px: tuple[int, int] | None = None) -> Media:
    """A hand-made Media: the tag readers need no more than path, kind and type."""
    media_type = TYPES.get(path.suffix, "application/octet-stream")
    kind: MediaKind = "image"
    if not media_type.startswith("image"):
        kind = "audio" if media_type.startswith("audio") else "video"
    size = path.stat().st_size
    return Media(str(path), path.name, "0" * 64, size, kind, media_type, "x", "x", size_px=size_px)


def scene(side_px: int = 96, seed: int = 3) -> Image.Image:
    """A picture with enough contrast to be told from another seed's."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side_px, side_px), Image.Resampling.BICUBIC)


def jpeg(exif: Image.Exif | bytes = b"", seed: int = 3, **more: Any) -> bytes:
    """JPEG bytes of a scene with this EXIF."""
    out = io.BytesIO()
    scene(seed=seed).save(out, "JPEG", exif=exif, **more)
    return out.getvalue()


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    """JPEG bytes with one more segment right after the start."""
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    """PNG bytes with one more chunk right before the end."""
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:-12] + chunk + data[-12:]


def png(mode: str = "RGB") -> bytes:
    """PNG bytes of a scene."""
    out = io.BytesIO()
    scene().convert(mode).save(out, "PNG")
    return out.getvalue()


def xmp(properties: str, around: str = "") -> bytes:
    """An XMP packet with these attributes on its description and this inside it."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f'<rdf:Description rdf:about="" {properties}>{around}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def iptc_record(dataset: int, text: str) -> bytes:
    """One record of IPTC's application record 2."""
    return b"\x1c\x02" + bytes([dataset]) + struct.pack(">H", len(text)) + text.encode()


def photoshop_block(records: bytes) -> bytes:
    """A Photoshop resource that holds IPTC records."""
    padding = b"\x00" * (len(records) & 1)
    return b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(records)) + records + padding


class Signer:
    """A certificate authority of our own and a signer that it vouches for; nothing online."""

    def __init__(self, valid_s: float = 30 * 86_400, begun_days_ago: int = 1) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        own, days = "Assay Test CA", begun_days_ago
        authority = _certificate(own, authority_key, own, authority_key, begun_days_ago=days)
        leaf = _certificate("Assay Test Signer", key, own, authority_key, valid_s)
        form = serialization.Encoding.PEM
        self.anchors_pem = authority.public_bytes(form)
        self._chain = leaf.public_bytes(form) + self.anchors_pem
        self._key = key.private_bytes(
            form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(
        self,
        data: bytes,
        source_type: str = "digitalCreation",
        remote: str = "",
        media_type: str = "image/jpeg",
        sources: tuple[tuple[str, bytes], ...] = (),
    ) -> bytes:
        """The file with a manifest inside it, or with only an address of one.

        `sources` are (title, JPEG bytes) of what it was composed from.
        """
        return self.signed(data, source_type, remote, media_type, sources)[0]

    def signed(
        self,
        data: bytes,
        source_type: str = "digitalCreation",
        remote: str = "",
        media_type: str = "image/jpeg",
        sources: tuple[tuple[str, bytes], ...] = (),
    ) -> tuple[bytes, bytes]:
        """The signed file, and its manifest store by itself."""
        import c2pa

        kind = f"http://cv.iptc.org/newscodes/digitalsourcetype/{source_type}"
        created = {"action": "c2pa.created", "digitalSourceType": kind}
        manifest = {
            "claim_generator_info": [{"name": "assay tests", "version": "1"}],
            "title": "a test \u202epicture\n",
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
        }
        out = io.BytesIO()
        info = c2pa.C2paSignerInfo(b"es256", self._chain, self._key, None)
        with c2pa.Builder(json.dumps(manifest)) as builder, c2pa.Signer.from_info(info) as signer:
            if remote:
                builder.set_no_embed()
                builder.set_remote_url(remote)
            for title, source in sources:
                ingredient = json.dumps({"title": title, "relationship": "componentOf"})
                builder.add_ingredient(ingredient, "image/jpeg", io.BytesIO(source))
            store = builder.sign(signer, media_type, io.BytesIO(data), out)
        return out.getvalue(), bytes(store)


def _certificate(
    subject: str,
    key: Any,
    issuer: str,
    issuer_key: Any,
    valid_s: float = 30 * 86_400,
    begun_days_ago: int = 1,
) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(name: str) -> x509.Name:
        organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Assay Test")
        return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, name)])

    is_authority, now = subject == issuer, datetime.now(UTC)
    usage = dict.fromkeys(
        (
            "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "encipher_only", "decipher_only",
        ),
        False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=begun_days_ago))
        .not_valid_after(now + timedelta(seconds=valid_s))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_authority,
                key_cert_sign=is_authority,
                crl_sign=is_authority,
                **usage,
            ),
            critical=True,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    if not is_authority:
        # E-mail protection is the purpose that C2PA certificates carried first.
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purposes, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
