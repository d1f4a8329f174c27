"""The same task with FastAPI, fastapi-azure-auth and azure-identity, in the cheapest form that was found.

The app is made once, the token is validated with kept keys, the credential (and in it the exchanged token) is kept for
each bearer token. All credentials send over one aiohttp session with one TLS context, and one pooled httpx client sends
the profile. docs/adr/0020 says what other transports cost.
"""

import functools
import os
import ssl
from typing import Annotated

import aiohttp
import azure.functions as func
import httpx
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import OnBehalfOfCredential
from fastapi import FastAPI, Response, Security
from fastapi_azure_auth.auth import AzureAuthorizationCodeBearerBase
from fastapi_azure_auth.user import User
from pydantic import BaseModel

CLIENT_ID = os.environ["ENTRA_CLIENT_ID"]
AUTHORITY = os.environ["ENTRA_AUTHORITY_HOST"]
TENANT = os.environ["ENTRA_ALLOWED_TENANTS"].split(",")[0]
SCOPE = "https://api.partnercenter.microsoft.com/user_impersonation"
URL = f"{os.environ['PARTNER_CENTER_BASE_URL']}/v1/profiles/supportprofile"
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])

api = FastAPI()
client = httpx.AsyncClient(verify=context, timeout=20)
credentials: dict[str, OnBehalfOfCredential] = {}
signed_in = AzureAuthorizationCodeBearerBase(
    app_client_id=CLIENT_ID,
    tenant_id=TENANT,
    scopes={f"api://{CLIENT_ID}/user_impersonation": "user_impersonation"},
    openid_config_url=f"{AUTHORITY}/{TENANT}/v2.0/.well-known/openid-configuration",
    http_client_config={"verify": context},
)


class SupportProfile(BaseModel):
    """The body."""

    Email: str
    Telephone: str
    Website: str


@functools.cache
def _transport() -> AioHttpTransport:
    """Return the one transport. It is made on the running loop, as aiohttp asks for."""
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), cookie_jar=aiohttp.DummyCookieJar())
    return AioHttpTransport(session=session, session_owner=False)


def _credential(token: str) -> OnBehalfOfCredential:
    if token not in credentials:
        credentials[token] = OnBehalfOfCredential(
            TENANT,
            CLIENT_ID,
            client_secret=os.environ["ENTRA_CLIENT_SECRET"],
            user_assertion=token,
            authority=AUTHORITY,
            disable_instance_discovery=True,  # the sandbox's host is not a public one
            transport=_transport(),
        )
    return credentials[token]


async def update_profile(
    profile: SupportProfile, user: Annotated[User, Security(signed_in, scopes=["user_impersonation"])]
) -> Response:
    """Exchange the token, send the profile."""
    access = await _credential(user.access_token).get_token(SCOPE)
    answer = await client.put(URL, json=profile.model_dump(), headers={"Authorization": f"Bearer {access.token}"})
    return Response(answer.content, status_code=answer.status_code, media_type="application/json")


api.add_api_route("/api/update_profile", update_profile, methods=["POST"])
app = func.AsgiFunctionApp(app=api, http_auth_level=func.AuthLevel.ANONYMOUS)
