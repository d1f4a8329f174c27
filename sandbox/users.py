"""The people who can sign in, and the tenants they belong to."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """One user. The object id is Entra's `oid`, the tenant id is its `tid`.

    `policy_id` is the Conditional Access policy that applies to the user. None: none does. `domain` is what the sign-in
    name ends in.
    """

    name: str
    object_id: str
    tenant_id: str
    policy_id: str | None = None
    domain: str = "partner.example"

    @property
    def upn(self) -> str:
        """The user principal name, which the user signs in with."""
        return f"{self.name}@{self.domain}"


def create_users(tenants: tuple[str, str]) -> dict[str, User]:
    """Create alice and bob in the first tenant and carol in the second, with new ids."""
    first, second = tenants
    homes = {"alice": first, "bob": first, "carol": second}
    policies = {"alice": str(uuid.uuid4()), "carol": str(uuid.uuid4())}
    domains = {first: "partner.example", second: "other.example"}
    return {
        name: User(name, str(uuid.uuid4()), tenant, policies.get(name), domains[tenant])
        for name, tenant in homes.items()
    }


def user_name(users: Iterable[User], object_id: object) -> str | None:
    """Return the name of the user with that object id, or None."""
    return next((user.name for user in users if user.object_id == object_id), None)
