"""The stand-in of Entra ID: sign-in, keys, and the on-behalf-of grant. Scripted refusals: errors.py."""

from .entra import Entra
from .identity_endpoint import IdentityEndpoint

__all__ = ["Entra", "IdentityEndpoint"]
