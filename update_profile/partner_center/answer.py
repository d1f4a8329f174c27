"""Partner Center's answer -> a success to relay, or the error that says who must act.

Once status and headers can be read, the status is the truth. Partner Center's JSON starts with a byte order mark, and
its errors come in five shapes or empty (learn.microsoft.com/partner-center/developer/error-codes and field reports).
"""

import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
from ..strict_json import parse_object
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


@dataclass(frozen=True, kw_only=True)
class ProfileResponse:
    """A success of Partner Center.

    Attributes:
        body: What goes back to the caller: the bytes that came, without the byte order mark; ``{}`` when they are not
            a JSON object; empty for 204.
        is_mfa_compliant: The header ``isMfaCompliant``, "true" or "false"; None when absent.
        fault: A fault in the body of a success, which happens; None normally.
        readable: Whether ``body`` is what came (a JSON object, ``null`` or nothing), not a placeholder.
        confirmed_by_read: Whether the write got no answer, and reading the profile back showed that it was done.
    """

    status: int
    body: bytes = field(repr=False)
    is_mfa_compliant: str | None
    fault: UpstreamFault | None
    readable: bool = True
    confirmed_by_read: bool = False


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
    document = parse_object(body)
    fault = _fault(answer.status, _plain_text(body) if document is None else document, tuple(sent))
    if answer.status == 401:
        claims = challenged_claims(answer.header("www-authenticate"))
        if claims is not None:  # before anything else: it alone says which sign-in helps
            raise InteractionRequired(
                "Partner Center asks for more: sign in again with the claims that WWW-Authenticate names.",
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
    content = body if document is not None else b"{}"
    compliant = answer.header("ismfacompliant").strip().lower()
    return ProfileResponse(
        status=answer.status,
        body=b"" if answer.status in BODILESS else content,
        is_mfa_compliant=compliant if compliant in ("true", "false") else None,
        fault=fault if fault.code is not None or fault.description is not None else None,
        readable=document is not None or (answer.body is not None and body.strip() in (b"", b"null")),
    )


def _plain_text(body: bytes) -> dict[str, Any]:
    """Take a bare text as a fault's description. A gateway's HTML or XML describes nothing."""
    text = body.decode("utf-8", "replace").strip()
    return {} if text in ("", "null") or text[0] in "<[{" else {"description": text}


def _fault(status: int, document: Mapping[str, Any], sent: tuple[str, ...]) -> UpstreamFault:
    """Find code, description and source of a fault in any of its shapes. Names match without regard to case."""
    members = {name.lower(): value for name, value in document.items()}
    description = members.get("description", members.get("message"))
    return UpstreamFault(
        status=status,
        code=_code(members.get("code"), sent),
        description=without_echo(description, sent, longest=MAX_DESCRIPTION_LENGTH),
        source=_code(members.get("source"), sent),
    )


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
    written = (lowered, html.unescape(lowered), _unescaped(lowered), html.unescape(_unescaped(lowered)))
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
    detail = " ".join(filter(None, sentences))
    kind = PartnerCenterFailed if status >= 500 else PartnerCenterRejected
    return kind(detail, upstream=fault, retry_after_seconds=wait, actor=meaning.actor, retryable=meaning.retryable)
