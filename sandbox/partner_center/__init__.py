"""The stand-in of Partner Center's support profile. Scripted answers: answers.py."""

from .partner_center import PartnerCenter

__all__ = ["PartnerCenter"]
