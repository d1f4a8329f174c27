"""Access token + profile -> what Partner Center answered.

Sources: learn.microsoft.com/partner-center/developer/update-support-profile and /headers. The two Microsoft pages
disagree on the path of the PUT; it stands in one place, settings.py.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from .call import Call
from .entra_answers import AccessToken
from .errors import PartnerCenterTimeout, PartnerCenterUnreachable, UpdateProfileError
from .evidence import Evidence
from .http_client import HttpClient
from .http_messages import HttpAnswer, HttpRequest, TransportError
from .request_ids import CORRELATION_ID, REQUEST_ID, RequestIds
from .settings import Settings
from .support_profile import SupportProfile
from .upstream_answer import UpstreamAnswer, read_answer

CONTRACT_VERSION = "v1"
logger = logging.getLogger("update_profile")
OUTCOME_UNKNOWN = "Whether the profile was written is not known: send the same again, under the same delivery id."


class PartnerCenter:
    """Partner Center's support profile."""

    def __init__(self, settings: Settings, http: HttpClient) -> None:
        """``http`` carries the requests."""
        self._settings = settings
        self._http = http
        self._in_flight: Counter[str] = Counter()

    async def put_support_profile(
        self, profile: SupportProfile, *, access_token: AccessToken, call: Call
    ) -> UpstreamAnswer:
        """Replace the support profile, whole.

        Raises:
            PartnerCenterAnswered, PartnerCenterUnexpected: It answered, but with no success.
            PartnerCenterUnreachable: Nothing was sent.
            PartnerCenterTimeout: It was sent, and no answer can be read: whether it was written is not known.
        """
        request = self._put(profile, access_token, call.ids)
        with self._bearing(call.ids.request_id), call.event.attempt():
            answer = await self._send(request, call)
        answered = read_answer(answer, sent=(*profile.values, access_token.value))
        if answered.fault is not None:
            logger.warning("update_profile.fault_under_success %s", call.ids.correlation_id)
        return answered

    async def _send(self, request: HttpRequest, call: Call) -> HttpAnswer:
        try:
            answer = await self._http.send(request, deadline=call.deadline)
        except TransportError as error:
            logger.warning("update_profile.no_answer partner_center %s %s", call.ids.correlation_id, error.reason)
            raise _silence(error) from error
        if self._is_another_calls(answer, call.ids.request_id):
            raise PartnerCenterTimeout(
                f"The answer belongs to another call. {OUTCOME_UNKNOWN}", Evidence(outcome="unknown")
            )
        call.event.upstream_status = answer.status
        call.event.upstream_request_id = answer.header(REQUEST_ID.lower())[:64] or None
        return answer

    def _put(self, profile: SupportProfile, access_token: AccessToken, ids: RequestIds) -> HttpRequest:
        headers = {
            "Authorization": f"Bearer {access_token.value}",
            "Content-Type": "application/json",
            REQUEST_ID: ids.request_id,
            CORRELATION_ID: ids.correlation_id,
            "MS-Contract-Version": CONTRACT_VERSION,
        }
        if self._settings.partner_center_validate_mfa:
            headers["ValidateMfa"] = "true"
        url = self._settings.partner_center_base_url + self._settings.partner_center_profile_path
        return HttpRequest(method="PUT", url=url, headers=headers, body=profile.wire_bytes())

    @contextmanager
    def _bearing(self, request_id: str) -> Iterator[None]:
        """Know which request ids are out. Repeats of one delivery may bear the same at once."""
        request_id = request_id.lower()
        self._in_flight[request_id] += 1
        try:
            yield
        finally:
            self._in_flight[request_id] -= 1
            if not self._in_flight[request_id]:
                del self._in_flight[request_id]

    def _is_another_calls(self, answer: HttpAnswer, request_id: str) -> bool:
        """Whether the answer bears the request id of another call that is out now, and not this call's."""
        named = answer.header(REQUEST_ID.lower()).strip().lower()
        return named != request_id.lower() and named in self._in_flight


def _silence(error: TransportError) -> UpdateProfileError:
    if not error.sent:
        return PartnerCenterUnreachable("Partner Center cannot be reached; nothing was sent.")
    why = "Partner Center did not answer in time" if error.timed_out else "The connection to Partner Center was cut"
    return PartnerCenterTimeout(f"{why}. {OUTCOME_UNKNOWN}", Evidence(outcome="unknown"))
