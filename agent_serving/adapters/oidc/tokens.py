"""Tokens of one issuer, for one audience. Everything that a token says is doubted until its
signature was verified; keys that a token brings along or points to are not looked at."""

from __future__ import annotations

import logging
from typing import Any

import jwt
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAudienceError,
    InvalidIssuerError,
    MissingRequiredClaimError,
    PyJWTError,
)

from agent_serving.adapters.oidc.jwks import Jwks
from agent_serving.adapters.oidc.key_set import ALGORITHMS
from agent_serving.domain.access import Identity
from agent_serving.domain.claims import ClaimNames, identity_of
from agent_serving.domain.errors import Unauthenticated

log = logging.getLogger(__name__)

MOST_CHARACTERS = 16_384
_REQUIRED = ["exp", "iss", "aud"]
_BROKEN = (PyJWTError, ValueError, OverflowError, RecursionError)
"""JSON may be too deep, and numbers too large."""


class JwtTokens:
    def __init__(
        self, keys: Jwks, *, issuer: str, audience: str, names: ClaimNames, leeway: float
    ) -> None:
        """`leeway` is by how many seconds clocks may differ."""
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._names = names
        self._leeway = leeway

    async def identify(self, token: str) -> Identity:
        kid, algorithm = _header(token)
        key = await self._keys.key(kid, algorithm)
        if key is None:
            log.info("refused a token that is signed by an unknown key")
            raise Unauthenticated("The token is signed by a key that its issuer does not have.")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": _REQUIRED},
            )
        except _BROKEN as error:
            log.info("refused a token: %s", type(error).__name__)
            raise Unauthenticated(_told(error)) from None
        return identity_of(claims, self._names)

    async def aclose(self) -> None:
        await self._keys.aclose()


def _header(token: str) -> tuple[str | None, str]:
    """The id of the key, and the algorithm. Raises Unauthenticated."""
    try:
        header = jwt.get_unverified_header(token) if len(token) <= MOST_CHARACTERS else {}
    except _BROKEN:
        header = {}
    kid, algorithm = header.get("kid"), header.get("alg")
    if algorithm in ALGORITHMS and isinstance(kid, str | None) and "crit" not in header:
        return kid, str(algorithm)
    raise Unauthenticated(
        "The token cannot be read, or is not signed as is taken here: "
        f"{', '.join(sorted(ALGORITHMS))}."
    )


def _told(error: Exception) -> str:
    """Claims are looked at only where the signature was right."""
    match error:
        case ExpiredSignatureError():
            return "The token is expired. Get another one from its issuer."
        case ImmatureSignatureError():
            return "The token is not valid yet. Are the clocks right?"
        case InvalidAudienceError():
            return "The token is meant for another service: its `aud` is not this one's."
        case InvalidIssuerError():
            return "The token is of another issuer than the one that is taken here."
        case MissingRequiredClaimError():
            return f"The token has no claim `{error.claim}`."
        case _:
            return "The token's signature is wrong, or its claims cannot be read."
