"""Users for whom something goes wrong: a person sees each failure by signing in as one of them (`make serve`)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from .entra import errors
from .partner_center import answers
from .sandbox import Sandbox
from .script import Answer, Fault
from .users import User

Script = Callable[[Sandbox, str], None]


@dataclass(frozen=True)
class Trouble:
    """What goes wrong for a user: one line for a person, and how it is scripted for the user of that name."""

    text: str
    script: Script


def _exchange(*given: Answer) -> Script:
    return lambda sandbox, name: sandbox.entra.script(*given, times=None, user=name)


def _partner_center(method: str | None, *given: Answer) -> Script:
    return lambda sandbox, name: sandbox.partner_center.script(*given, times=None, method=method, user=name)


TROUBLES = {
    "stepup": Trouble(
        "Entra ID asks every other sign-in for more proof", _exchange(errors.interaction_required(), Answer.true())
    ),
    "blocked": Trouble("a missing assignment keeps the user out", _exchange(errors.access_blocked(50105))),
    "noconsent": Trouble("nobody has consented for the organization", _exchange(errors.consent_required())),
    "nomfa": Trouble("Partner Center sees no second factor", _partner_center(None, answers.mfa_required())),
    "norole": Trouble("the user may read and not write", _partner_center("PUT", answers.fault(403, 900150))),
    "throttled": Trouble(
        "Partner Center asks to wait, every other time", _partner_center("GET", answers.throttled(40), Answer.true())
    ),
    "lost": Trouble(
        "no answer shows what became of a write",
        _partner_center("PUT", Answer.trouble(Fault.RESET_AFTER_REQUEST)),
    ),
}


def add_troubled_users(sandbox: Sandbox) -> None:
    """Add these users to the first tenant, and script what goes wrong. A reset of the stand-ins removes the scripts."""
    tenant = sandbox.entra.tenants[0]
    for name, trouble in TROUBLES.items():
        sandbox.entra.users[name] = User(name, str(uuid.uuid4()), tenant)
        trouble.script(sandbox, name)
