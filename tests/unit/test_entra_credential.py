"""The credentials with which this function authenticates to Entra ID."""

import time
from pathlib import Path

import pytest
from builders import CLIENT, some_settings
from certificate_files import CertificateFile
from fakes_upstream import FakeClock, FakeHttp, an_answer
from pydantic import SecretStr

from update_profile.deadline import Deadline
from update_profile.entra import managed_identity
from update_profile.entra.certificate import CertificateCredential
from update_profile.entra.credential import create_credential
from update_profile.entra.proof import Assertion, Secret
from update_profile.errors import Misconfigured
from update_profile.settings import CERTIFICATE, CERTIFICATE_PASSWORD

PASSWORD = "a-password"
FIRST, SECOND = CertificateFile(), CertificateFile()


def soon() -> Deadline:
    """Return a deadline five seconds from now."""
    return Deadline.after(5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of the certificate file."""
    return tmp_path / "kept-to-itself.pem"


def credential(file: Path, *, password: str | None = None, clock: FakeClock | None = None) -> CertificateCredential:
    """Return a certificate credential for this file."""
    secret = SecretStr(password) if password else None
    return CertificateCredential(str(file), secret, clock=clock or FakeClock(time.time()))


def replace(file: Path, content: bytes) -> None:
    """Replace the file atomically, as rotation tools do."""
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)


async def signing(certificate: CertificateCredential) -> object:
    """Return the numbers of the private key that signs."""
    certificate.check()
    return (await certificate.proof(deadline=soon())).key.private_numbers()


def refused(certificate: CertificateCredential) -> tuple[str, str]:
    """Return the setting that is at fault, and the reason."""
    with pytest.raises(Misconfigured) as caught:
        certificate.check()
    (fault,) = caught.value.fields
    assert fault.field in caught.value.detail
    assert "kept-to-itself" not in f"{caught.value.detail} {fault.message}"
    return fault.field, fault.message


async def test_a_secret_is_given_as_it_is() -> None:
    """A secret cannot be checked here, and a refusal does not change it."""
    made = create_credential(some_settings(ENTRA_CLIENT_SECRET="s"), FakeHttp(an_answer()))
    made.check()
    assert await made.proof(deadline=soon()) == Secret(value=SecretStr("s"))
    made.refused()
    assert await made.proof(deadline=soon()) == Secret(value=SecretStr("s"))


async def test_an_identitys_token_is_fetched_again_after_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request uses the cloud's federated audience and is made only when a call needs a token."""
    ends = int(time.time()) + 3600
    answers = [an_answer(200, f'{{"access_token": "{n}", "expires_on": {ends}}}'.encode()) for n in ("one", "two")]
    http = FakeHttp(*answers)
    identity = some_settings(
        ENTRA_CLIENT_SECRET=None,
        ENTRA_MANAGED_IDENTITY_CLIENT_ID=CLIENT,
        IDENTITY_ENDPOINT="http://localhost/msi",
        IDENTITY_HEADER="h",
    )
    made = create_credential(identity, http)
    made.check()
    assert not http.requests
    for _ in range(2):
        assert await made.proof(deadline=soon()) == Assertion(value="one")
    made.refused()
    assert await made.proof(deadline=soon()) == Assertion(value="one")  # it was fetched a moment ago
    monkeypatch.setattr(managed_identity, "SHORTEST_REFRESH_SECONDS", 0.0)
    made.refused()
    assert await made.proof(deadline=soon()) == Assertion(value="two")
    assert "resource=api%3A%2F%2FAzureADTokenExchange" in http.requests[0].url


@pytest.mark.parametrize("form", ["pem", "pfx"])
@pytest.mark.parametrize("password", [None, PASSWORD])
async def test_a_certificate_file_gives_its_key(file: Path, form: str, password: str | None) -> None:
    """Both file formats work, encrypted or not, and a refusal does not change the key."""
    file.write_bytes(getattr(FIRST, form)(password))
    made = credential(file, password=password)
    assert await signing(made) == FIRST.key.private_numbers()
    made.refused()
    assert await signing(made) == FIRST.key.private_numbers()
    settings = some_settings(
        ENTRA_CLIENT_SECRET=None, ENTRA_CLIENT_CERTIFICATE_PATH=str(file), ENTRA_CLIENT_CERTIFICATE_PASSWORD=password
    )
    create_credential(settings, FakeHttp(an_answer())).check()


async def test_a_new_file_counts_at_the_next_call(file: Path) -> None:
    """Rotation needs no restart."""
    file.write_bytes(FIRST.pem())
    made = credential(file)
    assert await signing(made) == FIRST.key.private_numbers()
    replace(file, SECOND.pem())
    assert await signing(made) == SECOND.key.private_numbers()


@pytest.mark.parametrize("broken", [b"", b"half a", FIRST.pem(PASSWORD), CertificateFile(days=(-2, -1)).pem(), None])
async def test_a_new_file_that_cannot_be_used_leaves_the_good_certificate(file: Path, broken: bytes | None) -> None:
    """``check`` reports the failure once for each file, without its path; the next valid file is used."""
    file.write_bytes(FIRST.pem())
    made = credential(file)
    await signing(made)
    if broken is None:
        file.unlink()
    else:
        replace(file, broken)
    faults = [made.check() for _ in range(3)]
    assert await signing(made) == FIRST.key.private_numbers()
    assert faults[0] is not None
    assert faults[1:] == [None, None]
    assert faults[0].field in (CERTIFICATE, CERTIFICATE_PASSWORD)
    assert "kept-to-itself" not in faults[0].message
    replace(file, SECOND.pem())
    assert await signing(made) == SECOND.key.private_numbers()


async def test_an_early_certificate_that_is_written_twice_leaves_the_valid_one(file: Path) -> None:
    """Each writing is a new file, and none of them is valid yet."""
    file.write_bytes(FIRST.pem())
    made = credential(file)
    await signing(made)
    early = CertificateFile(days=(1, 2)).pem()
    for _ in range(3):
        replace(file, early)
        made.check()
        assert await signing(made) == FIRST.key.private_numbers()


@pytest.mark.parametrize(
    ("content", "password", "setting", "why"),
    [
        (None, None, CERTIFICATE, "cannot be read"),
        (b"", None, CERTIFICATE, "neither PEM nor PFX"),
        (FIRST.pem(PASSWORD), "wrong", CERTIFICATE_PASSWORD, "does not open"),
        (FIRST.pem(PASSWORD), None, CERTIFICATE_PASSWORD, "is needed"),
        (FIRST.pfx(PASSWORD), "wrong", CERTIFICATE_PASSWORD, "does not open"),
        (CertificateFile(days=(-2, -1)).pem(), None, CERTIFICATE, "has expired"),
        (CertificateFile(days=(1, 2)).pem(), None, CERTIFICATE, "not valid yet"),
    ],
    ids=["absent", "empty", "wrong password", "no password", "wrong for PFX", "expired", "too early"],
)
async def test_without_a_usable_certificate_the_setting_is_named_until_it_is_mended(
    file: Path, content: bytes | None, password: str | None, setting: str, why: str
) -> None:
    """The error names the setting and the reason, but never the path."""
    if content is not None:
        file.write_bytes(content)
    made = credential(file, password=password)
    for _ in range(2):
        assert refused(made)[0] == setting
        assert why in refused(made)[1]
    replace(file, SECOND.pem())
    assert await signing(made) == SECOND.key.private_numbers()


async def test_a_certificate_that_expires_in_use_is_told(file: Path) -> None:
    """If a newer file cannot be used, the error gives that file's fault instead."""
    clock = FakeClock(time.time())
    file.write_bytes(FIRST.pem())
    made = credential(file, clock=clock)
    await signing(made)
    clock.advance(31 * 86_400)
    assert refused(made) == (CERTIFICATE, "has a certificate that has expired")
    replace(file, b"broken")
    assert refused(made) == (CERTIFICATE, "is neither PEM nor PFX")


@pytest.mark.parametrize("first", [True, False], ids=["the first", "a later one"])
async def test_a_certificate_that_was_put_in_place_early_counts_from_its_first_moment(file: Path, first: bool) -> None:
    """Until then the older certificate is used; without one, the setting is reported as wrong."""
    early, clock = CertificateFile(days=(1, 60)), FakeClock(time.time())  # to make a key takes its time
    made = credential(file, clock=clock)
    if not first:
        file.write_bytes(FIRST.pem())
        await signing(made)
    replace(file, early.pem())
    if first:
        assert refused(made) == (CERTIFICATE, "has a certificate that is not valid yet")
    else:
        assert await signing(made) == FIRST.key.private_numbers()
    clock.advance(86_400 + 1)
    assert await signing(made) == early.key.private_numbers()


async def test_a_certificate_is_not_given_before_it_was_looked_at(file: Path) -> None:
    """Calling for_msal before check raises Misconfigured rather than an unrelated exception."""
    file.write_bytes(FIRST.pem())
    with pytest.raises(Misconfigured):
        await credential(file).proof(deadline=soon())
