"""What one occurrence of a failure can show."""

import dataclasses

import pytest

from update_profile import evidence
from update_profile.evidence import NOTHING, Evidence, FieldError


def test_nothing_shows_nothing() -> None:
    """Every member is None or empty."""
    assert Evidence() == NOTHING
    assert not any(dataclasses.asdict(NOTHING).values())


KINDS = [kind for kind in vars(evidence).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]


@pytest.mark.parametrize("kind", KINDS)
def test_evidence_is_given_by_name(kind: type) -> None:
    """So that no two texts can be mixed up."""
    assert kind.__module__ == "update_profile.evidence"
    with pytest.raises(TypeError):
        kind("text")


def test_evidence_cannot_be_changed() -> None:
    """Not even by who caught it."""
    fault = FieldError(field="Email", message="is blank")
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(fault, "field", "Website")  # noqa: B010  mypy refuses the plain assignment
