"""The sign-in pages: choose an account, approve the second factor, consent. Then a code goes to the application.

A browser's session (a cookie) spares the steps that were done before, as in the real service.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from http.cookies import SimpleCookie

from ..script import Answer
from ..users import User
from . import authorize, pages, scopes
from .directory import Directory
from .errors import code_of, refusal, text_of
from .metadata import ANY_TENANT
from .remembered import Interaction, Session, SignedIn

COOKIE = "ESTSAUTH"
FIRST_FACTOR = ("pwd",)
BOTH_FACTORS = ("pwd", "mfa")


def begin(directory: Directory, tenant: str, query: str, cookie: str | None) -> Answer:
    """Answer an authorize request: with a page, or with a code where the session is enough."""
    interaction = authorize.read(directory, tenant, query)
    return interaction if isinstance(interaction, Answer) else start(directory, interaction, cookie)


def start(directory: Directory, interaction: Interaction, cookie: str | None) -> Answer:
    """Show the first page of an interaction, or skip what the browser's session knows already."""
    prompt = interaction.asked.get("prompt", "")
    hint = interaction.asked.get("login_hint", "").lower()
    session = directory.remembered.sessions.get(_session_key(cookie))
    usable = session and prompt not in ("login", "select_account") and hint in ("", session.user.upn)
    key = directory.remembered.begin(interaction)
    if session and usable and _may_enter(directory, interaction, session.user):
        interaction.user, interaction.amr = session.user, session.amr
        return _next_step(directory, interaction, key)
    if prompt == "none":
        return authorize.back(interaction.asked, code_of(refusal(400, "login_required", (50058,))))
    return _choose(directory, interaction, key)


def step(directory: Directory, form: Mapping[str, str]) -> Answer:
    """Answer a button of a page."""
    key = form.get("ctx", "")
    interaction = directory.remembered.interactions.get(key)
    if interaction is None:
        return pages.fault(90014, text_of(90014))
    if "cancel" in form:
        return _end(directory, interaction, key, refusal(400, "access_denied", (65004,)))
    if "user" in form:
        return _chosen(directory, interaction, key, form["user"])
    if interaction.user is None:
        return _choose(directory, interaction, key)
    if form.get("factor") == "deny":
        return _second_factor(interaction, key, text_of(500121))
    if form.get("factor") == "approve":
        interaction.amr = BOTH_FACTORS
    if form.get("consent") == "accept" and not _administrator_must_consent(directory, interaction):
        interaction.application.consented.add(interaction.wanted.scope)
    return _next_step(directory, interaction, key)


def sign_out(directory: Directory, asked: Mapping[str, str], cookie: str | None) -> Answer:
    """End the browser's session. Goes back to the application where its address is registered."""
    directory.remembered.sessions.pop(_session_key(cookie), None)
    address = asked.get("post_logout_redirect_uri", "")
    headers = (("Set-Cookie", f"{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None"),)
    if any(one.accepts(address) for one in directory.applications):
        return Answer(status=302, headers=(("Location", address), *headers))
    return pages.page("You signed out of your account", headers=headers)


def _chosen(directory: Directory, interaction: Interaction, key: str, name: str) -> Answer:
    user = directory.users.get(name)
    if user is None:
        return _choose(directory, interaction, key, text_of(50034))
    if not _may_enter(directory, interaction, user):
        return _choose(directory, interaction, key, f"User account '{user.upn}' {text_of(50020)}", 50020)
    interaction.user, interaction.amr = user, FIRST_FACTOR
    return _next_step(directory, interaction, key)


def _next_step(directory: Directory, interaction: Interaction, key: str) -> Answer:
    """Show the step that is still missing, or finish. `prompt=none` allows no page: then it is a refusal."""
    silent = interaction.asked.get("prompt") == "none"
    wanted = interaction.second_factor or directory.second_factor_at_sign_in
    if wanted and "mfa" not in interaction.amr:
        missing = refusal(400, "interaction_required", (50076,))
        return _end(directory, interaction, key, missing) if silent else _second_factor(interaction, key)
    if scopes.needs_consent(interaction.wanted, interaction.application, directory.registration):
        missing = refusal(400, "consent_required", (65001,))
        return _end(directory, interaction, key, missing) if silent else _consent(directory, interaction, key)
    return _finish(directory, interaction, key)


def _finish(directory: Directory, interaction: Interaction, key: str) -> Answer:
    user = interaction.user
    if user is None:  # _next_step is called with a user only
        raise ValueError("nobody was chosen")
    directory.remembered.interactions.pop(key, None)
    signed_in = SignedIn(
        user, interaction.application, interaction.wanted, interaction.amr, interaction.acrs, interaction.asked
    )
    session = secrets.token_urlsafe(32)
    directory.remembered.sessions[session] = Session(user, interaction.amr)
    cookie = ("Set-Cookie", f"{COOKIE}={session}; Path=/; Secure; HttpOnly; SameSite=None")
    if interaction.device:
        interaction.device.signed_in = signed_in
        name = interaction.application.name
        return pages.page(f"You have signed in to {name}", pages.paragraph("You may close this window."))
    code = directory.remembered.give_code(signed_in)
    members = {"code": code, "session_state": secrets.token_hex(16)}
    if "client_info" in interaction.asked:
        members["client_info"] = directory.client_info(user)
    answer = authorize.back(interaction.asked, members)
    return replace(answer, headers=(*answer.headers, cookie))


def _end(directory: Directory, interaction: Interaction, key: str, refused: Answer) -> Answer:
    directory.remembered.interactions.pop(key, None)
    if interaction.device:
        interaction.device.declined = True
        return pages.page("You have not signed in", pages.paragraph("You may close this window."))
    return authorize.back(interaction.asked, code_of(refused))


def _choose(
    directory: Directory, interaction: Interaction, key: str, trouble: str = "", number: int | None = 50034
) -> Answer:
    hint = interaction.asked.get("login_hint", "").lower()
    users = sorted(directory.users.values(), key=lambda user: user.upn != hint)
    buttons = [("user", user.name, user.upn) for user in users]
    alert = pages.paragraph(f"AADSTS{number}: {trouble}", role="alert") if trouble else ""
    to = pages.paragraph(f"to continue to {interaction.application.name}")
    return pages.page("Pick an account", alert, to, _form(interaction, key, [*buttons, ("cancel", "1", "Cancel")]))


def _second_factor(interaction: Interaction, key: str, trouble: str = "") -> Answer:
    alert = pages.paragraph(f"AADSTS500121: {trouble}", role="alert") if trouble else ""
    name = pages.paragraph(interaction.user.upn if interaction.user else "")
    buttons = [("factor", "approve", "Approve"), ("factor", "deny", "Deny"), ("cancel", "1", "Cancel")]
    return pages.page("Approve sign in request", alert, name, _form(interaction, key, buttons))


def _consent(directory: Directory, interaction: Interaction, key: str) -> Answer:
    name, scope = interaction.application.name, interaction.wanted.scope
    if _administrator_must_consent(directory, interaction):
        text = pages.paragraph(f"AADSTS90094: {name} needs permission to {scope} that only an admin can grant.")
        return pages.page("Need admin approval", text, _form(interaction, key, [("cancel", "1", "Back")]))
    buttons = [("consent", "accept", "Accept"), ("cancel", "1", "Cancel")]
    return pages.page("Permissions requested", pages.paragraph(f"{name}: {scope}"), _form(interaction, key, buttons))


def _form(interaction: Interaction, key: str, buttons: list[pages.Button]) -> str:
    return pages.form(f"/{interaction.tenant}/login", buttons, hidden={"ctx": key})


def _administrator_must_consent(directory: Directory, interaction: Interaction) -> bool:
    return scopes.needs_administrator(interaction.wanted) or not directory.user_consent_allowed


def _may_enter(directory: Directory, interaction: Interaction, user: User) -> bool:
    return interaction.tenant in (*ANY_TENANT, user.tenant_id)


def _session_key(cookie: str | None) -> str:
    found = SimpleCookie(cookie or "").get(COOKIE)
    return found.value if found else ""
