"""One stand-in as a separate process: `python -m sandbox.entra`, `python -m sandbox.partner_center`."""

import argparse
import asyncio
import signal
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

from .certificates import Certificates
from .stand_in import StandIn


def main(create: Callable[[ssl.SSLContext], StandIn], description: str) -> None:
    """Serve the stand-in that `create` returns until SIGINT or SIGTERM. Prints its URL and the CA file."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1 (default: any free port)")
    port = parser.parse_args().port
    certificates = Certificates.create()
    with tempfile.TemporaryDirectory(prefix="sandbox-") as directory:
        ca_file = Path(directory, "ca.pem")
        ca_file.write_bytes(certificates.ca_pem)
        asyncio.run(_serve(create(certificates.server_context), port=port, ca_file=ca_file))


async def _serve(stand_in: StandIn, *, port: int, ca_file: Path) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stand_in.server.start(port)
    print(f"url={stand_in.base_url}", f"ca_file={ca_file}", sep="\n", flush=True)
    await stopped.wait()
    await stand_in.server.stop()
