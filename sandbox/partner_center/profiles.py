"""The stored support profiles, one per partner tenant.

learn.microsoft.com/partner-center/developer/update-support-profile and get-support-profile.
"""

import json
from collections.abc import Callable
from typing import Any

# Values that nobody would take for Microsoft's example, which tests like to send.
START = {"email": "help@contoso.example", "telephone": "+1 425 555 0100", "website": "https://contoso.example/help"}

Record = dict[str, Any]

NAMES = ("email", "telephone", "website")


class Profiles(dict[str, Record]):
    """Tenant id -> its profile in camelCase. Change it at will: unknown members are given to readers as well.

    Attributes:
        rewrite: What the service makes of a record that is written; as it comes, a copy.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rewrite: Callable[[Record], Record] = dict
        self._lag_reads: int = 0
        self._old: dict[str, list[Record]] = {}

    def lag(self, *, reads: int) -> None:
        """Let reads lag: behind each write from now on the next `reads` of that tenant give the old record.

        0 means that none does. A write's own answer has the new record in any case.
        """
        self._lag_reads = reads
        self._old.clear()

    def start_anew(self, records: dict[str, Record]) -> None:
        """Hold these alone, with every switch off."""
        self.lag(reads=0)
        self.rewrite = dict
        self.clear()
        self.update(records)

    def read(self, tenant: str) -> Record:
        """The resource as it is given to a reader: unset members are left out, never null."""
        old = self._old.get(tenant)
        return _resource(old.pop() if old else self.get(tenant, {}))

    def replace(self, tenant: str, body: bytes) -> Record:
        """Store the whole resource and give it out. Names are read in any case, unknown ones are dropped.

        What is left out or null is unset behind it: no document says what the real one does.

        Raises:
            ValueError: the body is not a JSON object. TypeError: one of its values is no text.
        """
        given = json.loads(body)
        if not isinstance(given, dict):
            raise ValueError("not an object")  # noqa: TRY004 - as bad as no JSON at all
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
