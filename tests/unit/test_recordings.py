"""Recorded requests and answers of Microsoft's own SDK, replayed against the stand-in and our parser.

The data comes from a run of the SDK against a loopback server (``source`` says which) and contains no token.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from builders import EXAMPLE
from fakes_upstream import an_answer
from live_function import LiveFunction
from sandbox_clients import connected, received

from sandbox import Sandbox
from update_profile.errors import (
    PartnerCenterFailed,
    PartnerCenterMfaRequired,
    PartnerCenterRefused,
    PartnerCenterThrottled,
    PartnerCenterUnexpected,
    UpdateProfileError,
)
from update_profile.partner_center.answer import ProfileResponse, read_answer

SAMPLE = Path(__file__).parents[1] / "samples" / "dotnet-sdk-support-profile.json"
RECORDED: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
PATH = "/v1/profiles/support"  # the SDKs use it for reads and writes
ASKED: dict[str, Any] = {"sent": (), "hint": "", "tenant_id": "t", "authorization_uri": "a"}
_IDS = re.compile(r"\{\{(?:request|correlation)-id-(\d+)\}\}")


def named(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the entries by client, case and number."""
    return {f"{entry.get('client', '')} {entry['case']} {number}": entry for number, entry in enumerate(entries)}


def body_of(request: dict[str, Any]) -> bytes:
    """Return the bytes that were sent."""
    if "body_hex" in request:
        return bytes.fromhex(request["body_hex"])
    return str(request.get("body", "")).encode("utf-8", "surrogatepass")


def with_ids(text: str) -> str:
    """Replace each placeholder of an id with a GUID of its own."""
    return _IDS.sub(r"00000000-0000-4000-8000-00000000000\1", text)


def replayed(sandbox: Sandbox, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """Send a request as recorded, in its header order, with our own token; return status, headers and body."""
    body = body_of(request)
    values = {"{{host}}": "localhost", "{{token}}": sandbox.entra.partner_center_token("alice")}
    lines = [f"{request['method']} {request['path']} HTTP/1.1"]
    for name, value in request["headers"]:
        for placeholder, real in values.items():
            value = value.replace(placeholder, real)
        lines.append(f"{name}: {with_ids(value)}")
    lines += [f"Content-Length: {len(body)}"] if body else []
    with connected(sandbox, sandbox.partner_center.server) as stream:
        stream.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        head, _, answer = received(stream).partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in headers), answer


@pytest.fixture
def center(sandbox: Sandbox) -> Sandbox:
    """The stand-in, configured with the SDKs' path."""
    sandbox.partner_center.put_path = PATH
    return sandbox


SENT = {name: request for name, request in named(RECORDED["requests"]).items() if request["path"] == PATH}
TO_OUR_PATH = [request for request in RECORDED["requests"] if request["path"] != PATH]


@pytest.mark.parametrize("request_name", SENT)
def test_the_stand_in_serves_what_the_sdk_sends(center: Sandbox, request_name: str) -> None:
    """The requests include built and re-sent profiles, nulls and any script; only a null entity is refused."""
    request = SENT[request_name]
    status, headers, body = replayed(center, request)
    if request["method"] == "PUT" and request["case"] == "entity-null":
        assert status == 400
        return
    assert status == 200
    assert body.startswith(b"\xef\xbb\xbf")
    sent_ids = {
        name.lower(): value for name, value in request["headers"] if name in ("MS-RequestId", "MS-CorrelationId")
    }
    for name, value in sent_ids.items():
        assert headers[name] == with_ids(value)
    stored = center.partner_center.profiles[center.entra.tenants[0]]
    if request["method"] == "PUT":
        given = {name.lower(): value for name, value in json.loads(body_of(request)).items()}
        assert stored == {
            name: given[name] for name in ("email", "telephone", "website") if given.get(name) is not None
        }


def test_the_recording_is_whole() -> None:
    """The sample has 126 bytes, and a profile that was read and put back has 209."""
    sizes = {request["case"]: len(body_of(request)) for request in RECORDED["requests"] if request["client"] == "NET"}
    assert (sizes["sample-copy"], sizes["mutate-got-object"]) == (126, 209)
    assert (len(SENT), len(TO_OUR_PATH)) > (60, 0)


async def test_our_put_differs_from_the_sdks_where_the_contract_says_so(live: LiveFunction) -> None:
    """Our body has ProfileType and the documented ObjectType; our headers are those that Microsoft documents."""
    await live.call()
    (ours,) = live.puts
    theirs = next(request for request in RECORDED["requests"] if request["method"] == "PUT")
    our_body, their_body = json.loads(ours.body), json.loads(body_of(theirs))
    assert list(our_body) == ["Email", "Telephone", "Website", "ProfileType", "Attributes"]
    assert [name for name in our_body if name != "ProfileType"] == list(their_body)
    assert (our_body["Attributes"], their_body["Attributes"]) == (
        {"ObjectType": "PartnerSupportProfile"},
        {"ObjectType": "SupportProfile"},
    )
    ours_names = {name.lower() for name, _ in ours.headers}
    theirs_names = {name.lower() for name, _ in theirs["headers"]} | {"content-length"}
    assert ours_names - theirs_names == {"accept-encoding", "user-agent", "ms-contract-version"}
    assert theirs_names - ours_names == {"x-locale", "ms-partnercenter-client", "ms-sdkversion"}
    assert our_body["Email"] == EXAMPLE["Email"]


def read(entry: dict[str, Any]) -> ProfileResponse | UpdateProfileError:
    """Return what we make of a recorded answer."""
    answer = entry["answer"]
    text = str(answer.get("body", "")).replace("{{profile}}", json.dumps(RECORDED["profile"]))
    body = b"\xef\xbb\xbf" * answer.get("boms", 0) + text.encode()
    headers = dict(answer.get("headers", ()))
    try:
        return read_answer(an_answer(answer["status"], body, headers, answer.get("reason", "")), **ASKED)
    except UpdateProfileError as error:
        return error


ANSWERS = named(RECORDED["answers"])


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_the_sdk_was_given_is_read_by_its_status(name: str) -> None:
    """Successes stay successes whatever their body; failures have their kind and the code that the SDK reads."""
    entry = ANSWERS[name]
    status, told = entry["answer"]["status"], read(entry)
    if 200 <= status < 300:
        assert isinstance(told, ProfileResponse)
        assert told.status == status
        return
    if not 400 <= status < 600:
        assert isinstance(told, PartnerCenterUnexpected)
        return
    assert isinstance(told, PartnerCenterRefused)
    assert told.status == status
    kinds = {429: PartnerCenterThrottled, **dict.fromkeys(range(500, 600), PartnerCenterFailed)}
    assert isinstance(told, kinds.get(status, PartnerCenterRefused))
    assert isinstance(told, PartnerCenterMfaRequired) == ("mfa" in name or "900421" in name or "10001" in name)
    code = (entry.get("sdk_reads") or {}).get("ErrorCode")
    upstream = told.upstream
    assert upstream is not None
    assert code is None or upstream.code == str(code)
