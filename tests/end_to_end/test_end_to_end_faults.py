"""The fault matrix: whatever happens to a PUT, the caller gets one true answer within its time budget."""

import socket

import pytest
from builders import EXAMPLE
from fault_rows import ROWS, FaultRow, Truth
from live_function import Answered, EveryLog, LiveFunction
from live_service import open_sockets, until_closed
from named_network import NamedNetwork

from sandbox import Answer, Fault

pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.fixture
def live(warm_live: LiveFunction) -> LiveFunction:
    """Share warm services between the rows, because no row depends on an empty cache."""
    return warm_live


async def called(live: LiveFunction, budget_seconds: int) -> Answered:
    """Make a call with this budget."""
    live.allow(budget_seconds)
    return await live.call()


def assert_true(live: LiveFunction, answered: Answered, truth: Truth) -> None:
    """Check the answer, and that Partner Center got exactly the expected requests."""
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
    """The answer is that of the row, and the audit record counts every request to Partner Center."""
    live.sandbox.partner_center.script(row.answer, method="PUT")
    answered = await called(live, row.budget_seconds)
    assert_true(live, answered, row.once)
    (audit,) = every_log.audits
    told = vars(audit)
    assert (told["attempts"], told["read_backs"]) == (row.once.puts, row.once.gets)
    assert told["outcome"] == row.once.outcome
    assert EXAMPLE["Email"] not in every_log.text()


@pytest.mark.parametrize("row", [row for row in ROWS if row.once != row.always], ids=str)
async def test_trouble_with_every_put(live: LiveFunction, row: FaultRow) -> None:
    """The answer comes within the budget and states the outcome as far as it is known.

    Where the first fault is final, the test above shows that there is no second PUT to meet another.
    """
    live.sandbox.partner_center.script(row.answer, method="PUT", times=None)
    assert_true(live, await called(live, row.budget_seconds), row.always)


LOGIN, CENTER = "login.microsoftonline.com", "api.partnercenter.microsoft.com"


@pytest.fixture
def network(live: LiveFunction, monkeypatch: pytest.MonkeyPatch) -> NamedNetwork:
    """The stand-ins under the real host names, on a network whose connections can be made to fail."""
    entra, center = live.sandbox.entra, live.sandbox.partner_center
    entra.known_as = f"https://{LOGIN}"
    live.set(ENTRA_AUTHORITY_HOST=None, PARTNER_CENTER_BASE_URL=None)
    network = NamedNetwork({LOGIN: entra.server.port, CENTER: center.server.port})
    live.connect_through(network)
    return network


def troubles_of(live: LiveFunction) -> dict[str, Exception | int]:
    """Return the ways in which a connection attempt fails, by name."""
    return {
        "refused": ConnectionRefusedError("refused"),
        "no such name": socket.gaierror("name or service not known"),
        "no time to connect": TimeoutError("no time"),
        "no TLS": live.sandbox.identity.server.port,  # plain HTTP answers no TLS hello
    }


NOT_SENT = ("refused", "no such name", "no time to connect", "no TLS")


@pytest.mark.parametrize("trouble", NOT_SENT)
async def test_a_first_connection_that_does_not_come_about_is_not_noticed(
    live: LiveFunction, network: NamedNetwork, trouble: str
) -> None:
    """Nothing was sent, so the call is retried over a new connection."""
    network.troubles[CENTER] = [troubles_of(live)[trouble]]
    answered = await live.call()
    assert (answered.status, len(live.puts)) == (200, 1)
    assert network.asked.count(f"{CENTER}:443") == 2


@pytest.mark.parametrize("trouble", NOT_SENT)
async def test_connections_that_never_come_about_are_unreachable(
    live: LiveFunction, network: NamedNetwork, every_log: EveryLog, trouble: str
) -> None:
    """There are four attempts after the early one beside the exchange. Nothing was sent: there is no outcome."""
    network.troubles[CENTER] = [troubles_of(live)[trouble]] * 9
    answered = await called(live, 3)
    assert (answered.status, answered.code, answered.headers["retry-after"]) == (502, "partner_center_unreachable", "5")
    assert "outcome" not in answered.json
    assert network.asked.count(f"{CENTER}:443") in {4, 5}  # the first attempt may find the early one on its way
    assert [vars(audit)["attempts"] for audit in every_log.audits] == [4]
    assert not live.sandbox.partner_center.journal


@pytest.mark.parametrize("switch", ["reset_at_tls_hello", "hang_at_tls_hello"])
async def test_a_handshake_that_never_ends_is_unreachable(live: LiveFunction, switch: str) -> None:
    """No request was sent, so the failure is not an unknown outcome; no socket stays open."""
    before = open_sockets()
    setattr(live.sandbox.partner_center.server, switch, True)
    answered = await called(live, 2)
    assert (answered.status, answered.code) == (502, "partner_center_unreachable")
    assert not live.sandbox.partner_center.journal
    assert await until_closed(live.sandbox, sockets_before=before) == (0, 0)


@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
async def test_a_put_that_is_reset_unread_is_of_unknown_outcome(live: LiveFunction, times: int | None) -> None:
    """The bytes were sent, and the function cannot know that Partner Center did not read them."""
    live.sandbox.partner_center.script(Answer.trouble(Fault.RESET_BEFORE_READING), times=times)
    answered = await called(live, 2)
    assert (answered.status, answered.code, answered.json["outcome"]) == (504, "partner_center_timeout", "unknown")
    assert not live.puts


async def test_120_kb_of_headers_are_an_answer_or_none(live: LiveFunction) -> None:
    """The answer is 200 after one PUT, whether the headers are read or the profile is read back."""
    headers = tuple((f"X-{number}", "x" * 1_000) for number in range(120))
    live.sandbox.partner_center.script(Answer.true(headers=headers))
    answered = await called(live, 5)
    assert answered.status == 200
    assert answered.json["email"] == EXAMPLE["Email"]
    assert len(live.puts) == 1


@pytest.mark.parametrize("charset", ["utf-8,gbk", "hex", "utf-16"])
async def test_a_fault_under_an_odd_charset_is_read(live: LiveFunction, charset: str) -> None:
    """The body is UTF-8 whatever its label says."""
    body = '{"code": 3000, "description": "größer"}'.encode()
    live.sandbox.partner_center.script(
        Answer(status=400, headers=(("Content-Type", f"application/json; charset={charset}"),), body=body)
    )
    told = (await live.call()).json["upstream"]
    assert (told["status"], told["code"], told["description"]) == (400, "3000", "größer")


async def test_a_reason_phrase_in_utf_8_is_read(live: LiveFunction) -> None:
    """The old form of the MFA refusal has only a reason phrase."""
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
async def test_reading_back_may_be_too_early(
    live: LiveFunction, reads: list[object], status: int, told: str | None
) -> None:
    """There is one PUT and at most two reads; a value that differs is named by its field and not quoted."""
    center = live.sandbox.partner_center
    center.script(Answer(fault=Fault.CLOSE, apply=True), method="PUT")
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
async def test_a_record_whose_reads_lag_is_never_said_to_be_unwritten(
    live: LiveFunction, lagging_reads: int, status: int
) -> None:
    """The write was applied: it is confirmed if the second read shows it, else unknown; a repeat succeeds."""
    center = live.sandbox.partner_center
    center.profiles.lag(reads=lagging_reads)
    center.script(Answer(fault=Fault.CLOSE, apply=True), method="PUT")
    answered = await called(live, 4)
    assert answered.status == status
    assert status == 200 or answered.json["outcome"] == "unknown"
    assert center.profiles[live.sandbox.entra.tenants[0]]["email"] == EXAMPLE["Email"]
    assert len(live.puts) == 1
    assert (await called(live, 4)).status == 200


async def test_a_value_that_partner_center_keeps_in_another_form_is_unknown_and_named(live: LiveFunction) -> None:
    """The detail names the field and does not quote the stored value."""
    center = live.sandbox.partner_center
    center.profiles.rewrite = lambda record: {**record, "website": "https://www.microsoft.com"}
    center.script(Answer(fault=Fault.CLOSE, apply=True), method="PUT")
    answered = await called(live, 4)
    assert (answered.status, answered.json["outcome"]) == (504, "unknown")
    assert "different Website" in answered.json["detail"]
    assert "https://www.microsoft.com" not in answered.body.decode()


async def test_a_patch_of_unknown_end_is_read_back_as_well(live: LiveFunction) -> None:
    """The read-back is compared with the full merged profile."""
    live.sandbox.partner_center.script(Answer(fault=Fault.CLOSE, apply=True), method="PUT")
    answered = await live.call({"Email": "new@contoso.example"}, method="PATCH")
    assert (answered.status, answered.headers["update-outcome"]) == (200, "confirmed-by-read")
    assert answered.json["email"] == "new@contoso.example"
    assert [entry.method for entry in live.sandbox.partner_center.journal] == ["GET", "PUT", "GET"]


async def test_a_failed_attempt_and_then_an_unknown_one_end_in_reading_back(live: LiveFunction) -> None:
    """The 503 is retried; the PUT without an answer is not."""
    live.sandbox.partner_center.script(
        Answer(status=503), Answer(fault=Fault.CLOSE, apply=True), Answer(status=503), method="PUT"
    )
    answered = await called(live, 5)
    assert (answered.status, answered.headers["update-outcome"], len(live.puts)) == (200, "confirmed-by-read", 2)
