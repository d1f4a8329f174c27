"""The whole flow over real HTTP and TLS: what goes upstream, what comes back, under which ids.

On Python 3.13 and later the function is loaded and called by Azure's own worker library.
"""

import importlib.util
import json
import uuid
from typing import Literal

import pytest
from builders import EXAMPLE, EXAMPLE_WIRE
from live_function import EveryLog, LiveFunction

from sandbox import Answer
from update_profile.call import AuditEvent

AUDIT_FIELDS = set(AuditEvent(correlation_id="", request_id="", operation="", version="").fields())
DELIVERY_IDS = ("Idempotency-Key", "webhook-id", "X-Zendesk-Webhook-Invocation-Id", "X-Atlassian-Webhook-Identifier")
GIVEN = "3F2504E0-4F89-41D3-9a0c-0305E82C3301"


@pytest.mark.skipif(not importlib.util.find_spec("azure_functions_runtime"), reason="needs Python 3.13 or later")
def test_the_function_is_loaded_by_the_library_that_azure_runs(live: LiveFunction) -> None:
    assert type(live.host.worker).__name__ == "RuntimeWorker"


def test_the_app_has_its_routes_and_asks_for_no_key(live: LiveFunction) -> None:
    """The bearer token is the credential; a function key in a URL would end up in logs."""
    functions = {function.route: function for function in live.host.worker.functions}
    assert {route: function.methods for route, function in functions.items()} == {
        "update_profile": {"GET", "POST", "PUT", "PATCH"},
        "health": {"GET"},
        "openapi.json": {"GET"},
        "approve/{file?}": {"GET"},
        "approve{mangled}/{*rest}": {"GET"},
    }
    assert {function.auth_level for function in functions.values()} == {"anonymous"}


@pytest.mark.parametrize("user", ["alice", "carol"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_user_of_either_tenant_updates_the_profile_of_that_tenant(
    live: LiveFunction, method: str, version: Literal["1.0", "2.0"], user: str
) -> None:
    """The bearer token is exchanged unchanged in its own tenant, and the answer is relayed without its BOM."""
    token = live.sandbox.entra.sign_in(user, version=version)
    tenant = live.sandbox.entra.users[user].tenant_id
    answered = await live.call(method=method, token=token)
    assert (answered.status, answered.headers["content-type"]) == (200, "application/json")
    assert answered.json == live.sandbox.partner_center.profiles.read(tenant)
    assert answered.json["email"] == EXAMPLE["Email"]
    (exchange,) = live.exchanges
    assert (exchange.form["assertion"], exchange.tenant, exchange.user) == (token, tenant, user)
    (put,) = live.puts
    assert (put.tenant, put.user) == (tenant, user)


async def test_the_other_tenants_profile_stays_as_it_was(live: LiveFunction) -> None:
    other = live.sandbox.entra.users["carol"].tenant_id
    before = live.sandbox.partner_center.profiles.read(other)
    assert (await live.call(user="alice")).status == 200
    assert live.sandbox.partner_center.profiles.read(other) == before


async def test_the_documented_request_goes_upstream_and_nothing_besides(live: LiveFunction) -> None:
    """The PUT has 167 bytes and only the documented headers; other headers of the caller are not forwarded."""
    headers = [("MS-RequestId", GIVEN), ("Cookie", "a=b"), ("X-Other", "1"), ("Accept-Language", "de")]
    await live.call(headers=headers)
    (put,) = live.puts
    assert (put.method, put.path, put.body, len(put.body)) == ("PUT", "/v1/profiles/supportprofile", EXAMPLE_WIRE, 167)
    sent = {name.lower(): value for name, value in put.headers}
    assert len(sent) == len(put.headers)
    assert sent.pop("authorization").startswith("Bearer ")
    assert sent.pop("user-agent").startswith("update-profile/")
    assert uuid.UUID(sent.pop("ms-correlationid"))
    assert sent == {
        "host": live.sandbox.partner_center.base_url.removeprefix("https://"),
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": "167",
        "ms-requestid": GIVEN,
        "ms-contract-version": "v1",
    }


async def test_a_profile_that_was_read_can_be_edited_and_posted_back(live: LiveFunction) -> None:
    """camelCase names, links and attributes are accepted, and values are sent code point for code point."""
    read = {**live.sandbox.partner_center.profiles.read(live.sandbox.entra.tenants[0]), "telephone": "٤٢٥ 555"}
    assert (await live.call(read)).status == 200
    (put,) = live.puts
    assert list(json.loads(put.body)) == ["Email", "Telephone", "Website", "ProfileType", "Attributes"]
    assert '"Telephone":"٤٢٥ 555"'.encode() in put.body


async def test_validate_mfa_is_sent_where_it_is_set_and_its_answer_comes_back(live: LiveFunction) -> None:
    live.set(PARTNER_CENTER_VALIDATE_MFA="true")
    answered = await live.call()
    assert live.puts[0].header("ValidateMfa") == "true"
    assert answered.headers["ismfacompliant"] == "true"


async def test_of_partner_centers_headers_only_the_mfa_one_comes_back(live: LiveFunction) -> None:
    """Other upstream headers are dropped, because some of them would break the host's answer."""
    others = (("Set-Cookie", "a=b"), ("X-Other", "1"), ("Content-Encoding", "identity"), ("Retry-After", "9"))
    live.sandbox.partner_center.script(Answer.true(headers=others))
    answered = await live.call()
    assert set(answered.headers) == {
        "content-type", "ms-correlationid", "ms-requestid", "x-content-type-options", "cache-control",
    }  # fmt: skip


@pytest.mark.parametrize("status", [201, 202, 206])
async def test_a_success_keeps_the_status_of_partner_center(live: LiveFunction, status: int) -> None:
    """The body shows the profile, so the status is relayed with it."""
    shown = {name.lower(): value for name, value in EXAMPLE.items()}
    live.sandbox.partner_center.script(Answer.json(shown, status))
    answered = await live.call()
    assert (answered.status, answered.json) == (status, shown)


@pytest.mark.parametrize("status", [204, 205])
async def test_a_success_without_a_body_is_relayed_without_one(
    live: LiveFunction, every_log: EveryLog, status: int
) -> None:
    """The Functions host throws on a body under these statuses; a warning says that nothing was shown."""
    live.sandbox.partner_center.script(Answer(status=status))
    answered = await live.call()
    assert (answered.status, answered.body) == (status, b"")
    assert f"update_profile.write_not_shown {answered.headers['ms-correlationid']} {status}" in every_log.text()


async def test_the_callers_ids_go_upstream_and_come_back_as_written(live: LiveFunction) -> None:
    correlation = GIVEN.lower()
    answered = await live.call(headers=[("MS-RequestId", GIVEN), ("MS-CorrelationId", correlation)])
    assert (answered.headers["ms-requestid"], answered.headers["ms-correlationid"]) == (GIVEN, correlation)
    (put,) = live.puts
    assert (put.header("MS-RequestId"), put.header("MS-CorrelationId")) == (GIVEN, correlation)


async def test_ids_that_are_absent_or_blank_are_made_for_each_call(live: LiveFunction) -> None:
    first = await live.call()
    second = await live.call(headers=[("MS-RequestId", " "), ("MS-CorrelationId", "")])
    ids = {answered.headers[name] for answered in (first, second) for name in ("ms-requestid", "ms-correlationid")}
    assert len(ids) == 4
    assert all(uuid.UUID(made) for made in ids)
    assert [put.header("MS-RequestId") for put in live.puts] == [
        first.headers["ms-requestid"],
        second.headers["ms-requestid"],
    ]


async def request_id(live: LiveFunction, *headers: tuple[str, str], user: str = "alice", email: str = "a@b") -> str:
    """Return the request id of a successful call, and check that the same id was sent upstream."""
    answered = await live.call({**EXAMPLE, "Email": email}, user=user, headers=headers)
    assert answered.status == 200
    assert live.puts[-1].header("MS-RequestId") == answered.headers["ms-requestid"]
    return answered.headers["ms-requestid"]


@pytest.mark.parametrize("header", DELIVERY_IDS)
async def test_a_repeated_delivery_is_one_logical_operation(live: LiveFunction, header: str) -> None:
    """The request id is the same for any token of the user, and differs by user, body and delivery id."""
    first = await request_id(live, (header, "d-1"))
    assert uuid.UUID(first).version == 5
    assert await request_id(live, (header, "d-1")) == first
    others = {
        await request_id(live, (header, "d-1"), user="bob"),
        await request_id(live, (header, "d-1"), user="carol"),
        await request_id(live, (header, "d-1"), email="b@b"),
        await request_id(live, (header, "d-2")),
        await request_id(live, (header, " ")),
    }
    assert len(others - {first}) == 5


async def test_the_first_delivery_id_that_is_present_counts_and_a_request_id_wins(live: LiveFunction) -> None:
    alone = await request_id(live, (DELIVERY_IDS[1], "b"))
    assert await request_id(live, *((name, "c") for name in DELIVERY_IDS[2:]), (DELIVERY_IDS[1], "b")) == alone
    assert await request_id(live, (DELIVERY_IDS[0], ""), (DELIVERY_IDS[1], "b")) == alone
    assert await request_id(live, (DELIVERY_IDS[1], "b"), ("MS-RequestId", GIVEN)) == GIVEN


async def test_a_delivery_id_has_no_effect_before_the_token_is_validated(live: LiveFunction) -> None:
    """Two refused calls with the same delivery id get different request ids."""
    ids = {(await live.call(token="a.b.c", headers=[("webhook-id", "d-1")])).headers["ms-requestid"] for _ in range(2)}
    assert len(ids) == 2


async def test_a_second_call_with_one_token_exchanges_nothing(live: LiveFunction, every_log: EveryLog) -> None:
    token = live.sandbox.entra.sign_in("alice")
    for _ in range(2):
        assert (await live.call(token=token)).status == 200
    assert (len(live.exchanges), len(live.puts)) == (1, 2)
    assert [vars(audit)["exchange"] for audit in every_log.audits] == ["fetched", "cached"]


async def test_a_success_is_one_audit_record_with_every_field(live: LiveFunction, every_log: EveryLog) -> None:
    answered = await live.call()
    (audit,) = every_log.audits
    told = vars(audit)
    assert set(told) >= AUDIT_FIELDS
    alice = live.sandbox.entra.users["alice"]
    expected = {
        "operation": "post", "code": "ok", "status": 200, "upstream_status": 200, "attempts": 1, "exchange": "fetched",
        "tenant_id": alice.tenant_id, "user_id": alice.object_id,
        "client_id": live.sandbox.entra.registration.caller_client_id,
        "correlation_id": answered.headers["ms-correlationid"], "request_id": answered.headers["ms-requestid"],
        "upstream_request_id": answered.headers["ms-requestid"],
    }  # fmt: skip
    assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE", "TRACE"])
async def test_another_method_gets_the_hosts_empty_404(live: LiveFunction, method: str) -> None:
    """The host answers by itself and does not call the function."""
    answered = await live.call(method=method)
    assert (answered.status, answered.body) == (404, b"")
    assert "ms-requestid" not in answered.headers
    assert not live.puts
