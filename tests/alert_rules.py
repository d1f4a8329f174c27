"""The queries of the alerts, applied to records of a log, and the alerts that a failure is meant to count for."""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

from bicep_files import alert_queries
from error_rows import Reach, Row

CONDITION = re.compile(
    r"isnotempty\(tostring\(event\.(?P<present>\w+)\)\)"
    r'|message startswith "(?P<start>[^"]+)"'
    r'|message !has "(?P<absent>[^"]+)"'
    r"|toint\(event\.(?P<number>\w+)\) >= (?P<least>\d+)"
    r'|tostring\(event\.(?P<name>\w+)\) (?P<operator>==|!=|in|!in) \(?(?P<values>"[^"]*"(?:, "[^"]*")*)\)?'
)


def holds(condition: str, message: str, event: Mapping[str, Any]) -> bool:
    """Evaluate one condition of a query. One of another form fails the test."""
    found = CONDITION.fullmatch(condition.strip())
    assert found, condition
    if found["present"]:
        return bool(event.get(found["present"]))
    if found["start"]:
        return message.startswith(found["start"])
    if found["absent"]:
        return found["absent"] not in message.split()
    if found["number"]:
        return int(event.get(found["number"]) or 0) >= int(found["least"])
    value = event.get(found["name"])
    told = str(value).lower() if isinstance(value, bool) else value or ""
    is_in = told in re.findall(r'"([^"]*)"', found["values"])
    return is_in != found["operator"].startswith("!")


def counts(query: str, message: str) -> bool:
    """Return whether a query of the traces counts a record."""
    if query.startswith("union "):
        return any(counts(part.strip("()"), message) for part in re.split(r"(?<=\)), (?=\()", query[len("union ") :]))
    event = json.loads(message[25:]) if message.startswith("update_profile.completed ") else {}
    table, *steps = (step.strip() for step in query.split(" | "))
    wheres = [step.removeprefix("where ") for step in steps if step.startswith("where ")]
    conditions = [condition for where in wheres for condition in where.split(" and ")]
    return table == "traces" and all(holds(condition, message, event) for condition in conditions)


def raised_by(records: Iterable[logging.LogRecord]) -> set[str]:
    """Return the alerts whose queries count one of these records. Azure stores INFO and above of this logger."""
    messages = [one.getMessage() for one in records if one.name == "update_profile" and one.levelno >= logging.INFO]
    return {name for name, query in alert_queries().items() if any(counts(query, message) for message in messages)}


ALERTS = {"unexpected": "unexpected", "entra_throttled": "throttled", "partner_center_throttled": "throttled"}


def expected(row: Row) -> set[str]:
    """Return the alerts that this failure is meant to count for.

    A token that is not verified counts for none, but for a fetch of keys that Entra ID itself let fail.
    """
    verified = row.code.startswith("partner_center_") or row.reach > Reach.KEYS or row.how == "token endpoint closed"
    if row.code == "misconfigured":
        return {"credential" if row.how == "wrong secret" else "misconfigured"}
    if row.reason == "application_missing":
        return {"tenant"}
    if row.code in ALERTS:
        return {ALERTS[row.code]}
    if row.answer[0] >= 500:
        return {"failures" if verified else "keys"}
    return set()
