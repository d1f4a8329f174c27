"""MSAL objects, network access and logging around an exchange."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import msal
import pytest
from builders import EXAMPLE
from live_function import EveryLog
from live_service import a_call, exchanged, living_service, put, validated
from named_network import NamedNetwork

from sandbox import Answer, Fault, Sandbox
from sandbox.entra import errors as refusals
from sandbox.partner_center import answers
from sandbox.tokens import peek
from update_profile.deadline import Deadline
from update_profile.entra import ask
from update_profile.entra.bearer_token import TokenValidator
from update_profile.entra.exchange_cache import ExchangeCache
from update_profile.entra.metadata import fetch_metadata
from update_profile.entra.on_behalf_of import OnBehalfOf
from update_profile.entra.signing_keys import SigningKeys
from update_profile.errors import (
    AccessBlocked,
    ConsentRequired,
    EntraTimeout,
    EntraUnavailable,
    EntraUnexpected,
    InteractionRequired,
    Misconfigured,
    UpdateProfileError,
)
from update_profile.service import Service
from update_profile.settings import read_settings
from update_profile.transport.client import HttpClient

MSALS = ("ConfidentialClientApplication", "ThrottledHttpClient", "TokenCache", "_NoTokenCache", "_Flow")
REAL = "https://login.microsoftonline.com"


@contextmanager
def recorded_service(sandbox: Sandbox, **settings: str) -> Iterator[tuple[Service, NamedNetwork]]:
    """Yield the real components over a network that records the addresses."""
    network = NamedNetwork(default=sandbox.entra.server.port)
    http = HttpClient(sandbox.certificates.client_context(), network)
    with living_service(sandbox) as service:
        configured = read_settings({**sandbox.settings(), **settings})
        keys = SigningKeys(partial(fetch_metadata, http, configured.authority_host))
        on_behalf_of = OnBehalfOf(
            configured, http, token_endpoint_of=keys.token_endpoint, credential=service.credential
        )
        recorded = replace(
            service,
            settings=configured,
            token_validator=TokenValidator(configured, keys),
            tokens=ExchangeCache(on_behalf_of.exchange),
        )
        yield recorded, network


@pytest.mark.parametrize("region", [None, "westus", "true"])
async def test_an_unknown_authority_is_looked_up_nowhere_else(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, region: str | None
) -> None:
    """MSAL's default is to ask login.microsoftonline.com, and a regional host if the environment names one."""
    if region:
        monkeypatch.setenv("MSAL_FORCE_REGION", region)
        monkeypatch.setenv("REGION_NAME", region)
    with recorded_service(sandbox) as (service, network):
        await exchanged(service, sandbox.entra.sign_in("alice"))
    assert network.asked == [sandbox.entra.base_url.removeprefix("https://")] * 3
    assert [entry.endpoint for entry in sandbox.entra.journal] == ["discovery", "keys", "token"]


@pytest.mark.parametrize("alias", ["login.microsoftonline.com", "sts.windows.net"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_a_known_authority_is_asked_under_its_own_name(sandbox: Sandbox, alias: str, version: str) -> None:
    """The issuers come from the cloud table, for aliases too, and no instance discovery takes place."""
    sandbox.entra.known_as = REAL
    assertion = sandbox.entra.sign_in("alice", version="1.0" if version == "1.0" else "2.0")
    with recorded_service(sandbox, ENTRA_AUTHORITY_HOST=f"https://{alias}") as (service, network):
        await exchanged(service, assertion)
    assert set(network.asked) <= {f"{alias}:443", "login.microsoftonline.com:443"}
    assert [entry.endpoint for entry in sandbox.entra.journal] == ["discovery", "keys", "token"]


def of_msal() -> Counter[str]:
    """Count the live objects of each MSAL class."""
    gc.collect()
    return Counter(name for thing in gc.get_objects() if (name := type(thing).__name__) in MSALS)


async def test_nothing_of_msal_outlives_one_exchange(sandbox: Sandbox) -> None:
    """No application, cache or client remains that a second user could meet."""
    before = of_msal()
    with living_service(sandbox) as service:
        for user in ("alice", "bob"):
            await exchanged(service, sandbox.entra.sign_in(user))
        sandbox.entra.script(refusals.consent_required())
        with pytest.raises(ConsentRequired):
            await exchanged(service, sandbox.entra.sign_in("alice"))
        assert of_msal() == before
    assert isinstance(msal.TokenCache, type)


async def test_a_big_token_goes_on_byte_for_byte_once_for_200_calls(sandbox: Sandbox) -> None:
    """The assertion has 200 groups, and roles in addition to the scope."""
    groups = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(200)]
    assertion = sandbox.entra.sign_in("alice", groups=groups, roles=["Task.Write"], wids=groups[:3])
    with living_service(sandbox) as service:
        exchanges = await asyncio.gather(*(exchanged(service, assertion) for _ in range(200)))
    assert len({access_token.value for access_token, _ in exchanges}) == 1
    (entry,) = sandbox.entra.journal.of("token")
    assert entry.form["assertion"] == assertion


ONCE = {
    "reset": Answer.trouble(Fault.RESET_AFTER_REQUEST),
    "reset behind the headers": Answer.trouble(Fault.RESET_AFTER_HEADERS),
    "503": refusals.unavailable(),
    "500 with JSON": Answer.json({"error": "server_error"}, 500),
    "hang": Answer.trouble(Fault.HANG),
    "drip": Answer.true(body_byte_seconds=0.02),
}


@pytest.mark.parametrize("name", [name for name in ONCE if name != "reset behind the headers"])
async def test_trouble_that_passes_costs_a_second_request(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A single reset, 5xx or hang does not fail the exchange."""
    monkeypatch.setattr(ask, "ATTEMPT_SECONDS", 1.5)
    sandbox.entra.script(ONCE[name])
    with living_service(sandbox) as service:
        assert (await exchanged(service, sandbox.entra.sign_in("alice"), seconds=25))[1] == "fetched"
    first, second = sandbox.entra.journal.of("token")
    assert first.connection != second.connection
    assert first.form == second.form


async def test_a_request_that_was_reset_unread_is_made_again(sandbox: Sandbox) -> None:
    """The connection was reset before Entra ID read the request."""
    with living_service(sandbox) as service:
        assertion = sandbox.entra.sign_in("alice")
        caller = await validated(service, assertion)
        sandbox.entra.script(Answer.trouble(Fault.RESET_BEFORE_READING), path=None)
        access_token, _ = await service.tokens.access_token(caller, assertion, deadline=Deadline.after(20))
    assert peek(access_token.value)["oid"] == caller.user_id
    assert len(sandbox.entra.journal.of("token")) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusals.interaction_required(), InteractionRequired),
        (refusals.access_blocked(53003), AccessBlocked),
        (refusals.access_blocked(50105), AccessBlocked),
        (refusals.access_blocked(50057), AccessBlocked),
        (refusals.unknown_application(), ConsentRequired),
        (refusals.unknown_resource(), ConsentRequired),
        (refusals.wrong_secret(), Misconfigured),
        (Answer(body=b"<html>"), EntraUnexpected),
        (Answer(status=400, body=b"\xef\xbb\xbf{}"), EntraUnexpected),
    ],
)
async def test_a_refusal_is_final_for_its_user_alone(
    sandbox: Sandbox, answer: Answer, error: type[UpdateProfileError]
) -> None:
    """One request is made, the error names the right actor, and the other tenant's users are still served."""
    sandbox.entra.script(answer, path="token", user="carol", times=None)
    with living_service(sandbox) as service:
        with pytest.raises(error) as refused:
            await exchanged(service, sandbox.entra.sign_in("carol"))
        assert (await exchanged(service, sandbox.entra.sign_in("alice")))[1] == "fetched"
    assert len(sandbox.entra.journal.of("token", user="carol")) == 1
    assert "AADSTS" not in refused.value.detail


async def test_what_never_connected_is_unavailable_and_what_never_answered_a_time_out(sandbox: Sandbox) -> None:
    """The two stay distinct even when the call's deadline ends both."""
    with living_service(sandbox) as service:
        slow = {"alice": Answer.trouble(Fault.HANG), "bob": Answer.true(body_byte_seconds=0.02)}
        assertions = [sandbox.entra.sign_in(user) for user in slow]
        callers = [await validated(service, assertion) for assertion in assertions]

        async def exchange(number: int) -> None:
            deadline = Deadline.after(1.2)
            await service.tokens.access_token(callers[number], assertions[number], deadline=deadline)

        sandbox.entra.server.hang_at_tls_hello = True
        with pytest.raises(EntraUnavailable):
            await exchange(0)
        sandbox.entra.server.hang_at_tls_hello = False
        for user, answer in slow.items():
            sandbox.entra.script(answer, times=None, user=user)
        ended = await asyncio.gather(exchange(0), exchange(1), return_exceptions=True)
        assert [type(error) for error in ended] == [EntraTimeout, EntraTimeout]


async def test_no_record_of_any_logger_holds_a_token_a_secret_or_a_value(sandbox: Sandbox, every_log: EveryLog) -> None:
    """This covers DEBUG level, a success, and failures whose details libraries tend to log."""
    assertion = sandbox.entra.sign_in("alice")
    sandbox.entra.script(Answer(body=f"{assertion} is no JSON".encode()), refusals.consent_required(), path="token")
    sandbox.partner_center.script(
        answers.fault(400, 3000, "email@sample.com is bad"),
        Answer(headers=(("email@sample.com", "4255555555"),)),
        Answer.trouble(Fault.RESET_AFTER_REQUEST),
        answers.text(200, "www.microsoft.com"),
    )
    with living_service(sandbox) as service:
        for _ in range(2):
            with pytest.raises((EntraUnexpected, ConsentRequired)):
                await exchanged(service, assertion)
        access_token, _ = await exchanged(service, assertion)
        for _ in range(4):
            with pytest.raises(UpdateProfileError):
                await put(service, sandbox, call=a_call())
        assert (await put(service, sandbox, call=a_call())).status == 200
    logged = every_log.text()
    assert "update_profile.no_answer" in logged
    tokens = [token.rpartition(".")[2] for token in (assertion, access_token.value)]
    puts = [str(entry.header("Authorization")).rpartition(".")[2] for entry in sandbox.partner_center.journal]
    for told in (sandbox.entra.client_secret, *tokens, *puts, *EXAMPLE.values(), "AADSTS"):
        assert told not in logged
