"""The packaged description."""

import json

from update_profile import __version__
from update_profile.description import FILE, read_description


def test_the_description_is_the_file_and_read_once() -> None:
    """The bytes are those of the file, and the same object each time."""
    assert read_description() == FILE.read_bytes()
    assert read_description() is read_description()


def test_the_description_is_of_this_version() -> None:
    """A new version writes the file again."""
    assert json.loads(read_description())["info"]["version"] == __version__
