"""The HTTP client that MSAL is given."""

import asyncio
import json
from collections.abc import Callable

import pytest
from fakes_upstream import FakeHttp, an_answer

from update_profile.deadline import Deadline
from update_profile.entra import msal_transport as msal_http_client
from update_profile.entra.msal_transport import MsalAnswer, MsalHttpClient
from update_profile.errors import EntraTimeout, EntraUnavailable, EntraUnexpected, UpdateProfileError
from update_profile.transport.messages import HttpAnswer, HttpRequest, TransportError

TOKEN_ENDPOINT = "https://login.example/tenant/oauth2/v2.0/token"
CUT = TransportError("reset", sent=True, timed_out=False)
HUNG = TransportError("no answer", sent=True, timed_out=True)
REFUSED = TransportError("refused", sent=False, timed_out=False)
GOOD = an_answer(body=b'{"access_token": "t"}')


async def posted(http: FakeHttp, *, seconds: float = 10, data: dict[str, object] | None = None) -> MsalAnswer:
    """Post a form from a thread, as MSAL does, and return what MSAL gets."""
    loop = asyncio.get_running_loop()
    client = MsalHttpClient(http, loop=loop, deadline=Deadline.after(seconds), discovery={})
    post: Callable[[], MsalAnswer] = lambda: client.post(TOKEN_ENDPOINT, data=data or {"a": "b"})  # noqa: E731
    return await asyncio.to_thread(post)


async def refused(http: FakeHttp, *, seconds: float = 10) -> UpdateProfileError:
    """Return the error that MSAL's request raises."""
    with pytest.raises(UpdateProfileError) as caught:
        await posted(http, seconds=seconds)
    return caught.value


async def test_the_form_goes_out_as_a_form_bytes_too() -> None:
    """A client assertion comes as bytes; a plain httpx client would send it as "b'...'"."""
    http = FakeHttp(GOOD)
    answer = await posted(http, data={"client_assertion": b"eyJ.x", "scope": "a b"})
    assert http.requests[0].body == b"client_assertion=eyJ.x&scope=a+b"
    assert http.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert json.loads(answer.text) == {"access_token": "t"}


async def test_msal_sees_no_header_to_throttle_by() -> None:
    """With a Retry-After header, MSAL would cache the answer and replay it to every user."""
    answer = await posted(FakeHttp(an_answer(body=b"{}", headers={"Retry-After": "30"})))
    assert answer.headers == {}
    answer.raise_for_status()


@pytest.mark.parametrize("first", [CUT, HUNG, an_answer(503), an_answer(500, b"<html>")])
async def test_what_may_pass_is_asked_once_more(first: TransportError) -> None:
    """Requesting a token twice is harmless."""
    http = FakeHttp(first, GOOD)
    assert (await posted(http)).status_code == 200
    assert len(http.requests) == 2


@pytest.mark.parametrize(
    ("outcome", "kind", "requests"),
    [
        (CUT, EntraUnavailable, 2),
        (HUNG, EntraTimeout, 2),
        (REFUSED, EntraUnavailable, 1),
        (an_answer(503), EntraUnavailable, 2),
        (an_answer(503, headers={"Retry-After": "9"}), EntraUnavailable, 1),
        (an_answer(200, b"<html>"), EntraUnexpected, 1),
        (an_answer(200, b"[]"), EntraUnexpected, 1),
        (an_answer(200, None), EntraUnexpected, 1),
        (an_answer(307, b"{}"), EntraUnexpected, 1),
        (an_answer(400, b"text"), EntraUnexpected, 1),
    ],
)
async def test_what_stays_is_an_error_of_ours(
    outcome: TransportError, kind: type[UpdateProfileError], requests: int
) -> None:
    """MSAL never sees the answer: it would log the non-JSON body and raise an error without a reason."""
    http = FakeHttp(outcome)
    assert type(await refused(http)) is kind
    assert len(http.requests) == requests


async def test_entras_own_wait_is_kept() -> None:
    """It becomes the Retry-After that the caller gets."""
    error = await refused(FakeHttp(an_answer(503, headers={"Retry-After": "9"})))
    assert error.retry_after_seconds == 9


async def test_a_400_is_an_answer_and_never_repeated() -> None:
    """A refusal is final, so a retry cannot change it."""
    http = FakeHttp(an_answer(400, b'{"error": "invalid_grant"}'))
    assert (await posted(http)).status_code == 400
    assert len(http.requests) == 1


async def test_without_time_there_is_no_second_request() -> None:
    """The deadline would only cut a second request off."""
    http = FakeHttp(CUT)
    await refused(http, seconds=0)
    assert len(http.requests) == 1


async def test_one_attempt_leaves_time_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """One hanging attempt must not use up the whole budget."""
    http = FakeHttp(HUNG, GOOD)
    await posted(http, seconds=25)
    assert http.deadlines[0].remaining_seconds() < msal_http_client.ATTEMPT_SECONDS
    assert http.deadlines[1].remaining_seconds() > msal_http_client.ATTEMPT_SECONDS


async def test_msal_gets_the_discovery_document_that_is_held_and_nothing_else() -> None:
    """A GET for any other address fails without a request."""
    http = FakeHttp(GOOD)
    loop = asyncio.get_running_loop()
    client = MsalHttpClient(http, loop=loop, deadline=Deadline.after(1), discovery={"token_endpoint": "x"})
    answer = client.get("https://login.example/t/v2.0/.well-known/openid-configuration")
    assert json.loads(answer.text) == {"token_endpoint": "x"}
    with pytest.raises(EntraUnexpected):
        client.get("https://login.microsoftonline.com/common/discovery/instance")
    client.close()
    assert not http.requests


async def test_an_exchange_that_was_given_up_sends_nothing_more() -> None:
    """The pending request is cancelled, and a later post fails without a request."""
    began, loop = asyncio.Event(), asyncio.get_running_loop()

    class HangingHttp(FakeHttp):
        async def send(self, request: HttpRequest, *, deadline: Deadline) -> HttpAnswer:
            self.requests.append(request)
            began.set()
            await asyncio.sleep(deadline.remaining_seconds())
            raise CUT

    http = HangingHttp(GOOD)
    client = MsalHttpClient(http, loop=loop, deadline=Deadline.after(30), discovery={})
    posting = asyncio.create_task(asyncio.to_thread(client.post, TOKEN_ENDPOINT, data={"a": "b"}))
    await began.wait()
    client.abandon()
    with pytest.raises(EntraUnavailable, match="given up"):
        await posting
    with pytest.raises(EntraUnavailable, match="given up"):
        await asyncio.to_thread(client.post, TOKEN_ENDPOINT, data={"a": "b"})
    assert len(http.requests) == 1


def test_a_closed_loop_sends_nothing_and_complains_of_nothing() -> None:
    """The loop is closed when the worker stops."""
    loop = asyncio.new_event_loop()
    loop.close()
    http = FakeHttp(GOOD)
    client = MsalHttpClient(http, loop=loop, deadline=Deadline.after(5), discovery={})
    with pytest.raises(EntraUnavailable, match="given up"):
        client.post(TOKEN_ENDPOINT, data={"a": "b"})
    assert not http.requests


def test_a_loop_that_does_not_get_to_it_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something else blocks the event loop."""
    monkeypatch.setattr(msal_http_client, "GRACE_SECONDS", 0.01)
    loop = asyncio.new_event_loop()
    client = MsalHttpClient(FakeHttp(GOOD), loop=loop, deadline=Deadline.after(0.01), discovery={})
    with pytest.raises(EntraTimeout, match="too busy"):
        client.post(TOKEN_ENDPOINT, data={"a": "b"})
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
