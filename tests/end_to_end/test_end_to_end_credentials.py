"""The function's own credentials and their rotation: managed identity, certificate and client secret."""

import asyncio
from pathlib import Path

import pytest
from certificate_files import CertificateFile
from live_function import Answered, EveryLog, LiveFunction

from sandbox import Answer, Fault
from sandbox.tokens import peek
from update_profile.entra import managed_identity

PASSWORD = "canary-password-of-the-file"
SOMEONE = "0f0f0f0f-1111-4222-8333-444444444444"


@pytest.fixture
def identity(live: LiveFunction) -> LiveFunction:
    """The function with a managed identity, as App Service provides it."""
    live.set(ENTRA_CLIENT_SECRET=None, REQUEST_BUDGET_SECONDS="60", **live.sandbox.identity.settings())
    return live


def with_certificate(live: LiveFunction, path: Path, password: str | None = None) -> LiveFunction:
    """The function with a certificate."""
    live.set(
        ENTRA_CLIENT_SECRET=None,
        ENTRA_CLIENT_CERTIFICATE_PATH=str(path),
        ENTRA_CLIENT_CERTIFICATE_PASSWORD=password,
    )
    return live


def register(live: LiveFunction, file: CertificateFile) -> None:
    """Make this certificate the only one that Entra ID accepts."""
    live.sandbox.entra.registration.certificate_key = file.key.public_key()  # type: ignore[assignment]  # RSA


async def health(live: LiveFunction) -> Answered:
    """Return the answer of the health route."""
    return await live.call(method="GET", target="/api/health", user=None, body=b"")


async def test_a_managed_identity_needs_no_secret(identity: LiveFunction) -> None:
    """One token of the identity serves as the client assertion of all 15 exchanges."""
    answers = await asyncio.gather(*(identity.call(user=user) for user in ("alice", "bob", "carol") for _ in range(5)))
    assert {answered.status for answered in answers} == {200}
    assert len(identity.sandbox.identity.journal) == 1
    assert len(identity.exchanges) == 15
    for exchange in identity.exchanges:
        assert "client_secret" not in exchange.form
        assert peek(exchange.form["client_assertion"])["aud"] == "api://AzureADTokenExchange"


@pytest.mark.parametrize("calls", [30, pytest.param(200, marks=pytest.mark.soak)])
async def test_calls_at_once_make_one_request_for_the_identitys_token(identity: LiveFunction, calls: int) -> None:
    """All calls carry the same bearer token, so there is only one exchange as well."""
    identity.sandbox.identity.script(Answer.true(delay_seconds=0.2))
    token = identity.sandbox.entra.sign_in("alice")
    answers = await asyncio.gather(*(identity.call(token=token) for _ in range(calls)))
    assert {answered.status for answered in answers} == {200}
    assert (len(identity.sandbox.identity.journal), len(identity.exchanges)) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (Answer(status=500, body=b"<html>"), 503, "entra_unavailable"),
        (Answer.json({"statusCode": 400, "message": "No identity"}, 400), 503, "entra_unavailable"),
        (Answer(body=b"no JSON"), 503, "entra_unavailable"),
        (Answer.trouble(Fault.RESET_AFTER_REQUEST), 503, "entra_unavailable"),
        (Answer.trouble(Fault.HANG), 504, "entra_timeout"),
        (Answer.true(body_byte_seconds=0.2), 504, "entra_timeout"),
    ],
    ids=["500", "400", "no JSON", "reset", "hang", "drip"],
)
async def test_trouble_of_the_identity_endpoint_passes(
    identity: LiveFunction, answer: Answer, status: int, code: str
) -> None:
    """The failure is retryable, and the next call succeeds."""
    identity.allow(1)
    identity.sandbox.identity.script(answer, times=None)
    refused = await identity.call()
    assert (refused.status, refused.code, refused.json["retryable"]) == (status, code, True)
    assert refused.json["reason"] == "identity_endpoint"
    identity.sandbox.identity.clear_script()
    assert b"No identity" not in refused.body
    assert not identity.exchanges
    assert (await identity.call()).status == 200


async def test_without_the_platforms_endpoint_the_setting_is_wrong(identity: LiveFunction) -> None:
    """Health says so as well: waiting does not assign an identity."""
    identity.set(IDENTITY_ENDPOINT=None, IDENTITY_HEADER=None)
    for refused, status in ((await health(identity), 503), (await identity.call(), 500)):
        assert (refused.status, refused.code, refused.json["reason"]) == (status, "misconfigured", "settings")
        assert refused.fields == ["ENTRA_MANAGED_IDENTITY_CLIENT_ID"]
        assert "IDENTITY_ENDPOINT" in refused.json["errors"][0]["message"]


async def test_a_federated_credential_that_is_not_known_yet_heals_by_itself(
    identity: LiveFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No restart is needed, and refusals in a row do not fetch the identity's token again and again."""
    registration = identity.sandbox.entra.registration
    known, registration.federated_audience = registration.federated_audience, "nothing registered yet"
    for _ in range(2):
        refused = await identity.call()
        assert (refused.status, refused.code, refused.json["entra"]["codes"]) == (500, "misconfigured", [700213])
    assert len(identity.sandbox.identity.journal) == 1
    registration.federated_audience = known
    monkeypatch.setattr(managed_identity, "SHORTEST_REFRESH_SECONDS", 0.0)
    assert (await identity.call()).status == 200
    assert len(identity.sandbox.identity.journal) == 1


async def test_another_clouds_audience_is_refused_by_entra(identity: LiveFunction) -> None:
    """The sandbox's authority belongs to no cloud, so the audience is that of the configured cloud."""
    identity.set(PARTNER_CENTER_CLOUD="usgov", PARTNER_CENTER_BASE_URL=identity.sandbox.partner_center.base_url)
    assert (await identity.call()).code == "misconfigured"
    identity.sandbox.entra.registration.federated_audience = "api://AzureADTokenExchangeUSGov"
    assert (await identity.call()).status == 200
    identity.set(PARTNER_CENTER_CLOUD=None)


@pytest.mark.parametrize("chain", [True, False], ids=["chain", "no chain"])
@pytest.mark.parametrize("password", [PASSWORD, None], ids=["encrypted", "plain"])
@pytest.mark.parametrize("form", ["pem", "pfx"])
async def test_a_certificate_signs_for_us(
    live: LiveFunction, tmp_path: Path, form: str, password: str | None, chain: bool
) -> None:
    """The assertion uses PS256 and carries the SHA-256 thumbprint and the certificate without its chain."""
    file = CertificateFile()
    path = tmp_path / f"certificate.{form}"
    path.write_bytes(getattr(file, form)(password, chain=chain))
    register(live, file)
    assert (await with_certificate(live, path, password).call()).status == 200
    (exchange,) = live.exchanges
    assert "client_secret" not in exchange.form
    headers = peek(exchange.form["client_assertion"], 0)
    assert (headers["alg"], len(headers["x5c"]), "x5t#S256" in headers) == ("PS256", 1, True)


async def test_a_rotated_certificate_counts_at_the_next_call(live: LiveFunction, tmp_path: Path) -> None:
    """No restart or setting is needed, and the old certificate stays in use while the new file is broken."""
    old, new, path = CertificateFile(), CertificateFile(), tmp_path / "certificate.pem"
    path.write_bytes(old.pem())
    register(live, old)
    assert (await with_certificate(live, path).call()).status == 200
    path.write_bytes(b"half a file")
    assert (await live.call(user="bob")).status == 200
    register(live, new)
    assert (await live.call(user="bob")).code == "misconfigured"
    path.write_bytes(new.pem())
    assert (await live.call(user="bob")).status == 200


@pytest.mark.parametrize(
    ("content", "password", "setting"),
    [
        (None, None, "ENTRA_CLIENT_CERTIFICATE_PATH"),
        (b"no certificate", None, "ENTRA_CLIENT_CERTIFICATE_PATH"),
        (CertificateFile(days=(-3, -1)).pem(), None, "ENTRA_CLIENT_CERTIFICATE_PATH"),
        (CertificateFile().pfx(PASSWORD), "another", "ENTRA_CLIENT_CERTIFICATE_PASSWORD"),
    ],
    ids=["absent", "garbage", "expired", "wrong password"],
)
async def test_a_certificate_that_cannot_be_used_is_a_wrong_setting_until_it_is_mended(
    live: LiveFunction, tmp_path: Path, content: bytes | None, password: str | None, setting: str
) -> None:
    """Health and every call name the setting; settings are checked before the bearer token."""
    path = tmp_path / "canary-name.pem"
    if content is not None:
        path.write_bytes(content)
    with_certificate(live, path, password)
    sound, refused = await health(live), await live.call(user=None)
    assert (sound.status, sound.fields, refused.status, refused.fields) == (503, [setting], 500, [setting])
    assert b"canary" not in sound.body + refused.body
    file = CertificateFile()
    path.write_bytes(file.pem())
    register(live, file)
    assert ((await health(live)).status, (await live.call()).status) == (200, 200)


async def test_a_rotated_secret_counts_at_the_next_call(live: LiveFunction) -> None:
    """Azure restarts the app when a setting changes, so the next call uses the new secret."""
    assert (await live.call()).status == 200
    live.sandbox.entra.registration.client_secret = "the-next-secret"
    assert (await live.call()).code == "misconfigured"
    live.set(ENTRA_CLIENT_SECRET="the-next-secret")
    assert (await live.call()).status == 200


async def test_two_credentials_are_none(live: LiveFunction) -> None:
    """The function does not guess which credential is meant, and names both settings."""
    live.set(ENTRA_MANAGED_IDENTITY_CLIENT_ID=SOMEONE)
    sound, refused = await health(live), await live.call()
    assert (sound.status, refused.code) == (503, "misconfigured")
    assert set(refused.fields) == {"ENTRA_MANAGED_IDENTITY_CLIENT_ID", "ENTRA_CLIENT_SECRET"}
    assert not live.sandbox.entra.journal


async def test_no_credential_is_told_to_a_log_or_to_a_caller(
    live: LiveFunction, every_log: EveryLog, tmp_path: Path
) -> None:
    """The calls use all kinds of credential, succeed or are refused, and every logger runs at DEBUG."""
    file, path = CertificateFile(), tmp_path / "certificate.pfx"
    path.write_bytes(file.pfx(PASSWORD))
    answers = [await live.call(), await with_certificate(live, path, PASSWORD).call()]
    register(live, file)
    answers += [await live.call()]
    live.set(ENTRA_CLIENT_CERTIFICATE_PATH=None, ENTRA_CLIENT_CERTIFICATE_PASSWORD=None)
    live.set(**live.sandbox.identity.settings())
    answers += [await live.call()]
    live.sandbox.identity.script(Answer(status=500), times=None)
    live.set(REQUEST_BUDGET_SECONDS="3")
    answers += [await live.call()]
    assert [answered.status for answered in answers] == [200, 500, 200, 200, 503]
    registration = live.sandbox.entra.registration
    assertions = [exchange.form.get("client_assertion", "") for exchange in live.exchanges]
    told = every_log.text() + "".join(f"{answered.headers} {answered.body!r}" for answered in answers)
    canaries = [registration.client_secret, registration.identity_header, PASSWORD, "PRIVATE KEY"]
    canaries += [assertion.split(".")[part] for assertion in assertions if assertion for part in (1, 2)]
    assert len(canaries) > 6
    assert not [canary for canary in canaries if canary in told]
