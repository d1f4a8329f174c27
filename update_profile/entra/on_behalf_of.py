"""Caller -> Partner Center access token, on behalf of the caller. The only module that imports msal.

The grant is an assertion grant (RFC 7523), not token exchange (RFC 8693):
learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow. As it comes, msal can hand one user's answer
to another in this grant: its throttling keeps answers, access tokens too, under a key in which the user is missing
(msal 1.39.0, throttled_http_client.py). So every exchange has a client of its own, and nothing of msal outlives it:
docs/adr/0005-msal-without-shared-state.md.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msal

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
from ..transport.client import HttpClient
from ..transport.retry_after import read_retry_after
from .bearer_token import Caller
from .credential import ClientCredential, MsalCredential
from .exchange_cache import Exchange, ExchangeCache, How
from .msal_transport import MsalHttpClient
from .signing_keys import SigningKeys
from .token_response import AccessToken, lacks_application, read_result

logger = logging.getLogger("update_profile")
MAX_THREADS = 16  # each is taken for as long as Entra ID takes to answer one user


class OnBehalfOf:
    """Gets Partner Center tokens for callers. Belongs to one event loop."""

    def __init__(
        self, settings: Settings, http: HttpClient, *, signing_keys: SigningKeys, credential: ClientCredential
    ) -> None:
        """``signing_keys`` knows the token endpoint of every tenant whose tokens it could validate."""
        self._settings = settings
        self._http = http
        self._signing_keys = signing_keys
        self._credential = credential
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="on-behalf-of")
        self._cache = ExchangeCache(self._exchange)

    async def access_token(
        self, caller: Caller, *, deadline: Deadline, claims: str | None = None
    ) -> tuple[AccessToken, How]:
        """A Partner Center token of this very caller, and how it was come by.

        Args:
            caller: For whom.
            deadline: When it must be had.
            claims: JSON text of what Partner Center asks for in a claims challenge; None for none.

        Raises:
            EntraRefused, EntraTrouble, InvalidToken, Misconfigured: No token can be had.
        """
        return await self._cache.access_token(caller, deadline=deadline, claims=claims)

    def forget(self, caller: Caller, refused: AccessToken) -> None:
        """Never hand out again a token that Partner Center refused."""
        self._cache.forget(caller, refused)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _exchange(self, exchange: Exchange) -> AccessToken:
        caller, deadline = exchange.caller, exchange.deadline
        if caller.expires_at <= time.time():
            raise InvalidToken("The bearer token has expired. Get a new one.")
        # Sooner than the waiting call, which could not tell "never connected" from "never answered".
        until = deadline.shortly_before()
        credential = await self._credential.for_msal(deadline=until)
        client = MsalHttpClient(
            self._http,
            loop=asyncio.get_running_loop(),
            deadline=until,
            discovery=self._signing_keys.discovery(caller.tenant_id),
        )
        result = await self._in_thread(exchange, client, credential)
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
            if error.evidence.entra and lacks_application(error.evidence.entra):  # it may be our own mistake
                logger.error("update_profile.application_missing %s", caller.tenant_id)  # noqa: TRY400  no stack is needed
            raise

    async def _in_thread(
        self, exchange: Exchange, client: MsalHttpClient, credential: MsalCredential
    ) -> Mapping[str, Any]:
        """Run msal. When nobody waits any more, what it has not begun is not begun, and what it sends is dropped."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._acquire, exchange, client, credential)
        finally:
            client.abandon()

    def _acquire(self, exchange: Exchange, client: MsalHttpClient, credential: MsalCredential) -> Mapping[str, Any]:
        """What msal makes of the answer. Runs in a thread and logs nothing: such records lose their invocation."""
        if not exchange.deadline.remaining_seconds():
            raise EntraTimeout("There was no time left to ask Entra ID.")
        try:
            result = self._application(exchange.caller, client, credential).acquire_token_on_behalf_of(
                exchange.caller.assertion,
                [self._settings.partner_center_scope],
                claims_challenge=exchange.claims,
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
    """Keeps nothing: msal would only write here, at 0.2 ms a token, and this client is used once."""

    def add(self, event: object, now: float | None = None) -> None:
        """Forget at once."""
