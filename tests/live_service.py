"""The function's real components, connected to the stand-ins."""

import asyncio
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builders import EXAMPLE, a_caller, a_started_call

from sandbox import Sandbox
from update_profile.call import AccessToken, Call, Caller, TokenSource
from update_profile.deadline import Deadline
from update_profile.operations import PartnerCenterApi
from update_profile.partner_center.answer import ProfileResponse
from update_profile.service import Service, build
from update_profile.support_profile import SupportProfile, read_profile
from update_profile.transport.client import HttpClient, create_ssl_context
from update_profile.transport.lanes import Lanes


@contextmanager
def living_service(sandbox: Sandbox, **settings: str | None) -> Iterator[Service]:
    """Build every collaborator of a call from the sandbox's settings; None leaves a setting out."""
    variables = {**sandbox.settings(), **settings}
    yield build({name: value for name, value in variables.items() if value is not None})


def a_client(sandbox: Sandbox) -> HttpClient:
    """Return the real HTTP client, with the sandbox's certificate authority trusted."""
    return HttpClient(create_ssl_context(str(sandbox.ca_file)))


async def validated(service: Service, assertion: str) -> Caller:
    """Return the caller that a bearer token identifies."""
    return await service.token_validator.validate(assertion, deadline=Deadline.after(10))


async def exchanged(service: Service, assertion: str, *, seconds: float = 20.0) -> tuple[AccessToken, TokenSource]:
    """Return the Partner Center token for a bearer token, and the source of that token."""
    caller = await validated(service, assertion)
    return await service.tokens.access_token(caller, assertion, deadline=Deadline.after(seconds))


def a_call(*, seconds: float = 10.0, headers: dict[str, str] | None = None) -> Call:
    """Return a call with this much time left."""
    call = a_started_call(headers=headers)
    call.deadline = Deadline.after(seconds)
    return call


def a_profile(**values: str) -> SupportProfile:
    """Return Microsoft's example, with other values where a test needs them."""
    return read_profile(list({**EXAMPLE, **values}.items()))


async def put(
    service: Service,
    sandbox: Sandbox,
    user: str = "alice",
    *,
    call: Call | None = None,
    profile: SupportProfile | None = None,
) -> ProfileResponse:
    """Write a profile with that user's Partner Center token."""
    token = AccessToken(value=sandbox.entra.partner_center_token(user), expires_in_seconds=3600)
    return await sent(service.partner_center, token, call, profile)


async def sent(
    center: PartnerCenterApi, token: AccessToken, call: Call | None = None, profile: SupportProfile | None = None
) -> ProfileResponse:
    """Write a profile with this token, using all the time that the call has left."""
    call = call or a_call()
    return await center.request(profile or a_profile(), token, caller=a_caller(), call=call, deadline=call.deadline)


def open_sockets() -> int:
    """Return how many sockets this process has open, including the sandbox's; 0 where the system cannot tell."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        return 0
    return sum(_is_socket(descriptor) for descriptor in descriptors.iterdir())


def _is_socket(descriptor: Path) -> bool:
    try:
        return descriptor.readlink().name.startswith("socket:")
    except FileNotFoundError:  # the descriptor that lists this directory
        return False


LANES: "weakref.WeakSet[Lanes]" = weakref.WeakSet()


def close_kept() -> None:
    """Close every connection that is kept for its user, so that what follows begins with new ones."""
    for lanes in list(LANES):
        lanes.close()


async def until_closed(sandbox: Sandbox, *, sockets_before: int) -> tuple[int, int]:
    """Close what is kept, wait until nothing new is open, and return what still is: connections, sockets."""
    servers = (sandbox.entra.server, sandbox.partner_center.server)
    close_kept()  # what is kept for its user is not left over
    for _ in range(500):
        left = sum(server.open_connections for server in servers), max(0, open_sockets() - sockets_before)
        if left == (0, 0):
            break
        await asyncio.sleep(0.01)
    return left
