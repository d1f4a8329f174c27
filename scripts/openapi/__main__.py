"""Write update_profile/openapi.json: `python -m scripts.openapi`, or `make openapi`.

With `--check` nothing is written: the exit status is 1 when the file is not what would be written.
"""

import argparse
import asyncio
import json
import logging
import sys

from sandbox.functions_host import FunctionsHost
from sandbox.sandbox import Sandbox
from update_profile.description import FILE

from .document import check_routes, document
from .exchanges import record
from .pages import ROOT


async def _generated() -> str:
    host = await FunctionsHost.load(ROOT)
    check_routes(host.worker.functions)
    with Sandbox() as sandbox:
        exchanges = await record(host, sandbox)
    await host.close()
    return json.dumps(document(exchanges), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write or check the file. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check: bool = parser.parse_args().check
    logging.disable()  # the exchanges make the function log what it should
    text = asyncio.run(_generated())
    if not check:
        FILE.write_text(text, encoding="utf-8", newline="\n")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
        print(f"{FILE.name} is not what the code says: run `make openapi`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
