"""A small app that shows what a function receives, and answers in every way that the host treats on its own."""

import asyncio
import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

# What was called, and what ran to its end, since the start.
history: list[str] = []


@app.route(route="echo/{first?}", methods=["GET", "POST", "PUT"])
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Everything that arrived, as JSON."""
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "params": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="files/{*path}", methods=["GET"])
def files(req: func.HttpRequest, context: func.Context) -> str:
    """The rest of the path, as a plain text, from a function that runs in a thread."""
    return f"{context.function_name} {req.route_params.get('path')}"


@app.route(route="answer", methods=["POST"])
async def answer(req: func.HttpRequest) -> func.HttpResponse:
    """The answer that the body describes: status, headers (a list of pairs) and body."""
    history.append("answer")
    wanted = json.loads(req.get_body())
    response = func.HttpResponse(wanted.get("body"), status_code=wanted.get("status"))
    for name, value in wanted.get("headers", []):
        response.headers.add(name, value)
    return response


@app.route(route="behave/{how}", methods=["GET"])
async def behave(req: func.HttpRequest) -> func.HttpResponse:
    """Fail, or take a while, in the way that is asked for."""
    how = req.route_params["how"]
    history.append(how)
    if how == "raise":
        raise RuntimeError("a fault in the function")
    if how == "cancel":
        raise asyncio.CancelledError
    if how == "exit":
        raise SystemExit(1)
    if how == "slow":
        await asyncio.sleep(1)
        history.append("slow, to its end")
        return func.HttpResponse("slow")
    return None  # type: ignore[return-value]  # the fault that is left


@app.route(route="history", methods=["GET"])
async def show_history(req: func.HttpRequest) -> func.HttpResponse:
    """What happened so far, as JSON."""
    return func.HttpResponse(json.dumps(history), mimetype="application/json")
