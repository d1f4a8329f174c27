"""The deadline of a call."""

import time

import pytest

from update_profile.deadline import Deadline


def test_a_deadline_counts_down() -> None:
    """The remaining time is positive and never exceeds what was given."""
    before = time.monotonic()
    deadline = Deadline.after(60)
    assert before + 60 <= deadline.at <= time.monotonic() + 60
    assert 0 < deadline.remaining_seconds() <= 60


@pytest.mark.parametrize("at", [0.0, -1.0])
def test_nothing_is_left_of_one_that_has_passed(at: float) -> None:
    """The result is never negative, because it is passed on as a timeout."""
    assert Deadline(at).remaining_seconds() == 0.0


def test_work_that_must_say_why_ends_shortly_before() -> None:
    """The margin is a twentieth of what is left, at most 0.1 seconds, and zero once the deadline has passed."""
    now = time.monotonic()
    assert Deadline(now + 600).with_margin().at == pytest.approx(now + 599.9)
    assert now + 0.94 <= Deadline(now + 1).with_margin().at <= now + 0.96
    assert Deadline(now - 5).with_margin() == Deadline(now - 5)


def test_the_sooner_of_two_counts() -> None:
    """A step's own limit cannot outlast the call."""
    now = time.monotonic()
    assert Deadline(now - 5).within(10) == Deadline(now - 5)
    assert now + 10 <= Deadline(now + 600).within(10).at < now + 600
