"""One request to Partner Center: access token and profile in, answer out.

Sources: learn.microsoft.com/partner-center/developer/update-support-profile, get-a-partner-support-profile and
/headers. Microsoft's pages disagree about the path of the PUT: it is a setting, and nothing falls back to the other.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ..call import AccessToken, Call, Caller
from ..deadline import Deadline
from ..errors import PartnerCenterUnanswered, PartnerCenterUnreachable, UpdateProfileError
from ..formats import GUID
from ..request_ids import CORRELATION_ID, REQUEST_ID
from ..settings import Settings
from ..support_profile import SupportProfile
from ..transport.messages import Http, HttpAnswer, HttpRequest, TransportError
from .answer import ProfileResponse, read_answer

CONTRACT_VERSION = "v1"
KNOWN_PATHS = ("/v1/profiles/support", "/v1/profiles/supportprofile")
OUTCOME_UNKNOWN = "Whether the profile was written is not known: send it again under the same delivery id."
logger = logging.getLogger("update_profile")


class PartnerCenter:
    """Partner Center's support profile."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._in_flight: Counter[str] = Counter()

    async def request(
        self,
        profile: SupportProfile | None,
        access_token: AccessToken,
        *,
        caller: Caller,
        call: Call,
        deadline: Deadline,
    ) -> ProfileResponse:
        """Replace the support profile as a whole; read it when ``profile`` is None.

        Raises:
            PartnerCenterRefused, PartnerCenterUnexpected, InteractionRequired: The answer is not a success.
            PartnerCenterUnreachable: Nothing was sent.
            PartnerCenterUnanswered: The request was sent and no answer can be read. Its ``outcome`` is ``unknown`` for
                a write.
        """
        request = self._http_request(profile, access_token, call)
        ids, event = call.ids, call.event
        try:
            with self._in_flight_id(ids.request_id), event.attempt():
                answer = await self._http.send(request, deadline=deadline)
                answers_another_call = self._answers_another_call(answer, ids.request_id)
        except TransportError as error:
            logger.warning("update_profile.no_answer partner_center %s %s", ids.correlation_id, error.reason)
            raise _from_transport_error(error, request.method) from error
        if answers_another_call:
            raise _unanswered("The answer belongs to another call.", request.method)
        event.upstream_status = answer.status
        named = answer.header(REQUEST_ID.lower()).strip()
        event.upstream_request_id = named if GUID.fullmatch(named) else None  # anything else may repeat what was sent
        hint = ""
        if answer.status in (404, 405):
            setting, other_path = self._other_path(request.method)
            logger.warning("update_profile.path_refused %s %s=%s", ids.correlation_id, setting, other_path)
            hint = f"{setting} may need to be {other_path}."
        response = read_answer(
            answer,
            sent=(*(profile.named_values.values() if profile else ()), access_token.value),
            hint=hint,
            tenant_id=caller.tenant_id,
            authorization_uri=f"{self._settings.authority_host}/{caller.tenant_id}/oauth2/v2.0/authorize",
        )
        if response.fault is not None:
            logger.warning("update_profile.fault_under_success %s", ids.correlation_id)
        return response

    def _http_request(self, profile: SupportProfile | None, access_token: AccessToken, call: Call) -> HttpRequest:
        settings = self._settings
        headers = {
            "Authorization": f"Bearer {access_token.value}",
            REQUEST_ID: call.ids.request_id,
            CORRELATION_ID: call.ids.correlation_id,
            "MS-Contract-Version": CONTRACT_VERSION,
        }
        if settings.partner_center_validate_mfa:
            headers["ValidateMfa"] = "true"
        if profile is None:
            url = settings.partner_center_base_url + settings.partner_center_read_path
            return HttpRequest(method="GET", url=url, headers=headers)
        headers["Content-Type"] = "application/json"
        url = settings.partner_center_base_url + settings.partner_center_profile_path
        return HttpRequest(method="PUT", url=url, headers=headers, body=profile.wire_bytes())

    def _other_path(self, method: str) -> tuple[str, str]:
        """Return the path setting in use for this method, and the other path that it may need."""
        name, used = (
            ("PARTNER_CENTER_READ_PATH", self._settings.partner_center_read_path)
            if method == "GET"
            else ("PARTNER_CENTER_PROFILE_PATH", self._settings.partner_center_profile_path)
        )
        return name, next(path for path in KNOWN_PATHS if path != used)

    @contextmanager
    def _in_flight_id(self, request_id: str) -> Iterator[None]:
        """Track a request id in flight. Concurrent repeats of one delivery share an id, hence the counter."""
        request_id = request_id.lower()
        self._in_flight[request_id] += 1
        try:
            yield
        finally:
            self._in_flight[request_id] -= 1
            if not self._in_flight[request_id]:
                del self._in_flight[request_id]

    def _answers_another_call(self, answer: HttpAnswer, request_id: str) -> bool:
        """Return whether the answer carries the request id of another call in flight."""
        named = answer.header(REQUEST_ID.lower()).strip().lower()
        return named != request_id.lower() and named in self._in_flight


def _from_transport_error(error: TransportError, method: str) -> UpdateProfileError:
    if not error.sent:
        return PartnerCenterUnreachable("Partner Center cannot be reached; nothing was sent.")
    if error.timed_out:
        return _unanswered("Partner Center did not answer in time.", method)
    return _unanswered("The connection to Partner Center was cut.", method)


def _unanswered(why: str, method: str) -> PartnerCenterUnanswered:
    if method == "GET":
        return PartnerCenterUnanswered(why)
    return PartnerCenterUnanswered(f"{why} {OUTCOME_UNKNOWN}", outcome="unknown")
