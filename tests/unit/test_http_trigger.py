"""Conversion between azure.functions objects and plain values."""

import json
from typing import Any

import azure.functions as func
import pytest
from builders import an_environment

from update_profile import approval_page, http_trigger
from update_profile.response import Reply
from update_profile.service import ServiceHolder
from update_profile.settings import NAMES

GIVEN = "0F8FAD5B-d9cb-469f-A165-70867728950e"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set the smallest valid environment."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in an_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(http_trigger, "_service", ServiceHolder())
    return monkeypatch


def a_request(
    method: str = "POST", query: str = "", *, body: bytes = b"{}", headers: dict[str, str] | None = None
) -> func.HttpRequest:
    """Return a request as the worker makes it."""
    return func.HttpRequest(method, f"https://host/api/update_profile{query}", headers=headers or {}, body=body)


def document(response: func.HttpResponse) -> dict[str, Any]:
    """The JSON of a response."""
    decoded: dict[str, Any] = json.loads(response.get_body())
    return decoded


async def test_a_failure_comes_back_as_a_problem() -> None:
    """Status, headers and body are set, and the caller's id is returned as written."""
    response = await http_trigger.update_profile(a_request(headers={"MS-CorrelationId": GIVEN}))
    assert (response.status_code, document(response)["code"]) == (401, "missing_token")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["MS-CorrelationId"] == document(response)["correlationId"] == GIVEN
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="update_profile"'


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
async def test_headers_are_found_in_any_case(name: str) -> None:
    """HTTP header names are case-insensitive."""
    response = await http_trigger.update_profile(a_request(headers={name: "Bearer no-token"}))
    assert document(response)["code"] == "invalid_token"


async def test_the_query_is_read_from_the_url() -> None:
    """The host's own parser drops blank values."""
    response = await http_trigger.update_profile(a_request(query="?validate_only"))
    assert document(response)["code"] == "invalid_parameter"


async def test_the_body_is_handed_on() -> None:
    """A body that is too large is refused, so the handler has seen it."""
    response = await http_trigger.update_profile(a_request("put", body=b" " * 65_537))
    assert document(response)["code"] == "body_too_large"


async def test_health_answers() -> None:
    """The status is 200 when the settings are valid."""
    response = await http_trigger.health(a_request("GET", "?anything", body=b""))
    assert (response.status_code, document(response)["status"]) == (200, "ok")


async def test_settings_are_read_while_the_app_loads(environment: pytest.MonkeyPatch) -> None:
    """A setting that changes afterwards has no effect on this process."""
    http_trigger.prepare()
    environment.setenv("PARTNER_CENTER_CLOUD", "germany")
    response = await http_trigger.health(a_request("GET"))
    assert response.status_code == 200


async def test_health_tells_a_wrong_setting(environment: pytest.MonkeyPatch) -> None:
    """The status is 503, and the body names the setting."""
    environment.setenv("PARTNER_CENTER_CLOUD", "germany")
    response = await http_trigger.health(a_request("GET"))
    assert response.status_code == 503
    assert document(response)["errors"][0]["field"] == "PARTNER_CENTER_CLOUD"


async def test_the_description_is_answered_whatever_the_settings(environment: pytest.MonkeyPatch) -> None:
    """No setting is read."""
    environment.setenv("PARTNER_CENTER_CLOUD", "germany")
    response = await http_trigger.openapi(a_request("GET", "?anything", body=b"", headers={"MS-RequestId": GIVEN}))
    assert (response.status_code, document(response)["openapi"]) == (200, "3.1.1")
    assert (response.headers["Content-Type"], response.headers["MS-RequestId"]) == ("application/json", GIVEN)


async def page(file: str | None = None, *, mangled: str | None = None, accept: str | None = None) -> func.HttpResponse:
    """Ask for the approval page or a file of it."""
    given = {"file": file, "mangled": mangled}
    params = {name: value for name, value in given.items() if value is not None}
    headers = {} if accept is None else {"Accept": accept}
    request = func.HttpRequest("GET", "https://host/api/approve", headers=headers, route_params=params, body=b"")
    return await (http_trigger.approve(request) if mangled is None else http_trigger.approve_mangled(request))


PAGE_CLIENT = "5a9e0c1f-7f0e-4c7e-8a53-2b1d3f6c9e10"


async def test_the_approval_page_answers_with_its_files(environment: pytest.MonkeyPatch) -> None:
    """A link whose # was encoded gets the page as well."""
    environment.setenv("ENTRA_APPROVAL_CLIENT_ID", PAGE_CLIENT)
    answers = await page(), await page("approve.js"), await page("other.js"), await page(mangled="#email=a@b")
    assert [answer.status_code for answer in answers] == [200, 200, 404, 200]
    assert answers[0].get_body() == answers[3].get_body() != answers[1].get_body()
    assert answers[1].headers["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    ("captured", "status"),
    [
        ("#email=a@b", 200),
        ("%23email=a", 200),
        ("%2523", 200),
        ("%252523email", 200),
        ("r", 404),
        ("-microsoft", 404),
        ("r%23email=a", 404),
        ("%24", 404),
        ("", 404),
    ],
)
async def test_only_an_encoded_mark_leads_to_the_page(
    environment: pytest.MonkeyPatch, captured: str, status: int
) -> None:
    """An address that only begins like the page's, such as /api/approve-microsoft, is none of ours: an empty 404."""
    environment.setenv("ENTRA_APPROVAL_CLIENT_ID", PAGE_CLIENT)
    answer = await page(mangled=captured)
    assert (answer.status_code, bool(answer.get_body())) == (status, status == 200)


@pytest.mark.parametrize("wrong", [{}, {"ENTRA_CLIENT_ID": "no-guid"}])
@pytest.mark.parametrize("client_id", [None, "", "  "])
async def test_without_the_setting_there_is_no_approval_page(
    environment: pytest.MonkeyPatch, client_id: str | None, wrong: dict[str, str]
) -> None:
    """Every route of it is an empty 404, whether or not the other settings are valid."""
    for name, value in {**wrong, "ENTRA_APPROVAL_CLIENT_ID": client_id}.items():
        if value is not None:
            environment.setenv(name, value)
    for answer in (await page(), await page("approve.js"), await page(mangled="#email=a@b")):
        assert (answer.status_code, answer.get_body(), dict(answer.headers)) == (404, b"", {})


async def test_the_approval_page_tells_a_wrong_setting(environment: pytest.MonkeyPatch) -> None:
    """The status is 503, and the body names the setting."""
    environment.setenv("ENTRA_APPROVAL_CLIENT_ID", "no-guid")
    for answer in (await page(), await page("approve.js"), await page(mangled="#email=a@b")):
        assert (answer.status_code, document(answer)["code"]) == (503, "misconfigured")
        assert [error["field"] for error in document(answer)["errors"]] == ["ENTRA_APPROVAL_CLIENT_ID"]


async def test_a_fault_of_the_approval_page_is_an_answer(environment: pytest.MonkeyPatch) -> None:
    """It is logged by its kind and place, and the answer is a problem."""
    environment.setenv("ENTRA_APPROVAL_CLIENT_ID", PAGE_CLIENT)
    environment.setattr(approval_page, "_files", lambda: 1 / 0)
    answer = await page()
    assert (answer.status_code, document(answer)["code"]) == (500, "unexpected")


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ISOLATING = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


async def test_a_browser_gets_a_failure_as_a_sentence(environment: pytest.MonkeyPatch) -> None:
    """It says who must act, names no setting's value, and has the reference by which the log knows the call."""
    environment.setenv("ENTRA_APPROVAL_CLIENT_ID", "no-guid")
    answer = await page(accept=BROWSER)
    text = answer.get_body().decode()
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert "A setting of the function is wrong. Tell whoever runs it: the address /api/health names" in text
    assert answer.headers["MS-CorrelationId"] in text
    assert "no-guid" not in text
    environment.setattr(http_trigger, "_service", ServiceHolder())
    environment.setenv("ENTRA_APPROVAL_CLIENT_ID", PAGE_CLIENT)
    environment.setattr(approval_page, "_files", lambda: 1 / 0)
    answer = await page(accept=BROWSER)
    assert (answer.status_code, "Open the link again later." in answer.get_body().decode()) == (500, True)


@pytest.mark.parametrize("accept", [BROWSER, "*/*", None])
async def test_a_failure_of_the_page_is_framed_nowhere_and_runs_nothing(
    environment: pytest.MonkeyPatch, accept: str | None
) -> None:
    """Its headers are those of the page, and it may call nobody, as no setting can be trusted."""
    environment.setenv("ENTRA_APPROVAL_CLIENT_ID", "no-guid")
    headers = (await page(accept=accept)).headers
    assert {name: headers[name] for name in ISOLATING} == ISOLATING
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "connect-src 'none'" in headers["Content-Security-Policy"]


def test_each_answer_is_a_response_of_its_own() -> None:
    """The worker modifies a response while it encodes it, and the reply must not change."""
    reply = Reply(status=204, headers={"MS-RequestId": "r"}, body=b"")
    first, second = http_trigger._http_response(reply), http_trigger._http_response(reply)
    first.headers["MS-RequestId"] = "other"
    assert second.headers["MS-RequestId"] == reply.headers["MS-RequestId"] == "r"
    assert (second.status_code, second.get_body()) == (204, b"")
