"""Every answer in these tests is held against the description, and each way to differ from it is found."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from builders import EXAMPLE
from described_api import DescribedApi, NotDescribed, described_api
from error_rows import ROWS
from live_function import ROOT, ROUTE, LiveFunction
from served_function import served_function

from sandbox import Answer
from sandbox.worker import HttpAnswer
from update_profile import response
from update_profile.description import FILE

IDS = (
    ("MS-CorrelationId", "20604323-50bf-4738-9968-c5486ab32be0"),
    ("MS-RequestId", "603f3cd9-01b8-48f2-b65d-855a246f5bfd"),
)
HOSTS = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))


async def answer_of(live: LiveFunction, **call: Any) -> HttpAnswer:
    """Return a true answer, to be doctored."""
    answered = await live.call(**call)
    return HttpAnswer(answered.status, tuple(answered.headers.items()), answered.body)


def with_members(answer: HttpAnswer, **members: Any) -> HttpAnswer:
    """Return an answer whose document has these members instead."""
    document = {**json.loads(answer.body), **members}
    return dataclasses.replace(answer, body=json.dumps(document).encode())


def with_headers(answer: HttpAnswer, **headers: str | None) -> HttpAnswer:
    """Return an answer with these headers instead; None leaves one out."""
    changed = {**dict(answer.headers), **{name.replace("_", "-"): value for name, value in headers.items()}}
    return dataclasses.replace(answer, headers=tuple((name, text) for name, text in changed.items() if text))


DOCTORED: dict[str, Callable[[HttpAnswer], HttpAnswer]] = {
    "another status": lambda answer: dataclasses.replace(answer, status=302),
    "a status of another failure": lambda answer: dataclasses.replace(answer, status=403),
    "no body": lambda answer: dataclasses.replace(answer, body=b""),
    "another media type": lambda answer: with_headers(answer, content_type="text/html"),
    "an unknown header": lambda answer: with_headers(answer, x_powered_by="Python"),
    "a missing header": lambda answer: with_headers(answer, ms_requestid=None),
    "a missing challenge": lambda answer: with_headers(answer, www_authenticate=None),
    "a header of another form": lambda answer: with_headers(answer, ms_requestid="1"),
    "an unknown member": lambda answer: with_members(answer, hint="Sign in."),
    "an unknown code": lambda answer: with_members(answer, code="no_token"),
    "another actor": lambda answer: with_members(answer, actor="operator"),
    "another retry advice": lambda answer: with_members(answer, retryable=True),
    "another title": lambda answer: with_members(answer, title="No token."),
    "another type": lambda answer: with_members(answer, type="about:blank"),
    "a reason of another code": lambda answer: with_members(answer, reason="claims"),
    "a member of another type": lambda answer: with_members(answer, errors="none"),
    "an id that comes twice": lambda answer: dataclasses.replace(answer, headers=(*answer.headers, IDS[1])),
    "a second media type": lambda answer: dataclasses.replace(
        answer, headers=(*answer.headers, ("content-type", "text/html"))
    ),
    "an empty detail": lambda answer: with_members(answer, detail=""),
    "evidence of another code": lambda answer: with_members(answer, consentUri="https://login.example/consent"),
    "an outcome of a write that was never sent": lambda answer: with_members(answer, outcome="unknown"),
    "a time to wait where waiting does not help": lambda answer: with_headers(answer, retry_after="5"),
    "a status that differs from the answer's": lambda answer: with_members(answer, status=400),
}


@pytest.mark.parametrize("doctored", DOCTORED)
async def test_an_answer_that_is_not_described_is_found(live: LiveFunction, doctored: str) -> None:
    """Each case changes one thing of a true answer, which itself is described."""
    true = await answer_of(live, user=None)
    described_api().check("POST", ROUTE, true)
    with pytest.raises(NotDescribed):
        described_api().check("POST", ROUTE, DOCTORED[doctored](true))


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        ({"target": f"{ROUTE}?validate_only=true"}, {"changes": [{"field": "Fax", "current": None, "proposed": "1"}]}),
        ({"method": "GET", "target": "/api/health", "user": None, "body": b""}, {"status": "well"}),
        ({}, {"email": [1]}),
        ({"method": "GET", "body": b""}, None),
    ],
    ids=["a dry run", "health", "a write", "no profile"],
)
async def test_a_success_that_is_not_described_is_found(
    live: LiveFunction, call: dict[str, Any], wrong: dict[str, Any] | None
) -> None:
    """``wrong`` replaces members; None stands for a document that is no profile at all."""
    true = await answer_of(live, **call)
    none = dataclasses.replace(true, body=b'{"token":"secret"}')
    with pytest.raises(NotDescribed):
        described_api().check(
            call.get("method", "POST"), call.get("target", ROUTE), with_members(true, **wrong) if wrong else none
        )


async def test_a_retryable_failure_without_retry_after_is_found(live: LiveFunction) -> None:
    row = next(row for row in ROWS if row.code == "entra_throttled")
    answered = await row.provoke(live)
    true = HttpAnswer(answered.status, tuple(answered.headers.items()), answered.body)
    for wrong in (None, "0", "3601", "soon"):
        with pytest.raises(NotDescribed):
            described_api().check("POST", ROUTE, with_headers(true, retry_after=wrong))


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("status", [500, 502])
async def test_a_class_of_failures_has_retry_after_where_a_retry_can_help(live: LiveFunction, status: int) -> None:
    """These statuses have failures of both kinds, so that no schema can require the header."""
    live.sandbox.partner_center.script(Answer(status), times=None)
    true = await answer_of(live)
    assert json.loads(true.body)["retryable"]
    with pytest.raises(NotDescribed):
        described_api().check("POST", ROUTE, with_headers(true, retry_after=None))
    with pytest.raises(NotDescribed):
        described_api().check("POST", ROUTE, with_members(true, retryable=False))


async def test_a_consent_that_is_required_names_its_page(live: LiveFunction) -> None:
    row = next(row for row in ROWS if row.code == "consent_required")
    answered = await row.provoke(live)
    members = {name: value for name, value in answered.json.items() if name != "consentUri"}
    wrong = HttpAnswer(answered.status, tuple(answered.headers.items()), json.dumps(members).encode())
    with pytest.raises(NotDescribed):
        described_api().check("POST", ROUTE, wrong)


async def test_an_answer_to_what_is_not_described_is_found(live: LiveFunction) -> None:
    """Only the host answers there."""
    true = await answer_of(live, method="GET", target="/api/health", user=None, body=b"")
    for method, target in (
        ("HEAD", "/api/health"),
        ("GET", "/api/status"),
        ("DELETE", ROUTE),
        ("GET", "/api/approveX"),
    ):
        for status in (200, 400):
            with pytest.raises(NotDescribed):
                described_api().check(method, target, dataclasses.replace(true, status=status))


@pytest.mark.parametrize(
    "relayed",
    [
        {"attributes": [], "links": "x", "profileType": 3},
        {"attributes": 5, "links": None},
        {"email": 5},
        {"validateOnly": 1},
        {"validateOnly": True, "changes": []},
    ],
    ids=json.dumps,
)
async def test_whatever_is_relayed_of_a_stored_profile_is_described(
    live: LiveFunction, relayed: dict[str, Any]
) -> None:
    """The function reads Partner Center's profile leniently, and every call is held against the description."""
    profile = {**{name.lower(): value for name, value in EXAMPLE.items()}, **relayed}
    live.sandbox.partner_center.script(Answer.json(profile), times=None)
    answered = await live.call(method="GET", body=b"")
    assert (answered.status, answered.json) == (200, profile)


async def test_every_answer_of_these_tests_is_held_against_the_description(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch, undescribed: list[NotDescribed]
) -> None:
    """The function itself sends what is not described, and the call fails although nobody looks at the answer."""
    monkeypatch.setattr(response, "PROBLEM_TYPE", "urn:other:")
    with pytest.raises(NotDescribed):
        await live.call(user=None)
    assert len(undescribed) == 1
    undescribed.clear()


async def test_an_invocation_that_a_test_starts_is_held_against_it_too(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response, "PROBLEM_TYPE", "urn:other:")
    with pytest.raises(NotDescribed):
        await live.start("no token")


@pytest.mark.timeout(120)
def test_an_answer_of_another_process_is_held_against_it_too(capfd: pytest.CaptureFixture[str]) -> None:
    """As `make serve` in the tests of the examples. Nobody looks at the answer, and the process ends with a failure."""
    program = "import sys, checked_serve; from update_profile import response; response.PROBLEM_TYPE = 'urn:other:'"
    doctored = (
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r}); {program}; sys.exit(checked_serve.main())",
    )
    with pytest.raises(AssertionError, match="not described"), served_function(doctored) as served:
        httpx.post(served.settings["FUNCTION_URL"], trust_env=False)
    assert "POST /api/update_profile 401" in capfd.readouterr().err


def test_a_description_without_a_status_allows_no_answer_with_it() -> None:
    """What is checked is the document, not a list in the tests."""
    document = json.loads(FILE.read_bytes())
    del document["paths"]["/health"]["get"]["responses"]["200"]
    answer = HttpAnswer(200, (("Content-Type", "application/json"), *IDS, *HOSTS), b'{"status":"ok","version":"0.1.0"}')
    described_api().check("GET", "/api/health", answer)
    with pytest.raises(NotDescribed, match="no such status"):
        DescribedApi(document).check("GET", "/api/health", answer)
