"""What Partner Center answered -> a success to relay, or the error that says who must act.

Once status and headers can be read, the status is the truth. Partner Center's JSON starts with a byte order mark, and
its errors come in five shapes or empty (learn.microsoft.com/partner-center/developer/error-codes and field reports).
"""

import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import (
    Actor,
    PartnerCenterFailed,
    PartnerCenterMfaRequired,
    PartnerCenterRejected,
    PartnerCenterThrottled,
    PartnerCenterUnexpected,
    UpdateProfileError,
)
from .evidence import Evidence, UpstreamFault
from .http_messages import HttpAnswer
from .retry_after import read_retry_after
from .strict_json import NotJson, parse

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BODILESS = (204, 205)
MFA_CODE = "900421"
MFA_WORDS = ("mfa required", "(10001)")  # the older refusal: in a bare text or in the reason phrase alone
MAX_DESCRIPTION_LENGTH = 1024  # the documented length
MAX_NAME_LENGTH = 64
SHORTEST_TELLING_VALUE = 4
_ESCAPES = re.compile(r'(?:\\(?:["\\/bfnrt]|u[0-9a-f]{4}))+')
_ACTORS: Mapping[int, Actor] = {
    400: "caller",
    409: "caller",
    412: "caller",
    422: "caller",
    401: "user",
    403: "administrator",
    408: "nobody",
}


@dataclass(frozen=True, kw_only=True)
class UpstreamAnswer:
    """A success of Partner Center.

    Attributes:
        body: What goes back: the bytes that came, less the mark; ``{}`` where they are no JSON object; empty for 204.
        is_mfa_compliant: The header ``isMfaCompliant``: "true" or "false"; None when absent.
        fault: A fault body under a success status, which happens; None normally.
    """

    status: int
    body: bytes = field(repr=False)
    is_mfa_compliant: str | None
    fault: UpstreamFault | None


def read_answer(answer: HttpAnswer, *, sent: Iterable[str]) -> UpstreamAnswer:
    """Read an answer of Partner Center.

    Args:
        answer: What came.
        sent: Every value that was sent: no text that repeats one of them is passed on.

    Raises:
        PartnerCenterAnswered, PartnerCenterUnexpected: It is no success.
    """
    body = (answer.body or b"").removeprefix(BYTE_ORDER_MARK)
    document = _object(body)
    fault = _fault(answer.status, _plain_text(body) if document is None else document, tuple(sent))
    if not 200 <= answer.status < 300:
        raise _failure(answer, body, fault)
    content = body if document is not None else b"{}"
    compliant = answer.header("ismfacompliant").strip().lower()
    return UpstreamAnswer(
        status=answer.status,
        body=b"" if answer.status in BODILESS else content,
        is_mfa_compliant=compliant if compliant in ("true", "false") else None,
        fault=fault if fault.code is not None or fault.description is not None else None,
    )


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = parse(body)
    except NotJson:
        return None
    return document if isinstance(document, dict) else None


def _plain_text(body: bytes) -> dict[str, Any]:
    """A bare text as a fault's description; HTML and XML of a gateway describe nothing."""
    text = body.decode("utf-8", "replace").strip()
    return {"description": text} if text and text[0] not in "<[{" else {}


def _fault(status: int, document: Mapping[str, Any], sent: tuple[str, ...]) -> UpstreamFault:
    """Code, description and source of a fault, from any of its shapes: names are taken without regard to case."""
    members = {name.lower(): value for name, value in document.items()}
    description = members.get("description", members.get("message"))
    return UpstreamFault(
        status=status,
        code=_name(members.get("code"), sent),
        description=_telling_nothing(description, sent, longest=MAX_DESCRIPTION_LENGTH),
        source=_name(members.get("source"), sent),
    )


def _name(value: object, sent: tuple[str, ...]) -> str | None:
    """A code comes as a number or as text."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    return _telling_nothing(text, sent, longest=MAX_NAME_LENGTH)


def _telling_nothing(text: object, sent: tuple[str, ...], *, longest: int) -> str | None:
    """The text, cut; None where it is none, or repeats a value that was sent, in any case, raw or escaped."""
    if not isinstance(text, str):
        return None
    lowered = text.lower()
    written = (lowered, html.unescape(lowered), _unescaped(lowered), html.unescape(_unescaped(lowered)))
    forms = [form.casefold() for form in written]
    values = [value.casefold() for value in sent if len(value) >= SHORTEST_TELLING_VALUE]
    told = any(value in form for form in forms for value in values)
    return None if told else text[:longest]


def _unescaped(text: str) -> str:
    """The text, in small letters, with JSON's escapes undone run by run: what is no escape stands as it is."""
    return _ESCAPES.sub(lambda run: str(json.loads(f'"{run[0]}"')), text)


def _failure(answer: HttpAnswer, body: bytes, fault: UpstreamFault) -> UpdateProfileError:
    status = answer.status
    seconds = read_retry_after(answer.header("retry-after"))
    evidence = Evidence(upstream=fault, retry_after_seconds=seconds)
    if not 400 <= status < 600:
        return PartnerCenterUnexpected(f"Partner Center answered with status {status}.", Evidence(upstream=fault))
    if status == 401 and _asks_for_mfa(answer, body, fault):
        return PartnerCenterMfaRequired(
            "Partner Center takes this user only after multi-factor authentication: sign in again with it.", evidence
        )
    if status == 429:
        return PartnerCenterThrottled("Partner Center asks to wait.", evidence)
    if status >= 500:
        return PartnerCenterFailed(f"Partner Center failed with status {status}.", evidence, retryable=status != 501)
    return PartnerCenterRejected(
        _rejection(status), evidence, actor=_ACTORS.get(status, "operator"), retryable=status == 408
    )


def _rejection(status: int) -> str:
    detail = f"Partner Center rejected the request with status {status}."
    if status in (404, 405):
        return f"{detail} PARTNER_CENTER_PROFILE_PATH may be /v1/profiles/support instead."
    return detail


def _asks_for_mfa(answer: HttpAnswer, body: bytes, fault: UpstreamFault) -> bool:
    text = f"{answer.reason} {body.decode('utf-8', 'replace')}".lower()
    return fault.code == MFA_CODE or any(words in text for words in MFA_WORDS)
