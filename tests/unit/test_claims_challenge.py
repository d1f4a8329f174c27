"""Claims challenges, read from an Entra ID refusal and from an API's WWW-Authenticate header."""

import base64

import pytest

from update_profile.claims_challenge import MAX_CLAIMS_BYTES, challenged_claims, compact_claims

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'


def encoded(text: str = CLAIMS) -> str:
    """Return the claims in base64, as an API sends them."""
    return base64.b64encode(text.encode()).decode()


def test_claims_are_made_compact() -> None:
    """The claims are sent in a header, so insignificant white space is removed."""
    assert compact_claims('{ "a" : [1,  {"b": null}] }') == '{"a":[1,{"b":null}]}'


@pytest.mark.parametrize(
    "value",
    [None, 1, {}, "", "{}", "[]", "null", '"a"', "{", "[" * 5_000, '{"a":"' + "x" * MAX_CLAIMS_BYTES + '"}'],
)
def test_what_is_no_sane_json_object_is_no_claims(value: object) -> None:
    """An empty object counts as no claims too, because it requests nothing."""
    assert compact_claims(value) is None


@pytest.mark.parametrize(
    "header",
    [
        f'Bearer realm="", authorization_uri="https://h/a", error="insufficient_claims", claims="{encoded()}"',
        f'Bearer claims="{encoded()}", error="insufficient_claims"',
        f'Bearer error="insufficient_claims",claims="{encoded().rstrip("=")}"',
        f"Bearer error=insufficient_claims, claims={encoded()}",
        f'Bearer error="invalid_token", error_description="User session has been revoked", claims="{encoded()}"',
        f'Bearer claims="{encoded()}"',
        f'Bearer claims = "{encoded()}" , error = "insufficient_claims"',
        f'PoP nonce="x", Bearer claims="%%%", claims="{encoded()}"',
        f'Bearer error_description="error=\\"insufficient_claims\\"", claims="{encoded()}"',
        f'Basic realm="x", Bearer ERROR="insufficient_claims", Claims="{encoded()}", client_id="c"',
        f'Bearer error="insufficient_claims", claims="{base64.urlsafe_b64encode(CLAIMS.encode()).decode()}"',
    ],
)
def test_a_challenge_is_found_however_it_is_written(header: str) -> None:
    """Parameters may be quoted or bare, padded or not, in any order and any case."""
    assert challenged_claims(header) == CLAIMS


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        'Bearer error="invalid_token"',
        'Bearer error="insufficient_claims"',
        'Bearer error="insufficient_claims", claims=""',
        'Bearer error="insufficient_claims", claims="a"',
        'Bearer error="insufficient_claims", claims="%%%"',
        f'Bearer error="insufficient_claims", claims="{encoded("[]")}"',
        f'Bearer error="insufficient_claims", claims="{base64.b64encode(bytes([0xFF, 0xFE])).decode()}"',
        f'Bearer error="insufficient_claims", claims="{"A" * 12_289}"',
        f'Bearer error="insufficient_claims", xclaims_="{encoded()}"',
        f'Bearer error_description="claims={encoded()}"',
        f'Bearer error_description="say \\"claims={encoded()}\\""',
        f'Bearer claims="{encoded()}"' + " " * 17_000,
    ],
)
def test_anything_else_is_no_challenge(header: str) -> None:
    """The header has no claims, claims that cannot be decoded, or claims inside a quoted text."""
    assert challenged_claims(header) is None


def test_claims_that_would_make_a_huge_header_are_none() -> None:
    """Escapes count: 5,800 bytes of compact JSON are the most."""
    fits = '{"a":"' + "x" * (MAX_CLAIMS_BYTES - 8) + '"}'
    assert compact_claims(fits) == fits
    assert compact_claims(fits.replace("x", "xx", 1)) is None
    assert compact_claims('{"a":"' + "\u00e9" * 1_000 + '"}') is None


def test_a_number_without_an_end_is_no_claim() -> None:
    """It is read as infinity, which JSON cannot express."""
    assert compact_claims('{"a":' + "9" * 5_000 + "}") is None
