"""State that outlives a call."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import an_environment
from live_service import living_service, open_sockets, until_closed, validated

from sandbox import Sandbox
from update_profile import __version__
from update_profile.deadline import Deadline
from update_profile.errors import InvalidToken, Misconfigured, TenantNotAllowed
from update_profile.service import ServiceHolder, build
from update_profile.settings import NAMES

SetEnvironment = Callable[..., None]


@pytest.fixture
def set_environment(monkeypatch: pytest.MonkeyPatch) -> SetEnvironment:
    """Set the smallest valid environment of the process, with overrides."""
    secret = an_environment()["ENTRA_CLIENT_SECRET"]

    def set_it(**overrides: str | None) -> None:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in an_environment(**{"ENTRA_CLIENT_SECRET": secret, **overrides}).items():
            monkeypatch.setenv(name, value)

    set_it()
    return set_it


async def test_a_service_is_built_once_and_settings_are_read_once(set_environment: SetEnvironment) -> None:
    """Azure restarts the worker process when a setting changes."""
    holder = ServiceHolder()
    service = holder.get()
    set_environment(MAX_BODY_BYTES="2048")
    assert holder.get() is service
    assert service.settings.max_body_bytes == 65_536
    assert ServiceHolder().get().settings.max_body_bytes == 2_048


async def test_a_wrong_setting_is_reported_by_every_call(set_environment: SetEnvironment) -> None:
    """Each call gets an error of its own, with names and without values."""
    set_environment(ENTRA_CLIENT_ID="kept-to-itself", REQUEST_BUDGET_SECONDS="kept-to-itself")
    holder, errors = ServiceHolder(), []
    for _ in range(3):
        with pytest.raises(Misconfigured) as caught:
            holder.get()
        errors.append(caught.value)
    assert len({id(error) for error in errors}) == 3
    assert {error.detail for error in errors} == {"Wrong or missing settings: ENTRA_CLIENT_ID, REQUEST_BUDGET_SECONDS."}
    assert "kept-to-itself" not in f"{errors[0].fields}"


async def test_the_start_is_recorded_once(set_environment: SetEnvironment, caplog: pytest.LogCaptureFixture) -> None:
    """The record says which version, cloud and kind of credential serve."""
    set_environment(PARTNER_CENTER_CLOUD="china")
    holder = ServiceHolder()
    with caplog.at_level(logging.INFO, logger="update_profile"):
        holder.get()
        holder.get()
    (record,) = caplog.records
    assert record.getMessage() == f"update_profile.started version={__version__} cloud=china credential=secret"


async def test_a_prepared_service_is_the_first_calls(
    set_environment: SetEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    """It is built while the app loads; the start is recorded with the first call, to which the host attributes it."""
    holder = ServiceHolder()
    with caplog.at_level(logging.INFO, logger="update_profile"):
        holder.prepare()
        assert not caplog.records
        set_environment(MAX_BODY_BYTES="2048")
        assert holder.get().settings.max_body_bytes == 65_536
    assert [record.getMessage().split()[0] for record in caplog.records] == ["update_profile.started"]


@pytest.mark.parametrize("fault", [RuntimeError("ours"), MemoryError()])
async def test_preparing_never_fails(
    set_environment: SetEnvironment, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """An app that fails while it loads has no functions at all. A call meets the fault again, and answers it."""

    def fail(*_: object) -> None:
        raise fault

    holder = ServiceHolder()
    with monkeypatch.context() as patched:
        patched.setattr("update_profile.service.build", fail)
        holder.prepare()
        with pytest.raises(type(fault)):
            holder.get()
    assert holder.get().settings.max_body_bytes == 65_536


async def test_a_wrong_setting_that_is_met_early_is_reported_by_the_calls(set_environment: SetEnvironment) -> None:
    """Preparing reports nothing itself."""
    set_environment(ENTRA_CLIENT_ID="wrong")
    holder = ServiceHolder()
    holder.prepare()
    with pytest.raises(Misconfigured, match="ENTRA_CLIENT_ID"):
        holder.get()


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_bundle_that_cannot_be_read_is_a_wrong_setting(tmp_path: Path, content: str | None) -> None:
    """The error names the setting but not the path."""
    bundle = tmp_path / "kept-to-itself.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(Misconfigured) as caught:
        build(an_environment(SSL_CERT_FILE=str(bundle)))
    assert [fault.field for fault in caught.value.fields] == ["SSL_CERT_FILE"]
    assert "kept-to-itself" not in f"{caught.value.detail} {caught.value.fields}"


async def test_a_service_validates_tokens_with_its_own_settings() -> None:
    """Text that is not a token is refused without any request."""
    service = build(an_environment())
    with pytest.raises(InvalidToken):
        await service.token_validator.validate("no-token", deadline=Deadline.after(1))


async def test_the_call_that_fetches_the_keys_connects_to_partner_center_meanwhile(sandbox: Sandbox) -> None:
    """A process's first call needs both. Nothing is sent, and a token whose keys are held opens no connection."""
    server, before, sockets = sandbox.partner_center.server, sandbox.partner_center.server.connections, open_sockets()
    with living_service(sandbox) as service:
        with service.connections():
            await validated(service, sandbox.entra.sign_in("alice"))
            while server.connections == before:  # noqa: ASYNC110  it is being opened
                await asyncio.sleep(0.005)
        with service.connections():
            await validated(service, sandbox.entra.sign_in("alice"))
            await asyncio.sleep(0.05)  # an opening that had begun would come about
    assert await until_closed(sandbox, sockets_before=sockets) == (0, 0)
    assert server.connections == before + 1
    assert not sandbox.partner_center.journal


async def test_a_token_of_a_strange_tenant_opens_no_connection(sandbox: Sandbox) -> None:
    """It is refused before any key is fetched."""
    before = (sandbox.entra.server.connections, sandbox.partner_center.server.connections)
    with living_service(sandbox, ENTRA_ALLOWED_TENANTS=str(uuid.uuid4())) as service, service.connections():
        with pytest.raises(TenantNotAllowed):
            await validated(service, sandbox.entra.sign_in("alice"))
        await asyncio.sleep(0.02)
    assert (sandbox.entra.server.connections, sandbox.partner_center.server.connections) == before
