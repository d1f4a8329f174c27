"""The description of this API (OpenAPI 3.1) as a file. `make openapi` writes it; nothing here interprets it."""

from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("openapi.json")


@cache
def read_description() -> bytes:
    """Return the description. The first call reads it.

    Raises:
        OSError: The file is missing from the package, or cannot be read.
    """
    return FILE.read_bytes()
