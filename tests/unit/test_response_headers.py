"""The Retry-After and WWW-Authenticate headers of each error code."""

import base64

import pytest
from errors_raised import RAISED

from update_profile import response
from update_profile.errors import (
    ClaimsChallenge,
    ConsentRequired,
    EntraUnavailable,
    InsufficientScope,
    InteractionRequired,
    PartnerCenterFailed,
    PartnerCenterMfaRequired,
    PartnerCenterRefused,
    PartnerCenterRejected,
    UpdateProfileError,
    UpstreamFault,
)
from update_profile.request_ids import read_ids

REALM = 'Bearer realm="update_profile"'
CHALLENGE = ClaimsChallenge(
    tenant_id="11111111-1111-4111-8111-111111111111",
    authorization_uri="https://login.example/common/oauth2/authorize",
    claims='{"access_token":{"acrs":{"value":"c1 \u00e9"}}}',
)


def headers_of(error: UpdateProfileError) -> dict[str, str]:
    """Return the headers of the error's answer, and check that all are ASCII."""
    headers = dict(response.problem(error, read_ids({}), accept="").headers)
    assert all(f"{name}{value}".isascii() for name, value in headers.items())
    return headers


def answer_of(status: int, kind: type[PartnerCenterRefused], **chosen: bool) -> PartnerCenterRefused:
    """Return Partner Center's refusal with this status and a wait of 7 seconds."""
    return kind(
        "Why.",
        upstream=UpstreamFault(status=status),
        retry_after_seconds=7,
        retryable=chosen.get("retryable"),
    )


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: str(kind.code))
@pytest.mark.parametrize(("asked", "told"), [(None, "5"), (1, "1"), (3600, "3600")])
def test_retry_after_comes_with_every_retryable_failure_and_no_other(
    kind: type[UpdateProfileError], asked: int | None, told: str
) -> None:
    """The value is the upstream's wait, or 5 seconds by default."""
    headers = headers_of(kind("Why.", retry_after_seconds=asked))
    assert headers.get("Retry-After") == (told if kind.retryable else None)


def test_retry_after_follows_the_occurrence() -> None:
    """The occurrence decides: this 408 is retryable, and this 501 is not."""
    assert headers_of(answer_of(408, PartnerCenterRejected, retryable=True))["Retry-After"] == "7"
    assert "Retry-After" not in headers_of(answer_of(501, PartnerCenterFailed, retryable=False))
    assert headers_of(answer_of(503, PartnerCenterFailed))["Retry-After"] == "7"


EXPECTED = {
    "missing_token": REALM,
    "invalid_token": f'{REALM}, error="invalid_token"',
    "interaction_required": f'{REALM}, error="invalid_token"',
    "insufficient_scope": f'{REALM}, error="insufficient_scope", scope="Task.Write"',
    "consent_required": f'{REALM}, error="insufficient_scope", scope="Task.Write"',
}


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: str(kind.code))
def test_www_authenticate_of_every_code(kind: type[UpdateProfileError]) -> None:
    """By RFC 6750, there is no challenge where another token would not help."""
    headers = headers_of(kind("Why.") if issubclass(kind, PartnerCenterRefused) else kind("Why.", scope="Task.Write"))
    assert headers.get("WWW-Authenticate") == EXPECTED.get(kind.code)


@pytest.mark.parametrize("kind", [PartnerCenterMfaRequired, PartnerCenterRejected])
def test_a_401_of_partner_center_bears_the_realm_alone(kind: type[PartnerCenterRefused]) -> None:
    """Partner Center refused our token, not the caller's, so the caller need not renew its own."""
    assert headers_of(answer_of(401, kind))["WWW-Authenticate"] == REALM


def test_a_claims_challenge_goes_out_in_base64() -> None:
    """Header values must be ASCII; the challenge also has the tenant and the sign-in address."""
    value = headers_of(InteractionRequired("Why.", challenge=CHALLENGE))["WWW-Authenticate"]
    claims = base64.b64encode(CHALLENGE.claims.encode()).decode()
    assert value == (
        f'Bearer realm="{CHALLENGE.tenant_id}", authorization_uri="{CHALLENGE.authorization_uri}", '
        f'error="insufficient_claims", claims="{claims}"'
    )


@pytest.mark.parametrize("kind", [InsufficientScope, ConsentRequired, EntraUnavailable])
def test_the_ids_are_on_every_answer(kind: type[UpdateProfileError]) -> None:
    """They are the ids of this call."""
    ids = read_ids({})
    headers = response.problem(kind("Why.", scope="s"), ids, accept="").headers
    assert (headers["MS-CorrelationId"], headers["MS-RequestId"]) == (ids.correlation_id, ids.request_id)


@pytest.mark.parametrize("kind", [InsufficientScope, ConsentRequired])
def test_a_scope_that_is_not_known_is_left_out(kind: type[UpdateProfileError]) -> None:
    """The header never contains the text None."""
    assert headers_of(kind("Why."))["WWW-Authenticate"] == f'{REALM}, error="insufficient_scope"'
