"""The stored support profiles, one per partner tenant.

Sources: learn.microsoft.com/partner-center/developer/update-support-profile and get-support-profile.
"""

import json
from collections.abc import Callable
from typing import Any

# These values differ from Microsoft's example, which most tests send.
START = {"email": "help@contoso.example", "telephone": "+1 425 555 0100", "website": "https://contoso.example/help"}

Record = dict[str, Any]

NAMES = ("email", "telephone", "website")


class Profiles(dict[str, Record]):
    """Tenant id -> its profile in camelCase. Tests may change it freely. Readers get unknown members as well.

    Attributes:
        rewrite: Returns the record that is stored for a written record. By default it returns a copy.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rewrite: Callable[[Record], Record] = dict
        self._lag_reads: int = 0
        self._old: dict[str, list[Record]] = {}

    def lag(self, *, reads: int) -> None:
        """Make reads lag: after each write from now on, the next `reads` reads of that tenant return the old record.

        0 turns the lag off. The answer to the write always contains the new record.
        """
        self._lag_reads = reads
        self._old.clear()

    def start_anew(self, records: dict[str, Record]) -> None:
        """Replace all records with these, and turn every switch off."""
        self.lag(reads=0)
        self.rewrite = dict
        self.clear()
        self.update(records)

    def read(self, tenant: str) -> Record:
        """Return the resource as a reader gets it. Unset members are omitted, never null."""
        old = self._old.get(tenant)
        return _resource(old.pop() if old else self.get(tenant, {}))

    def replace(self, tenant: str, body: bytes) -> Record:
        """Store the whole resource and return it. Names match in any case; unknown names are dropped.

        A member that is absent or null is unset afterwards. No document says what the real service does.

        Raises:
            ValueError: The body is not a JSON object.
            TypeError: A value is not a string.
        """
        given = json.loads(body)
        if not isinstance(given, dict):
            raise ValueError("not an object")  # noqa: TRY004 - the same error as invalid JSON
        values = {name.lower(): value for name, value in given.items()}
        profile = {name: values[name] for name in NAMES if values.get(name) is not None}
        if not all(isinstance(value, str) for value in profile.values()):
            raise TypeError("not a string")
        self._old[tenant] = [self.get(tenant, {})] * self._lag_reads
        self[tenant] = self.rewrite(profile)
        return _resource(self[tenant])


def _resource(record: Record) -> Record:
    stored = {name: value for name, value in record.items() if value is not None}
    return {
        **stored,
        "profileType": "support_profile",
        "links": {"self": {"uri": "/v1/profiles/support", "method": "GET", "headers": []}},
        "attributes": {"objectType": "PartnerSupportProfile"},
    }
