"""No canary value that a caller sends appears in a record of any logger at DEBUG, or in a failure."""

import json
from collections.abc import Awaitable, Callable

import pytest
from builders import EXAMPLE
from live_function import ROUTE, Answered, EveryLog, LiveFunction

from sandbox import Answer, Fault
from sandbox.entra import errors as entra
from sandbox.partner_center import answers

CANARY = "canary-7f3a"
EMAIL, PHONE = f"{CANARY}@private.example", "+49 170 5550199 7f3a"
PROFILE = {"Email": EMAIL, "Telephone": PHONE, "Website": f"{CANARY}.example"}

Call = Callable[[LiveFunction], Awaitable[Answered]]
PLACES: dict[str, Call] = {
    "the value of a query": lambda live: live.call(target=f"{ROUTE}?code={CANARY}&x={CANARY}"),
    "a dry run's value": lambda live: live.call(target=f"{ROUTE}?validate_only={CANARY}"),
    "a request id": lambda live: live.call(headers=[("MS-RequestId", CANARY)]),
    "a correlation id": lambda live: live.call(headers=[("MS-CorrelationId", CANARY)]),
    "a delivery id of a refused call": lambda live: live.call(
        body=b"{", headers=[("Idempotency-Key", CANARY), ("webhook-id", CANARY)]
    ),
    "a cookie": lambda live: live.call(body=b"[]", headers=[("Cookie", f"a={CANARY}")]),
    "App Service's headers": lambda live: live.call(body=b"[]", headers=[("X-MS-TOKEN-AAD-ACCESS-TOKEN", CANARY)]),
    "the media type": lambda live: live.call(headers=[("Content-Type", f"text/{CANARY}; charset={CANARY}")]),
    "Accept": lambda live: live.call(body=b"[]", headers=[("Accept", f"x/{CANARY}")]),
    "another scheme": lambda live: live.call(user=None, headers=[("Authorization", f"Basic {CANARY}")]),
    "a token that is none": lambda live: live.call(token=CANARY),
    "half a body": lambda live: live.call(body=json.dumps(PROFILE).encode()[:-1]),
    "a value that is refused": lambda live: live.call({**PROFILE, "Email": f"{EMAIL}@"}),
    "a value of another kind": lambda live: live.call({**PROFILE, "Email": [EMAIL]}),
    "an unknown member's value": lambda live: live.call({**EXAMPLE, "fax": CANARY}),
    "attributes": lambda live: live.call({**EXAMPLE, "Attributes": CANARY}),
    "a profile type": lambda live: live.call({**EXAMPLE, "ProfileType": CANARY}),
    "a patch": lambda live: live.call({"Email": f"{EMAIL} "}, method="PATCH"),
    "the body of a read": lambda live: live.call(PROFILE, method="GET", target=f"{ROUTE}?y=1"),
}


@pytest.mark.parametrize("call", PLACES.values(), ids=PLACES)
async def test_what_a_caller_writes_is_neither_logged_nor_told(
    live: LiveFunction, every_log: EveryLog, call: Call
) -> None:
    """This holds whichever check refuses the call, and for every part of the request."""
    answered = await call(live)
    assert 400 <= answered.status < 500
    ours = "\n".join(f"{r.getMessage()} {r.args} {r.exc_text}" for r in every_log.records if r.name == "update_profile")
    everything = f"{ours}\n{answered.headers}\n{answered.body.decode()}"
    assert CANARY not in everything
    assert "170 5550199" not in everything
    assert CANARY not in every_log.text()


TROUBLES: dict[str, Call] = {
    "Entra ID refuses": lambda live: _scripted(live, entra_says=entra.consent_required()),
    "Entra ID asks for more": lambda live: _scripted(live, entra_says=entra.interaction_required()),
    "Entra ID answers garbage": lambda live: _scripted(live, entra_says=Answer(body=f"<{CANARY}>".encode())),
    "Partner Center repeats it": lambda live: _scripted(live, center_says=answers.fault(400, 3000, f"bad {EMAIL}")),
    "Partner Center repeats it escaped": lambda live: _scripted(
        live, center_says=answers.fault(400, 3000, f"bad {EMAIL.replace('@', '&#64;')} {PHONE}")
    ),
    "Partner Center repeats it as a code": lambda live: _scripted(live, center_says=answers.fault(403, EMAIL)),
    "Partner Center repeats it in a header": lambda live: _scripted(
        live, center_says=Answer(status=409, headers=(("X-Echo", EMAIL), ("MS-RequestId", EMAIL)))
    ),
    "Partner Center repeats it in its reason": lambda live: _scripted(
        live, center_says=Answer(status=401, reason=f"No {EMAIL}")
    ),
    "its head cannot be read": lambda live: _scripted(live, center_says=Answer(headers=((f"{CANARY} a", EMAIL),))),
    "it is silent": lambda live: _scripted(live, center_says=Answer.trouble(Fault.CLOSE)),
    "it keeps another form": lambda live: _scripted(live, center_says=Answer(fault=Fault.CLOSE, apply=True)),
}


async def _scripted(
    live: LiveFunction, *, entra_says: Answer | None = None, center_says: Answer | None = None
) -> Answered:
    live.allow(2)
    if entra_says is not None:
        live.sandbox.entra.script(entra_says)
    if center_says is not None:
        live.sandbox.partner_center.script(center_says, method="PUT")
        live.sandbox.partner_center.script(Answer.json({"email": EMAIL.upper()}), method="GET", times=None)
    return await live.call(PROFILE)


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("call", TROUBLES.values(), ids=TROUBLES)
async def test_what_others_say_of_it_is_neither_logged_nor_told(
    live: LiveFunction, every_log: EveryLog, call: Call
) -> None:
    """Upstreams repeat it raw or escaped, in a text, code, header, reason phrase or unreadable line."""
    answered = await call(live)
    assert answered.status >= 400
    told = f"{answered.headers}\n{answered.body.decode()}\n{every_log.text()}".lower()
    assert CANARY not in told
    assert "170 5550199" not in told
    tokens = [entry.form["assertion"] for entry in live.exchanges]
    tokens += [(entry.header("Authorization") or "").split()[-1] for entry in live.sandbox.partner_center.journal]
    assert tokens
    assert not [token for token in tokens for part in token.split(".")[1:] if part.lower() in told]
    (audit,) = every_log.audits
    assert vars(audit)["code"] == answered.code
