"""Reading a certificate file."""

import base64

import pytest
from certificate_files import CertificateFile, new_key
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from update_profile.entra import certificate
from update_profile.entra.certificate import BadCertificate, read_certificate

FILE = CertificateFile()
PASSWORD = "päss wörd"


@pytest.mark.parametrize("chain", [True, False])
@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.parametrize("form", ["pem", "pfx"])
def test_key_and_certificate_are_found(form: str, password: str | None, chain: bool) -> None:
    """The file may be encrypted; from a chain, only the certificate that matches the key is used."""
    content = getattr(FILE, form)(password, chain=chain)
    read = read_certificate(content, password)
    assert read.signer.key.private_numbers() == FILE.key.private_numbers()
    sent = x509.load_der_x509_certificate(base64.b64decode(read.signer.x5c))
    assert sent.public_key() == FILE.key.public_key()
    assert read.signer.sha256_thumbprint == sent.fingerprint(SHA256()).hex()
    assert read.not_before < read.not_after
    read.check_time(read.not_before)


def test_a_password_that_is_not_needed_is_no_matter() -> None:
    """A password for a file that is not encrypted is ignored."""
    assert read_certificate(FILE.pem(), PASSWORD).signer


@pytest.mark.parametrize("form", ["pem", "pfx"])
@pytest.mark.parametrize(("password", "why"), [("wrong", "does not open"), (None, "")])
def test_a_password_that_does_not_open_the_file_is_told_as_that(form: str, password: str | None, why: str) -> None:
    """The password is wrong, or it is missing for an encrypted file."""
    with pytest.raises(BadCertificate) as caught:
        read_certificate(getattr(FILE, form)(PASSWORD), password)
    assert caught.value.password
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "neither PEM nor PFX"),
        (b"\x30\x03\x02\x01\x03", "neither PEM nor PFX"),
        (b"no certificate", "neither PEM nor PFX"),
        (b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", "no private key"),
        (FILE.pem(key=False), "no private key"),
        (CertificateFile(key=ec.generate_private_key(ec.SECP256R1())).pem(), "no RSA key"),
        (FILE.pem().split(b"-----BEGIN CERT")[0], "no certificate"),
        (FILE.pem().split(b"-----BEGIN CERT")[0] + CertificateFile().pem(key=False), "no certificate"),
    ],
    ids=["empty", "DER", "text", "broken PEM", "no key", "another kind of key", "no certificate", "another's"],
)
def test_what_cannot_sign_is_refused_with_the_reason(content: bytes, why: str) -> None:
    """The refusal does not blame the password."""
    with pytest.raises(BadCertificate, match=why) as caught:
        read_certificate(content, None)
    assert not caught.value.password


@pytest.mark.parametrize(("days", "why"), [((-2, -1), "has expired"), ((1, 2), "not valid yet")])
def test_a_certificate_has_its_time(days: tuple[float, float], why: str) -> None:
    """Entra ID would refuse a certificate outside its validity period."""
    read = read_certificate(CertificateFile(days=days).pem(), None)
    now = (read.not_before + read.not_after) / 2
    read.check_time(now)
    with pytest.raises(BadCertificate, match=why):
        read.check_time(now + (86_400 if days[1] < 0 else -86_400) * 1.5)


def test_no_key_stands_in_what_a_log_might_print() -> None:
    """The representation shows neither the key nor the certificate."""
    assert "PRIVATE" not in repr(read_certificate(FILE.pem(), None))
    assert "BEGIN" not in repr(read_certificate(FILE.pem(), None))


def test_the_key_is_the_files_own() -> None:
    """Each generated key is different, so the comparisons above are meaningful."""
    assert new_key().private_numbers() != new_key().private_numbers()


def test_a_chain_with_an_unreadable_certificate_still_signs() -> None:
    """A root may have a key of a kind that the library does not know; only the pair is used."""
    der = FILE.authority.public_bytes(Encoding.DER)
    rsa, unknown = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d010163")
    assert der.count(rsa) == 1
    odd = x509.load_der_x509_certificate(der.replace(rsa, unknown)).public_bytes(Encoding.PEM)
    read = read_certificate(odd + FILE.pem(), None)
    assert read.signer.key.private_numbers() == FILE.key.private_numbers()


def test_a_key_that_the_library_cannot_read_is_reported_without_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cryptography raises has no common base and may quote the file."""

    def refuse(*_: object) -> None:
        raise OverflowError("0x30820122")

    monkeypatch.setattr(certificate, "_first_pair", refuse)
    with pytest.raises(BadCertificate, match="cannot be read") as caught:
        read_certificate(FILE.pem(), None)
    assert "0x30820122" not in f"{caught.value}{caught.value.entry}"
