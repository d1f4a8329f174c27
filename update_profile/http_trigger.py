"""azure.functions request <-> plain values. The only module that imports azure.functions.

The routed functions take ``req`` alone: the worker refuses a function with another parameter, even with a default.
"""

import re

import azure.functions as func

from . import handler
from .request import IncomingRequest
from .response import Reply
from .service import ServiceHolder

# A "#" that was encoded, once or more often; the host may have decoded the path once before.
_MANGLED_MARK = re.compile(r"#|%(?:25)*23")
_service = ServiceHolder()


def prepare() -> None:
    """Read the settings and the CA bundle while the app loads, so that the first caller does not wait."""
    _service.prepare()


async def update_profile(req: func.HttpRequest) -> func.HttpResponse:
    """``GET``, ``POST``, ``PUT`` and ``PATCH /api/update_profile``."""
    return _http_response(await handler.update_profile(_incoming(req), service=_service.get))


async def health(req: func.HttpRequest) -> func.HttpResponse:
    """``GET /api/health``. A coroutine, so that it runs on the service's event loop."""
    return _http_response(handler.health(_incoming(req), service=_service.get))


async def openapi(req: func.HttpRequest) -> func.HttpResponse:
    """``GET /api/openapi.json``."""
    return _http_response(handler.openapi(_incoming(req)))


async def approve(req: func.HttpRequest) -> func.HttpResponse:
    """``GET /api/approve`` and the files of the approval page below it."""
    return _approval_page(req, req.route_params.get("file") or "")


async def approve_mangled(req: func.HttpRequest) -> func.HttpResponse:
    """The approval page where a mail gateway has encoded the ``#`` of a link. The page itself puts it right.

    Any other address that begins with ``/api/approve`` is an empty 404, as at the host.
    """
    if not _MANGLED_MARK.match(req.route_params.get("mangled") or ""):
        return _http_response(handler.NOT_FOUND)
    return _approval_page(req, "")


def _approval_page(req: func.HttpRequest, file: str) -> func.HttpResponse:
    is_on = _service.serves_approval_page()
    return _http_response(handler.approve(_incoming(req), file=file, is_on=is_on, service=_service.get))


def _incoming(req: func.HttpRequest) -> IncomingRequest:
    headers = {name.lower(): value for name, value in req.headers.items()}
    return IncomingRequest(method=req.method.upper(), url=req.url, headers=headers, body=req.get_body())


def _http_response(reply: Reply) -> func.HttpResponse:
    # A new response for each answer: the worker modifies it while encoding.
    return func.HttpResponse(body=reply.body or None, status_code=reply.status, headers=dict(reply.headers))
