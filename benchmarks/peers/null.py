"""A function that answers at once."""

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="update_profile", methods=["POST"])
async def update_profile(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the body that came."""
    return func.HttpResponse(req.get_body(), mimetype="application/json")
