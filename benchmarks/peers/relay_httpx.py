"""The floor: the body and the caller's token go to Partner Center as they are, over one pooled httpx client."""

import os
import ssl

import azure.functions as func
import httpx

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
URL = f"{os.environ['PARTNER_CENTER_BASE_URL']}/v1/profiles/supportprofile"
client = httpx.AsyncClient(verify=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]), timeout=20)


@app.route(route="update_profile", methods=["POST"])
async def update_profile(req: func.HttpRequest) -> func.HttpResponse:
    """Relay one request and its answer."""
    headers = {"Authorization": req.headers["authorization"], "Content-Type": "application/json"}
    answer = await client.put(URL, content=req.get_body(), headers=headers)
    return func.HttpResponse(answer.content, status_code=answer.status_code, mimetype="application/json")
