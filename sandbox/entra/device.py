"""Signing in on another device: the device code, the page where the user enters the short code, and the polls.

Sources: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code; RFC 8628, section 3.5 for slow_down.
"""

from collections.abc import Mapping

from ..script import Answer
from . import authorize, pages, scopes, sign_in
from .directory import Directory
from .errors import refusal, text_of
from .metadata import ANY_TENANT
from .remembered import DEVICE_SECONDS, POLL_TOLERANCE_SECONDS, DeviceCode, Interaction, SignedIn


def give(directory: Directory, tenant: str, form: Mapping[str, str]) -> Answer:
    """Answer a device's request for a code."""
    if tenant not in (*directory.tenants, *ANY_TENANT):
        return refusal(400, "invalid_tenant", (90002,))
    application = directory.applications.find(form.get("client_id"))
    if application is None:
        return refusal(400, "unauthorized_client", (700016,))
    if application.platform != "public":
        return refusal(401, "invalid_client", (7000218,))
    wanted, refused = scopes.read(form.get("scope", ""), directory.registration)
    if refused:
        return refused
    try:
        claims = authorize.claims_request(form.get("claims", ""))
    except ValueError:
        return refusal(400, "invalid_request", (9002313,))
    code, known = directory.remembered.give_device_code(application, wanted)
    known.acrs, known.second_factor = authorize.contexts(claims), authorize.needs_second_factor(claims)
    address = f"{directory.base_url}/{tenant}/oauth2/deviceauth"
    return Answer.json(
        {
            "user_code": known.user_code,
            "device_code": code,
            "verification_uri": address,
            "expires_in": DEVICE_SECONDS,
            "interval": int(known.interval_seconds),
            "message": f"To sign in, use a web browser to open the page {address} and enter the code "
            f"{known.user_code} to authenticate.",
        }
    )


def ask(tenant: str, trouble: str = "") -> Answer:
    """Show the page that asks for the user code."""
    alert = pages.paragraph(f"AADSTS70018: {trouble}", role="alert") if trouble else ""
    form = pages.form(f"/{tenant}/oauth2/deviceauth", [("next", "1", "Next")], hidden={}, field="otc")
    return pages.page("Enter code to allow access", alert, form)


def entered(directory: Directory, tenant: str, form: Mapping[str, str], cookie: str | None) -> Answer:
    """Go on to the sign-in of the device whose code was entered."""
    known = directory.remembered.device_code_of(form.get("otc", ""))
    if known is None:
        return ask(tenant, text_of(70018))
    # The account is always asked for, so that nobody signs a stranger's device in by a session that is open.
    asked = {"prompt": "select_account"}
    interaction = Interaction(
        tenant, known.application, known.wanted, asked, known.acrs, second_factor=known.second_factor, device=known
    )
    return sign_in.start(directory, interaction, cookie)


def poll(directory: Directory, form: Mapping[str, str]) -> SignedIn | Answer:
    """Return the sign-in that a device code stands for, once, or the answer that the device gets instead."""
    code = form.get("device_code", "")
    known = directory.remembered.device_codes.get(code)
    if known is None:
        return refusal(400, "bad_verification_code", (9002313,))
    if known.application.client_id != form.get("client_id", "").lower():
        return refusal(400, "invalid_grant", (70000,))
    waiting = _refuse(directory, known)
    if waiting:
        return waiting
    del directory.remembered.device_codes[code]
    if known.signed_in is None:  # _refuse answers while nobody has signed in
        raise ValueError("nobody has signed in")
    return known.signed_in


def _refuse(directory: Directory, known: DeviceCode) -> Answer | None:
    now = directory.remembered.now()
    if known.declined:
        return refusal(400, "authorization_declined", (70018,))
    if known.until <= now:
        return refusal(400, "expired_token", (70020,))
    too_early = known.polled_at is not None and now < known.polled_at + known.interval_seconds - POLL_TOLERANCE_SECONDS
    known.polled_at = now
    if known.signed_in:
        return None
    if too_early:
        known.interval_seconds += 5
        return refusal(400, "slow_down", (70016,))
    return refusal(400, "authorization_pending", (70016,))
