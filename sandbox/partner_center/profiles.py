"""The stored support profiles, one per partner tenant.

learn.microsoft.com/partner-center/developer/update-support-profile and get-support-profile.
"""

import json
from typing import Any

# Values that nobody would take for Microsoft's example, which tests like to send.
START = {"email": "help@contoso.example", "telephone": "+1 425 555 0100", "website": "https://contoso.example/help"}

NAMES = ("email", "telephone", "website")


class Profiles(dict[str, dict[str, Any]]):
    """Tenant id -> its profile in camelCase. Change it at will: unknown members are given to readers as well."""

    def read(self, tenant: str) -> dict[str, Any]:
        """The resource as it is given out: unset members are left out, never null."""
        stored = {name: value for name, value in self.get(tenant, {}).items() if value is not None}
        return {
            **stored,
            "profileType": "support_profile",
            "links": {"self": {"uri": "/v1/profiles/support", "method": "GET", "headers": []}},
            "attributes": {"objectType": "PartnerSupportProfile"},
        }

    def replace(self, tenant: str, body: bytes) -> dict[str, Any]:
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
        self[tenant] = profile
        return self.read(tenant)
