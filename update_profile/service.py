"""What lives from call to call: built once from the settings, on the event loop that uses it."""

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass

from .call import Call
from .callers_profile import CallersProfile
from .entra.bearer_token import Caller
from .entra.callers import Callers
from .entra.credential import ClientCredential, create_credential
from .entra.metadata import EntraMetadata
from .entra.on_behalf_of import OnBehalfOf
from .entra.signing_keys import SigningKeys
from .errors import Misconfigured
from .partner_center.client import PartnerCenter
from .settings import Settings, read_settings, snapshot
from .transport.client import HttpClient, Network, create_ssl_context

logger = logging.getLogger("update_profile")


@dataclass(frozen=True, kw_only=True)
class Service:
    """The collaborators of a call."""

    settings: Settings
    credential: ClientCredential
    callers: Callers
    on_behalf_of: OnBehalfOf
    partner_center: PartnerCenter

    def profile_of(self, caller: Caller, call: Call) -> CallersProfile:
        """The support profile as this caller reaches it."""
        return CallersProfile(
            caller=caller, call=call, on_behalf_of=self.on_behalf_of, partner_center=self.partner_center
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
    signing_keys = SigningKeys(EntraMetadata(http, settings.authority_host))
    credential = create_credential(settings.credential, federated_audience=settings.federated_audience, http=http)
    return Service(
        settings=settings,
        credential=credential,
        callers=Callers(settings, signing_keys),
        on_behalf_of=OnBehalfOf(settings, http, signing_keys=signing_keys, credential=credential),
        partner_center=PartnerCenter(settings, http),
    )


class Services:
    """Holds the service of this process, and builds it anew for another environment or event loop.

    Azure has one of each for the life of a process. What a wrong setting leads to is held as well: it is found and
    logged once, and every call says so until the environment changes.
    """

    def __init__(self, network: Network | None = None) -> None:
        """``network`` opens TCP connections; None for the machine's own."""
        self._network = network
        self._wanted: tuple[asyncio.AbstractEventLoop, dict[str, str]] | None = None
        self._held: Service | Misconfigured | None = None

    def current(self) -> Service:
        """The service for the running event loop and the environment as it is.

        Raises:
            Misconfigured: It cannot be built.
        """
        wanted = (asyncio.get_running_loop(), snapshot(os.environ))
        held = self._held
        if held is None or self._wanted != wanted:
            self.close()
            held = self._held = _build_or_say_why_not(wanted[1], self._network)
            self._wanted = wanted
        if isinstance(held, Misconfigured):
            raise Misconfigured(held.detail, held.evidence)
        return held

    def close(self) -> None:
        """Let go of what is held; the next call builds anew."""
        if isinstance(self._held, Service):
            self._held.on_behalf_of.close()
        self._held = self._wanted = None


def _build_or_say_why_not(environ: Mapping[str, str], network: Network | None) -> Service | Misconfigured:
    try:
        return build(environ, network)
    except Misconfigured as error:
        wrong = "; ".join(f"{fault.field} {fault.message}" for fault in error.evidence.fields)
        logger.error("update_profile.misconfigured %s", wrong)  # noqa: TRY400  the names say it all
        return error
