"""Parsing Retry-After in the forms that servers send."""

import pytest

from update_profile.transport.messages import read_retry_after

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1", 1),
        ("5", 5),
        ("0", 1),
        ("0.129", 1),
        ("1.5", 2),
        ("1.0", 1),
        (" 2 ", 2),
        ("3600", 3600),
        ("3601", 3600),
        ("999999999", 3600),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30),
        ("Friday, 15-Jan-27 08:00:30 GMT", 30),
        ("Fri, 15 Jan 2027 10:00:30 +0200", 30),
        ("Thu, 14 Jan 2027 08:00:00 GMT", 1),
        ("Sat, 16 Jan 2027 08:00:00 GMT", 3600),
    ],
)
def test_a_wait_is_read_in_whole_seconds(value: str, seconds: int) -> None:
    """Values are rounded up and limited to 1 to 3600; a date in the past gives 1."""
    assert read_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "nan",
        "inf",
        "-1",
        "+1",
        "1e9",
        "9" * 5_000,
        "1, 2",
        "1,5",
        ".5",
        "5.",
        "5s",
        "0x5",
        "\u0665",
        "\uff15",
        "soon",
        "Fri, 15 Jan 10000 08:00:00 GMT",
        "Fri, 15 Jan 2027 08:00:30",
        "Fri, 15 Jan 2027 08:00:30 -0000",
        "Fri, 32 Jan 2027 08:00:30 GMT",
        "Fri, 15 Jan 2027 25:00:00 GMT",
        "Fri, 15 Jan 2027 08:00:00 +9999999999",
        "2027-01-15T08:00:30Z",
        "Fri, 15 Jan 2027",
    ],
)
def test_what_makes_no_sense_counts_as_absent(value: str) -> None:
    """No such value causes a crash."""
    assert read_retry_after(value, now=NOW) is None


def test_a_date_is_compared_with_the_present() -> None:
    """The clock is read unless ``now`` is given."""
    assert read_retry_after("Sat, 01 Jan 2000 00:00:00 GMT") == 1
    assert read_retry_after("Fri, 31 Dec 9999 23:59:59 GMT") == 3600
