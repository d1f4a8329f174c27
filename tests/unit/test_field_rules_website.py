"""A Website has the scheme http or https or none, and no user information in any form."""

import pytest

from update_profile.field_rules import website

SCHEME = "^must start with http:// or https://, or have no scheme$"
USER = "^must not have user information"


@pytest.mark.parametrize(
    "value",
    [
        "HTTP://WWW.CONTOSO.COM",
        "hTTps://contoso.com/",
        "http://contoso.com:8080/a?b=c@d#e@f",
        "contoso.com",
        "contoso.com:8080",
        "www.contoso.com:443/help?q=a:b",
        "www.contoso.com:80?a@b",
        "192.0.2.1:8080",
        "[2001:db8::1]:8080/x",
        "https://[2001:db8::1]/",
        "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444:8080",
        "\u4f8b\u3048\u3002\u65e5\u672c:8080",
        "contoso.com/@support",
        "https://contoso.com/@support",
        "contoso.com/a:b",
        "contoso.com?mail=a@b",
        "contoso.com#a@b",
        "//contoso.com",
        "localhost",
    ],
)
def test_a_web_address_passes_unchanged(value: str) -> None:
    """Ports, paths, queries and fragments are allowed; an @ after the host is not user information."""
    assert website(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)//http://contoso.com",
        "javascript://contoso.com/%0aalert(1)",
        "data:text/html,x",
        "ftp://contoso.com",
        "mailto:support@contoso.com",
        "tel:4255555555",
        "file:///etc/passwd",
        "ms-settings:about",
        "httpss://contoso.com",
        "http+unix://contoso.com",
        "view-source:https://contoso.com",
        "1http://contoso.com",
        "_http://contoso.com",
        "ht\u200dtp://contoso.com",
        "\u0455cheme://contoso.com",
        "contoso.com:80a",
        "contoso.com:123456",
        "contoso.com:80:80",
    ],
)
def test_another_scheme_is_refused(value: str) -> None:
    """Text that only resembles a scheme is refused too: with a joiner, a leading digit or a foreign letter."""
    with pytest.raises(ValueError, match=SCHEME):
        website(value)


@pytest.mark.parametrize(
    "value",
    [
        "https://user@contoso.com",
        "https://user:password@contoso.com",
        "https://@contoso.com",
        "HTTP://user@contoso.com",
        "http:user@contoso.com",
        "http:/user@contoso.com",
        "http:///user@contoso.com",
        "http:////user@contoso.com",
        "http:\\\\user@contoso.com",
        "http:/\\user@contoso.com",
        "http:\\/\\/user@contoso.com",
        "http://contoso.com\\@elsewhere.example",
        "http://contoso.com:80\\@elsewhere.example",
        "contoso.com:80\\@elsewhere.example",
        "user@contoso.com",
        "//user@contoso.com",
        "\\\\user@contoso.com",
        "http://user\u200d@contoso.com",
        "http://a@b@contoso.com",
    ],
)
def test_user_information_is_refused_in_every_disguise(value: str) -> None:
    """Parsers differ on the number and direction of slashes, and none of them may see a user."""
    with pytest.raises(ValueError, match=USER):
        website(value)


@pytest.mark.parametrize(
    "value",
    ["user:password@contoso.com", "www.contoso.com:80@elsewhere.example", "a.b:1@c", "http\u200d://user@contoso.com"],
)
def test_a_user_behind_a_colon_is_refused_as_a_scheme(value: str) -> None:
    """The text up to the colon is not http, and what follows the colon is not just a port."""
    with pytest.raises(ValueError, match=SCHEME):
        website(value)
