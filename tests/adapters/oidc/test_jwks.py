"""When the provider is asked for its keys, and what is done while it does not answer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from starlette.responses import RedirectResponse, Response

from agent_serving.adapters.oidc import Jwks, JwtTokens, KeyFile, KeyUrl
from agent_serving.adapters.oidc.jwks import BETWEEN_SECONDS, FRESH_SECONDS
from agent_serving.adapters.oidc.key_set import parse
from agent_serving.domain.errors import IssuerUnavailable, Unauthenticated
from tests.api.conftest import listening
from tests.identity_provider import IdentityProvider, LaterClock, new_key, public

ONE = public(new_key("RS256")) | {"kid": "one"}


async def test_the_keys_are_read_once(tokens: JwtTokens, provider: IdentityProvider) -> None:
    await asyncio.gather(*(tokens.identify(provider.sign()) for _ in range(20)))
    assert provider.asked == 1


async def test_a_new_key_is_found_when_it_is_used(
    tokens: JwtTokens, provider: IdentityProvider, clock: LaterClock
) -> None:
    await tokens.identify(provider.sign())
    provider.add("two")
    clock.later += BETWEEN_SECONDS
    await asyncio.gather(*(tokens.identify(provider.sign("two")) for _ in range(20)))
    assert provider.asked == 2


async def test_a_flood_of_unknown_keys_asks_the_provider_rarely(
    tokens: JwtTokens, provider: IdentityProvider, clock: LaterClock
) -> None:
    await tokens.identify(provider.sign())
    unknown = []
    for number in range(50):
        provider.keys[f"made up {number}"] = provider.keys["one"]
        unknown.append(provider.sign(f"made up {number}"))
    for _ in range(3):
        clock.later += BETWEEN_SECONDS
        found = await asyncio.gather(*map(tokens.identify, unknown), return_exceptions=True)
        assert {type(one) for one in found} == {Unauthenticated}
    assert provider.asked == 4
    await tokens.identify(provider.sign())


async def test_a_key_that_was_taken_back_is_refused_soon(
    tokens: JwtTokens, provider: IdentityProvider, clock: LaterClock
) -> None:
    provider.add("two")
    await tokens.identify(provider.sign("two"))
    provider.take_back("two")
    clock.later += FRESH_SECONDS + 1
    async with asyncio.timeout(10):
        while True:
            try:
                await tokens.identify(provider.sign("two"))
            except Unauthenticated:
                break
            await asyncio.sleep(0.01)
    await tokens.identify(provider.sign("one"))
    assert provider.asked == 2


@pytest.mark.parametrize(
    "answer",
    [
        Response(status_code=500),
        Response("no JSON"),
        Response("[]"),
        Response('{"keys": 1}'),
        Response('{"keys": []}'),
        Response('{"keys": [null, {"kty": "RSA", "kid": "one", "n": "", "e": "AQAB"}]}'),
        Response('{"keys": [' + "[" * 100_000),
        Response(" " * 300_000),
        RedirectResponse("/elsewhere"),
    ],
    ids=lambda answer: f"{answer.status_code} {answer.body[:20]!r}",
)
async def test_known_keys_work_on_while_the_provider_is_down(
    tokens: JwtTokens, provider: IdentityProvider, clock: LaterClock, answer: Response
) -> None:
    await tokens.identify(provider.sign())
    provider.add("two")
    provider.answer = answer
    for _ in range(2):
        clock.later += FRESH_SECONDS + 1
        await tokens.identify(provider.sign())
        with pytest.raises(IssuerUnavailable) as caught:
            await tokens.identify(provider.sign("two"))
        assert 0 < caught.value.retry_after <= BETWEEN_SECONDS
        assert "127.0.0.1" not in caught.value.message
    provider.answer = None
    clock.later += BETWEEN_SECONDS
    await tokens.identify(provider.sign("two"))


@pytest.mark.parametrize("field", ["kty", "n", "e", "kid", "use", "key_ops", "alg", "crv", "x"])
@pytest.mark.parametrize("odd", [5, True, None, "", "verify", [], [[1]], {"a": 1}])
def test_an_odd_key_takes_no_other_with_it(field: str, odd: object) -> None:
    published = [ONE | {field: odd}, ONE | {"kid": "other"}]
    found = parse(json.dumps({"keys": published}).encode())
    assert "other" in found
    if field == "key_ops":
        assert "one" not in found


async def test_a_provider_that_was_never_reached_is_not_the_caller_s_fault(
    provider: IdentityProvider, clock: LaterClock
) -> None:
    keys = Jwks(KeyUrl("http://127.0.0.1:9/jwks", direct=True), clock)
    for _ in range(3):
        with pytest.raises(IssuerUnavailable):
            await keys.key("one", "RS256")
    async with listening(provider) as url:
        found = Jwks(KeyUrl(f"{url}/jwks", direct=True), clock)
        assert await found.key("one", "RS256") is not None
        assert await found.key("one", "ES256") is None
        await found.aclose()
    await keys.aclose()


async def test_keys_of_a_file_are_read_again_for_a_new_one(
    tmp_path: Path, provider: IdentityProvider, clock: LaterClock
) -> None:
    file = tmp_path / "jwks.json"
    keys = Jwks(KeyFile(file), clock)
    with pytest.raises(IssuerUnavailable):
        await keys.key("one", "RS256")
    file.write_text(provider.key_set())
    clock.later += BETWEEN_SECONDS
    assert await keys.key("one", "RS256") is not None
    provider.add("two")
    file.write_text(provider.key_set())
    assert await keys.key("two", "RS256") is None
    clock.later += BETWEEN_SECONDS
    assert await keys.key("two", "RS256") is not None


async def test_a_key_without_an_id_is_for_tokens_without_one(
    tmp_path: Path, provider: IdentityProvider, clock: LaterClock
) -> None:
    del provider.published[0]["kid"]
    file = tmp_path / "jwks.json"
    file.write_text(provider.key_set())
    keys = Jwks(KeyFile(file), clock)
    assert await keys.key(None, "RS256") is not None
    assert await keys.key("one", "RS256") is None
