"""What lives from call to call: built once from the settings, on the event loop that uses it."""

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from . import caller
from .call import Call
from .caller import Caller
from .callers_profile import CallersProfile
from .deadline import Deadline
from .entra_metadata import EntraMetadata
from .errors import Misconfigured
from .http_client import HttpClient, create_ssl_context
from .on_behalf_of import OnBehalfOf
from .partner_center import PartnerCenter
from .settings import Settings, read_settings, snapshot
from .signing_keys import SigningKeys

logger = logging.getLogger("update_profile")


@dataclass(frozen=True, kw_only=True)
class Service:
    """The collaborators of a call."""

    settings: Settings
    signing_keys: SigningKeys
    on_behalf_of: OnBehalfOf
    partner_center: PartnerCenter

    async def validate(self, assertion: str, *, deadline: Deadline) -> Caller:
        """Validate a bearer token; ``caller.validate`` says what it raises."""
        return await caller.validate(
            assertion, settings=self.settings, signing_keys=self.signing_keys, deadline=deadline, clock=time.time
        )

    def profile_of(self, caller: Caller, call: Call) -> CallersProfile:
        """The support profile as this caller reaches it."""
        return CallersProfile(
            caller=caller, call=call, on_behalf_of=self.on_behalf_of, partner_center=self.partner_center
        )


def build(environ: Mapping[str, str]) -> Service:
    """Build the collaborators.

    Raises:
        Misconfigured: A setting is wrong or missing, or the CA bundle cannot be read.
    """
    settings = read_settings(environ)
    http = HttpClient(create_ssl_context(settings.ssl_cert_file))
    signing_keys = SigningKeys(EntraMetadata(http, settings.authority_host))
    return Service(
        settings=settings,
        signing_keys=signing_keys,
        on_behalf_of=OnBehalfOf(settings, http, signing_keys),
        partner_center=PartnerCenter(settings, http),
    )


class Services:
    """Holds the service of this process, and builds it anew for another environment or event loop.

    Azure has one of each for the life of a process. What a wrong setting leads to is held as well: it is found and
    logged once, and every call says so until the environment changes.
    """

    def __init__(self) -> None:
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
            self._close()
            held = self._held = _build_or_say_why_not(wanted[1])
            self._wanted = wanted
        if isinstance(held, Misconfigured):
            raise Misconfigured(held.detail, held.evidence)
        return held

    def _close(self) -> None:
        if isinstance(self._held, Service):
            self._held.on_behalf_of.close()


def _build_or_say_why_not(environ: Mapping[str, str]) -> Service | Misconfigured:
    try:
        return build(environ)
    except Misconfigured as error:
        wrong = "; ".join(f"{fault.field} {fault.message}" for fault in error.evidence.fields)
        logger.error("update_profile.misconfigured %s", wrong)  # noqa: TRY400  the names say it all
        return error
