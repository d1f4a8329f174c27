"""Requests, answers and failures of one HTTP exchange as plain values."""

from update_profile.transport.messages import HttpAnswer, HttpRequest, TransportError


def test_a_repeated_header_is_one_value_with_commas() -> None:
    """RFC 9110 joins the values with commas; an absent header is an empty string."""
    answer = HttpAnswer(status=200, reason="", headers=(("a", "1"), ("b", "2"), ("a", "3")), body=None)
    assert (answer.header("a"), answer.header("b"), answer.header("c")) == ("1, 3", "2", "")


def test_what_could_hold_a_secret_is_not_shown() -> None:
    """The representations of a request and an answer contain neither headers nor bodies."""
    request = HttpRequest(method="PUT", url="https://host/", headers={"Authorization": "told"}, body=b"told")
    answer = HttpAnswer(status=200, reason="", headers=(("set-cookie", "told"),), body=b"told")
    assert "told" not in f"{request!r} {answer!r}"


def test_a_failure_of_the_transport_says_whether_anything_was_sent() -> None:
    """The error's text is its reason."""
    error = TransportError("why", sent=True, timed_out=False)
    assert (str(error), error.reason, error.sent, error.timed_out) == ("why", "why", True, False)
