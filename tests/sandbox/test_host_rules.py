"""How host.json, the environment and time limits affect the local host, tested with a fake worker."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox.functions_host import FunctionsHost
from sandbox.host_asgi import HttpFront
from sandbox.host_routes import Routes
from sandbox.host_settings import HostSettings, apply_local_settings, read_host_settings
from sandbox.worker import Function, HttpAnswer, HttpCall


class UrlWorker:
    """Answers every call with the URL that the function would see."""

    functions: Sequence[Function] = (Function("url", "url", frozenset({"POST"}), "anonymous", "req", "url"),)

    async def start(self) -> None:
        """Nothing to load."""

    async def invoke(self, function: Function, call: HttpCall) -> HttpAnswer:
        """Return the URL and the body."""
        return HttpAnswer(200, (), call.url.encode() + b" " + call.body)

    async def stop(self) -> None:
        """Nothing to stop."""


async def answer(
    settings: HostSettings, *headers: tuple[bytes, bytes], scheme: str = "http", target: str = "/api/url"
) -> HttpAnswer:
    """Return the host's answer to a POST with these headers."""
    host = FunctionsHost(UrlWorker(), settings)
    return await host.handle(method="POST", target=target, headers=headers, scheme=scheme, authority="a.example")


def write_json(path: Path, content: object) -> None:
    """Write the content with a byte order mark, as an editor on Windows does."""
    path.write_text(json.dumps(content), encoding="utf-8-sig")


def test_host_json_is_read_with_its_time_spans(tmp_path: Path) -> None:
    """A bare number means days, as in .NET."""
    http = {"routePrefix": "v1", "customHeaders": {"X-A": "1"}, "hsts": {"isEnabled": True, "maxAge": "365"}}
    write_json(tmp_path / "host.json", {"functionTimeout": "00:02:00", "extensions": {"http": http}})
    assert read_host_settings(tmp_path) == HostSettings("v1", (("X-A", "1"),), 31_536_000, 120)


def test_host_json_may_say_nothing(tmp_path: Path) -> None:
    """The host's defaults then apply: the prefix `api`, no headers, no HSTS, half an hour."""
    write_json(tmp_path / "host.json", {"version": "2.0"})
    assert read_host_settings(tmp_path) == HostSettings("api", (), None, 1800)


@pytest.mark.parametrize("timeout", ["soon", "1:2", "00:00:00:01"])
def test_a_time_span_that_is_none_is_refused(tmp_path: Path, timeout: str) -> None:
    """The error message quotes the value."""
    write_json(tmp_path / "host.json", {"functionTimeout": timeout})
    with pytest.raises(ValueError, match=timeout):
        read_host_settings(tmp_path)


def test_local_settings_fill_the_environment_but_do_not_replace(tmp_path: Path) -> None:
    """A variable that is already set in the shell wins."""
    write_json(tmp_path / "local.settings.json", {"IsEncrypted": False, "Values": {"A": "file", "B": "file"}})
    environment = {"A": "shell"}
    apply_local_settings(tmp_path, environment)
    assert environment == {"A": "shell", "B": "file"}


def test_local_settings_may_be_absent_but_not_encrypted(tmp_path: Path) -> None:
    """Only Core Tools can decrypt them."""
    apply_local_settings(tmp_path, {})
    write_json(tmp_path / "local.settings.json", {"IsEncrypted": True, "Values": {"A": "?"}})
    with pytest.raises(ValueError, match="encrypted"):
        apply_local_settings(tmp_path, {})


@pytest.mark.parametrize(("scheme", "sent"), [("http", False), ("https", True)])
async def test_hsts_goes_out_only_over_https(scheme: str, sent: bool) -> None:
    """The header gives the age from host.json in seconds."""
    headers = (await answer(HostSettings(hsts_max_age_seconds=5), scheme=scheme)).headers
    assert (("Strict-Transport-Security", "max-age=5") in headers) is sent


@pytest.mark.parametrize(
    ("sku", "url"), [("FlexConsumption", b"https://front.example/api/url?a="), ("", b"http://a.example/api/url?a=")]
)
async def test_on_flex_the_url_is_what_the_front_end_says(
    monkeypatch: pytest.MonkeyPatch, sku: str, url: bytes
) -> None:
    """Without Flex Consumption these headers do not affect the URL."""
    monkeypatch.setenv("WEBSITE_SKU", sku)
    front_end = [(b"X-Forwarded-Proto", b"https"), (b"DISGUISED-HOST", b"front.example")]
    assert (await answer(HostSettings(), *front_end, target="/api/url?a=")).body == url + b" "


async def test_the_home_page_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """AzureWebJobsDisableHomepage turns it off, and the host answers 204."""
    monkeypatch.setenv("AzureWebJobsDisableHomepage", "true")
    assert (await answer(HostSettings(), target="/")).status == 204


async def test_the_limit_of_bodies_can_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """FUNCTIONS_REQUEST_BODY_SIZE_LIMIT sets it in bytes."""
    monkeypatch.setenv("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "3")
    assert (await answer(HostSettings(), (b"content-length", b"3"))).status == 200
    assert (await answer(HostSettings(), (b"content-length", b"4"))).status == 500


async def test_an_empty_route_prefix_puts_routes_at_the_root() -> None:
    """This is what `"routePrefix": ""` in host.json does."""
    assert (await answer(HostSettings(route_prefix=""), target="/url")).status == 200


async def test_literals_win_over_parameters_and_methods_may_divide_a_route() -> None:
    """The order in which the app declares its functions does not matter."""
    routes = {"{*rest}": "any", "items/{id}": "one", "items/new": "form"}
    functions = [Function(name, route, frozenset(), "anonymous", "req", name) for route, name in routes.items()]
    functions.append(Function("post", "items/new", frozenset({"POST"}), "anonymous", "req", "post"))
    table = Routes.of([functions[-1], *functions], "api")

    def found(method: str, path: str) -> str | None:
        match = table.find(method, path)
        return match and match.function.name

    assert found("POST", "/api/items/new") == "post"
    assert found("GET", "/api/items/new") == "form"
    assert found("GET", "/api/items/7") == "one"
    assert found("GET", "/api/items/7/8") == "any"
    assert found("GET", "/api") == "any"


def test_a_parameter_may_follow_a_literal_in_its_segment() -> None:
    """It is decoded and never empty, and a whole literal wins over it."""
    routes = {"approve{rest}/{*more}": "mangled", "approve/{file?}": "page"}
    functions = [Function(name, route, frozenset(), "anonymous", "req", name) for route, name in routes.items()]
    table = Routes.of(functions, "api")

    def found(path: str) -> tuple[str, dict[str, str]] | None:
        match = table.find("GET", path)
        return match and (match.function.name, dict(match.params))

    assert found("/api/Approve%23email=a%40b") == ("mangled", {"rest": "#email=a@b"})
    assert found("/api/approve%23website=x/y/z") == ("mangled", {"rest": "#website=x", "more": "y/z"})
    assert found("/api/approve") == ("page", {})
    assert found("/api/approve/x.js") == ("page", {"file": "x.js"})
    assert found("/api/other") is None


def test_a_route_that_this_host_does_not_know_is_refused() -> None:
    """A constraint that is silently dropped would match too much."""
    with pytest.raises(ValueError, match="not supported"):
        Routes.of([Function("f", "{id:int}", frozenset(), "anonymous", "req", "f")], "api")


@pytest.mark.parametrize(("last", "statuses"), [("stall", [500]), ("disconnect", [])])
async def test_a_body_that_stands_still_is_a_500_and_a_caller_who_left_gets_nothing(
    last: str, statuses: list[int]
) -> None:
    """The function is called in neither case."""
    sent: list[dict[str, Any]] = []
    messages = [{"type": "http.request", "body": b"a", "more_body": True}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        if last == "stall":
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"method": "POST", "raw_path": b"/api/url", "query_string": b"", "scheme": "http"}
    headers = [(b"host", b"a.example"), (b"content-length", b"2")]
    front = HttpFront(FunctionsHost(UrlWorker(), HostSettings()), stall_seconds=0.01)
    await front({**scope, "headers": headers}, receive, send)
    assert [message["status"] for message in sent if "status" in message] == statuses
