"""Entra's endpoints: which path and method is which, what a request reveals, and who answers it."""

import re
from collections.abc import Callable
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from ..journal import Entry
from ..script import Answer
from ..tokens import peek
from ..users import user_name
from . import cross_origin, device, metadata, sign_in, user_grants
from .directory import Directory
from .errors import refusal
from .grants import on_behalf_of

# "token" is the exchange. The other grants have names of their own, so that a script for one leaves the others alone.
Endpoint = Literal[
    "token", "code", "refresh", "device_token", "app_token",
    "authorize", "login", "logout", "devicecode", "deviceauth", "preflight",
    "keys", "discovery", "instance",
]  # fmt: skip

# The method and path of each endpoint. The group is the tenant.
_PATHS: tuple[tuple[Endpoint, str, str], ...] = (
    ("token", "POST", r"/([^/]+)/oauth2/v2\.0/token"),
    ("authorize", "GET", r"/([^/]+)/oauth2/v2\.0/authorize"),
    ("login", "POST", r"/([^/]+)/login"),
    ("logout", "GET", r"/([^/]+)/oauth2/v2\.0/logout"),
    ("devicecode", "POST", r"/([^/]+)/oauth2/v2\.0/devicecode"),
    ("deviceauth", "GET", r"/([^/]+)/oauth2/deviceauth"),
    ("deviceauth", "POST", r"/([^/]+)/oauth2/deviceauth"),
    ("preflight", "OPTIONS", r"/([^/]+)/(?:oauth2/v2\.0/token|v2\.0/\.well-known/openid-configuration)"),
    ("keys", "GET", r"/([^/]+)/discovery/v2\.0/keys"),
    ("discovery", "GET", r"/([^/]+)/v2\.0/\.well-known/openid-configuration"),
    ("instance", "GET", r"/(common)/discovery/instance"),
)
_COMPILED = tuple((endpoint, method, re.compile(pattern)) for endpoint, method, pattern in _PATHS)

_GRANTS: dict[str, Endpoint] = {
    user_grants.CODE_GRANT: "code",
    user_grants.REFRESH_GRANT: "refresh",
    user_grants.APPLICATION_GRANT: "app_token",
    **dict.fromkeys(user_grants.DEVICE_GRANTS, "device_token"),
}


def describe(directory: Directory, entry: Entry) -> None:
    """Set endpoint, tenant, form and user of a request."""
    path = urlsplit(entry.path).path
    for endpoint, method, pattern in _COMPILED:
        if (found := pattern.fullmatch(path)) and method == entry.method:
            entry.endpoint, entry.tenant = endpoint, found[1].lower()
    if entry.method == "POST" and entry.endpoint:
        entry.form = dict(parse_qsl(entry.body.decode("latin-1"), keep_blank_values=True))
    if entry.endpoint == "token":
        entry.endpoint = _grant(directory, entry)
    entry.user = _user(directory, entry)


def answer(directory: Directory, entry: Entry) -> Answer:
    """Return Entra's answer."""
    tenant, form, cookie = entry.tenant or "", entry.form, entry.header("Cookie")
    query = urlsplit(entry.path).query
    grants: Callable[[], Answer] = lambda: user_grants.redeem(directory, tenant, form, entry.header("Origin"))  # noqa: E731
    answers: dict[str, Callable[[], Answer]] = {
        "token": lambda: on_behalf_of(directory, tenant, form),
        **dict.fromkeys(("code", "refresh", "device_token", "app_token"), grants),
        "authorize": lambda: sign_in.begin(directory, tenant, query, cookie),
        "login": lambda: sign_in.step(directory, form),
        "logout": lambda: sign_in.sign_out(directory, dict(parse_qsl(query)), cookie),
        "devicecode": lambda: device.give(directory, tenant, form),
        "deviceauth": lambda: device.ask(tenant) if not form else device.entered(directory, tenant, form, cookie),
        "preflight": lambda: cross_origin.preflight(directory, entry),
        "keys": lambda: metadata.keys(directory, tenant),
        "discovery": lambda: metadata.discovery(directory, tenant),
        "instance": lambda: metadata.instance(directory),
    }
    found = answers.get(entry.endpoint or "")
    return found() if found else refusal(404, "invalid_request", (900144,))


def _grant(directory: Directory, entry: Entry) -> Endpoint:
    """Our function itself may only exchange: any other grant of it is refused where the exchange is."""
    if entry.form.get("client_id") == directory.registration.client_id:
        return "token"
    return _GRANTS.get(entry.form.get("grant_type", ""), "token")


def _user(directory: Directory, entry: Entry) -> str | None:
    form, remembered = entry.form, directory.remembered
    if entry.endpoint == "token":
        return user_name(directory.users.values(), peek(form.get("assertion", "")).get("oid"))
    if entry.endpoint == "login":
        known = remembered.interactions.get(form.get("ctx", ""))
        return form.get("user") or (known.user.name if known and known.user else None)
    held = (
        remembered.codes.get(form.get("code", ""))
        or remembered.refresh_tokens.get(form.get("refresh_token", ""))
        or remembered.device_codes.get(form.get("device_code", ""))
    )
    return held.signed_in.user.name if held and held.signed_in else None
