"""Serve a Functions app on the loopback address: `python -m sandbox.host [--port N] [app_directory]`.

It reads the app's local.settings.json, as Core Tools do, and serves until Ctrl+C or SIGTERM.
"""

import argparse
import logging
import sys
from pathlib import Path

from .functions_host import DEFAULT_PORT
from .http_front import serve


def main() -> int:
    """Serve an app until SIGINT or SIGTERM. Returns the exit status, which is 1 if the app cannot be loaded."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.host", description=__doc__)
    parser.add_argument(
        "app_directory", nargs="?", type=Path, default=Path.cwd(), help="has host.json and the app; default: here"
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="default: %(default)s; 0 means any free port")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return serve(arguments.app_directory, arguments.port)


if __name__ == "__main__":
    sys.exit(main())
