"""SupportProfile: the resource that is written, whole.

Source of names, shape and the 167-byte example: learn.microsoft.com/partner-center/developer/update-support-profile.
A PUT replaces the whole resource, so a member that this function would drop is data that would be lost: unknown
members are refused by name.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from . import field_rules
from .errors import InvalidProfile
from .evidence import Evidence, FieldError
from .strict_json import Pairs

WIRE_NAMES = ("Email", "Telephone", "Website", "ProfileType", "Attributes", "Links")
_CANONICAL = {name.lower(): name for name in WIRE_NAMES}
WRAPPER_NAMES = frozenset({"$content-type", "$content"})
WRAPPED = (
    "The body arrived wrapped: Power Platform put it, encoded, into $content. Send the JSON itself; in a flow, unwrap"
    " it with json(base64ToString(triggerBody()?['$content'])), with your step's body in place of triggerBody()."
)
_MESSAGES = {
    "missing": "is missing; the profile is replaced whole, so every field is needed",
    "string_type": "must be a string",
    "literal_error": "must be null or support_profile",
    "dict_type": "must be an object or null",
}


class SupportProfile(BaseModel):
    """What a partner's customers see. The values are exactly what the caller wrote."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    email: Annotated[str, AfterValidator(field_rules.email)] = Field(alias="Email", repr=False)
    telephone: Annotated[str, AfterValidator(field_rules.telephone)] = Field(alias="Telephone", repr=False)
    website: Annotated[str, AfterValidator(field_rules.website)] = Field(alias="Website", repr=False)
    # Taken so that a profile that was read can be edited and posted back; not examined, not sent.
    profile_type: Literal["support_profile"] | None = Field(alias="ProfileType", default=None)
    attributes: dict[str, Any] | None = Field(alias="Attributes", default=None, repr=False)
    links: dict[str, Any] | None = Field(alias="Links", default=None, repr=False)

    @property
    def values(self) -> tuple[str, str, str]:
        """The three values, in wire order."""
        return self.email, self.telephone, self.website

    def wire_bytes(self) -> bytes:
        """The documented request body: compact UTF-8 without escapes."""
        document = {
            "Email": self.email,
            "Telephone": self.telephone,
            "Website": self.website,
            "ProfileType": "support_profile",
            "Attributes": {"ObjectType": "PartnerSupportProfile"},
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def read_profile(members: Pairs) -> SupportProfile:
    """Read a support profile from the members of a JSON object, in the order they stand.

    Names are matched without regard to ASCII case: Microsoft's own clients send both ``Email`` and ``email``.

    Raises:
        InvalidProfile: With an entry for each documented member in fault, then one for each unknown name.
    """
    if {name for name, _ in members} >= WRAPPER_NAMES:
        wrapped = tuple(FieldError(field=name, message="is a wrapper, not a field") for name in sorted(WRAPPER_NAMES))
        raise InvalidProfile(WRAPPED, Evidence(fields=wrapped))
    known = [(_canonical(name), value) for name, value in members]
    faults = [*_repeated(known), *_unknown(known)]
    try:
        profile = SupportProfile.model_validate({name: value for name, value in known if name in WIRE_NAMES})
    except ValidationError as error:
        faults = [*_refused(error, {fault.field for fault in faults}), *faults]
    if faults:
        raise InvalidProfile("The body is refused; errors names each field.", Evidence(fields=_in_order(faults)))
    return profile


def _canonical(name: str) -> str:
    # ASCII only: Unicode folding would let look-alikes in (the Kelvin sign folds to k).
    return _CANONICAL.get(name.lower(), name) if name.isascii() else name


def _repeated(members: Pairs) -> Iterator[FieldError]:
    counts = Counter(name for name, _ in members)
    return (FieldError(field=name, message="is given twice") for name in WIRE_NAMES if counts[name] > 1)


def _unknown(members: Pairs) -> Iterator[FieldError]:
    unknown = dict.fromkeys(name for name, _ in members if name not in WIRE_NAMES)
    return (FieldError(field=name, message="is not a field of the support profile; remove it") for name in unknown)


def _refused(error: ValidationError, already: set[str]) -> Iterator[FieldError]:
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0])
        if name not in already:
            reason = fault.get("ctx", {}).get("error")
            yield FieldError(field=name, message=str(reason or _MESSAGES[fault["type"]]))


def _in_order(faults: list[FieldError]) -> tuple[FieldError, ...]:
    """Documented members first, in wire order."""
    rank = {name: place for place, name in enumerate(WIRE_NAMES)}
    return tuple(sorted(faults, key=lambda fault: rank.get(fault.field, len(rank))))
