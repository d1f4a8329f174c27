"""The surplus experiment: Partner Center sends answers that nobody asked for, and every caller's answer is checked.

Eight users, each in a tenant of their own, write at the same time, each call with an email of its own. At each of four
moments the far side sends a second answer to every request. Counted are

another's     an answer that shows what another user wrote
untrue        an answer that shows what this user wrote earlier, a success of a write that did not arrive, or a failure
              that denies a write that did
no answer     a failure that says that the outcome is unknown, or that nothing was written; it is true
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .far_side.surplus import MOMENTS
from .lab import AIOHTTP, BEFORE, HTTPX, OURS, Contestant, Lab

USERS = 8
Counts = dict[str, int]


def surplus(
    lab: Lab, *, calls: int, contestants: Sequence[Contestant] = (HTTPX, AIOHTTP, OURS, BEFORE)
) -> dict[str, dict[str, Counts]]:
    """Send `calls` calls in all, the same number at each moment. Returns the counts for each contestant and moment."""
    found: dict[str, dict[str, Counts]] = {}
    each = calls // len(MOMENTS) // USERS
    for one in lab.contestants(*contestants):
        with lab.running([one], "many") as channels:
            tokens = lab.tokens(one, USERS, "many", tenants=USERS)
            found[one.key] = {}
            for number, moment in enumerate(MOMENTS):
                lab.far_side("surplus", "many", moment=moment)
                blocked = moment == "behind a blocked loop"
                told = channels[one].ask("told", tokens=tokens, each=each, blocked=blocked, mark=f"{one.key}-{number}")
                far = lab.far_side("surplus", "many", moment=None)
                found[one.key][moment] = {**count(told["rows"], set(far["written"])), "surplus": far["sent"]}
    return found


def count(rows: Sequence[Mapping[str, Any]], written: Collection[str]) -> Counts:
    """Judge each answer by what was sent and by what the far side wrote."""
    counts = {"calls": len(rows), "true": 0, "another's": 0, "untrue": 0, "no answer": 0}
    for row in rows:
        counts[_verdict(row, written)] += 1
    return counts


def _verdict(row: Mapping[str, Any], written: Collection[str]) -> str:
    sent, shown = str(row["sent"]), row["email"]
    if row["status"] == 200 and shown == sent:
        return "true" if sent in written else "untrue"
    if row["status"] == 200:
        return "another's" if _user(str(shown)) != _user(sent) else "untrue"
    if row["outcome"] == "unknown" or sent not in written:
        return "no answer"
    return "untrue"


def _user(email: str) -> str:
    """Return what all emails of one user begin with."""
    return email.partition("@")[0].rpartition("-")[0]
