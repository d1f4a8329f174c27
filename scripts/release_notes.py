"""Print the release notes of a tag.

    python scripts/release_notes.py vX.Y.Z

The notes are the section of CHANGELOG.md with that version. The tag, the package's version and the section must agree.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TAG = re.compile(r"v(\d+\.\d+\.\d+)")


def notes(changelog: str, tag: str, version: str) -> str:
    """Return the changelog's section of the tag.

    Raises:
        ValueError: The tag is no version, is not the package's version, or has no section with a date.
    """
    named = TAG.fullmatch(tag)
    if named is None:
        raise ValueError(f"{tag} is no version: vX.Y.Z.")
    if named[1] != version:
        raise ValueError(f"The tag is {tag}, and update_profile/__init__.py says {version}.")
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)
    for section in sections[1:]:
        heading, _, text = section.partition("\n")
        if re.fullmatch(rf"\[{re.escape(version)}\] - \d{{4}}-\d{{2}}-\d{{2}}", heading):
            return re.sub(r"^\[[^\]]+\]: \S+\n?", "", text, flags=re.MULTILINE).strip() + "\n"
    raise ValueError(f"CHANGELOG.md has no section '## [{version}] - YYYY-MM-DD'.")


def package_version() -> str:
    """Return the version that update_profile/__init__.py gives."""
    source = (ROOT / "update_profile" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    return str(version)


def main(arguments: list[str]) -> int:
    """Print the notes. Returns 1 if tag, version and changelog do not agree."""
    try:
        text = notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), arguments[0], package_version())
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
