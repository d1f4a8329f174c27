"""What lives from call to call."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import an_environment

from update_profile.deadline import Deadline
from update_profile.errors import InvalidToken, Misconfigured
from update_profile.service import Service, Services, build
from update_profile.settings import NAMES

SetEnvironment = Callable[..., None]


@pytest.fixture
def set_environment(monkeypatch: pytest.MonkeyPatch) -> SetEnvironment:
    """Gives the process the least sound environment, with what a test wants otherwise."""
    secret = an_environment()["ENTRA_CLIENT_SECRET"]

    def set_it(**overrides: str | None) -> None:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in an_environment(**{"ENTRA_CLIENT_SECRET": secret, **overrides}).items():
            monkeypatch.setenv(name, value)

    set_it()
    return set_it


def closed(service: Service) -> bool:
    """Whether its threads were let go."""
    try:
        service.on_behalf_of._threads.submit(int).cancel()
    except RuntimeError:
        return True
    return False


@pytest.mark.usefixtures("set_environment")
async def test_a_service_is_built_once() -> None:
    """For one environment and one event loop."""
    services = Services()
    service = services.current()
    assert services.current() is service
    assert not closed(service)
    service.on_behalf_of.close()


async def test_another_environment_makes_another_service(set_environment: SetEnvironment) -> None:
    """The old one's threads are let go; a variable that is not looked at changes nothing."""
    services = Services()
    first = services.current()
    set_environment(MAX_BODY_BYTES="2048")
    second = services.current()
    assert (first.settings.max_body_bytes, second.settings.max_body_bytes) == (65_536, 2_048)
    assert (closed(first), closed(second)) == (True, False)
    set_environment(MAX_BODY_BYTES="2048", UNRELATED="1")
    assert services.current() is second
    second.on_behalf_of.close()


@pytest.mark.usefixtures("set_environment")
def test_another_event_loop_makes_another_service() -> None:
    """Its collaborators wait on the loop that made them."""
    services = Services()

    async def current() -> Service:
        return services.current()

    first, second = asyncio.run(current()), asyncio.run(current())
    assert first is not second
    assert closed(first)
    second.on_behalf_of.close()


async def test_a_wrong_setting_is_logged_once_and_told_every_time(
    set_environment: SetEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    """Each time as an error of its own, by name and without a value, until it is mended."""
    set_environment(ENTRA_CLIENT_ID="kept-to-itself", REQUEST_BUDGET_SECONDS="kept-to-itself")
    services, errors = Services(), []
    for _ in range(3):
        with pytest.raises(Misconfigured) as caught:
            services.current()
        errors.append(caught.value)
    assert len({id(error) for error in errors}) == 3
    assert {error.detail for error in errors} == {"Wrong or missing settings: ENTRA_CLIENT_ID, REQUEST_BUDGET_SECONDS."}
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "ENTRA_CLIENT_ID is no GUID" in record.getMessage()
    assert "REQUEST_BUDGET_SECONDS is no number" in record.getMessage()
    assert "kept-to-itself" not in caplog.text
    set_environment()
    services.current().on_behalf_of.close()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bundle_that_cannot_be_read_is_a_wrong_setting(tmp_path: Path, content: str | None) -> None:
    """Absent, or no certificates; named without its path."""
    bundle = tmp_path / "kept-to-itself.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(Misconfigured) as caught:
        build(an_environment(SSL_CERT_FILE=str(bundle)))
    assert [fault.field for fault in caught.value.evidence.fields] == ["SSL_CERT_FILE"]
    assert "kept-to-itself" not in f"{caught.value.detail} {caught.value.evidence}"


async def test_a_service_validates_tokens_with_its_own_settings() -> None:
    """What is no token at all is refused without any call outside."""
    service = build(an_environment())
    with pytest.raises(InvalidToken):
        await service.callers.validate("no-token", deadline=Deadline.after(1))
    service.on_behalf_of.close()
