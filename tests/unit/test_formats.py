"""Parsers for the text of one environment variable."""

import functools
from collections.abc import Callable

import pytest

from update_profile import formats as setting_values

budget = functools.partial(setting_values.number, low=1, high=110)
size = functools.partial(setting_values.whole_number, low=1_024, high=1_048_576)
ONE = "0f8fad5b-d9cb-469f-a165-70867728950e"
TWO = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (setting_values.guid, ONE.upper(), ONE),
        (setting_values.guids, f" {ONE.upper()} , {TWO},, {ONE}", frozenset({ONE, TWO})),
        (setting_values.audiences, f"api://{ONE.upper()}, {TWO}", frozenset({f"api://{ONE}", TWO})),
        (setting_values.scope, "Task.Write", "Task.Write"),
        (setting_values.scope, "https://a.example/.default", "https://a.example/.default"),
        (setting_values.boolean, "TRUE", True),
        (setting_values.boolean, "False", False),
        (budget, "1", 1.0),
        (budget, "110.0", 110.0),
        (budget, "2.5", 2.5),
        (size, "1024", 1024),
        (size, "1048576", 1_048_576),
        (setting_values.base_url, "HTTPS://API.Example/Path/", "https://api.example/Path"),
        (setting_values.base_url, "https://localhost:8443", "https://localhost:8443"),
        (setting_values.base_url, "https://api.example:443/", "https://api.example"),
        (setting_values.base_url, "https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        (setting_values.authority_host, "https://Login.Example/", "https://login.example"),
        (setting_values.path, "/v1/profiles/support/", "/v1/profiles/support"),
        (setting_values.path, "/v10/a_b-c.d~0", "/v10/a_b-c.d~0"),
        (setting_values.base_url, "https://host0.example", "https://host0.example"),
    ],
)
def test_a_good_text_gives_its_value(parse: Callable[[str], object], text: str, value: object) -> None:
    """GUIDs, hosts and audiences become lower case; a trailing slash of an address is dropped."""
    result = parse(text)
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("parse", "texts"),
    [
        (
            setting_values.guid,
            [f"{{{ONE}}}", f"urn:uuid:{ONE}", ONE.replace("-", ""), f"\uff10{ONE[1:]}", f"{ONE}\n", "x"],
        ),
        (setting_values.guids, [",", " , ", f"{ONE},contoso", f"{ONE};{TWO}", f"{ONE} {TWO}"]),
        (setting_values.audiences, [",", " ,, "]),
        (setting_values.scope, ["contoso b", 'contoso"b', "a\\b", "\u00e9", "a\tb"]),
        (setting_values.boolean, ["1", "yes", "truee", "true false", "\uff54rue"]),
        (
            budget,
            [
                "0",
                "0.99",
                "110.01",
                "111",
                "-5",
                "+5",
                "1e1",
                "nan",
                "inf",
                "contoso",
                "\u0665",
                "1_0",
                ".5",
                "5.",
                "9" * 99,
            ],
        ),
        (
            size,
            [
                "1023",
                "1048577",
                "2048.0",
                "2_048",
                "-2048",
                "\u0662\u0660\u0664\u0668",
                "0x800",
                "contoso",
                "9" * 5_000,
            ],
        ),
        (
            setting_values.base_url,
            [
                "http://contoso.example",
                "contoso.example",
                "https:contoso.example",
                "https://",
                "https:///path",
                "https://user@contoso.example",
                "https://user:password@contoso.example",
                "https://contoso.example?x=1",
                "https://contoso.example#x",
                "https://contoso.example/a b",
                "https://contoso.example/a//b",
                "https://contoso.example:99999",
                "https://contoso.example:x",
                "https://contoso.example,https://b.example",
                "https://b\u00fccher.example",
                "https://contoso\u2100.example",
                "https://[contoso]",
                "https://[::1",
            ],
        ),
        (setting_values.authority_host, ["https://login.contoso/common", f"https://login.contoso/{ONE}", "http://a.b"]),
        (
            setting_values.path,
            ["/", "//", "v1/contoso", "/v1//profiles", "/v1?x", "/v1/a b", "/v1/%2e", "https://a.b/v1"],
        ),
    ],
)
def test_a_bad_text_is_refused_without_repeating_it(parse: Callable[[str], object], texts: list[str]) -> None:
    """This includes errors raised by urlsplit, whose own messages contain the host."""
    for text in texts:
        with pytest.raises(ValueError, match=r"^(is|has|must) ") as caught:
            parse(text)
        assert "contoso" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_limits_are_named_whole() -> None:
    """Limits are written with all their digits, not as 1.04858e+06."""
    for text in ("1", "2000000"):
        with pytest.raises(ValueError, match=r"^must be a whole number from 1024 to 1048576$"):
            size(text)
    with pytest.raises(ValueError, match=r"^must be a number from 1 to 110$"):
        budget("0")
