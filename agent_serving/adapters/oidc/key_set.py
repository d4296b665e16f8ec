"""A JSON web key set (RFC 7517), as far as it verifies signatures with public keys."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

log = logging.getLogger(__name__)

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_BY_CURVE = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",), "Ed25519": ("EdDSA",)}
ALGORITHMS = frozenset(_RSA).union(*_BY_CURVE.values())
"""Only those that verify with a key which cannot sign: no `none`, no `HS…`."""

_PUBLIC = ("kty", "n", "e", "crv", "x", "y")
_LEAST_RSA_BITS = 2048
_MOST_KEYS = 100

KeySet = Mapping[str | None, Mapping[str, PyJWK]]
"""By `kid`, and by algorithm: a key verifies with no algorithm that is not of its own type."""


class Unreadable(Exception):
    """The message says why, for the log."""


def parse(body: bytes) -> KeySet:
    """Keys that are for something else, weak or broken are left out. Raises Unreadable."""
    try:
        listed = json.loads(body)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unreadable(f"it is no JSON web key set ({type(error).__name__}: {error})") from None
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise Unreadable(f"`keys` is no list of up to {_MOST_KEYS} keys")
    found: dict[str | None, dict[str, PyJWK]] = {}
    for jwk in listed:
        for algorithm in _algorithms(jwk):
            key = _key(jwk, algorithm)
            if key is not None:
                found.setdefault(jwk.get("kid"), {})[algorithm] = key
    if not found:
        raise Unreadable("it has no public key that can verify a signature")
    return found


def _algorithms(jwk: Any) -> tuple[str, ...]:
    """What the key may verify: the algorithms of its type, or the one of them that it names."""
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str | None):
        return ()
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return ()
    if jwk.get("use", "sig") != "sig":
        return ()
    of_type = _RSA if jwk.get("kty") == "RSA" else _BY_CURVE.get(str(jwk.get("crv")), ())
    named = jwk.get("alg")
    return of_type if named is None else tuple(one for one in of_type if one == named)


def _key(jwk: Mapping[str, Any], algorithm: str) -> PyJWK | None:
    try:
        key = PyJWK({name: jwk[name] for name in _PUBLIC if name in jwk}, algorithm)
    except PyJWTError as error:
        log.warning("the identity provider's key %r is left out: %s", jwk.get("kid"), error)
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _LEAST_RSA_BITS:
        log.warning("the identity provider's key %r is left out: it is short", jwk.get("kid"))
        return None
    return key
