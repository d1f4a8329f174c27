"""The floor on aiohttp: the body and the caller's token go to Partner Center as they are, over one pooled session."""

import functools
import os
import ssl

import aiohttp
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
URL = f"{os.environ['PARTNER_CENTER_BASE_URL']}/v1/profiles/supportprofile"
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


@functools.cache
def session() -> aiohttp.ClientSession:
    """Return the one session. It is made on the running loop, as aiohttp asks for."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        timeout=aiohttp.ClientTimeout(20),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


@app.route(route="update_profile", methods=["POST"])
async def update_profile(req: func.HttpRequest) -> func.HttpResponse:
    """Relay one request and its answer."""
    headers = {"Authorization": req.headers["authorization"], "Content-Type": "application/json"}
    async with session().put(URL, data=req.get_body(), headers=headers) as answer:
        return func.HttpResponse(await answer.read(), status_code=answer.status, mimetype="application/json")
