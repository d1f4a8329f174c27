"""How our application authenticates at the token endpoint: by secret, certificate or federated identity."""

from collections.abc import Mapping

import jwt

from ..script import Answer
from ..tokens import peek
from .configuration import Registration
from .errors import refusal, wrong_secret
from .key_ring import KeyRing

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def refuse_client(
    form: Mapping[str, str], registration: Registration, keys: KeyRing, *, token_endpoint: str, identity_issuer: str
) -> Answer | None:
    """Return the refusal of a client that does not authenticate, or None for a valid client."""
    if "client_secret" in form:
        return None if form["client_secret"] == registration.client_secret else wrong_secret()
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        return refusal(401, "invalid_client", (7000218,))
    assertion = form["client_assertion"]
    issuer = peek(assertion).get("iss")
    if issuer is None:
        return refusal(401, "invalid_client", (50027,))
    if issuer == registration.client_id:
        return _refuse_certificate(assertion, registration, token_endpoint=token_endpoint)
    return _refuse_identity(assertion, registration, keys, issuer=identity_issuer)


def _refuse_certificate(assertion: str, registration: Registration, *, token_endpoint: str) -> Answer | None:
    """Check a certificate's assertion (learn.microsoft.com/entra/identity-platform/certificate-credentials)."""
    try:
        if registration.certificate_key is None:
            return refusal(401, "invalid_client", (700027,))
        jwt.decode(assertion, registration.certificate_key, algorithms=["RS256", "PS256"], audience=token_endpoint)
    except jwt.PyJWTError:
        return refusal(401, "invalid_client", (700027,))
    return None


def _refuse_identity(assertion: str, registration: Registration, keys: KeyRing, *, issuer: str) -> Answer | None:
    """Check a managed identity's token.

    Source: learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity.
    """
    try:
        claims = keys.verify(assertion, audience=registration.federated_audience)
    except jwt.PyJWTError:
        return refusal(401, "invalid_client", (700213,))
    # The comparison of the subject is case-sensitive, as in the real service.
    if (claims.get("iss"), claims.get("sub")) != (issuer, registration.identity_object_id):
        return refusal(401, "invalid_client", (700213,))
    return None
