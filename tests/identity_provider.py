"""An identity provider on a loopback port: real keys, real signatures, and a key set over HTTP."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agent_serving.adapters.clock import SystemClock

ISSUER = "https://idp.example/realm"
AUDIENCE = "agent-serving"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class LaterClock(SystemClock):
    """The system's, by so many seconds later."""

    def __init__(self) -> None:
        self.later = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.later


def new_key(algorithm: str) -> PrivateKey:
    if algorithm.startswith("ES"):
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65_537, 2048)


def public(key: PrivateKey) -> dict[str, Any]:
    match key:
        case rsa.RSAPrivateKey():
            return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ec.EllipticCurvePrivateKey():
            return ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ed25519.Ed25519PrivateKey():
            return OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)


class IdentityProvider:
    """An ASGI app, and the one who signs."""

    def __init__(self) -> None:
        self.keys: dict[str, PrivateKey] = {}
        self.published: list[dict[str, Any]] = []
        self.answer: Response | None = None
        """In place of the key set."""
        self.asked = 0
        self.add("one")

    def add(self, kid: str, algorithm: str = "RS256", **more: Any) -> None:
        self.keys[kid] = new_key(algorithm)
        self.published.append(public(self.keys[kid]) | {"kid": kid, "use": "sig"} | more)

    def take_back(self, kid: str) -> None:
        self.published = [key for key in self.published if key["kid"] != kid]

    def key_set(self) -> str:
        return json.dumps({"keys": self.published})

    def sign(
        self, kid: str = "one", algorithm: str = "RS256", *, drop: str = "", **claims: Any
    ) -> str:
        """A token for `acme` with the scope `run`, but for `claims`, and without `drop`."""
        given = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": time.time() + 300,
            "sub": "somebody",
            "tenant": "acme",
            "scope": "openid run",
        } | claims
        given.pop(drop, None)
        return jwt.encode(given, self.keys[kid], algorithm, headers={"kid": kid})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        answer = self.answer or Response(self.key_set(), media_type="application/json")
        await answer(scope, receive, send)
