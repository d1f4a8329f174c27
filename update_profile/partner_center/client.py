"""One request to Partner Center: access token and profile in, answer out.

Sources: learn.microsoft.com/partner-center/developer/update-support-profile, get-a-partner-support-profile and
/headers. Microsoft's pages disagree about the path of the PUT: it is a setting, and nothing falls back to the other.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..call import AccessToken, Call, Caller
from ..deadline import Deadline
from ..errors import PartnerCenterUnanswered, PartnerCenterUnreachable, UpdateProfileError
from ..formats import GUID
from ..request_ids import CORRELATION_ID, REQUEST_ID
from ..settings import Settings
from ..support_profile import SupportProfile
from ..transport.messages import ENDED, Http, HttpAnswer, HttpRequest, TransportError
from .answer import BODILESS, ProfileResponse, read_answer
from .stored_profile import read_stored, shown_values

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

    def prepare(self, caller: Caller, *, deadline: Deadline) -> None:
        """Begin to connect while the caller's token is still on its way."""
        self._http.prepare(self._settings.partner_center_base_url, _lane(caller), deadline=deadline)

    async def request(  # noqa: PLR0913  one request, and whose it is
        self,
        profile: SupportProfile | None,
        access_token: AccessToken,
        *,
        caller: Caller,
        call: Call,
        deadline: Deadline,
        reads_back: bool = False,
    ) -> ProfileResponse:
        """Replace the support profile as a whole; read it when ``profile`` is None.

        ``reads_back``: whether the read looks for a write without an answer, which is counted apart.

        Raises:
            PartnerCenterRefused, PartnerCenterUnexpected, InteractionRequired: The answer is not a success.
            PartnerCenterUnreachable: Nothing was sent.
            PartnerCenterUnanswered: The request was sent, and no answer shows what became of it. Its ``outcome`` is
                ``unknown`` for a write.
        """
        request = self._http_request(profile, access_token, call, None if reads_back else _lane(caller))
        ids, event = call.ids, call.event
        writes = profile is not None
        with self._in_flight_id(ids.request_id), event.attempt(reads_back=reads_back):
            call.unanswered_write |= writes
            try:
                answer = await self._http.send(request, deadline=deadline)
            except TransportError as error:
                if writes:
                    call.unanswered_write = error.sent
                raise _no_answer(error, ids.correlation_id, request.method) from error
            except ENDED:  # nothing was sent; an earlier write may still be unanswered
                call.unanswered_write &= not writes
                raise
            if self._answers_another_call(answer, ids.request_id):
                raise _unanswered("The answer does not name this request.", "another_call", writes=writes)
        event.upstream_status = answer.status
        named = answer.header(REQUEST_ID.lower()).strip()
        event.upstream_request_id = named if GUID.fullmatch(named) else None  # anything else may repeat what was sent
        response = self._read(answer, request.method, profile, access_token, caller, call)
        if profile is None:
            read_stored(response)
            return response
        response = self._check_write(response, profile, ids.correlation_id)
        call.unanswered_write = False
        return response

    def _check_write(self, response: ProfileResponse, profile: SupportProfile, correlation_id: str) -> ProfileResponse:
        """Return the response if it shows what was written.

        Raises:
            PartnerCenterUnanswered: It does not, so it proves no write.
        """
        if response.status in BODILESS:
            logger.warning("update_profile.write_not_shown %s %s", correlation_id, response.status)
            return response
        shown = shown_values(response)
        if shown is None:
            logger.warning("update_profile.write_not_shown %s %s", correlation_id, response.status)
            raise _unanswered("Partner Center's answer does not show the profile.", "unreadable", writes=True)
        changed = [name for name, value in profile.named_values.items() if shown[name] != value]
        if not changed:
            return response
        logger.warning("update_profile.write_differs %s %s", correlation_id, ",".join(changed))
        return replace(response, outcome="differs")

    def _read(  # noqa: PLR0913, PLR0917  what was sent, and by whom, decides what may be passed on
        self,
        answer: HttpAnswer,
        method: str,
        profile: SupportProfile | None,
        access_token: AccessToken,
        caller: Caller,
        call: Call,
    ) -> ProfileResponse:
        hint = ""
        if answer.status in (404, 405):
            setting, other_path = self._other_path(method)
            logger.warning("update_profile.path_refused %s %s=%s", call.ids.correlation_id, setting, other_path)
            hint = f"{setting} may need to be {other_path}."
        try:
            response = read_answer(
                answer,
                sent=(*(profile.named_values.values() if profile else ()), access_token.value),
                hint=hint,
                tenant_id=caller.tenant_id,
                authorization_uri=f"{self._settings.authority_host}/{caller.tenant_id}/oauth2/v2.0/authorize",
            )
        except UpdateProfileError:
            if profile is not None:
                call.unanswered_write = False  # a refusal is an answer
            raise
        if response.fault is not None:
            logger.warning("update_profile.fault_under_success %s", call.ids.correlation_id)
        return response

    def _http_request(
        self, profile: SupportProfile | None, access_token: AccessToken, call: Call, lane: tuple[str, str] | None
    ) -> HttpRequest:
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
            return HttpRequest(method="GET", url=url, headers=headers, caller=lane, request_id=call.ids.request_id)
        headers["Content-Type"] = "application/json"
        url = settings.partner_center_base_url + settings.partner_center_profile_path
        return HttpRequest(
            method="PUT",
            url=url,
            headers=headers,
            body=profile.wire_bytes(),
            caller=lane,
            request_id=call.ids.request_id,
        )

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
        """Return whether the answer is not this call's: it carries the request id of another call in flight.

        On a connection that carried an earlier request, an answer without this request's id may be a late copy.
        """
        named = answer.header(REQUEST_ID.lower()).strip().lower()
        return named != request_id.lower() and (answer.reused or named in self._in_flight)


def _lane(caller: Caller) -> tuple[str, str]:
    return caller.tenant_id, caller.user_id


def _no_answer(error: TransportError, correlation_id: str, method: str) -> UpdateProfileError:
    logger.warning("update_profile.no_answer partner_center %s %s %s", correlation_id, method, error.reason)
    writes = method != "GET"
    if not error.sent:
        return PartnerCenterUnreachable("Partner Center cannot be reached; nothing was sent.", no_answer=error.reason)
    if error.timed_out:
        return _unanswered("Partner Center did not answer in time.", "no_answer", writes=writes, no_answer=error.reason)
    return _unanswered("The connection to Partner Center was cut.", "cut", writes=writes, no_answer=error.reason)


def _unanswered(why: str, reason: str, *, writes: bool, no_answer: str | None = None) -> PartnerCenterUnanswered:
    if not writes:
        return PartnerCenterUnanswered(why, reason=reason, no_answer=no_answer)
    return PartnerCenterUnanswered(f"{why} {OUTCOME_UNKNOWN}", reason=reason, no_answer=no_answer, outcome="unknown")
