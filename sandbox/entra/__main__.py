"""Serve the stand-in of Entra ID alone: `python -m sandbox.entra [--port N]`."""

from ..standalone import main
from .entra import Entra

if __name__ == "__main__":
    main(Entra, "A stand-in of Entra ID; POST /_sandbox/sign-in gives tokens for the function.")
