"""Certificate authorities as some inspecting proxies have them; Python 3.13 rejects what 3.12 still accepted."""

import datetime as dt
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sandbox.certificates import Certificates


def odd_certificates(*, critical: bool = True, key_id: bool = True) -> Certificates:
    """Return an authority, its basic constraints critical or not, and a leaf, with an authority key id or without."""
    authority_key, key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an inspecting proxy")])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # signs certificates and CRLs
    authority = (
        _begun(name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=critical)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    leaf = _begun(x509.Name([]), key, issuer=name).add_extension(
        x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True
    )
    if key_id:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        leaf = leaf.add_extension(identifier, critical=False)
    pem = leaf.sign(authority_key, hashes.SHA256()).public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certificates(ca_pem=authority.public_bytes(Encoding.PEM), server_context=_serving(pem + private))


def _begun(name: x509.Name, key: rsa.RSAPrivateKey, issuer: x509.Name | None = None) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )


def _serving(pem: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "server.pem"
        file.write_bytes(pem)
        context.load_cert_chain(file)
    return context
