"""The form of most samples: msal's application, its cache and the HTTP client are made for each call.

As in those samples the token is not validated here: Entra ID does that at the exchange. msal blocks the event loop.
"""

import os

import azure.functions as func
import httpx
import msal
from pydantic import BaseModel, ValidationError

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


class SupportProfile(BaseModel):
    """The body."""

    Email: str
    Telephone: str
    Website: str


@app.route(route="update_profile", methods=["POST"])
async def update_profile(req: func.HttpRequest) -> func.HttpResponse:
    """Validate the body, exchange the token, send the profile."""
    try:
        profile = SupportProfile.model_validate_json(req.get_body())
    except ValidationError as error:
        return func.HttpResponse(error.json(include_url=False), status_code=422, mimetype="application/json")
    tenant = os.environ["ENTRA_ALLOWED_TENANTS"].split(",")[0]
    application = msal.ConfidentialClientApplication(
        os.environ["ENTRA_CLIENT_ID"],
        authority=f"{os.environ['ENTRA_AUTHORITY_HOST']}/{tenant}",
        client_credential=os.environ["ENTRA_CLIENT_SECRET"],
        instance_discovery=False,  # the sandbox's host is not a public one
    )
    token = req.headers["authorization"].removeprefix("Bearer ")
    result = application.acquire_token_on_behalf_of(
        token, ["https://api.partnercenter.microsoft.com/user_impersonation"]
    )
    if "access_token" not in result:
        return func.HttpResponse(str(result.get("error")), status_code=401)
    url = f"{os.environ['PARTNER_CENTER_BASE_URL']}/v1/profiles/supportprofile"
    headers = {"Authorization": f"Bearer {result['access_token']}"}
    async with httpx.AsyncClient(timeout=20) as client:
        answer = await client.put(url, json=profile.model_dump(), headers=headers)
    return func.HttpResponse(answer.content, status_code=answer.status_code, mimetype="application/json")
