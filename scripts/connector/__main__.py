"""Write the connector: `python -m scripts.connector`, or `make connector`.

Without options it writes the files of this repository, with names that stand for your own. `--host` and `--client` give
yours, and `--output` another folder.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from update_profile.description import read_description

from .definition import definition
from .icon import icon
from .properties import ACCENT, properties

FOLDER = Path(__file__).resolve().parents[2] / "connector"
HOST = "function.contoso.com"
GUID = "00000000-0000-0000-0000-000000000000"
LOGIN = "https://login.microsoftonline.com"


def files(*, host: str, client: str, resource: str, login: str, tenant: str) -> dict[str, bytes]:
    """Return the generated files by name. See definition.py and properties.py for the arguments."""
    description = json.loads(read_description())
    return {
        "apiDefinition.swagger.json": _json(definition(description, host=host, login=login, tenant=tenant)),
        "apiProperties.json": _json(properties(client=client, resource=resource, login=login, tenant=tenant)),
        "icon.png": icon(ACCENT),
    }


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=4, ensure_ascii=False) + "\n").encode("utf-8")


def main() -> int:
    """Write the files. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default=HOST, help="the host name of your function")
    parser.add_argument("--client", default=GUID, help="the client id of the connector's app registration")
    parser.add_argument("--resource", default=f"api://{GUID}", help="the identifier URI of your function")
    parser.add_argument("--login", default=LOGIN, help="the address of Entra ID in your cloud")
    parser.add_argument("--tenant", default="common", help="the tenant whose users sign in")
    parser.add_argument("--output", type=Path, default=FOLDER, help="the folder to write to")
    given = vars(parser.parse_args())
    output: Path = given.pop("output")
    output.mkdir(parents=True, exist_ok=True)
    for name, content in files(**given).items():
        (output / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
