"""Serve the stand-in of Partner Center alone: `python -m sandbox.partner_center [--port N]`."""

import ssl

from ..entra import Entra
from ..standalone import main
from .partner_center import PartnerCenter


def create(context: ssl.SSLContext) -> PartnerCenter:
    """One that trusts an Entra of its own, which does not listen; tokens come from POST /_sandbox/sign-in."""
    entra = Entra(context)
    return PartnerCenter(context, entra=entra)


if __name__ == "__main__":
    main(create, "A stand-in of Partner Center; POST /_sandbox/sign-in gives tokens for it.")
