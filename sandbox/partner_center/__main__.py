"""Serve only the stand-in for Partner Center: `python -m sandbox.partner_center [--port N]`."""

import ssl

from ..entra import Entra
from ..standalone import main
from .partner_center import PartnerCenter


def create(context: ssl.SSLContext) -> PartnerCenter:
    """Create a stand-in that trusts its own Entra, which does not listen. POST /_sandbox/sign-in gives tokens."""
    entra = Entra(context)
    return PartnerCenter(context, entra=entra)


if __name__ == "__main__":
    main(create, "Serve a stand-in for Partner Center. POST /_sandbox/sign-in gives tokens for it.")
