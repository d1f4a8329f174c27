"""Access token + profile -> what Partner Center answered, once.

Sources: learn.microsoft.com/partner-center/developer/update-support-profile, get-a-partner-support-profile and
/headers. Microsoft's pages disagree on the path of the PUT: it is a setting, and nothing falls back to the other one.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..call import Call
from ..deadline import Deadline
from ..entra.token_response import AccessToken
from ..errors import PartnerCenterTimeout, PartnerCenterUnreachable, UpdateProfileError
from ..evidence import Evidence
from ..formats import GUID
from ..request_ids import CORRELATION_ID, REQUEST_ID
from ..settings import Settings
from ..support_profile import SupportProfile
from ..transport.client import HttpClient
from ..transport.messages import HttpAnswer, HttpRequest, TransportError
from .answer import Asked, UpstreamAnswer, read_answer

CONTRACT_VERSION = "v1"
KNOWN_PATHS = ("/v1/profiles/support", "/v1/profiles/supportprofile")
logger = logging.getLogger("update_profile")
OUTCOME_UNKNOWN = "Whether the profile was written is not known: send the same again, under the same delivery id."


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One request of a call: the token to send, and when it must be answered. ``tenant_id`` is the caller's."""

    access_token: AccessToken = field(repr=False)
    call: Call
    tenant_id: str
    deadline: Deadline


class PartnerCenter:
    """Partner Center's support profile."""

    def __init__(self, settings: Settings, http: HttpClient) -> None:
        """``http`` carries the requests."""
        self._settings = settings
        self._http = http
        self._in_flight: Counter[str] = Counter()

    async def get_support_profile(self, attempt: Attempt) -> UpstreamAnswer:
        """Read the support profile.

        Raises:
            PartnerCenterAnswered, PartnerCenterUnexpected, InteractionRequired: It answered, but with no success.
            PartnerCenterUnreachable: Nothing was sent.
            PartnerCenterTimeout: It was sent, and no answer can be read.
        """
        return await self._ask(attempt, self._get(attempt), ())

    async def put_support_profile(self, profile: SupportProfile, attempt: Attempt) -> UpstreamAnswer:
        """Replace the support profile, whole.

        Raises:
            PartnerCenterAnswered, PartnerCenterUnexpected, InteractionRequired: It answered, but with no success.
            PartnerCenterUnreachable: Nothing was sent.
            PartnerCenterTimeout: It was sent, and no answer can be read: whether it was written is not known.
        """
        return await self._ask(attempt, self._put(profile, attempt), tuple(profile.named_values.values()))

    async def _ask(self, attempt: Attempt, request: HttpRequest, values: tuple[str, ...]) -> UpstreamAnswer:
        call = attempt.call
        with self._bearing(call.ids.request_id), call.event.attempt():
            answer = await self._send(request, attempt)
        setting, other_path = self._other_path(request.method)
        if answer.status in (404, 405):
            logger.warning("update_profile.path_refused %s %s", call.ids.correlation_id, setting)
        asked = Asked(
            sent=(*values, attempt.access_token.value),
            other_path=other_path,
            tenant_id=attempt.tenant_id,
            authorization_uri=f"{self._settings.authority_host}/{attempt.tenant_id}/oauth2/v2.0/authorize",
        )
        answered = read_answer(answer, asked)
        if answered.fault is not None:
            logger.warning("update_profile.fault_under_success %s", call.ids.correlation_id)
        return answered

    async def _send(self, request: HttpRequest, attempt: Attempt) -> HttpAnswer:
        ids, event = attempt.call.ids, attempt.call.event
        try:
            answer = await self._http.send(request, deadline=attempt.deadline)
        except TransportError as error:
            logger.warning("update_profile.no_answer partner_center %s %s", ids.correlation_id, error.reason)
            raise _silence(error, request.method) from error
        if self._is_another_calls(answer, ids.request_id):
            raise _unknown("The answer belongs to another call.", request.method)
        event.upstream_status = answer.status
        named = answer.header(REQUEST_ID.lower()).strip()
        event.upstream_request_id = named if GUID.fullmatch(named) else None  # what is no id may repeat what was sent
        return answer

    def _get(self, attempt: Attempt) -> HttpRequest:
        url = self._settings.partner_center_base_url + self._settings.partner_center_read_path
        return HttpRequest(method="GET", url=url, headers=self._headers(attempt))

    def _put(self, profile: SupportProfile, attempt: Attempt) -> HttpRequest:
        url = self._settings.partner_center_base_url + self._settings.partner_center_profile_path
        headers = {**self._headers(attempt), "Content-Type": "application/json"}
        return HttpRequest(method="PUT", url=url, headers=headers, body=profile.wire_bytes())

    def _headers(self, attempt: Attempt) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {attempt.access_token.value}",
            REQUEST_ID: attempt.call.ids.request_id,
            CORRELATION_ID: attempt.call.ids.correlation_id,
            "MS-Contract-Version": CONTRACT_VERSION,
        }
        return headers | ({"ValidateMfa": "true"} if self._settings.partner_center_validate_mfa else {})

    def _other_path(self, method: str) -> tuple[str, str]:
        """The path that may be meant where the one in use is refused: as ``SETTING=path``, and as a sentence."""
        name, used = (
            ("PARTNER_CENTER_READ_PATH", self._settings.partner_center_read_path)
            if method == "GET"
            else ("PARTNER_CENTER_PROFILE_PATH", self._settings.partner_center_profile_path)
        )
        other = next(path for path in KNOWN_PATHS if path != used)
        return f"{name}={other}", f"{name} may be {other} instead."

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


def _silence(error: TransportError, method: str) -> UpdateProfileError:
    if not error.sent:
        return PartnerCenterUnreachable("Partner Center cannot be reached; nothing was sent.")
    if error.timed_out:
        return _unknown("Partner Center did not answer in time.", method)
    return _unknown("The connection to Partner Center was cut.", method)


def _unknown(why: str, method: str) -> PartnerCenterTimeout:
    if method == "GET":
        return PartnerCenterTimeout(why)
    return PartnerCenterTimeout(f"{why} {OUTCOME_UNKNOWN}", Evidence(outcome="unknown"))
