"""Serve only the stand-in for Entra ID: `python -m sandbox.entra [--port N]`."""

from ..standalone import main
from .entra import Entra

if __name__ == "__main__":
    main(
        Entra,
        "Serve a stand-in for Entra ID. MSAL signs users in. POST /_sandbox/sign-in gives tokens.",
    )
