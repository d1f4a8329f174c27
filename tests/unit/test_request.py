"""The query, the body size and the bearer token of a call."""

import pytest
from builders import an_incoming

from update_profile.errors import (
    BodyTooLarge,
    InvalidHeader,
    InvalidParameter,
    InvalidToken,
    MissingToken,
    UnsupportedMediaType,
)
from update_profile.request import MAX_TOKEN_BYTES, check_body_head, read_assertion, read_validate_only

ADDRESS = "https://host/api/update_profile"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "?&&",
        "?validate_only=false",
        "?validate_only=FALSE",
        "?validate_only=%66alse",
        "?%76alidate_only=False",
        "?code=key&clientId=default&subscription-key=1&api-version=2024-01-01",
        "?code=&clientid&CODE=1&code=2",
        "?code=a&validate_only=false&api-version=1",
    ],
)
def test_gateways_parameters_and_a_false_dry_run_pass(query: str) -> None:
    """Values may be encoded; gateway parameters may repeat and have any value or none."""
    read_validate_only(ADDRESS + query, writes=True)


@pytest.mark.parametrize(
    "query",
    [
        "?validate_only",
        "?validate_only=",
        "?validate_only=1",
        "?validate_only=no",
        "?validate_only=false%20",
        "?validate_only=+false",
        "?validate_only=false&validate_only=true",
        "?validate_only=false&validate_only",
        "?validate_only=false,false",
    ],
)
def test_any_other_value_of_a_dry_run_is_refused(query: str) -> None:
    """A blank value is refused too."""
    with pytest.raises(InvalidParameter, match="validate_only"):
        read_validate_only(ADDRESS + query, writes=True)


@pytest.mark.parametrize("query", ["?validate_only=true", "?validate_only=TRUE", "?code=1&validate%5Fonly=true"])
def test_a_dry_run_is_asked_for_by_true_in_any_case(query: str) -> None:
    """The name may be encoded; without it, or with false, the call is not a dry run."""
    assert read_validate_only(ADDRESS + query, writes=True)
    assert not read_validate_only(f"{ADDRESS}?validate_only=FALSE", writes=True)
    assert not read_validate_only(ADDRESS, writes=True)


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_method_that_does_not_write_has_no_dry_run(value: str) -> None:
    """For a GET the parameter is unknown; a gateway parameter still passes."""
    with pytest.raises(InvalidParameter, match="Unknown query parameter: validate_only"):
        read_validate_only(f"{ADDRESS}?validate_only={value}", writes=False)
    assert not read_validate_only(f"{ADDRESS}?code=1", writes=False)


def test_a_repeated_dry_run_is_refused() -> None:
    """The parameter may occur only once, even with equal values."""
    with pytest.raises(InvalidParameter, match="repeated"):
        read_validate_only(f"{ADDRESS}?validate_only=false&validate_only=false", writes=True)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?Validate_only=true", "Validate_only"),
        ("?validateOnly=true", "validateOnly"),
        ("?validate_only%20=true", ""),
        ("?%20validate_only=true", ""),
        ("?validate-only", "validate-only"),
        ("?dry_run=", "dry_run"),
        ("?=true", ""),
        ("?amp;validate_only=true", ""),
        ("?code=1&x", "x"),
        ("?$select10=1", "$select10"),
        ("?code=1#&y=1", "y"),
        ("#?z=1", "z"),
        ("?subscription-%E2%84%AAey=1", ""),
        ("?%C5%BFcope=1", ""),
        ("?%FF=1", ""),
        ("?%00=1", ""),
        ("?" + "a" * 65, ""),
    ],
)
def test_an_unknown_parameter_is_refused(query: str, shown: str) -> None:
    """A typo in a dry run must not write. The name is shown only if it is harmless."""
    with pytest.raises(InvalidParameter) as caught:
        read_validate_only(ADDRESS + query, writes=True)
    assert caught.value.detail == f"Unknown query parameter{shown and f': {shown}'}."


def test_the_value_of_an_unknown_parameter_is_not_told() -> None:
    """The value may be anything, including a secret."""
    with pytest.raises(InvalidParameter) as caught:
        read_validate_only(f"{ADDRESS}?x=told-nobody", writes=True)
    assert "told-nobody" not in caught.value.detail


@pytest.mark.parametrize("parameter", ["code=1", "x=1", ""])
def test_very_many_parameters_are_refused(parameter: str) -> None:
    """Gateway parameters count too; a hundred pass."""
    with pytest.raises(InvalidParameter, match="more than 100"):
        read_validate_only(f"{ADDRESS}?{'&'.join([parameter] * 200)}", writes=True)
    read_validate_only(f"{ADDRESS}?{'&'.join(['code=1'] * 100)}", writes=True)


@pytest.mark.parametrize("origin", ["https://[bad", "https://[x]:y", "//", "", "https://user@host:99999999"])
def test_the_host_in_the_url_is_not_looked_at(origin: str) -> None:
    """The caller chooses the host, and the query is read in any case."""
    read_validate_only(f"{origin}/api/update_profile?code=1", writes=True)
    with pytest.raises(InvalidParameter, match="x"):
        read_validate_only(f"{origin}/api/update_profile?x=1", writes=True)


@pytest.mark.parametrize(("size", "limit"), [(0, 10), (10, 10), (65_536, 65_536)])
def test_a_body_up_to_the_limit_passes(size: int, limit: int) -> None:
    """The content is not read at this point."""
    check_body_head(an_incoming(body=b"\xff" * size), max_body_bytes=limit)


def test_a_larger_body_is_refused_before_its_media_type() -> None:
    """The size is checked first, and the error names the limit."""
    incoming = an_incoming(body=b"x" * 11, headers={"content-type": "text/plain"})
    with pytest.raises(BodyTooLarge, match="larger than 10 bytes"):
        check_body_head(incoming, max_body_bytes=10)
    with pytest.raises(UnsupportedMediaType):
        check_body_head(incoming, max_body_bytes=11)


def test_the_content_encoding_is_checked() -> None:
    """A compressed body is refused."""
    with pytest.raises(UnsupportedMediaType, match="Content-Encoding"):
        check_body_head(an_incoming(headers={"content-encoding": "gzip"}), max_body_bytes=65_536)


@pytest.mark.parametrize(
    "header", ["Bearer a.b.c", "bearer a.b.c", "BEARER    a.b.c", "bEaReR a.b.c  ", "  Bearer a.b.c"]
)
def test_a_bearer_token_is_read(header: str) -> None:
    """The scheme is case-insensitive and may be surrounded by blanks."""
    assert read_assertion(header) == "a.b.c"


@pytest.mark.parametrize(
    "header",
    ["", " ", "Bearer", "Bearer ", "Bearer   ", "Basic dXNlcjpw", "Bearertoken", "a.b.c", "Bearer: a.b.c", "DPoP a"],
)
def test_no_bearer_token_is_a_missing_one(header: str) -> None:
    """The header is absent or blank, has another scheme, or has no token."""
    with pytest.raises(MissingToken):
        read_assertion(header)


@pytest.mark.parametrize(
    "header", ["Bearer a,b", "Bearer a.b.c,Bearer d.e.f", ",", "Bearer a.b.c,", "," + "x" * 20_000]
)
def test_a_comma_is_a_header_that_came_twice(header: str) -> None:
    """The host joins repeated headers with a comma."""
    with pytest.raises(InvalidHeader):
        read_assertion(header)


@pytest.mark.parametrize("character", ["a", "\u00e9", "\U0001f600"])
def test_a_token_has_at_most_16_kib(character: str) -> None:
    """The length is counted in bytes, not in characters."""
    fitting = character * (MAX_TOKEN_BYTES // len(character.encode()))
    assert read_assertion(f"Bearer {fitting}") == fitting
    with pytest.raises(InvalidToken, match="16384 bytes"):
        read_assertion(f"Bearer {fitting}{character}")


def test_a_header_is_read_without_the_blanks_around_it() -> None:
    """An absent header reads as an empty string."""
    incoming = an_incoming(headers={"accept": " a "})
    assert (incoming.header("accept"), incoming.header("content-type")) == ("a", "")


def test_what_came_is_not_in_its_representation() -> None:
    """Logging a request reveals neither its token nor its body."""
    incoming = an_incoming(headers={"authorization": "told-nobody"}, body=b"nor-this")
    assert "told-nobody" not in repr(incoming)
    assert "nor-this" not in repr(incoming)


def test_the_body_of_a_get_is_ignored() -> None:
    """Its size and media type do not matter."""
    incoming = an_incoming(method="GET", headers={"content-type": "text/xml"}, body=b" " * 2_000)
    check_body_head(incoming, max_body_bytes=1_024)
