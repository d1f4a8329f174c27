"""Tokens that the function refuses, each with one fault and otherwise as good as a real one."""

import secrets
import uuid
from collections.abc import Callable
from typing import Any

from ..users import User
from . import claims
from .directory import Directory

Claims = dict[str, Any]


def _expired(directory: Directory, user: User) -> Claims:
    good = _good(directory, user)
    return good | {name: good[name] - 7200 for name in ("iat", "nbf", "exp")}


def _without_second_factor(directory: Directory, user: User) -> Claims:
    return _good(directory, user) | {"amr": ["pwd"]}


def _app_only(directory: Directory, user: User) -> Claims:
    client_id = directory.applications.web.client_id
    return claims.for_application(client_id, user.tenant_id, directory.registration, base_url=directory.base_url)


def _wrong_scope(directory: Directory, user: User) -> Claims:
    return _good(directory, user) | {"scp": "profile.read"}


def _foreign_tenant(directory: Directory, user: User) -> Claims:
    tenant = str(uuid.uuid4())
    return _good(directory, user) | {"tid": tenant, "iss": f"{directory.base_url}/{tenant}/v2.0"}


def _other_client(directory: Directory, user: User) -> Claims:
    return _good(directory, user) | {"azp": str(uuid.uuid4())}


def _graph(_: Directory, user: User) -> Claims:
    return claims.for_graph(user, "User.Read")


_KINDS: dict[str, Callable[[Directory, User], Claims]] = {
    "expired": _expired,
    "without-mfa": _without_second_factor,
    "app-only": _app_only,
    "wrong-scope": _wrong_scope,
    "foreign-tenant": _foreign_tenant,
    "other-client": _other_client,
    "graph": _graph,
}
KINDS = (*_KINDS, "forged")


def make(directory: Directory, kind: str, user: User) -> str:
    """Return a token of that user with the fault `kind`, one of KINDS.

    Raises:
        ValueError: No such kind.
    """
    if kind not in KINDS:
        message = f"no such kind of token: {kind}; known: {', '.join(KINDS)}"
        raise ValueError(message)
    if kind == "forged":  # another's signature over good claims
        signed = directory.mint(_good(directory, user))
        return signed.rpartition(".")[0] + "." + secrets.token_urlsafe(256)
    return directory.mint(_KINDS[kind](directory, user))


def _good(directory: Directory, user: User) -> Claims:
    return claims.for_function(user, directory.registration, base_url=directory.base_url, version="2.0")
