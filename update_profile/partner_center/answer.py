"""Partner Center's answer -> what it shows, or the error that says who must act.

Once status and headers can be read, the status is the truth. Partner Center's JSON starts with a byte order mark, and
its errors come in many shapes or empty (learn.microsoft.com/partner-center/developer/error-codes; a newer envelope, an
ASP.NET problem and arrays of one come from its neighbours and gateways).
"""

import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..claims_challenge import challenged_claims
from ..errors import (
    ClaimsChallenge,
    InteractionRequired,
    PartnerCenterFailed,
    PartnerCenterMfaRequired,
    PartnerCenterRejected,
    PartnerCenterThrottled,
    PartnerCenterUnexpected,
    UpdateProfileError,
    UpstreamFault,
)
from ..strict_json import NotJson, parse
from ..transport.messages import HttpAnswer, read_retry_after
from .error_codes import meaning_of

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BODILESS = (204, 205)
MFA_CODE = "900421"
MFA_WORDS = ("mfa required", "(10001)")  # the older refusal: in a bare text, or in the reason phrase alone
MAX_DESCRIPTION_LENGTH = 1024  # the documented length
MAX_CODE_LENGTH = 64
SHORTEST_ECHO_LENGTH = 4  # a shorter value occurs in any text by chance
_ESCAPES = re.compile(r'(?:\\(?:["\\/bfnrt]|u[0-9a-f]{4}))+')

Outcome = Literal["confirmed-by-read", "differs"]


@dataclass(frozen=True, kw_only=True)
class ProfileResponse:
    """A success of Partner Center.

    Attributes:
        body: What goes back to the caller: the bytes that came, without the byte order mark; empty for 204 and 205.
        document: The body's JSON object; None when it is anything else, cut, or too large.
        is_mfa_compliant: The header ``isMfaCompliant``, "true" or "false"; None when absent.
        fault: A fault in the body of a success, which happens; None normally.
        outcome: How the write is known: ``confirmed-by-read`` when it got no answer that shows it and reading the
            profile back did, ``differs`` when the answer shows another value than was sent, None otherwise.
    """

    status: int
    body: bytes = field(repr=False)
    document: Mapping[str, Any] | None = field(repr=False)
    is_mfa_compliant: str | None = None
    fault: UpstreamFault | None = None
    outcome: Outcome | None = None


def read_answer(
    answer: HttpAnswer, *, sent: Iterable[str], hint: str, tenant_id: str, authorization_uri: str
) -> ProfileResponse:
    """Read an answer of Partner Center.

    Args:
        answer: The answer.
        sent: Every value that was sent: no text that repeats one of them is passed on.
        hint: A sentence for the operator that ends the detail of a refusal; "" for none.
        tenant_id: The caller's tenant.
        authorization_uri: Where users of that tenant sign in.

    Raises:
        PartnerCenterRefused, PartnerCenterUnexpected: The answer is not a success.
        InteractionRequired: It asks for a token with more claims.
    """
    body = (answer.body or b"").removeprefix(BYTE_ORDER_MARK)
    document = _json(body)
    fault = _fault(answer.status, _plain_text(body) if document is None else _members(document), tuple(sent))
    if answer.status == 401:
        claims = challenged_claims(answer.header("www-authenticate"))
        if claims is not None:  # before anything else: it alone says which sign-in helps
            raise InteractionRequired(
                "Partner Center asks for more: sign in again with the claims that WWW-Authenticate names.",
                reason="partner_center",
                neighbour="partner_center",
                upstream=fault,
                challenge=ClaimsChallenge(tenant_id=tenant_id, authorization_uri=authorization_uri, claims=claims),
            )
        if _wants_mfa(answer, body, fault):
            raise PartnerCenterMfaRequired(
                "Partner Center accepts this user only after multi-factor authentication: sign in again with it.",
                upstream=fault,
                retry_after_seconds=read_retry_after(answer.header("retry-after")),
            )
    if not 200 <= answer.status < 300:
        raise _failure(answer, fault, hint)
    compliant = answer.header("ismfacompliant").strip().lower()
    return ProfileResponse(
        status=answer.status,
        body=b"" if answer.status in BODILESS else body,
        document=document if isinstance(document, dict) and answer.body is not None else None,
        is_mfa_compliant=compliant if compliant in ("true", "false") else None,
        fault=fault if fault.code is not None or fault.description is not None else None,
    )


def _json(body: bytes) -> object:
    try:
        return parse(body)
    except NotJson:
        return None


def _plain_text(body: bytes) -> dict[str, Any]:
    """Take a bare text as a fault's description. A gateway's HTML or XML describes nothing."""
    text = body.decode("utf-8", "replace").strip()
    return {} if text in ("", "null") or text[0] in "<[{" else {"description": text}


def _members(document: object) -> dict[str, Any]:
    """Return a fault's members from any of its shapes, names in lower case.

    A JSON text is a description, an array of one counts as its entry, and the members of ``{"error": {...}}`` count
    when there are none at the top.
    """
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if isinstance(document, str):
        return {"description": document}
    if not isinstance(document, dict):
        return {}
    members = {name.lower(): value for name, value in document.items()}
    nested = members.get("error")
    if isinstance(nested, dict) and not members.keys() & {"code", "description", "message"}:
        members = {name.lower(): value for name, value in nested.items()}
    return members


def _fault(status: int, members: Mapping[str, Any], sent: tuple[str, ...]) -> UpstreamFault:
    code = members.get("code", members.get("errorcode"))
    description = members.get("description", members.get("message", members.get("errormessage")))
    if description is None and "title" in members:
        description = _problem_text(members)
    return UpstreamFault(
        status=status,
        code=_code(code, sent),
        description=without_echo(description, sent, longest=MAX_DESCRIPTION_LENGTH),
        source=_code(members.get("source"), sent),
    )


def _problem_text(members: Mapping[str, Any]) -> object:
    """Return the text of an ASP.NET problem: its title, and the first message of each field."""
    errors = members.get("errors")
    fields = errors if isinstance(errors, dict) else {}
    messages = [
        f"{name}: {texts[0]}" for name, texts in fields.items() if isinstance(texts, list) and texts and texts[0]
    ]
    return " ".join([str(members["title"]), *messages]) if isinstance(members["title"], str) else None


def _code(value: object, sent: tuple[str, ...]) -> str | None:
    """Read a code, which comes as a number or as text."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    return without_echo(text, sent, longest=MAX_CODE_LENGTH)


def without_echo(text: object, sent: Iterable[str], *, longest: int) -> str | None:
    """Return the text, cut to ``longest`` characters; None when it is not text or repeats a value that was sent.

    A value is found in any case, raw, HTML-escaped or JSON-escaped.
    """
    if not isinstance(text, str):
        return None
    lowered = text.lower()
    try:
        written = (lowered, html.unescape(lowered), _unescaped(lowered), html.unescape(_unescaped(lowered)))
    except ValueError:  # a character reference of thousands of digits
        return None
    forms = [form.casefold() for form in written]
    values = [value.casefold() for value in sent if len(value) >= SHORTEST_ECHO_LENGTH]
    return None if any(value in form for form in forms for value in values) else text[:longest]


def _unescaped(text: str) -> str:
    """Undo JSON's escapes in a text in lower case, run by run. What is not an escape stays as it is."""
    return _ESCAPES.sub(lambda run: str(json.loads(f'"{run[0]}"')), text)


def _wants_mfa(answer: HttpAnswer, body: bytes, fault: UpstreamFault) -> bool:
    text = f"{answer.reason} {body.decode('utf-8', 'replace')}".lower()
    return fault.code == MFA_CODE or any(words in text for words in MFA_WORDS)


def _failure(answer: HttpAnswer, fault: UpstreamFault, hint: str) -> UpdateProfileError:
    status, wait = answer.status, read_retry_after(answer.header("retry-after"))
    if not 400 <= status < 600:
        return PartnerCenterUnexpected(f"Partner Center answered with status {status}.", upstream=fault)
    if status == 429:
        return PartnerCenterThrottled(
            "Partner Center asks to wait before the next request.", upstream=fault, retry_after_seconds=wait
        )
    meaning = meaning_of(status, fault.code)
    verb = "failed" if status >= 500 else "rejected the request"
    sentences = (f"Partner Center {verb} with status {status}.", meaning.next_step, hint)
    kind = PartnerCenterFailed if status >= 500 else PartnerCenterRejected
    return kind(
        " ".join(filter(None, sentences)),
        upstream=fault,
        retry_after_seconds=wait,
        actor=meaning.actor,
        retryable=meaning.retryable,
    )
