"""host.json and local.settings.json, as far as they change what an HTTP caller sees.

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
    """What host.json says of HTTP. `hsts_max_age_seconds` is None where HSTS is off."""

    route_prefix: str = "api"
    custom_headers: tuple[tuple[str, str], ...] = ()
    hsts_max_age_seconds: int | None = None
    function_timeout_seconds: float = DEFAULT_FUNCTION_TIMEOUT_SECONDS


def read_host_settings(app_directory: Path) -> HostSettings:
    """Read host.json of the app. Raises FileNotFoundError without one, ValueError for text that is no JSON."""
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
    """Add `Values` of local.settings.json to the environment, where there is such a file.

    What the environment already holds wins, as it does under Core Tools. Raises ValueError for encrypted values.
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
    """A .NET TimeSpan in whole seconds: `days`, `hh:mm:ss` or `days.hh:mm:ss`. Raises ValueError for anything else."""
    match = re.fullmatch(r"(?:(\d+)\.)?(\d+):(\d+):(\d+)|(\d+)", text.strip())
    if match is None:
        message = f"{text!r} is no time span"
        raise ValueError(message)
    days, hours, minutes, seconds, only_days = (int(part or 0) for part in match.groups())
    return (days + only_days) * DAY_SECONDS + hours * 3600 + minutes * 60 + seconds
