"""The story, told once. It alone turns an error into an answer."""

import logging
import traceback
from collections.abc import Callable

from . import __version__, audit, request, response
from .call import Call
from .errors import Unexpected, UpdateProfileError
from .operations import Operation, Preview, perform
from .partner_center.answer import UpstreamAnswer
from .request import IncomingRequest
from .request_ids import read_ids
from .response import Reply
from .service import Service

logger = logging.getLogger("update_profile")
HEALTH_STATUS = 503  # of a failure at the health route: whatever asks there knows "unavailable"


async def update_profile(incoming: IncomingRequest, *, service: Callable[[], Service]) -> Reply:
    """Answer one call. Never raises, not even when it is cancelled.

    An exception that left here would cost the caller a bare 500; a cancellation or a SystemExit would let the caller
    wait for minutes and take the worker process with it.

    Args:
        incoming: The request.
        service: Gives the collaborators, or raises Misconfigured.
    """
    call = Call.start(incoming)
    level = logging.INFO
    try:
        reply = response.success(await _perform(incoming, call, service()), call.ids)
    except UpdateProfileError as error:
        reply = _refuse(incoming, call, error)
        level = logging.ERROR if error.actor == "operator" else logging.INFO
    except BaseException as error:  # noqa: BLE001  see above
        reply = _refuse(incoming, call, _unexpected(error))
        level = logging.ERROR
    call.event.status = reply.status
    audit.completed(call.event, level=level, started_at=call.started_at)
    return reply


async def _perform(incoming: IncomingRequest, call: Call, service: Service) -> UpstreamAnswer | Preview:
    """The order of the checks is part of the contract: a stranger without a valid token learns nothing of a body."""
    settings = service.settings
    call.allow(settings.request_budget_seconds)
    service.credential.check()
    call.ids.check()
    validate_only = request.read_validate_only(incoming.url, writes=incoming.method != "GET")
    call.event.operation += " validate_only" if validate_only else ""
    request.check_body_head(incoming, max_body_bytes=settings.max_body_bytes)
    assertion = request.read_assertion(incoming.header("authorization"))
    caller = await service.callers.validate(assertion, deadline=call.deadline)
    call.identify(caller, body=incoming.body, validate_only=validate_only)
    operation = Operation(change=request.read_change(incoming), validate_only=validate_only)
    return await perform(operation, service.profile_of(caller, call))


def health(incoming: IncomingRequest, *, service: Callable[[], Service]) -> Reply:
    """Say whether the settings are sound, without any call outside. Never raises."""
    ids = read_ids(incoming.headers)
    try:
        service().credential.check()
    except UpdateProfileError as error:
        return response.problem(error, ids, accept=incoming.header("accept"), status=HEALTH_STATUS)
    except BaseException as error:  # noqa: BLE001  as above
        return response.problem(_unexpected(error), ids, accept=incoming.header("accept"))
    return response.healthy(__version__, ids)


def _refuse(incoming: IncomingRequest, call: Call, error: UpdateProfileError) -> Reply:
    call.event.failed(error)
    return response.problem(error, call.ids, accept=incoming.header("accept"))


def _unexpected(error: BaseException) -> Unexpected:
    """Log where a fault of ours came from, without its text: that may hold what the caller sent."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("update_profile.unexpected %s\n%s", type(error).__name__, frames)
    return Unexpected("This function failed before anything was known to be written; the operator can see why.")
