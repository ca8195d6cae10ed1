"""The throwaway certificate with which the app signs in to the simulated tenant: SharePoint refuses secrets."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, pkcs12

if TYPE_CHECKING:
    from pathlib import Path

_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "offboarding development")])


class Certificate(NamedTuple):
    """The certificate in the two forms that are needed."""

    pem: str
    pfx: str
    """With the private key, in base64, as the setting M365_CERTIFICATE takes it."""


def keep(folder: Path, password: str = "") -> Certificate:
    """Return the certificate of a folder, making it the first time; with a password, its PFX is encrypted."""
    file = folder / ("encrypted.pfx" if password else "certificate.pfx")
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(_make(password))
    content = file.read_bytes()
    bundle = pkcs12.load_pkcs12(content, password.encode() or None)
    if bundle.cert is None:
        raise ValueError(f"{file} holds no certificate")
    pem = bundle.cert.certificate.public_bytes(Encoding.PEM).decode()
    return Certificate(pem, base64.b64encode(content).decode())


def _make(password: str) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    protection = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"offboarding", key, certificate, None, protection)
