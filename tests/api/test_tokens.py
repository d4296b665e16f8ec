"""Tokens of an identity provider, beside keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response

from agent_serving.adapters.oidc import Jwks, JwtTokens, KeyUrl
from agent_serving.api import guard
from agent_serving.domain.access import TenantLimits
from agent_serving.domain.claims import ClaimNames
from tests.api.conftest import Serve, error_of, listening
from tests.api.keyed import keyed
from tests.identity_provider import AUDIENCE, ISSUER, IdentityProvider, LaterClock


@pytest.fixture
def provider() -> IdentityProvider:
    return IdentityProvider()


@pytest.fixture
async def tokens(provider: IdentityProvider) -> AsyncIterator[JwtTokens]:
    async with listening(provider) as url:
        keys = Jwks(KeyUrl(url, direct=True), LaterClock())
        names = ClaimNames(tenant="tenant", scopes="scope")
        tokens = JwtTokens(keys, issuer=ISSUER, audience=AUDIENCE, names=names, leeway=0)
        yield tokens
        await tokens.aclose()


async def test_a_token_and_a_key_of_a_tenant_see_the_same(
    serve: Serve, provider: IdentityProvider, tokens: JwtTokens
) -> None:
    api = await keyed(serve, required=False, tokens=tokens)
    assert (await api.served.http.get("/v1/sessions")).status_code == 401
    async with (
        api.as_(provider.sign(scope="admin")) as token,
        api.tenant("acme") as key,
        api.as_(provider.sign(tenant="rival", scope="admin")) as rival,
    ):
        opened = (await token.post("/v1/sessions", json={"agent": {}, "input": "Hello"})).json()
        path = f"/v1/sessions/{opened['id']}"
        assert (await key.get(path)).json()["id"] == opened["id"]
        assert error_of(await rival.get(path))[:2] == (404, "not_found")
        assert (await rival.get("/v1/sessions")).json()["data"] == []


async def test_scopes_of_a_token_are_held_to(
    serve: Serve, provider: IdentityProvider, tokens: JwtTokens
) -> None:
    api = await keyed(serve, tokens=tokens)
    async with api.as_(provider.sign(scope="openid read")) as http:
        assert (await http.get("/v1/sessions")).status_code == 200
        answer = await http.post("/v1/sessions", json={"agent": {}})
        assert error_of(answer)[:2] == (403, "forbidden")
    async with api.as_(provider.sign(scope="openid")) as http:
        assert (await http.get("/v1/sessions")).status_code == 403


async def test_limits_of_a_tenant_are_over_its_keys_and_tokens(
    serve: Serve, provider: IdentityProvider, tokens: JwtTokens
) -> None:
    limits = {"acme": TenantLimits(requests_per_minute=2)}
    api = await keyed(serve, tokens=tokens, tenant_limits=limits)
    async with api.as_(provider.sign()) as token, api.tenant("acme") as key:
        assert (await token.get("/v1/sessions")).status_code == 200
        assert (await key.get("/v1/sessions")).status_code == 200
        assert (await token.get("/v1/sessions")).status_code == 429


async def test_a_bad_token_is_told_why(
    serve: Serve, provider: IdentityProvider, tokens: JwtTokens
) -> None:
    api = await keyed(serve, tokens=tokens)
    async with api.as_(provider.sign(exp=time.time() - 1)) as http:
        answer = await http.get("/v1/sessions")
    assert error_of(answer)[:2] == (401, "unauthenticated")
    assert "expired" in answer.json()["error"]["message"]
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_provider_that_is_down_is_503_and_keys_go_on(
    serve: Serve, provider: IdentityProvider, tokens: JwtTokens
) -> None:
    provider.answer = Response(status_code=500)
    api = await keyed(serve, tokens=tokens)
    async with api.as_(provider.sign()) as token, api.tenant("acme") as key:
        answer = await token.get("/v1/sessions")
        assert error_of(answer)[:2] == (503, "issuer_unavailable")
        assert int(answer.headers["retry-after"]) <= 10
        assert (await key.get("/v1/sessions")).status_code == 200


async def test_a_stream_ends_when_its_token_expires(
    serve: Serve,
    provider: IdentityProvider,
    tokens: JwtTokens,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "LOOK_AGAIN_SECONDS", 0.1)
    api = await keyed(serve, tokens=tokens)
    opened = provider.sign()
    async with api.as_(opened) as http:
        session = (await http.post("/v1/sessions", json={"agent": {}})).json()["id"]
    async with api.as_(provider.sign(exp=time.time() + 8)) as http, asyncio.timeout(30):
        path, headers = f"/v1/sessions/{session}/events", {"accept": "text/event-stream"}
        async with http.stream("GET", path, headers=headers) as events:
            assert events.status_code == 200
            async for _ in events.aiter_bytes():
                pass
    assert api.served.service.feed.followers == 0


async def test_what_a_token_does_is_in_the_audit_log_by_its_subject(
    serve: Serve, provider: IdentityProvider, tokens: JwtTokens
) -> None:
    api = await keyed(serve, tokens=tokens)
    async with api.as_(provider.sign(scope="admin", sub="a b\n|c")) as http:
        await http.post("/v1/agents", json={"name": "helper"})
    [act] = await api.desk.acts(10)
    assert (act.act, act.actor, act.tenant) == ("register_agent", "jwt:a%20b%0A|c", "acme")


async def test_without_a_provider_a_token_is_no_key(
    serve: Serve, provider: IdentityProvider
) -> None:
    api = await keyed(serve)
    async with api.as_(provider.sign()) as http:
        assert error_of(await http.get("/v1/sessions"))[:2] == (401, "unauthenticated")
