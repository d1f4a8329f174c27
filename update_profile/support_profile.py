"""SupportProfile: the resource that is written as a whole.

Source of names, shape and the 167-byte example: learn.microsoft.com/partner-center/developer/update-support-profile.
A PUT replaces the whole resource, so a member that this function dropped would be lost: unknown members are refused by
name.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from . import field_rules
from .errors import FieldError, InvalidProfile
from .strict_json import Pairs

VALUE_NAMES = ("Email", "Telephone", "Website")
WIRE_NAMES = (*VALUE_NAMES, "ProfileType", "Attributes", "Links")
_CANONICAL = {name.lower(): name for name in WIRE_NAMES}
WRAPPER_NAMES = frozenset({"$content-type", "$content"})
WRAPPED = (
    "The body is wrapped: Power Platform encoded it into $content. Send the JSON itself; in a flow, unwrap it with"
    " json(base64ToString(triggerBody()?['$content'])), using your step's body in place of triggerBody()."
)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # json.dumps makes a new one each time
_MESSAGES = {
    "missing": "is missing; the profile is replaced as a whole, so every field is required",
    "string_type": "must be a string",
    "literal_error": "must be null or support_profile",
    "dict_type": "must be an object or null",
}


class SupportProfile(BaseModel):
    """What a partner's customers see. The values are exactly what the caller sent."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    email: Annotated[str, AfterValidator(field_rules.email)] = Field(alias="Email", repr=False)
    telephone: Annotated[str, AfterValidator(field_rules.telephone)] = Field(alias="Telephone", repr=False)
    website: Annotated[str, AfterValidator(field_rules.website)] = Field(alias="Website", repr=False)
    # Accepted so that a profile that was read can be edited and posted back; neither examined nor sent.
    profile_type: Literal["support_profile"] | None = Field(alias="ProfileType", default=None)
    attributes: dict[str, Any] | None = Field(alias="Attributes", default=None, repr=False)
    links: dict[str, Any] | None = Field(alias="Links", default=None, repr=False)

    @property
    def named_values(self) -> dict[str, str]:
        """The three values by wire name, in wire order."""
        return dict(zip(VALUE_NAMES, (self.email, self.telephone, self.website), strict=True))

    def wire_bytes(self) -> bytes:
        """Return the documented request body: compact UTF-8 without escapes."""
        document = {
            **self.named_values,
            "ProfileType": "support_profile",
            "Attributes": {"ObjectType": "PartnerSupportProfile"},
        }
        return _encode(document).encode("utf-8")


def read_profile(members: Pairs) -> SupportProfile:
    """Read a full support profile from the members of a JSON object, in order.

    Names match without regard to ASCII case: Microsoft's own clients send both ``Email`` and ``email``.

    Raises:
        InvalidProfile: With an entry for each invalid member, documented members first, then unknown ones.
    """
    named = _named(members)
    profile, faults = check_members(dict(named))
    faults = [*_repeated(named), *_unknown(named), *faults]
    if profile is None or faults:
        raise refusal(faults)
    return profile


def read_changes(members: Pairs) -> dict[str, str]:
    """Read a merge patch (RFC 7396): the values to change, by wire name. Absent members stay as they are.

    Raises:
        InvalidProfile: As for ``read_profile``, except that members may be missing. ``null`` would remove a member,
            and a support profile cannot do without any.
    """
    named = _named(members)
    _, faults = check_members(dict(named))
    patch = dict(named)
    present = [_removal(fault, patch) for fault in faults if fault.field in patch]
    faults = [*_repeated(named), *_unknown(named), *present]
    if faults:
        raise refusal(faults)
    return {name: patch[name] for name in VALUE_NAMES if name in patch}


def check_members(members: Mapping[str, Any]) -> tuple[SupportProfile | None, list[FieldError]]:
    """Return the profile that documented members make up, or None, and what is wrong with each member."""
    try:
        return SupportProfile.model_validate({name: members[name] for name in WIRE_NAMES if name in members}), []
    except ValidationError as error:
        return None, list(_refused(error))


def refusal(faults: Iterable[FieldError]) -> InvalidProfile:
    """Build the error for these faults: the first fault of each member, documented members first, in wire order."""
    rank = {name: place for place, name in enumerate(WIRE_NAMES)}
    first: dict[str, FieldError] = {}
    for fault in faults:
        first.setdefault(fault.field, fault)
    in_order = sorted(first.values(), key=lambda fault: rank.get(fault.field, len(rank)))
    return InvalidProfile("The profile is invalid; `errors` names each field.", fields=tuple(in_order))


def canonical_name(name: str) -> str:
    """Return the documented spelling of a member's name; an unknown name comes back as it is."""
    # ASCII only: Unicode folding would let look-alikes in (the Kelvin sign folds to k).
    return _CANONICAL.get(name.lower(), name) if name.isascii() else name


def _named(members: Pairs) -> Pairs:
    """Return the members under their documented names.

    Raises:
        InvalidProfile: They are Power Platform's wrapper.
    """
    if {name for name, _ in members} >= WRAPPER_NAMES:
        wrapped = tuple(FieldError(field=name, message="is a wrapper, not a field") for name in sorted(WRAPPER_NAMES))
        raise InvalidProfile(WRAPPED, fields=wrapped)
    return [(canonical_name(name), value) for name, value in members]


def _repeated(members: Pairs) -> Iterator[FieldError]:
    counts = Counter(name for name, _ in members)
    return (FieldError(field=name, message="is repeated") for name in WIRE_NAMES if counts[name] > 1)


def _unknown(members: Pairs) -> Iterator[FieldError]:
    unknown = dict.fromkeys(name for name, _ in members if name not in WIRE_NAMES)
    message = "is not a field of the support profile; remove it"
    if len(unknown) == 1 and any(name in unknown and isinstance(value, dict | list) for name, value in members):
        message = "is not a field of the support profile; the profile looks wrapped: send what is inside this member"
    return (FieldError(field=name, message=message) for name in unknown)


def _refused(error: ValidationError) -> Iterator[FieldError]:
    for fault in error.errors(include_url=False, include_input=False):
        reason = fault.get("ctx", {}).get("error")
        yield FieldError(field=str(fault["loc"][0]), message=str(reason or _MESSAGES[fault["type"]]))


def _removal(fault: FieldError, patch: Mapping[str, Any]) -> FieldError:
    if fault.field in VALUE_NAMES and patch[fault.field] is None:
        return FieldError(field=fault.field, message="is null; a field can be replaced but not removed")
    return fault
