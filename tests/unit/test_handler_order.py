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

# Every fault that a call can have, and the code that reports it, in the order of the checks.
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
    """Return a body with these faults; a large one is padded with white space."""
    body = b'{"Email":"email@sample.com","Telephone":"4255555555","Website":"www.microsoft.com"}'
    if "profile" in wrong:
        body = b"{}"
    if "body" in wrong:
        body = b"no JSON"
    return body + b" " * (2_000 if "size" in wrong else 0)


async def call(*wrong: str) -> tuple[Reply, Outcomes]:
    """Make a call with all these faults; return the reply and the outcomes, which show how far it got."""
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


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("place", range(len(CHECKS)), ids=[name for name, _ in CHECKS])
async def test_the_first_failure_answers_whatever_else_is_wrong(place: int) -> None:
    """No later step runs."""
    reply, outcomes = await call(*(name for name, _ in CHECKS[place:]))
    assert json.loads(reply.body)["code"] == CHECKS[place][1]
    reached = ["token a.b.c", "exchange", "put"]
    names = [name for name, _ in CHECKS]
    expected = sum(place >= names.index(name) for name in ("token", "exchange", "upstream"))
    assert outcomes.steps[: len(reached)] == reached[:expected]
    assert set(outcomes.steps[len(reached) :]) <= {"put"}  # it is retried


async def test_a_call_with_nothing_wrong_succeeds() -> None:
    """Each failure above is therefore caused by its own fault."""
    reply, outcomes = await call()
    assert reply.status == 200
    assert outcomes.steps == ["token a.b.c", "exchange", "put"]


@pytest.mark.parametrize("wrong", ["authorization", "token"])
@pytest.mark.parametrize("body", ["body", "profile"])
async def test_a_stranger_learns_nothing_about_a_body(wrong: str, body: str) -> None:
    """Apart from the ids, the answer is the same as for a valid body."""
    (with_good, _), (with_bad, _) = await call(wrong), await call(wrong, body)
    good, bad = json.loads(with_good.body), json.loads(with_bad.body)
    for answer in (good, bad):
        del answer["correlationId"], answer["requestId"]
    assert good == bad


async def test_a_bad_id_is_replaced_on_its_own_answer() -> None:
    """This holds even if the settings are wrong, which is reported first."""
    for wrong in (["id"], ["settings", "id"]):
        reply, _ = await call(*wrong)
        assert len(reply.headers["MS-CorrelationId"]) == 36
        assert json.loads(reply.body)["correlationId"] == reply.headers["MS-CorrelationId"]
