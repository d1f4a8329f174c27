"""What Partner Center answered -> a success to relay, or the error that says who must act.

Once status and headers can be read, the status is the truth. Partner Center's JSON starts with a byte order mark, and
its errors come in five shapes or empty (learn.microsoft.com/partner-center/developer/error-codes and field reports).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..claims_challenge import challenged_claims
from ..errors import (
    InteractionRequired,
    PartnerCenterFailed,
    PartnerCenterMfaRequired,
    PartnerCenterRejected,
    PartnerCenterThrottled,
    PartnerCenterUnexpected,
    UpdateProfileError,
)
from ..evidence import ClaimsChallenge, Evidence, UpstreamFault
from ..strict_json import NotJson, parse
from ..transport.messages import HttpAnswer
from ..transport.retry_after import read_retry_after
from .error_codes import meaning_of
from .upstream_text import telling_nothing

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BODILESS = (204, 205)
MFA_CODE = "900421"
MFA_WORDS = ("mfa required", "(10001)")  # the older refusal: in a bare text or in the reason phrase alone
MAX_DESCRIPTION_LENGTH = 1024  # the documented length
MAX_NAME_LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked, as far as it helps to read the answer.

    Attributes:
        sent: Every value that was sent: no text that repeats one of them is passed on.
        other_path: What may be wrong where the path is refused: a sentence that names the setting.
        tenant_id: The caller's tenant.
        authorization_uri: Where its users sign in.
    """

    sent: tuple[str, ...] = field(repr=False)
    other_path: str
    tenant_id: str
    authorization_uri: str


@dataclass(frozen=True, kw_only=True)
class UpstreamAnswer:
    """A success of Partner Center.

    Attributes:
        body: What goes back: the bytes that came, less the mark; ``{}`` where they are no JSON object; empty for 204.
        is_mfa_compliant: The header ``isMfaCompliant``: "true" or "false"; None when absent.
        fault: A fault body under a success status, which happens; None normally.
        readable: Whether the body is what came: a JSON object, ``null``, or nothing; no placeholder for what cannot
            be read.
        confirmed_by_read: Whether a write got no answer, and reading the profile back showed that it was done.
    """

    status: int
    body: bytes = field(repr=False)
    is_mfa_compliant: str | None
    fault: UpstreamFault | None
    readable: bool = True
    confirmed_by_read: bool = False


def read_answer(answer: HttpAnswer, asked: Asked) -> UpstreamAnswer:
    """Read an answer of Partner Center.

    Raises:
        PartnerCenterAnswered, PartnerCenterUnexpected: It is no success.
        InteractionRequired: It asks for a token with more claims.
    """
    body = (answer.body or b"").removeprefix(BYTE_ORDER_MARK)
    document = _object(body)
    fault = _fault(answer.status, _plain_text(body) if document is None else document, asked.sent)
    if not 200 <= answer.status < 300:
        raise _failure(answer, body, fault, asked)
    content = body if document is not None else b"{}"
    compliant = answer.header("ismfacompliant").strip().lower()
    return UpstreamAnswer(
        status=answer.status,
        body=b"" if answer.status in BODILESS else content,
        is_mfa_compliant=compliant if compliant in ("true", "false") else None,
        fault=fault if fault.code is not None or fault.description is not None else None,
        readable=document is not None or (answer.body is not None and body.strip() in (b"", b"null")),
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
    return {} if text in ("", "null") or text[0] in "<[{" else {"description": text}


def _fault(status: int, document: Mapping[str, Any], sent: tuple[str, ...]) -> UpstreamFault:
    """Code, description and source of a fault, from any of its shapes: names are taken without regard to case."""
    members = {name.lower(): value for name, value in document.items()}
    description = members.get("description", members.get("message"))
    return UpstreamFault(
        status=status,
        code=_name(members.get("code"), sent),
        description=telling_nothing(description, sent, longest=MAX_DESCRIPTION_LENGTH),
        source=_name(members.get("source"), sent),
    )


def _name(value: object, sent: tuple[str, ...]) -> str | None:
    """A code comes as a number or as text."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    return telling_nothing(text, sent, longest=MAX_NAME_LENGTH)


def _failure(answer: HttpAnswer, body: bytes, fault: UpstreamFault, asked: Asked) -> UpdateProfileError:
    status = answer.status
    evidence = Evidence(upstream=fault, retry_after_seconds=read_retry_after(answer.header("retry-after")))
    if not 400 <= status < 600:
        return PartnerCenterUnexpected(f"Partner Center answered with status {status}.", Evidence(upstream=fault))
    if status == 401:
        special = _wants_another_sign_in(answer, body, evidence, asked)
        if special is not None:
            return special
    if status == 429:
        return PartnerCenterThrottled("Partner Center asks to wait.", evidence)
    meaning = meaning_of(status, fault.code)
    steps = ["Partner Center", "failed" if status >= 500 else "rejected the request", f"with status {status}."]
    steps += [meaning.next_step] if meaning.next_step else []
    steps += [asked.other_path] if status in (404, 405) else []
    kind = PartnerCenterFailed if status >= 500 else PartnerCenterRejected
    return kind(" ".join(steps), evidence, actor=meaning.actor, retryable=meaning.retryable)


def _wants_another_sign_in(
    answer: HttpAnswer, body: bytes, evidence: Evidence, asked: Asked
) -> UpdateProfileError | None:
    """A claims challenge first: it alone says which sign-in would do. None where a 401 asks for neither."""
    claims = challenged_claims(answer.header("www-authenticate"))
    if claims is not None:
        challenge = ClaimsChallenge(tenant_id=asked.tenant_id, authorization_uri=asked.authorization_uri, claims=claims)
        detail = "Partner Center asks for more: sign in again with the claims that WWW-Authenticate names."
        return InteractionRequired(detail, Evidence(upstream=evidence.upstream, challenge=challenge))
    text = f"{answer.reason} {body.decode('utf-8', 'replace')}".lower()
    if (evidence.upstream and evidence.upstream.code == MFA_CODE) or any(words in text for words in MFA_WORDS):
        return PartnerCenterMfaRequired(
            "Partner Center takes this user only after multi-factor authentication: sign in again with it.", evidence
        )
    return None
