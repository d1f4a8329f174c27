"""The stand-in for Entra ID: sign-in with its pages, keys and the on-behalf-of grant.

errors.py has scripted refusals.
"""

from .entra import Entra
from .identity_endpoint import IdentityEndpoint

__all__ = ["Entra", "IdentityEndpoint"]
