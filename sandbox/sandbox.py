"""Both stand-ins together, as tests and the demo use them."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from .background_loop import BackgroundLoop
from .certificates import Certificates
from .entra import Entra, IdentityEndpoint
from .http_server import HttpServer
from .partner_center import PartnerCenter
from .stand_in import StandIn


class Sandbox:
    """A context manager: inside it Entra ID and Partner Center answer on free ports of 127.0.0.1.

    They run in one thread of their own, so neither a sync test nor a blocked event loop stalls them; everything here
    may be used from any thread. Behind it no thread, socket or file is left.

    Attributes:
        entra, partner_center: The stand-ins.
        identity: The managed identity's endpoint; its settings() replace ENTRA_CLIENT_SECRET.
        certificates: The authority both servers' certificate is from.
    """

    def __init__(self, certificates: Certificates | None = None) -> None:
        """None as `certificates` makes new ones."""
        self.certificates = certificates or Certificates.create()
        self.entra = Entra(self.certificates.server_context)
        self.partner_center = PartnerCenter(self.certificates.server_context, entra=self.entra)
        self.identity = IdentityEndpoint(self.entra)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-")))
            self.ca_file.write_bytes(self.certificates.ca_pem)
            loop = stack.enter_context(BackgroundLoop())
            for stand_in in self._stand_ins:
                loop.run(stand_in.server.start())
                stack.callback(_stop, stand_in.server, loop)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def ca_file(self) -> Path:
        """The authority's certificate in PEM, for clients in this process and in others."""
        return self._directory / "ca.pem"

    def settings(self) -> dict[str, str]:
        """The function's settings (environment variables) that make it use this sandbox."""
        return {**self.entra.settings(), **self.partner_center.settings(), "SSL_CERT_FILE": str(self.ca_file)}

    def reset(self) -> None:
        """Forget scripts, journals and stored profiles. Signing keys stay, rotated or not."""
        for stand_in in self._stand_ins:
            stand_in.reset()

    @property
    def _stand_ins(self) -> tuple[StandIn, ...]:
        return (self.entra, self.partner_center, self.identity)


def _stop(server: HttpServer, loop: BackgroundLoop) -> None:
    loop.run(server.stop())
