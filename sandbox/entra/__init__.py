"""The stand-in of Entra ID: sign-in, keys, and the on-behalf-of grant. Scripted refusals: errors.py."""

from .entra import Entra

__all__ = ["Entra"]
