"""The users of `make serve` for whom something goes wrong."""

import pytest
from live_function import LiveFunction

from sandbox.serve import approval_link
from sandbox.troubled_users import TROUBLES, add_troubled_users

# User -> the codes of two reads and of a write; None is a success.
CODES: dict[str, tuple[str | None, str | None, str | None]] = {
    "stepup": ("interaction_required", None, None),
    "blocked": ("access_blocked", "access_blocked", "access_blocked"),
    "noconsent": ("consent_required", "consent_required", "consent_required"),
    "nomfa": ("partner_center_mfa_required", "partner_center_mfa_required", "partner_center_mfa_required"),
    "norole": (None, None, "partner_center_rejected"),
    "throttled": ("partner_center_throttled", None, None),
    "lost": (None, None, "partner_center_timeout"),
}


def test_every_trouble_is_tried() -> None:
    """A new one needs its codes here."""
    assert list(CODES) == list(TROUBLES)


@pytest.mark.parametrize("name", CODES)
async def test_a_troubled_user_gets_the_trouble_and_others_do_not(live: LiveFunction, name: str) -> None:
    """The same token is used for all calls, as by the approval page."""
    users = dict(live.sandbox.entra.users)
    try:
        add_troubled_users(live.sandbox)
        live.allow(3)
        token = live.sandbox.entra.sign_in(name)
        codes = [(await live.call(token=token, method=method, body=b"")).code for method in ("GET", "GET")]
        codes.append((await live.call(token=token)).code)
        assert tuple(codes) == CODES[name]
        assert (await live.call(user="alice")).status == 200
    finally:
        live.sandbox.entra.users.clear()
        live.sandbox.entra.users.update(users)


def test_the_approval_link_is_one_that_a_ticket_may_hold() -> None:
    """The values are encoded."""
    assert approval_link("http://127.0.0.1:7071") == (
        "http://127.0.0.1:7071/api/approve#email=email%40sample.com&telephone=4255555555&website=www.microsoft.com"
        "&from=Ticket+4711"
    )
