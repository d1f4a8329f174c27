"""Makers of tokens, good and bad: each takes the stand-in of Entra ID, which signs."""

import json
from collections.abc import Callable
from typing import Any

import jwt

from sandbox.entra import Entra
from sandbox.tokens import SigningKey, encode, peek

Maker = Callable[[Entra], str]


def signed(**claims: Any) -> Maker:  # noqa: ANN401  any claim
    """Alice's token with other claims; None leaves one out."""
    return lambda entra: entra.sign_in("alice", **claims)


def headed(key: SigningKey | None = None, **headers: Any) -> Maker:  # noqa: ANN401  any header
    """Alice's claims under other headers, signed with another key."""
    return lambda entra: entra.mint(peek(entra.sign_in("alice")), headers=headers, key=key)


def raw(header: bytes | None = None, payload: bytes | None = None) -> Maker:
    """A rightly signed token over exactly these bytes, KID standing for the key's id; None: over alice's."""

    def make(entra: Entra) -> str:
        head = {"alg": "RS256", "kid": entra.keys.current.kid}
        given = header.replace(b"KID", entra.keys.current.kid.encode()) if header else json.dumps(head).encode()
        parts = [given, payload or json.dumps(peek(entra.sign_in("alice"))).encode()]
        text = ".".join(encode(part) for part in parts)
        signature = jwt.get_algorithm_by_name("RS256").sign(text.encode(), entra.keys.current.private_key)
        return f"{text}.{encode(signature)}"

    return make


def reshaped(change: Callable[[str], str]) -> Maker:
    """Alice's good token, with its text changed."""
    return lambda entra: change(entra.sign_in("alice"))


def with_claim_text(text: bytes) -> Maker:
    """Alice's claims, with this text at their end: values that json.dumps does not write, names given twice."""
    return lambda entra: raw(payload=json.dumps(peek(entra.sign_in("alice"))).encode()[:-1] + text + b"}")(entra)


def someone_elses(entra: Entra) -> str:
    """Alice's token with bob's id written over hers."""
    head, payload, signature = entra.sign_in("alice").split(".")
    claims = {**peek(f"{head}.{payload}."), "oid": entra.users["bob"].object_id}
    return f"{head}.{encode(json.dumps(claims).encode())}.{signature}"
