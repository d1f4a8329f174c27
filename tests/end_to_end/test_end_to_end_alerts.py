"""The queries of the alerts, applied to the records that the function really writes."""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from bicep_files import alert_queries
from error_rows import ROWS, Reach, Row
from live_function import EveryLog, LiveFunction

from sandbox import Answer

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


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.code}-{row.how}")
async def test_a_failure_counts_for_the_alerts_that_are_meant_for_it(
    live: LiveFunction, every_log: EveryLog, row: Row
) -> None:
    """A caller's own mistake counts for none, and what an unsigned token provokes only for an outage of the keys."""
    await row.provoke(live)
    assert raised_by(every_log.records) == expected(row)


async def test_a_success_counts_for_no_alert(live: LiveFunction, every_log: EveryLog) -> None:
    """Neither does a start, a read or a dry run."""
    for method, target in (("POST", "/api/update_profile"), ("GET", "/api/update_profile")):
        assert (await live.call(method=method, target=target)).status == 200
    assert raised_by(every_log.records) == set()
    assert set(alert_queries()) == {
        "misconfigured",
        "credential",
        "tenant",
        "unexpected",
        "host",
        "keys",
        "failures",
        "throttled",
        "approval",
        "quota",
    }


async def test_a_process_without_keys_raises_an_alert_while_entra_is_down(
    live: LiveFunction, every_log: EveryLog
) -> None:
    """No call can be verified then, so none has a tenant: the records of the failed fetches are all that tells."""
    live.sandbox.entra.script(Answer(503), times=None, path="keys")
    for _ in range(2):
        assert (await live.call()).status == 503
        assert raised_by(every_log.records) == {"keys"}


async def test_keys_that_are_renewed_in_time_raise_none(live: LiveFunction, every_log: EveryLog) -> None:
    """One request that failed is made again at once, and then nothing is told."""
    live.sandbox.entra.script(Answer(503), times=1, path="keys")
    assert (await live.call()).status == 200
    assert raised_by(every_log.records) == set()


async def test_a_write_by_the_approval_page_is_told(live: LiveFunction, every_log: EveryLog) -> None:
    """A dry run is not, and neither is a write by another application."""
    query = alert_queries()["approval"]

    async def told(target: str, *, by_page: bool) -> bool:
        every_log.records.clear()
        assert (await live.call(method="POST", target=target)).status == 200
        (message,) = (one for one in map(logging.LogRecord.getMessage, every_log.records) if ".completed {" in one)
        client = json.loads(message[25:])["client_id"] if by_page else "another"
        return counts(query.replace("<ENTRA_APPROVAL_CLIENT_ID>", client), message)

    assert await told("/api/update_profile", by_page=True)
    assert not await told("/api/update_profile", by_page=False)
    assert not await told("/api/update_profile?validate_only=true", by_page=True)
