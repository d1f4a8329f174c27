"""Real clients for the tests of the stand-ins themselves."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msal
import requests

from sandbox import Sandbox
from sandbox.http_server import HttpServer

SCOPE = "https://api.partnercenter.microsoft.com/user_impersonation"
PROFILE = {"Email": "email@sample.com", "Telephone": "4255555555", "Website": "www.microsoft.com"}


def client(sandbox: Sandbox, user: str | None = "alice", base_url: str | None = None) -> httpx.Client:
    """Return a client of Partner Center, or of `base_url`, with that user's token; None as `user` sends no token."""
    token = {"Authorization": f"Bearer {sandbox.entra.partner_center_token(user)}"} if user else {}
    return httpx.Client(
        base_url=base_url or sandbox.partner_center.base_url,
        headers=token,
        verify=sandbox.certificates.client_context(),
        trust_env=False,
    )


def on_behalf_of(
    sandbox: Sandbox,
    assertion: str,
    *,
    tenant: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Return the result of an exchange by a new MSAL client in `tenant`; None means the first tenant."""
    with requests.Session() as session:
        # Ignore any CA bundle that the environment names.
        session.trust_env = False
        session.verify = str(sandbox.ca_file)
        application = msal.ConfidentialClientApplication(
            options.pop("client_id", sandbox.entra.client_id),
            client_credential=options.pop("client_credential", sandbox.entra.client_secret),
            authority=f"{sandbox.entra.base_url}/{tenant or sandbox.entra.tenants[0]}",
            instance_discovery=False,
            azure_region=False,
            http_client=session,
            **options,
        )
        result: dict[str, Any] = application.acquire_token_on_behalf_of(assertion, [SCOPE])
    return result


def exchange_form(sandbox: Sandbox, **changes: str | None) -> dict[str, str]:
    """Return the valid form of an exchange for alice; a change to None leaves that field out."""
    form = {
        "client_id": sandbox.entra.client_id,
        "client_secret": sandbox.entra.client_secret,
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "requested_token_use": "on_behalf_of",
        "assertion": sandbox.entra.sign_in("alice"),
        "scope": SCOPE,
    }
    return {name: value for name, value in {**form, **changes}.items() if value is not None}


@contextmanager
def connected(sandbox: Sandbox, server: HttpServer) -> Iterator[socket.socket]:
    """Open a TLS connection to `server` for raw bytes."""
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    with raw, sandbox.certificates.client_context().wrap_socket(raw, server_hostname="localhost") as stream:
        yield stream


def received(stream: socket.socket) -> bytes:
    """Read everything until the other side closes or resets the connection."""
    data = b""
    try:
        while piece := stream.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data
