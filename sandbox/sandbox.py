"""The stand-ins together, as the tests and the demo use them."""

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
    """A context manager. While it is active, Entra ID and Partner Center answer on free ports of 127.0.0.1.

    The stand-ins run in a separate thread, so that neither a synchronous test nor a blocked event loop stalls them.
    All members can be used from any thread. On exit, no thread, socket or file remains.

    Attributes:
        entra, partner_center: The stand-ins.
        identity: The managed identity's endpoint. Its settings() replace ENTRA_CLIENT_SECRET.
        certificates: The authority that issued the certificate of both servers.
    """

    def __init__(self, certificates: Certificates | None = None) -> None:
        """Create the stand-ins. If `certificates` is None, new certificates are created."""
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
        """The authority's certificate as a PEM file, for clients in this process and in other processes."""
        return self._directory / "ca.pem"

    def settings(self) -> dict[str, str]:
        """The function's settings (environment variables) that make it use this sandbox."""
        return {**self.entra.settings(), **self.partner_center.settings(), "SSL_CERT_FILE": str(self.ca_file)}

    def reset(self) -> None:
        """Clear scripts, journals and stored profiles. Signing keys remain as they are, even after a rotation."""
        for stand_in in self._stand_ins:
            stand_in.reset()

    @property
    def _stand_ins(self) -> tuple[StandIn, ...]:
        return (self.entra, self.partner_center, self.identity)


def _stop(server: HttpServer, loop: BackgroundLoop) -> None:
    loop.run(server.stop())
