"""Caller -> Partner Center access token, on behalf of the caller.

The grant is an assertion grant (RFC 7523), not token exchange (RFC 8693):
learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow. In this grant msal can return one user's answer
to another: its throttling stores answers, access tokens included, under a key without the user (msal 1.39.0,
throttled_http_client.py). So every exchange has a client of its own, and nothing of msal outlives it:
docs/adr/0005-msal-without-shared-state.md.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msal

from ..call import AccessToken, Caller
from ..deadline import Deadline
from ..errors import (
    ConsentRequired,
    EntraTimeout,
    EntraUnexpected,
    InvalidToken,
    Misconfigured,
    UpdateProfileError,
)
from ..settings import Settings
from ..transport.messages import Http, read_retry_after
from .credential import ClientCredential, MsalCredential
from .msal_transport import MsalHttpClient
from .signing_keys import SigningKeys
from .token_response import lacks_application, read_result

logger = logging.getLogger("update_profile")
MAX_THREADS = 16  # each is busy for as long as Entra ID takes to answer one user


class OnBehalfOf:
    """Gets Partner Center tokens for callers."""

    def __init__(
        self, settings: Settings, http: Http, *, signing_keys: SigningKeys, credential: ClientCredential
    ) -> None:
        """``signing_keys`` knows the token endpoint of every tenant whose tokens it could validate."""
        self._settings = settings
        self._http = http
        self._signing_keys = signing_keys
        self._credential = credential
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="on-behalf-of")

    async def exchange(self, caller: Caller, assertion: str, *, claims: str | None, deadline: Deadline) -> AccessToken:
        """Exchange a bearer token for a Partner Center token.

        Args:
            caller: The user that the bearer token names.
            assertion: The bearer token.
            claims: JSON text of what Partner Center asks for in a claims challenge; None when it asks for nothing.
            deadline: When the token must be there.

        Raises:
            EntraRefused, EntraFailed, InvalidToken, Misconfigured: There is no token.
        """
        if caller.expires_at <= time.time():
            raise InvalidToken("The bearer token has expired. Get a new one.")
        # Earlier than the waiting call, which could not tell "never connected" from "never answered".
        until = deadline.with_margin()
        credential = await self._credential.for_msal(deadline=until)
        client = MsalHttpClient(
            self._http,
            loop=asyncio.get_running_loop(),
            deadline=until,
            discovery=self._signing_keys.discovery(caller.tenant_id),
        )
        application = self._application(caller, client, credential)
        loop = asyncio.get_running_loop()
        try:
            result = await loop.run_in_executor(self._threads, self._acquire, application, assertion, claims, deadline)
        finally:
            client.abandon()  # nobody waits any more: unsent requests are skipped and the current one is dropped
        answer = client.answer
        try:
            return read_result(
                result,
                status=answer.status if answer else 0,
                retry_after_seconds=read_retry_after(answer.header("retry-after")) if answer else None,
                caller=caller,
                settings=self._settings,
            )
        except Misconfigured:
            self._credential.refused()
            raise
        except ConsentRequired as error:
            if error.entra and lacks_application(error.entra):  # it may be our own mistake
                logger.error("update_profile.application_missing %s", caller.tenant_id)  # noqa: TRY400  no stack is needed
            raise

    def _acquire(
        self,
        application: msal.ConfidentialClientApplication,
        assertion: str,
        claims: str | None,
        deadline: Deadline,
    ) -> Mapping[str, Any]:
        """Return what msal makes of the answer. It runs in a thread and logs nothing: such records lose their call."""
        if not deadline.remaining_seconds():
            raise EntraTimeout("There was no time left to ask Entra ID.")
        try:
            result = application.acquire_token_on_behalf_of(
                assertion, [self._settings.partner_center_scope], claims_challenge=claims
            )
        except UpdateProfileError:
            raise
        except Exception as error:  # what msal raises on odd answers has no common base
            raise EntraUnexpected("Entra ID's answer cannot be used.") from error
        return result if isinstance(result, Mapping) else {}

    def _application(
        self, caller: Caller, client: MsalHttpClient, credential: MsalCredential
    ) -> msal.ConfidentialClientApplication:
        return msal.ConfidentialClientApplication(
            self._settings.client_id,
            client_credential=credential,
            authority=f"{self._settings.authority_host}/{caller.tenant_id}",
            http_client=client,
            token_cache=_NoTokenCache(),
            instance_discovery=False,  # else an unknown host is looked up at login.microsoftonline.com
            azure_region=False,  # else MSAL_FORCE_REGION would send the token request elsewhere
            exclude_scopes=["offline_access", "profile"],  # no refresh token is asked for: none can be lost
        )


class _NoTokenCache(msal.TokenCache):  # type: ignore[misc]  # msal has no types
    """Stores nothing: msal would only write here, at 0.2 ms a token, and this client is used once."""

    def add(self, event: object, now: float | None = None) -> None:
        """Forget at once."""
