"""The stand-in for Partner Center's support profile. answers.py has constructors for scripted answers."""

from .partner_center import PartnerCenter

__all__ = ["PartnerCenter"]
