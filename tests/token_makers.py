"""Makers of valid and invalid tokens: each takes the stand-in for Entra ID, which signs."""

import json
from collections.abc import Callable
from typing import Any

import jwt

from sandbox.entra import Entra
from sandbox.tokens import SigningKey, encode, peek

Maker = Callable[[Entra], str]


def signed(**claims: Any) -> Maker:
    """Alice's token with other claims; None leaves a claim out."""
    return lambda entra: entra.sign_in("alice", **claims)


def headed(key: SigningKey | None = None, **headers: Any) -> Maker:
    """Alice's claims under other headers, signed with ``key`` if it is given."""
    return lambda entra: entra.mint(peek(entra.sign_in("alice")), headers=headers, key=key)


def raw(header: bytes | None = None, payload: bytes | None = None) -> Maker:
    """A correctly signed token over exactly these bytes (KID stands for the key's id); None uses alice's."""

    def make(entra: Entra) -> str:
        head = {"alg": "RS256", "kid": entra.keys.current.kid}
        given = header.replace(b"KID", entra.keys.current.kid.encode()) if header else json.dumps(head).encode()
        parts = [given, payload or json.dumps(peek(entra.sign_in("alice"))).encode()]
        text = ".".join(encode(part) for part in parts)
        signature = jwt.get_algorithm_by_name("RS256").sign(text.encode(), entra.keys.current.private_key)
        return f"{text}.{encode(signature)}"

    return make


def reshaped(change: Callable[[str], str]) -> Maker:
    """Alice's valid token with its text changed."""
    return lambda entra: change(entra.sign_in("alice"))


def with_claim_text(text: bytes) -> Maker:
    """Alice's claims with this text appended: values that json.dumps does not write, or repeated names."""
    return lambda entra: raw(payload=json.dumps(peek(entra.sign_in("alice"))).encode()[:-1] + text + b"}")(entra)


def someone_elses(entra: Entra) -> str:
    """Alice's token with bob's object id in place of hers, so that the signature no longer matches."""
    head, payload, signature = entra.sign_in("alice").split(".")
    claims = {**peek(f"{head}.{payload}."), "oid": entra.users["bob"].object_id}
    return f"{head}.{encode(json.dumps(claims).encode())}.{signature}"
