from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agent_serving.adapters.oidc import Jwks, JwtTokens, KeyUrl
from agent_serving.domain.claims import ClaimNames
from tests.api.conftest import listening
from tests.identity_provider import AUDIENCE, ISSUER, IdentityProvider, LaterClock

LEEWAY = 5.0


@pytest.fixture
def provider() -> IdentityProvider:
    return IdentityProvider()


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
async def tokens(provider: IdentityProvider, clock: LaterClock) -> AsyncIterator[JwtTokens]:
    async with listening(provider) as url:
        keys = Jwks(KeyUrl(f"{url}/jwks", direct=True), clock)
        names = ClaimNames(tenant="tenant", scopes="scope")
        tokens = JwtTokens(keys, issuer=ISSUER, audience=AUDIENCE, names=names, leeway=LEEWAY)
        yield tokens
        await tokens.aclose()
