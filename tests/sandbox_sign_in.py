"""Real MSAL clients of the Entra ID stand-in, and the people who sign in with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msal
import requests

from sandbox import Sandbox
from sandbox.person import Arrival, Person

REDIRECT_URI = "http://localhost:5099"
STEP_UP = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def scope(sandbox: Sandbox) -> str:
    """The scope of the function, as the operator tells it to callers."""
    return f"api://{sandbox.entra.client_id}/user_impersonation"


def person(sandbox: Sandbox, name: str = "alice", *, approves: bool = True) -> Person:
    """Someone with a new browser."""
    return Person(name, sandbox.certificates.client_context(), approves=approves)


@contextmanager
def public_client(sandbox: Sandbox, **options: Any) -> Iterator[msal.PublicClientApplication]:
    """A real MSAL client of a program on somebody's machine."""
    with _session(sandbox) as session:
        yield msal.PublicClientApplication(
            sandbox.entra.applications.public.client_id,
            **{"authority": authority(sandbox), "instance_discovery": False, "http_client": session, **options},
        )


@contextmanager
def web_client(sandbox: Sandbox, **options: Any) -> Iterator[msal.ConfidentialClientApplication]:
    """A real MSAL client of a web application with a secret."""
    application = sandbox.entra.applications.web
    with _session(sandbox) as session:
        yield msal.ConfidentialClientApplication(
            application.client_id,
            **{
                "client_credential": application.secret,
                "authority": authority(sandbox),
                "instance_discovery": False,
                "http_client": session,
                **options,
            },
        )


def authority(sandbox: Sandbox, tenant: str | None = None) -> str:
    """The authority of a tenant; None means the first one."""
    return f"{sandbox.entra.base_url}/{tenant or sandbox.entra.tenants[0]}"


def sign_in(
    sandbox: Sandbox, client: msal.ClientApplication, who: Person, *, redirect_uri: str = REDIRECT_URI, **options: Any
) -> dict[str, Any]:
    """Sign somebody in by the authorization code flow of MSAL. Returns MSAL's result."""
    # MSAL recommends form_post, as then no code stands in an address.
    options = {"response_mode": "form_post", **options}
    flow = client.initiate_auth_code_flow([scope(sandbox)], redirect_uri=redirect_uri, **options)
    result: dict[str, Any] = client.acquire_token_by_auth_code_flow(flow, who.visit(flow["auth_uri"]).members)
    return result


def authorize_url(sandbox: Sandbox, **changes: str | None) -> str:
    """The address of a good authorize request of the public client; a change to None leaves a parameter out."""
    asked: dict[str, str | None] = {
        "client_id": sandbox.entra.applications.public.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": f"{scope(sandbox)} openid offline_access",
        "state": "a state",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    tenant = asked.pop("tenant", None)
    given = {name: value for name, value in asked.items() if value is not None}
    return str(httpx.URL(f"{authority(sandbox, tenant)}/oauth2/v2.0/authorize", params=given))


def arrive(sandbox: Sandbox, name: str = "alice", **changes: str | None) -> Arrival:
    """Where somebody with a new browser ends after this authorize request."""
    with person(sandbox, name) as who:
        return who.visit(authorize_url(sandbox, **changes))


def redeem(
    sandbox: Sandbox, *, headers: dict[str, str] | None = None, tenant: str | None = None, **changes: str | None
) -> httpx.Response:
    """Post a form to a token endpoint, by default the public client's for a code. `tenant` None is the partner's."""
    form = {
        "client_id": sandbox.entra.applications.public.client_id,
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
        "scope": f"{scope(sandbox)} openid offline_access",
        **changes,
    }
    with httpx.Client(verify=sandbox.certificates.client_context(), trust_env=False) as client:
        return client.post(
            f"{authority(sandbox, tenant)}/oauth2/v2.0/token",
            data={name: value for name, value in form.items() if value is not None},
            headers=headers,
        )


def _session(sandbox: Sandbox) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(sandbox.ca_file)
    return session
