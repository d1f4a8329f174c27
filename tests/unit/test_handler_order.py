"""The order of the checks: settings, ids, query, size, media type, token, body, exchange, upstream."""

import json

import pytest
from builders import an_incoming, some_settings
from fakes import Outcomes, a_service

from update_profile import handler
from update_profile.errors import (
    EntraUnavailable,
    InvalidToken,
    Misconfigured,
    PartnerCenterUnreachable,
    UpdateProfileError,
)
from update_profile.response import Reply
from update_profile.service import Service

# What is wrong with the call that fails every check, and the code that tells it, in the order of the contract.
CHECKS = [
    ("settings", "misconfigured"),
    ("id", "invalid_header"),
    ("query", "invalid_parameter"),
    ("size", "body_too_large"),
    ("media type", "unsupported_media_type"),
    ("authorization", "missing_token"),
    ("token", "invalid_token"),
    ("body", "malformed_body"),
    ("profile", "invalid_profile"),
    ("exchange", "entra_unavailable"),
    ("upstream", "partner_center_unreachable"),
]


def the_body(wrong: set[str]) -> bytes:
    """A body with what is wrong in it; a large one is padded with what JSON skips."""
    body = b'{"Email":"email@sample.com","Telephone":"4255555555","Website":"www.microsoft.com"}'
    if "profile" in wrong:
        body = b"{}"
    if "body" in wrong:
        body = b"no JSON"
    return body + b" " * (2_000 if "size" in wrong else 0)


async def call(*wrong: str) -> tuple[Reply, Outcomes]:
    """A call with all of this wrong, and how far it came."""
    headers = {
        "ms-correlationid": "no-guid" if "id" in wrong else "",
        "content-type": "text/plain" if "media type" in wrong else "application/json",
        "authorization": "" if "authorization" in wrong else "Bearer a.b.c",
    }
    url = f"https://host/api/update_profile{'?x=1' if 'query' in wrong else ''}"
    failures: dict[str, UpdateProfileError] = {
        "caller": InvalidToken("Why."),
        "access_token": EntraUnavailable("Why."),
        "answer": PartnerCenterUnreachable("Why."),
    }
    failing = {"caller": "token", "access_token": "exchange", "answer": "upstream"}
    outcomes = Outcomes(**{step: failures[step] for step, name in failing.items() if name in wrong})
    sound = a_service(outcomes, some_settings(MAX_BODY_BYTES="1024", REQUEST_BUDGET_SECONDS="1"))

    def service() -> Service:
        if "settings" in wrong:
            raise Misconfigured("Why.")
        return sound

    incoming = an_incoming(url=url, headers=headers, body=the_body(set(wrong)))
    return await handler.update_profile(incoming, service=service), outcomes


@pytest.mark.parametrize("place", range(len(CHECKS)), ids=[name for name, _ in CHECKS])
async def test_the_first_failure_answers_whatever_else_is_wrong(place: int) -> None:
    """And nothing after it is looked at."""
    reply, outcomes = await call(*(name for name, _ in CHECKS[place:]))
    assert json.loads(reply.body)["code"] == CHECKS[place][1]
    reached = ["token a.b.c", "exchange", "put"]
    names = [name for name, _ in CHECKS]
    expected = sum(place >= names.index(name) for name in ("token", "exchange", "upstream"))
    assert outcomes.steps[: len(reached)] == reached[:expected]
    assert set(outcomes.steps[len(reached) :]) <= {"put"}  # it is tried again


async def test_a_call_with_nothing_wrong_succeeds() -> None:
    """So each of the failures above is the one that was made."""
    reply, outcomes = await call()
    assert reply.status == 200
    assert outcomes.steps == ["token a.b.c", "exchange", "put"]


@pytest.mark.parametrize("wrong", ["authorization", "token"])
@pytest.mark.parametrize("body", ["body", "profile"])
async def test_a_stranger_learns_nothing_about_a_body(wrong: str, body: str) -> None:
    """The same answer as to a good body, but for the ids."""
    (with_good, _), (with_bad, _) = await call(wrong), await call(wrong, body)
    good, bad = json.loads(with_good.body), json.loads(with_bad.body)
    for answer in (good, bad):
        del answer["correlationId"], answer["requestId"]
    assert good == bad


async def test_a_bad_id_is_replaced_on_its_own_answer() -> None:
    """Also where the settings are wrong, which is told first."""
    for wrong in (["id"], ["settings", "id"]):
        reply, _ = await call(*wrong)
        assert len(reply.headers["MS-CorrelationId"]) == 36
        assert json.loads(reply.body)["correlationId"] == reply.headers["MS-CorrelationId"]
