"""The parts of host.json and local.settings.json that change what an HTTP caller sees.

https://learn.microsoft.com/azure/azure-functions/functions-host-json
"""

import json
import os
import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_FUNCTION_TIMEOUT_SECONDS = 1800.0  # the host's own default outside the classic Consumption plan
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class HostSettings:
    """The HTTP settings of host.json. `hsts_max_age_seconds` is None if HSTS is off."""

    route_prefix: str = "api"
    custom_headers: tuple[tuple[str, str], ...] = ()
    hsts_max_age_seconds: int | None = None
    function_timeout_seconds: float = DEFAULT_FUNCTION_TIMEOUT_SECONDS


def read_host_settings(app_directory: Path) -> HostSettings:
    """Read the app's host.json. Raises FileNotFoundError if it is missing, ValueError if it is not valid."""
    host: dict[str, Any] = json.loads((app_directory / "host.json").read_text("utf-8-sig"))
    http = host.get("extensions", {}).get("http", {})
    hsts = http.get("hsts", {})
    timeout = host.get("functionTimeout")
    return HostSettings(
        route_prefix=http.get("routePrefix", "api").strip("/"),
        custom_headers=tuple(http.get("customHeaders", {}).items()),
        hsts_max_age_seconds=_seconds(hsts.get("maxAge", "30")) if hsts.get("isEnabled") else None,
        function_timeout_seconds=_seconds(timeout) if timeout else DEFAULT_FUNCTION_TIMEOUT_SECONDS,
    )


def apply_local_settings(app_directory: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Add the `Values` of local.settings.json to the environment, if the file exists.

    Variables that are already set take precedence, as under Core Tools. Raises ValueError for encrypted values.
    https://learn.microsoft.com/azure/azure-functions/functions-develop-local#local-settings-file
    """
    file = app_directory / "local.settings.json"
    if not file.exists():
        return
    settings: dict[str, Any] = json.loads(file.read_text("utf-8-sig"))
    if settings.get("IsEncrypted"):
        raise ValueError("local.settings.json is encrypted: run `func settings decrypt`")
    for name, value in settings.get("Values", {}).items():
        environment.setdefault(name, str(value))


def _seconds(text: str) -> int:
    """Parse a .NET TimeSpan (`days`, `hh:mm:ss`, `days.hh:mm:ss`) to seconds. Raises ValueError for other text."""
    match = re.fullmatch(r"(?:(\d+)\.)?(\d+):(\d+):(\d+)|(\d+)", text.strip())
    if match is None:
        message = f"{text!r} is not a time span"
        raise ValueError(message)
    days, hours, minutes, seconds, only_days = (int(part or 0) for part in match.groups())
    return (days + only_days) * DAY_SECONDS + hours * 3600 + minutes * 60 + seconds
