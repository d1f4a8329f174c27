"""The story of one call. This module alone turns an error into an answer and writes the records about it."""

import logging
import traceback
from collections.abc import Callable

from . import __version__, approval_page, operations, request, response
from .call import Call
from .description import read_description
from .errors import EntraFailed, Misconfigured, PartnerCenterUnanswered, Unexpected, UpdateProfileError
from .request import IncomingRequest
from .request_ids import read_ids
from .response import Reply
from .service import Service

# One logger for the whole package, whichever module writes: log queries use this name.
logger = logging.getLogger("update_profile")
NOT_FOUND = approval_page.NOT_FOUND
HEALTH_STATUS = 503  # of a wrong setting, at the health route and at the approval page: 503 tells probes to wait


async def update_profile(incoming: IncomingRequest, *, service: Callable[[], Service]) -> Reply:
    """Answer one call. Never raises, even when it is cancelled.

    An exception that left here would give the caller a bare 500. A cancellation or a SystemExit would leave the caller
    waiting for minutes and take the worker process with it.

    The order of the checks is part of the contract: a stranger without a valid token learns nothing about a body.

    Args:
        incoming: The request.
        service: Returns the collaborators, or raises Misconfigured.
    """
    call = Call.start(incoming.method, incoming.headers)
    try:
        parts = service()
        call.start_budget(parts.settings.request_budget_seconds)
        _log_credential_fault(parts)
        call.ids.check()
        validate_only = request.read_validate_only(incoming.url, writes=incoming.method != "GET")
        call.event.validate_only = validate_only
        request.check_body_head(incoming, max_body_bytes=parts.settings.max_body_bytes)
        assertion = request.read_assertion(incoming.header("authorization"))
        with parts.connections():
            with call.event.waiting_for_entra():
                caller = await parts.token_validator.validate(assertion, deadline=call.deadline)
            call.bind_caller(caller, body=incoming.body, validate_only=validate_only)
            members = [] if incoming.method == "GET" else request.read_members(incoming.body)
            session = parts.session(assertion, caller, call)
            result = await operations.run(incoming.method, members, session, validate_only=validate_only)
        call.event.outcome = result.outcome
        return _finish(call, response.success(result, call.ids), logging.INFO)
    except UpdateProfileError as error:
        return _refuse(incoming, call, error)
    except BaseException as error:  # noqa: BLE001  see above
        call.fault = error
        return _refuse(
            incoming, call, PartnerCenterUnanswered.interrupted() if call.unanswered_write else _unexpected()
        )


def health(incoming: IncomingRequest, *, service: Callable[[], Service]) -> Reply:
    """Report whether the settings are valid, without any outside call. Never raises."""
    ids = read_ids(incoming.headers)
    try:
        _log_credential_fault(service())
    except UpdateProfileError as error:
        return response.problem(error, ids, accept=incoming.header("accept"), status=HEALTH_STATUS)
    except BaseException as error:  # noqa: BLE001  as above
        _log_fault(error)
        return response.problem(_unexpected(), ids, accept=incoming.header("accept"))
    return response.healthy(__version__, ids)


def openapi(incoming: IncomingRequest) -> Reply:
    """Return the description of this API, whatever the settings are. Never raises."""
    ids = read_ids(incoming.headers)
    try:
        return response.described(read_description(), ids)
    except BaseException as error:  # noqa: BLE001  as above
        _log_fault(error)
        return response.problem(_unexpected(), ids, accept=incoming.header("accept"))


def approve(incoming: IncomingRequest, *, file: str, is_on: bool, service: Callable[[], Service]) -> Reply:
    """Answer with the approval page or a file of it, without any outside call. Never raises.

    Args:
        incoming: The request.
        file: The file's name; "" for the page itself.
        is_on: Whether the page is switched on. If not, the answer is an empty 404, whatever the other settings say.
        service: Returns the collaborators, or raises Misconfigured.
    """
    if not is_on:
        return approval_page.NOT_FOUND
    try:
        return approval_page.read(file, service().settings)
    except UpdateProfileError as error:
        return _without_page(incoming, error, HEALTH_STATUS)
    except BaseException as error:  # noqa: BLE001  as above
        _log_fault(error)
        return _without_page(incoming, _unexpected())


def _without_page(incoming: IncomingRequest, error: UpdateProfileError, status: int | None = None) -> Reply:
    """Return the failure of the approval page: for a person's browser a page, for anybody else a problem."""
    ids, accept = read_ids(incoming.headers), incoming.header("accept")
    problem = response.problem(error, ids, accept=accept, status=status)
    return approval_page.failed(problem, accept=accept, correlation_id=ids.correlation_id)


def _log_credential_fault(parts: Service) -> None:
    """Check the credential, and log what is wrong with a new one while the old one still serves.

    Raises:
        Misconfigured: It cannot work.
    """
    fault = parts.credential.check()
    if fault is not None:
        logger.error("update_profile.bad_certificate %s %s", fault.field, fault.message)


def _refuse(incoming: IncomingRequest, call: Call, error: UpdateProfileError) -> Reply:
    call.event.failed(error)
    if isinstance(error, EntraFailed):
        logger.log(
            logging.WARNING if call.event.tenant_id else logging.INFO,
            "update_profile.no_answer %s %s %s %s",
            error.neighbour,
            call.ids.correlation_id,
            incoming.method,
            error.no_answer or error.entra_status,
        )
    if isinstance(error, Misconfigured) and _is_told(call, error):
        wrong = "; ".join(f"{fault.field} {fault.message}" for fault in error.fields)
        logger.error("update_profile.misconfigured %s", wrong or error.reason)
    reply = response.problem(error, call.ids, accept=incoming.header("accept"))
    return _finish(call, reply, _level(call, error))


def _level(call: Call, error: UpdateProfileError) -> int:
    """Return the level of the audit record. ERROR means that the operator must act.

    A token whose signature is not verified writes nothing above INFO: strangers cannot raise an alarm.
    """
    return logging.ERROR if error.actor == "operator" and _is_told(call, error) else logging.INFO


def _is_told(call: Call, error: UpdateProfileError) -> bool:
    """Return whether the operator must see a failure. A failure that any forged token can cause does not count."""
    ours = isinstance(error, Misconfigured | Unexpected) and error.neighbour is None
    return ours or call.event.tenant_id is not None


def _finish(call: Call, reply: Reply, level: int) -> Reply:
    """Write the audit record, and the fault of ours behind it, even where a read confirmed the write."""
    if call.fault is not None:
        _log_fault(call.fault)
    call.finish(reply.status)
    logger.log(level, call.event.message(), extra=call.event.fields())
    return reply


def _log_fault(error: BaseException) -> None:
    """Log where a fault of ours was raised, without its message: that may hold what the caller sent."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("update_profile.unexpected %s\n%s", type(error).__name__, frames)


def _unexpected() -> Unexpected:
    return Unexpected("This function failed before anything was known to be written; the operator can see why.")
