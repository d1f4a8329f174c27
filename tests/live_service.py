"""The function's real parts, sent to the stand-ins."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders import EXAMPLE, TENANT, an_incoming

from sandbox import Sandbox
from update_profile.call import Call
from update_profile.deadline import Deadline
from update_profile.entra.bearer_token import Caller
from update_profile.entra.exchange_cache import How
from update_profile.entra.token_response import AccessToken
from update_profile.partner_center.answer import UpstreamAnswer
from update_profile.partner_center.client import Attempt
from update_profile.service import Service, build
from update_profile.support_profile import SupportProfile, read_profile
from update_profile.transport.client import HttpClient, create_ssl_context


@contextmanager
def living_service(sandbox: Sandbox, **settings: str | None) -> Iterator[Service]:
    """Every collaborator of a call, built from the sandbox's settings; None leaves a setting out."""
    variables = {**sandbox.settings(), **settings}
    service = build({name: value for name, value in variables.items() if value is not None})
    try:
        yield service
    finally:
        service.on_behalf_of.close()


def a_client(sandbox: Sandbox) -> HttpClient:
    """The real client, which trusts the sandbox."""
    return HttpClient(create_ssl_context(str(sandbox.ca_file)))


async def validated(service: Service, assertion: str) -> Caller:
    """The caller behind a bearer token."""
    return await service.callers.validate(assertion, deadline=Deadline.after(10))


async def exchanged(service: Service, assertion: str, *, seconds: float = 20.0) -> tuple[AccessToken, How]:
    """The Partner Center token for a bearer token, and how it was come by."""
    caller = await validated(service, assertion)
    return await service.on_behalf_of.access_token(caller, deadline=Deadline.after(seconds))


def a_call(*, seconds: float = 10.0, headers: dict[str, str] | None = None) -> Call:
    """A call that has so much time left."""
    call = Call.start(an_incoming(headers=headers))
    call.deadline = Deadline.after(seconds)
    return call


def a_profile(**values: str) -> SupportProfile:
    """Microsoft's example, with other values where a test wants them."""
    return read_profile(list({**EXAMPLE, **values}.items()))


async def put(
    service: Service,
    sandbox: Sandbox,
    user: str = "alice",
    *,
    call: Call | None = None,
    profile: SupportProfile | None = None,
) -> UpstreamAnswer:
    """Write a profile with that user's Partner Center token."""
    token = AccessToken(value=sandbox.entra.partner_center_token(user), expires_in_seconds=3600)
    return await service.partner_center.put_support_profile(profile or a_profile(), an_attempt(token, call))


def an_attempt(access_token: AccessToken, call: Call | None = None) -> Attempt:
    """One request of a call, with all the time that the call has left."""
    call = call or a_call()
    return Attempt(access_token=access_token, call=call, tenant_id=TENANT, deadline=call.deadline)


def open_sockets() -> int:
    """How many sockets this process holds, the sandbox's own among them; 0 where the system does not tell."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        return 0
    return sum(_is_socket(descriptor) for descriptor in descriptors.iterdir())


def _is_socket(descriptor: Path) -> bool:
    try:
        return descriptor.readlink().name.startswith("socket:")
    except FileNotFoundError:  # the one that lists the directory
        return False


async def until_closed(sandbox: Sandbox, *, sockets_before: int) -> tuple[int, int]:
    """Wait until nothing is open but what was before; what is open in the end: connections, sockets too many."""
    servers = (sandbox.entra.server, sandbox.partner_center.server)
    for _ in range(500):
        left = sum(server.open_connections for server in servers), max(0, open_sockets() - sockets_before)
        if left == (0, 0):
            break
        await asyncio.sleep(0.01)
    return left
