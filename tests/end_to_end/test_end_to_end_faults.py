"""The fault matrix: whatever Partner Center and the network do to a PUT, the caller hears the truth, once, in time."""

import random
import time

import httpcore
import pytest
from builders import EXAMPLE
from fault_rows import ROWS, FaultRow, Truth
from live_function import Answered, EveryLog, LiveFunction
from live_service import open_sockets, until_closed
from named_network import NamedNetwork

from sandbox import Answer, Fault
from update_profile.partner_center import read_back

PAUSE_SECONDS = 0.05


@pytest.fixture
def live(warm_live: LiveFunction) -> LiveFunction:
    """No row depends on an empty cache."""
    return warm_live


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the number of attempts is no matter of chance; and two looks need not be a second apart."""
    monkeypatch.setattr(random, "uniform", lambda low, high: min(low + PAUSE_SECONDS, high))
    monkeypatch.setattr(read_back, "PAUSE_SECONDS", PAUSE_SECONDS)


async def called(live: LiveFunction, budget_seconds: int) -> Answered:
    """A call, answered inside its budget."""
    live.allow(budget_seconds)
    started_at = time.monotonic()
    answered = await live.call()
    assert time.monotonic() - started_at < budget_seconds
    return answered


def assert_true(live: LiveFunction, answered: Answered, truth: Truth) -> None:
    """It came to this, and no more was asked of Partner Center."""
    problem = answered.json if truth.code else {}
    outcome = problem.get("outcome") or answered.headers.get("update-outcome")
    center = live.sandbox.partner_center.journal
    told = (answered.status, problem.get("code"), outcome, answered.headers.get("retry-after"))
    assert told == (truth.status, truth.code, truth.outcome, truth.retry_after)
    assert (len(center.of(method="PUT")), len(center.of(method="GET"))) == (truth.puts, truth.gets)
    assert truth.body is None or answered.body == truth.body
    assert len({entry.header("MS-RequestId") for entry in center}) == 1


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_trouble_with_the_first_put_alone(live: LiveFunction, every_log: EveryLog, row: FaultRow) -> None:
    """What heals is not noticed; each request is in the audit record."""
    live.sandbox.partner_center.script(row.answer, method="PUT")
    answered = await called(live, row.budget_seconds)
    assert_true(live, answered, row.once)
    (audit,) = every_log.audits
    assert vars(audit)["attempts"] == row.once.puts + row.once.gets
    assert EXAMPLE["Email"] not in every_log.text()


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_trouble_with_every_put(live: LiveFunction, row: FaultRow) -> None:
    """It is told in time, with what is known of its end."""
    live.sandbox.partner_center.script(row.answer, method="PUT", times=None)
    assert_true(live, await called(live, row.budget_seconds), row.always)


LOGIN, CENTER = "login.microsoftonline.com", "api.partnercenter.microsoft.com"


@pytest.fixture
def network(live: LiveFunction, monkeypatch: pytest.MonkeyPatch) -> NamedNetwork:
    """The stand-ins under their real names, with connections that can be given trouble."""
    entra, center = live.sandbox.entra, live.sandbox.partner_center
    entra.known_as = f"https://{LOGIN}"
    live.set(ENTRA_AUTHORITY_HOST=None, PARTNER_CENTER_BASE_URL=None)
    network = NamedNetwork({LOGIN: entra.server.port, CENTER: center.server.port})
    live.connect_through(network)
    return network


def troubles_of(live: LiveFunction) -> dict[str, Exception | int]:
    """Why a connection does not come about."""
    return {
        "refused": httpcore.ConnectError("refused"),
        "no such name": httpcore.ConnectError("name or service not known"),
        "no time to connect": httpcore.ConnectTimeout("no time"),
        "no TLS": live.sandbox.identity.server.port,  # plain HTTP answers no TLS hello
    }


NOT_SENT = ("refused", "no such name", "no time to connect", "no TLS")


@pytest.mark.parametrize("trouble", NOT_SENT)
async def test_a_first_connection_that_does_not_come_about_is_not_noticed(
    live: LiveFunction, network: NamedNetwork, trouble: str
) -> None:
    """Nothing was sent: it is tried again."""
    network.troubles[CENTER] = [troubles_of(live)[trouble]]
    answered = await live.call()
    assert (answered.status, len(live.puts)) == (200, 1)
    assert network.asked.count(f"{CENTER}:443") == 2


@pytest.mark.parametrize("trouble", NOT_SENT)
async def test_connections_that_never_come_about_are_unreachable(
    live: LiveFunction, network: NamedNetwork, every_log: EveryLog, trouble: str
) -> None:
    """Four attempts; nothing was sent, so there is no outcome to be unknown."""
    network.troubles[CENTER] = [troubles_of(live)[trouble]] * 9
    answered = await called(live, 3)
    assert (answered.status, answered.code, answered.headers["retry-after"]) == (502, "partner_center_unreachable", "5")
    assert "outcome" not in answered.json
    assert network.asked.count(f"{CENTER}:443") == 4
    assert [vars(audit)["attempts"] for audit in every_log.audits] == [4]
    assert not live.sandbox.partner_center.journal


@pytest.mark.parametrize("switch", ["reset_at_tls_hello", "hang_at_tls_hello"])
async def test_a_handshake_that_never_ends_is_unreachable(live: LiveFunction, switch: str) -> None:
    """Reset it is tried four times, hanging as often as the budget allows; no socket is left."""
    before = open_sockets()
    setattr(live.sandbox.partner_center.server, switch, True)
    answered = await called(live, 2)
    assert (answered.status, answered.code) == (502, "partner_center_unreachable")
    assert not live.sandbox.partner_center.journal
    assert await until_closed(live.sandbox, sockets_before=before) == (0, 0)


@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
async def test_a_put_that_is_reset_unread_is_of_unknown_outcome(live: LiveFunction, times: int | None) -> None:
    """Its bytes went out; that nobody read them cannot be known from here. Once, the read-back tells."""
    live.sandbox.partner_center.script(Answer.trouble(Fault.RESET_BEFORE_READING), times=times)
    answered = await called(live, 2)
    assert (answered.status, answered.code, answered.json["outcome"]) == (504, "partner_center_timeout", "unknown")
    assert not live.puts


async def test_120_kb_of_headers_are_an_answer_or_none(live: LiveFunction) -> None:
    """Field report C4: a plain 200, or read back."""
    headers = tuple((f"X-{number}", "x" * 1_000) for number in range(120))
    live.sandbox.partner_center.script(Answer.true(headers=headers))
    answered = await called(live, 5)
    assert answered.status == 200
    assert answered.json["email"] == EXAMPLE["Email"]
    assert len(live.puts) == 1


@pytest.mark.parametrize("charset", ["utf-8,gbk", "hex", "utf-16"])
async def test_c4_a_fault_under_an_odd_charset_is_read(live: LiveFunction, charset: str) -> None:
    """The body is UTF-8 whatever its label says."""
    body = '{"code": 3000, "description": "größer"}'.encode()
    live.sandbox.partner_center.script(
        Answer(status=400, headers=(("Content-Type", f"application/json; charset={charset}"),), body=body)
    )
    told = (await live.call()).json["upstream"]
    assert (told["status"], told["code"], told["description"]) == (400, "3000", "größer")


async def test_c4_a_reason_phrase_in_utf_8_is_read(live: LiveFunction) -> None:
    """The old form of the MFA refusal has nothing else."""
    live.sandbox.partner_center.script(Answer(status=401, reason="Nicht möglich: MFA required"))
    assert (await live.call()).code == "partner_center_mfa_required"


OLD = {"email": "old@contoso.example", "telephone": "1", "website": "old.example"}
READS = {
    "late": ([OLD, EXAMPLE], 200, None),
    "always the old one": ([OLD, OLD], 504, "stale"),
    "rewritten": ([{**EXAMPLE, "Email": "EMAIL@SAMPLE.COM"}] * 2, 504, "different Email"),
    "with a member more": ([{**EXAMPLE, "fax": "1"}], 200, None),
    "unreadable, then there": ([b"<html>", EXAMPLE], 200, None),
}


@pytest.mark.parametrize(("reads", "status", "told"), READS.values(), ids=READS)
async def test_c8_reading_back_may_be_too_early(
    live: LiveFunction, reads: list[object], status: int, told: str | None
) -> None:
    """Two looks; never "failed", never a second PUT; a rewritten value is named by its field, without it."""
    center = live.sandbox.partner_center
    center.script(Answer(fault=Fault.HANG, apply=True), method="PUT")
    bodies = [Answer(body=read) if isinstance(read, bytes) else Answer.json(read) for read in reads]
    center.script(*bodies, method="GET")
    answered = await called(live, 4)
    assert answered.status == status
    assert (len(live.puts), len(center.journal.of(method="GET"))) == (1, len(reads))
    if told is not None:
        assert answered.json["outcome"] == "unknown"
        assert told in answered.json["detail"]
        assert "SAMPLE.COM" not in answered.body.decode()


@pytest.mark.parametrize(("lagging_reads", "status"), [(1, 200), (2, 504)])
async def test_c8_a_record_whose_reads_lag_is_never_said_to_be_unwritten(
    live: LiveFunction, lagging_reads: int, status: int
) -> None:
    """The write was done both times: confirmed where the second look shows it, else unknown; a repeat is good."""
    center = live.sandbox.partner_center
    center.profiles.lag(reads=lagging_reads)
    center.script(Answer(fault=Fault.CLOSE, apply=True), method="PUT")
    answered = await called(live, 4)
    assert answered.status == status
    assert status == 200 or answered.json["outcome"] == "unknown"
    assert center.profiles[live.sandbox.entra.tenants[0]]["email"] == EXAMPLE["Email"]
    assert len(live.puts) == 1
    assert (await called(live, 4)).status == 200


async def test_c8_a_value_that_partner_center_keeps_in_another_form_is_unknown_and_named(live: LiveFunction) -> None:
    """What it made of it is not quoted."""
    center = live.sandbox.partner_center
    center.profiles.rewrite = lambda record: {**record, "website": "https://www.microsoft.com"}
    center.script(Answer(fault=Fault.CLOSE, apply=True), method="PUT")
    answered = await called(live, 4)
    assert (answered.status, answered.json["outcome"]) == (504, "unknown")
    assert "different Website" in answered.json["detail"]
    assert "https://www.microsoft.com" not in answered.body.decode()


async def test_a_patch_of_unknown_end_is_read_back_as_well(live: LiveFunction) -> None:
    """Its full profile is what must be there."""
    live.sandbox.partner_center.script(Answer(fault=Fault.CLOSE, apply=True), method="PUT")
    answered = await live.call({"Email": "new@contoso.example"}, method="PATCH")
    assert (answered.status, answered.headers["update-outcome"]) == (200, "confirmed-by-read")
    assert answered.json["email"] == "new@contoso.example"
    assert [entry.method for entry in live.sandbox.partner_center.journal] == ["GET", "PUT", "GET"]


async def test_a_failed_attempt_and_then_an_unknown_one_end_in_reading_back(live: LiveFunction) -> None:
    """The 503 was tried again; the silence was not."""
    live.sandbox.partner_center.script(
        Answer(status=503), Answer(fault=Fault.CLOSE, apply=True), Answer(status=503), method="PUT"
    )
    answered = await called(live, 5)
    assert (answered.status, answered.headers["update-outcome"], len(live.puts)) == (200, "confirmed-by-read", 2)
