"""Partner Center's answers: the true ones, and constructors for scripted ones.

Refusals have five shapes (learn.microsoft.com/partner-center/developer/error-codes and published reports): the
service's fault, the gateway's message, a bare message, plain text, and an empty body.
"""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from ..script import Answer

# Every JSON body starts with a byte order mark, whatever the charset says.
BOM = b"\xef\xbb\xbf"
JSON_TYPE = ("Content-Type", "application/json; charset=utf-8")


def json_answer(content: object, status: int = 200, **more: Any) -> Answer:  # noqa: ANN401 - the fields of an Answer
    """A JSON answer with a byte order mark and a Date header. The ids are added when the answer is sent."""
    date = ("Date", format_datetime(datetime.now(UTC), usegmt=True))
    body = BOM + json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    headers = (JSON_TYPE, date, *more.pop("headers", ()))
    return Answer(status=status, headers=headers, body=body, **{"echo_ids": True, **more})


def fault(
    status: int,
    code: int | str,
    description: str = "The request was refused.",
    *,
    data: object = (),
    source: str = "PartnerFD",
    **more: Any,  # noqa: ANN401
) -> Answer:
    """Shape 1, the service's fault. `code` is a number or a text, as both occur. If `data` is None, it is omitted."""
    content = {"code": code, "description": description, "data": data, "source": source}
    return json_answer({name: value for name, value in content.items() if value is not None}, status, **more)


def gateway(status: int, message: str, **more: Any) -> Answer:  # noqa: ANN401
    """Shape 2, the message of the gateway (Azure API Management)."""
    return json_answer({"statusCode": status, "message": message}, status, echo_ids=False, **more)


def message(status: int, text: str, **more: Any) -> Answer:  # noqa: ANN401
    """Shape 3, a bare message."""
    return json_answer({"message": text}, status, **more)


def text(status: int, content: str, **more: Any) -> Answer:  # noqa: ANN401
    """Shape 4, plain text."""
    headers = (("Content-Type", "text/plain"), *more.pop("headers", ()))
    return Answer(status=status, headers=headers, body=content.encode(), **more)


def throttled(retry_after: str | int | None = 57, **more: Any) -> Answer:  # noqa: ANN401
    """The gateway's 429. `retry_after` is seconds or any text. None means no Retry-After header."""
    headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
    return gateway(429, f"Rate limit is exceeded. Try again in {retry_after} seconds.", headers=headers, **more)


def mfa_required(code: int | str = 900421, **more: Any) -> Answer:  # noqa: ANN401
    """The refusal used since 2026. Its exact body is not published."""
    return fault(401, code, "MFA is required for this request.", **more)


def mfa_required_old_form(**more: Any) -> Answer:  # noqa: ANN401
    """The refusal used from 2019 to 2021: a reason phrase without a body and without ids."""
    headers = (
        ("Request-Context", "appId=cid-v1:03ce8ca8-8373-4021-8f25-d5dd45c7b12f"),
        ("WWW-Authenticate", 'Bearer error="invalid_token"'),
    )
    return Answer(status=401, reason="Unauthorized - MFA required", headers=headers, framing="chunked", **more)


def claims_challenge(claims: str, **more: Any) -> Answer:  # noqa: ANN401
    """A 401 that asks for a token with more claims. `claims` is base64 of JSON (Entra's claims-challenge page)."""
    challenge = f'Bearer realm="", error="insufficient_claims", claims="{claims}"'
    return fault(401, 900421, headers=(("WWW-Authenticate", challenge),), **more)


def missing_token(**more: Any) -> Answer:  # noqa: ANN401
    """The refusal of a request without a bearer token."""
    return fault(401, 800001, "Authorization token is missing.", headers=(("WWW-Authenticate", "Bearer"),), **more)


def refused_token(**more: Any) -> Answer:  # noqa: ANN401
    """The refusal of a forged or expired token.

    The real body is not published. The text is the documented one, with the code that is listed next to it.
    """
    headers = (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
    return fault(401, 800001, "Access denied.", headers=headers, **more)


def wrong_audience(**more: Any) -> Answer:  # noqa: ANN401
    """The refusal of a token for another API. The real service sends this code as text."""
    return fault(401, "900420", "The token's audience is not valid for this API.", **more)


def app_only(**more: Any) -> Answer:  # noqa: ANN401
    """The refusal of a token without a user: support profiles accept only App+User tokens."""
    return fault(403, 900329, "App-only tokens are not supported for this resource.", **more)


def insufficient_privileges(**more: Any) -> Answer:  # noqa: ANN401
    """The refusal of a user's token that lacks the permission."""
    return fault(403, 900308, "Insufficient privileges.", **more)


def missing_role(**more: Any) -> Answer:  # noqa: ANN401
    """The refusal of a user whose role does not suffice, as a bare message."""
    return message(403, "The supplied role does not have the rights to perform the requested operation.", **more)
