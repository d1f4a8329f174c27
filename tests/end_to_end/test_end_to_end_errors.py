"""Every row of the error table over HTTP: the answer, how far the call got, what is never disclosed, who is alerted."""

import base64
import json
from collections.abc import Iterator

import pytest
from alert_rules import expected, raised_by
from builders import EXAMPLE
from error_rows import ROWS, SOMEONE, Reach, Row
from live_function import Answered, EveryLog, LiveFunction
from test_end_to_end import AUDIT_FIELDS

from sandbox.entra import errors as entra
from sandbox.partner_center import answers
from update_profile import errors

EVERY_PROBLEM = {
    "type", "title", "status", "detail", "code", "actor", "retryable", "correlationId", "requestId",
}  # fmt: skip


def codes(parent: type[errors.UpdateProfileError]) -> Iterator[str]:
    """Yield the code of every subclass of `parent` that has one."""
    for child in parent.__subclasses__():
        if child.code:
            yield child.code
        yield from codes(child)


def test_every_code_has_a_row() -> None:
    assert {row.code for row in ROWS} == set(codes(errors.UpdateProfileError))


def reached(live: LiveFunction) -> Reach:
    """Return how far the call got, judged by the journals of the stand-ins."""
    if live.puts:
        return Reach.PUT
    if live.exchanges:
        return Reach.EXCHANGE
    return Reach.KEYS if live.sandbox.entra.journal else Reach.NOTHING


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_failure_says_what_went_wrong_who_must_act_and_whether_to_try_again(
    live: LiveFunction, every_log: EveryLog, row: Row
) -> None:
    """Each row gives the status, the members, the headers, and which upstreams are called.

    The failure is one audit record. Nothing discloses a value or a token: the test reads messages, stacks and
    attributes of all loggers at DEBUG, and the answer itself. The records count for the alerts that are meant for the
    failure.
    """
    answered = await row.provoke(live)
    says_what_went_wrong(live, row, answered)
    is_one_audit_record(live, row, answered, every_log)
    discloses_nothing(live, answered, every_log)
    counts_for_the_alerts_that_are_meant_for_it(row, every_log)


def says_what_went_wrong(live: LiveFunction, row: Row, answered: Answered) -> None:
    """Check the answer against the row."""
    problem = answered.json
    assert (problem["code"], problem["status"]) == (row.code, answered.status)
    assert (answered.status, problem["actor"], problem["retryable"]) == row.answer
    assert set(problem) - {"reason"} == EVERY_PROBLEM | row.members
    assert problem.get("reason") == row.reason
    assert problem["type"].endswith(f":{row.code}")
    assert answered.headers["content-type"] == "application/problem+json"
    assert (problem["correlationId"], problem["requestId"]) == (
        answered.headers["ms-correlationid"],
        answered.headers["ms-requestid"],
    )
    assert answered.headers.get("retry-after") == row.retry_after
    challenge = answered.headers.get("www-authenticate")
    if row.challenge is not None and row.challenge.endswith("..."):
        assert (challenge or "").startswith(row.challenge.removesuffix("..."))
    else:
        assert challenge == row.challenge
    assert problem.get("outcome") == ("unknown" if row.code == "partner_center_timeout" else None)
    assert reached(live) == row.reach
    assert row.healing or len(live.puts) == (1 if row.reach is Reach.PUT else 0)


def is_one_audit_record(live: LiveFunction, row: Row, answered: Answered, every_log: EveryLog) -> None:
    """Check the last audit record against the row and the answer."""
    audit = every_log.audits[-1]
    told = vars(audit)
    assert set(told) >= AUDIT_FIELDS
    assert json.loads(audit.getMessage().split(" ", 1)[1]).keys() == AUDIT_FIELDS
    assert (told["code"], told["status"]) == (row.code, answered.status)
    assert (told["correlation_id"], told["request_id"]) == (
        answered.headers["ms-correlationid"],
        answered.headers["ms-requestid"],
    )
    requests = len(live.sandbox.partner_center.journal)
    unreachable = row.code == "partner_center_unreachable"
    assert told["attempts"] >= 1 if unreachable else told["attempts"] + told["read_backs"] == requests
    # What anybody's unsigned token can provoke is at INFO.
    told_to_operator = told["tenant_id"] is not None or row.code == "unexpected" or row.reason == "settings"
    assert (audit.levelname == "ERROR") == (row.answer[1] == "operator" and told_to_operator)
    assert (told["reason"], told["outcome"]) == (row.reason, answered.json.get("outcome"))


def discloses_nothing(live: LiveFunction, answered: Answered, every_log: EveryLog) -> None:
    """Check that no secret stands in a log or in the answer."""
    everything = {"log": every_log.text(), "answer": f"{answered.headers} {answered.body.decode()}"}
    leaks = {
        (name, place)
        for name, secret in secrets(live).items()
        for place, text in everything.items()
        if secret.lower() in text.lower()
    }
    assert not leaks


def counts_for_the_alerts_that_are_meant_for_it(row: Row, every_log: EveryLog) -> None:
    """Check which alerts count the records.

    A caller's own mistake counts for none, and what an unsigned token provokes only for an outage of the keys.
    """
    assert raised_by(every_log.records) == expected(row)


def secrets(live: LiveFunction) -> dict[str, str]:
    """Return what no log and no failure may contain: profile values, the client secret, and token parts."""
    exchanges, puts = live.exchanges, live.puts
    tokens = {f"assertion {n}": entry.form["assertion"] for n, entry in enumerate(exchanges)}
    tokens |= {f"access token {n}": (entry.header("Authorization") or "").split()[-1] for n, entry in enumerate(puts)}
    signatures = {f"signature of {name}": token.rsplit(".", 1)[-1] for name, token in tokens.items()}
    claims = {f"claims of {name}": token.split(".")[1] for name, token in tokens.items()}
    return {**EXAMPLE, "our secret": live.sandbox.entra.client_secret, **signatures, **claims}


async def test_the_audit_record_of_a_refusal_has_what_both_sides_said_of_it(
    live: LiveFunction, every_log: EveryLog
) -> None:
    """The record holds Entra ID's error codes and trace id, and Partner Center's status and code."""
    live.sandbox.entra.script(entra.access_blocked(50105))
    refused = (await live.call()).json["entra"]
    live.sandbox.partner_center.script(answers.fault(409, "2031"))
    await live.call()
    first, second = (vars(audit) for audit in every_log.audits)
    assert (first["entra_codes"], first["entra_trace_id"]) == ((50105,), refused["traceId"])
    assert (second["upstream_status"], second["upstream_code"]) == (409, "2031")


async def test_what_partner_center_said_is_relayed_but_for_what_was_sent(live: LiveFunction) -> None:
    live.sandbox.partner_center.script(
        answers.fault(400, 2001, "Bad."), answers.fault(400, 2001, f"Bad: {EXAMPLE['Email']}")
    )
    told = (await live.call()).json["upstream"]
    assert told == {"status": 400, "code": "2001", "description": "Bad.", "source": "PartnerFD"}
    assert (await live.call()).json["upstream"] == {**told, "description": None}


async def test_what_entra_said_is_names_and_numbers_never_its_text(live: LiveFunction) -> None:
    live.sandbox.entra.script(entra.access_blocked(53003))
    answered = await live.call()
    told = answered.json["entra"]
    assert (told["error"], told["codes"], len(told["traceId"])) == ("invalid_grant", [53003], 36)
    assert b"AADSTS" not in answered.body


async def test_the_claims_challenge_goes_out_as_entra_asked_for_it(live: LiveFunction) -> None:
    """The header has the form that learn.microsoft.com/entra/identity-platform/claims-challenge describes."""
    live.sandbox.entra.script(entra.interaction_required())
    challenge = (await live.call()).headers["www-authenticate"]
    tenant = live.sandbox.entra.tenants[0]
    start = f'Bearer realm="{tenant}", authorization_uri="{live.sandbox.entra.base_url}/{tenant}/oauth2/v2.0/authorize"'
    assert challenge.startswith(f'{start}, error="insufficient_claims", claims="')
    claims = challenge.rsplit('claims="', 1)[1].removesuffix('"')
    assert json.loads(base64.b64decode(claims)) == json.loads(entra.MFA_CLAIMS)


async def test_consent_is_asked_for_at_the_tenants_own_address(live: LiveFunction) -> None:
    live.sandbox.entra.script(entra.consent_required(), user="carol")
    uri = (await live.call(user="carol")).json["consentUri"]
    entra_id = live.sandbox.entra
    assert uri.startswith(f"{entra_id.base_url}/{entra_id.tenants[1]}/")
    assert f"client_id={entra_id.client_id}" in uri


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json", "application/json"),
        ("application/json;q=0.9, text/plain", "application/json"),
        ("application/json, */*", "application/problem+json"),
        ("application/json, application/problem+json", "application/problem+json"),
        ("text/html", "application/problem+json"),
        ("nonsense;;,", "application/problem+json"),
    ],
)
async def test_accept_chooses_the_name_of_the_media_type_and_refuses_nothing(
    live: LiveFunction, accept: str, media_type: str
) -> None:
    answered = await live.call(user=None, headers=[("Accept", accept)])
    assert (answered.code, answered.headers["content-type"]) == ("missing_token", media_type)


async def test_health_needs_nothing_outside_and_ignores_its_query(live: LiveFunction) -> None:
    answered = await live.call(method="GET", target="/api/health?x=%00", user=None, body=b"")
    assert (answered.status, answered.json["status"]) == (200, "ok")
    assert set(answered.json) == {"status", "version"}
    assert not live.sandbox.entra.journal


async def test_wrong_settings_are_named_at_health_and_by_every_update_until_they_are_mended(
    live: LiveFunction,
) -> None:
    """Both answers list every wrong setting by name and quote no value."""
    wrong = {
        "ENTRA_CLIENT_ID": None,
        "ENTRA_ALLOWED_TENANTS": "",
        "ENTRA_ALLOWED_CLIENTS": " ",
        "ENTRA_MANAGED_IDENTITY_CLIENT_ID": SOMEONE,
        "ENTRA_CLIENT_SECRET": "@Microsoft.KeyVault(SecretUri=https://v/s)",
        "ENTRA_AUTHORITY_HOST": "http://login.example",
        "PARTNER_CENTER_CLOUD": "moon",
        "PARTNER_CENTER_BASE_URL": "ftp://secret-value.example",
        "PARTNER_CENTER_VALIDATE_MFA": "yes",
        "REQUEST_BUDGET_SECONDS": "0.5",
        "MAX_BODY_BYTES": "1",
    }
    good = live.sandbox.settings()
    live.set(**wrong)
    health = await live.call(method="GET", target="/api/health", user=None, body=b"")
    update = await live.call()
    assert (health.status, health.code, update.status, update.code) == (503, "misconfigured", 500, "misconfigured")
    assert set(health.fields) == set(update.fields) == set(wrong)
    assert b"secret-value" not in health.body + update.body
    assert not live.sandbox.entra.journal
    live.set(**{**dict.fromkeys(wrong), **good})
    assert (await live.call()).status == 200


async def test_a_ca_bundle_that_cannot_be_read_is_a_wrong_setting(live: LiveFunction) -> None:
    live.set(SSL_CERT_FILE="/nowhere/ca.pem")
    health = await live.call(method="GET", target="/api/health", user=None, body=b"")
    assert (health.status, health.fields) == (503, ["SSL_CERT_FILE"])
    assert (await live.call()).code == "misconfigured"


async def test_an_authority_that_is_not_trusted_is_unavailable_and_verification_stays_on(live: LiveFunction) -> None:
    """certifi's bundle does not contain the sandbox's certificate authority."""
    live.set(SSL_CERT_FILE=None)
    assert (await live.call()).code == "entra_unavailable"
    assert not live.sandbox.entra.journal
