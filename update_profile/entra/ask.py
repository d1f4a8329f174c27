"""One request to Entra ID, or to the platform's identity endpoint, and what it means when no answer comes."""

import logging

from ..deadline import Deadline
from ..errors import EntraFailed, EntraTimeout, EntraUnavailable
from ..transport.messages import Http, HttpAnswer, HttpRequest, TransportError

logger = logging.getLogger("update_profile")


async def ask(http: Http, request: HttpRequest, *, deadline: Deadline, whom: str, log_name: str) -> HttpAnswer:
    """Send one request.

    Args:
        http: Sends it.
        request: The request.
        deadline: When the answer must be there.
        whom: Who is asked, for the caller ("Entra ID").
        log_name: Who is asked, for the log ("entra").

    Raises:
        EntraTimeout: It was sent, and no whole answer came in time.
        EntraUnavailable: No answer came for another reason.
    """
    try:
        answer = await http.send(request, deadline=deadline)
    except TransportError as error:
        logger.warning("update_profile.no_answer %s %s", log_name, error.reason)
        raise no_answer(error, whom) from error
    if answer.body is None and not deadline.remaining_seconds():  # its body dripped
        raise EntraTimeout(f"{whom} did not answer in time.")
    return answer


def no_answer(error: TransportError, whom: str) -> EntraFailed:
    """Turn a transport error into one of Entra's."""
    if not error.sent:
        return EntraUnavailable(f"{whom} cannot be reached.")
    if error.timed_out:
        return EntraTimeout(f"{whom} did not answer in time.")
    return EntraUnavailable(f"The connection to {whom} was cut.")
