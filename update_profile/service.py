"""The collaborators of a call, built once per process, while the app loads.

Nothing here is safe to use from another thread or event loop; Azure has one loop for the life of a worker process.
"""

import contextlib
import logging
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from . import __version__
from .call import Call, Caller
from .deadline import Deadline
from .entra.bearer_token import TokenValidator
from .entra.credential import ClientCredential, create_credential
from .entra.exchange_cache import ExchangeCache
from .entra.metadata import fetch_metadata
from .entra.on_behalf_of import OnBehalfOf
from .entra.signing_keys import SigningKeys
from .errors import Misconfigured
from .operations import PartnerCenterApi, ProfileSession, Tokens
from .partner_center.client import PartnerCenter
from .settings import APPROVAL_CLIENT_ID, Settings, read_settings
from .transport.client import HttpClient, create_ssl_context
from .transport.lanes import call_chain
from .transport.network import Network

logger = logging.getLogger("update_profile")


class Validator(Protocol):
    """Validates bearer tokens (``entra.bearer_token.TokenValidator``)."""

    async def validate(self, assertion: str, *, deadline: Deadline) -> Caller:
        """Return the caller that a bearer token names."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """The collaborators of a call."""

    settings: Settings
    credential: ClientCredential
    token_validator: Validator
    tokens: Tokens
    partner_center: PartnerCenterApi

    @staticmethod
    def connections() -> AbstractContextManager[None]:
        """Return the connections of one call. Those that no caller has are closed when its block ends."""
        return call_chain()

    def session(self, assertion: str, caller: Caller, call: Call) -> ProfileSession:
        """Return the caller's access to the stored profile."""
        return ProfileSession(
            assertion=assertion, caller=caller, call=call, tokens=self.tokens, partner_center=self.partner_center
        )


def build(environ: Mapping[str, str], network: Network | None = None) -> Service:
    """Build the collaborators.

    Args:
        environ: The environment variables.
        network: Opens TCP connections; None for the machine's own.

    Raises:
        Misconfigured: A setting is wrong or missing, or the CA bundle cannot be read.
    """
    settings = read_settings(environ)
    http = HttpClient(create_ssl_context(settings.ssl_cert_file), network)
    signing_keys = SigningKeys(
        partial(fetch_metadata, http, settings.authority_host),
        # Whoever waits for keys is likely to need Partner Center next.
        meanwhile=partial(http.connect_ahead, settings.partner_center_base_url),
    )
    credential = create_credential(settings, http)
    on_behalf_of = OnBehalfOf(settings, http, token_endpoint_of=signing_keys.token_endpoint, credential=credential)
    return Service(
        settings=settings,
        credential=credential,
        token_validator=TokenValidator(settings, signing_keys),
        tokens=ExchangeCache(on_behalf_of.exchange),
        partner_center=PartnerCenter(settings, http),
    )


class ServiceHolder:
    """Holds the service of this process, built once: Azure restarts the process when a setting changes.

    A wrong setting is held as well: it is found once, and every call reports it.
    """

    def __init__(self, network: Network | None = None) -> None:
        """``network`` opens TCP connections; None for the machine's own."""
        self._network = network
        self._held: Service | Misconfigured | None = None
        self._is_recorded = False

    def prepare(self) -> None:
        """Build the service while the app loads, so that no caller waits for it. Never raises: calls report faults."""
        with contextlib.suppress(Exception):  # a fault of ours: the first call meets it again, and has an answer for it
            self._held = self._held or _build_or_fault(os.environ, self._network)

    @staticmethod
    def serves_approval_page() -> bool:
        """Return whether the approval page is switched on, whatever the other settings say."""
        return bool(os.environ.get(APPROVAL_CLIENT_ID, "").strip())

    def get(self) -> Service:
        """Return the service, built now if it was not prepared.

        Raises:
            Misconfigured: It cannot be built.
        """
        held = self._held = self._held or _build_or_fault(os.environ, self._network)
        if isinstance(held, Misconfigured):
            raise held.again()
        if not self._is_recorded:  # by the first call: the host attributes a record to the call that wrote it
            self._is_recorded = True
            cloud, credential = held.settings.partner_center_cloud, held.credential.kind
            logger.info("update_profile.started version=%s cloud=%s credential=%s", __version__, cloud, credential)
        return held


def _build_or_fault(environ: Mapping[str, str], network: Network | None) -> Service | Misconfigured:
    try:
        return build(environ, network)
    except Misconfigured as error:  # the handler logs it with each call
        return error
