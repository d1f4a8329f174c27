"""The queries of the alerts, applied to the records that the function really writes.

test_end_to_end_errors.py applies them to the records of each failure.
"""

import json
import logging

from alert_rules import counts, raised_by
from bicep_files import alert_queries
from live_function import EveryLog, LiveFunction

from sandbox import Answer


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
