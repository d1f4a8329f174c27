"""Run the function with its stand-ins until stopped: `python -m sandbox.serve`, or `make serve`.

Prints a curl command and an approval link that work without changes, and commands that show what the stand-ins
received. Ctrl+C or SIGTERM stops it.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from contextlib import AsyncExitStack
from urllib.parse import urlencode

from .functions_host import DEFAULT_PORT
from .host_process import REPOSITORY
from .local_function import APPROVAL_ROUTE, EXAMPLE, ROUTE, local_function, surroundings
from .sandbox import Sandbox
from .troubled_users import TROUBLES, add_troubled_users

USER = "alice"
# Longer than a working day, so that the printed command keeps working.
TOKEN_SECONDS = 12 * 3600


async def _serve(port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with Sandbox() as sandbox:
        add_troubled_users(sandbox)
        async with AsyncExitStack() as stack:
            _announce(sandbox, await _start(stack, sandbox, port))
            await stop.wait()
            print("Stopping.", flush=True)


async def _start(stack: AsyncExitStack, sandbox: Sandbox, port: int) -> str:
    """Serve on this port. If it is taken, print a message and serve on a free port."""
    try:
        return await stack.enter_async_context(local_function(sandbox, port=port))
    except OSError:
        print(f"Port {port} is taken: another is used instead.", flush=True)
        return await stack.enter_async_context(local_function(sandbox))


def _announce(sandbox: Sandbox, address: str) -> None:
    entra, partner_center = sandbox.entra.base_url, sandbox.partner_center.base_url
    curl = f"curl --noproxy '*' --cacert {sandbox.ca_file}"
    token = sandbox.entra.sign_in(USER, lifetime_seconds=TOKEN_SECONDS)
    another = json.dumps({"user": "carol"})
    outage = json.dumps({"answers": [{"status": 503, "headers": [["Retry-After", "57"]]}]})
    print(
        surroundings(),
        f"GET, POST, PUT, PATCH {address}{ROUTE}\nGET                   {address}/api/health"
        f"\nGET                   {address}/api/openapi.json",
        f"Post Microsoft's example as {USER} (her token is valid for {TOKEN_SECONDS // 3600} hours, only here):",
        f"export ASSERTION={token}",
        curl_command(address),
        "Or sign in with a program of your own, such as those in examples/. Install its packages first, then paste\n"
        "these into its terminal (Python programs then trust the stand-ins alone). Your own program tells MSAL not to\n"
        "look the stand-in's host up at Microsoft: instance_discovery=False in Python, knownAuthorities in Node.js:",
        "\n".join(f"export {name}='{value}'" for name, value in caller_settings(sandbox, address).items()),
        "Approve it as a person, in a browser. It warns of the stand-in's certificate once, at the sign-in:",
        approval_link(address),
        "Sign in there as alice or bob, or as a user for whom something goes wrong:",
        "\n".join(f"{name:<10} {trouble.text}" for name, trouble in TROUBLES.items()),
        "Show the profiles that Partner Center stores, and the requests that it and Entra ID received:",
        f"{curl} {partner_center}/_sandbox/profiles\n"
        f"{curl} {partner_center}/_sandbox/journal\n"
        f"{curl} {entra}/_sandbox/journal",
        "Get a token for another user (alice, bob, carol); script one 503 with a Retry-After beyond the budget:",
        f"{curl} {entra}/_sandbox/sign-in -d '{another}'\n{curl} {partner_center}/_sandbox/script -d '{outage}'",
        "The function's log follows. Ctrl+C stops everything.",
        sep="\n\n",
        end="\n\n",
        flush=True,
    )


def approval_link(address: str) -> str:
    """Return a link to the approval page with Microsoft's example, as a ticket would hold it."""
    proposal = {name.lower(): value for name, value in EXAMPLE.items()}
    return f"{address}{APPROVAL_ROUTE}#{urlencode({**proposal, 'from': 'Ticket 4711'})}"


def caller_settings(sandbox: Sandbox, address: str) -> dict[str, str]:
    """Return the environment of a caller's program: the function, its own registration, and the authority to trust.

    BROWSER signs alice in without a browser. A real one warns of the stand-in's certificate.
    """
    entra, ca_file = sandbox.entra, str(sandbox.ca_file)
    return {
        "FUNCTION_URL": address + ROUTE,
        "AUTHORITY": f"{entra.base_url}/{entra.users[USER].tenant_id}",
        "CLIENT_ID": entra.applications.public.client_id,
        "SCOPE": f"{entra.client_id}/{entra.registration.scope}",
        **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), ca_file),
        "BROWSER": f"{sys.executable} -P {REPOSITORY / 'sandbox' / 'person.py'} {USER} %s &",
    }


def curl_command(address: str) -> str:
    """Return README's command for the function at this address. The caller's token is in $ASSERTION."""
    return (
        f"""curl -i {address}{ROUTE} -H "Authorization: Bearer $ASSERTION" -H 'Content-Type: application/json' \\\n"""
        f"""  -d '{json.dumps(EXAMPLE, separators=(",", ":"))}'"""
    )


def main() -> int:
    """Serve until a signal stops it. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Run the function beside its stand-ins.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="the port on 127.0.0.1 (0: any free port)")
    port = parser.parse_args().port
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(logging.NullHandler())
    for name in ("update_profile", "sandbox.functions_host"):
        logging.getLogger(name).setLevel(logging.INFO)
        logging.getLogger(name).addHandler(handler)
    asyncio.run(_serve(port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
