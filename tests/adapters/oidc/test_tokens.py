"""Which tokens are taken, and which never."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent_serving.adapters.oidc import JwtTokens
from agent_serving.domain.access import Identity
from agent_serving.domain.errors import Unauthenticated
from tests.adapters.oidc.conftest import LEEWAY
from tests.identity_provider import IdentityProvider, PrivateKey, new_key, public


def b64(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None) -> str:
    """A token as no library would make it."""
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    mac = b"" if secret is None else hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{b64(mac)}"


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


async def refused(tokens: JwtTokens, token: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await tokens.identify(token)
    return caught.value.message


async def test_a_token_speaks_for_its_tenant(tokens: JwtTokens, provider: IdentityProvider) -> None:
    assert await tokens.identify(provider.sign()) == Identity(
        tenant="acme", actor="jwt:somebody", scopes=frozenset({"run"})
    )
    several = provider.sign(aud=["other", "agent-serving"], scope=["read", "metrics", 7])
    assert (await tokens.identify(several)).scopes == {"read", "metrics"}
    assert (await tokens.identify(provider.sign(drop="scope"))).scopes == frozenset()


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("named", [True, False])
async def test_asymmetric_signatures_are_taken(
    tokens: JwtTokens, provider: IdentityProvider, algorithm: str, named: bool
) -> None:
    provider.add("two", algorithm, **({"alg": algorithm} if named else {}))
    assert (await tokens.identify(provider.sign("two", algorithm))).tenant == "acme"


@pytest.mark.parametrize(
    ("drop", "claims", "told"),
    [
        ("", {"exp": time.time() - LEEWAY - 5}, "expired"),
        ("", {"nbf": time.time() + 86_400}, "not valid yet"),
        ("", {"aud": "other"}, "another service"),
        ("", {"aud": ["other", "agent-serving-2"]}, "another service"),
        ("", {"iss": "https://idp.example"}, "another issuer"),
        ("", {"exp": "soon"}, "cannot be read"),
        ("exp", {}, "no claim `exp`"),
        ("aud", {}, "no claim `aud`"),
        ("iss", {}, "no claim `iss`"),
        ("tenant", {}, "does not name a tenant"),
        ("", {"tenant": ["acme"]}, "does not name a tenant"),
        ("", {"tenant": "acme\n"}, "does not name a tenant"),
        ("", {"tenant": ""}, "does not name a tenant"),
    ],
)
async def test_a_token_with_other_claims_is_refused(
    tokens: JwtTokens, provider: IdentityProvider, drop: str, claims: dict[str, Any], told: str
) -> None:
    assert told in await refused(tokens, provider.sign(drop=drop, **claims))


async def test_clocks_may_differ_a_little(tokens: JwtTokens, provider: IdentityProvider) -> None:
    now = time.time()
    await tokens.identify(provider.sign(exp=now - 1, nbf=now - 1))
    await tokens.identify(provider.sign(nbf=now + 2, iat=now + 2))


async def test_an_unsigned_token_is_refused(tokens: JwtTokens, provider: IdentityProvider) -> None:
    claims = claims_of(provider.sign())
    for none in ("none", "None", "NONE", ""):
        token = by_hand({"alg": none, "kid": "one", "typ": "JWT"}, claims, None)
        assert "cannot be read" in await refused(tokens, token)
    signed = provider.sign()
    assert "signature" in await refused(tokens, signed.rpartition(".")[0] + ".")


async def test_a_public_key_is_never_a_secret(
    tokens: JwtTokens, provider: IdentityProvider
) -> None:
    """RS256's key as the secret of HS256, in every form in which anybody can have it."""
    key = provider.keys["one"]
    jwk = json.dumps(provider.published[0])
    secrets = (pem(key), pem(key).strip(), jwk.encode(), provider.key_set().encode(), b"")
    await tokens.identify(provider.sign())
    for secret in secrets:
        for algorithm in ("HS256", "hs256"):
            header = {"alg": algorithm, "kid": "one", "typ": "JWT"}
            token = by_hand(header, claims_of(provider.sign()), secret)
            assert "cannot be read" in await refused(tokens, token)


async def test_a_symmetric_key_in_the_key_set_is_left_out(
    tokens: JwtTokens, provider: IdentityProvider
) -> None:
    secret = b"s" * 32
    provider.published.append({"kty": "oct", "kid": "shared", "k": b64(secret), "alg": "HS256"})
    for algorithm in ("HS256", "RS256"):
        header = {"alg": algorithm, "kid": "shared"}
        await refused(tokens, by_hand(header, claims_of(provider.sign()), secret))
    await tokens.identify(provider.sign())


async def test_a_key_verifies_only_what_it_is_for(
    tokens: JwtTokens, provider: IdentityProvider
) -> None:
    provider.add("named", "RS256", alg="RS256")
    provider.add("sealing", "RS256", use="enc")
    provider.add("elliptic", "ES256")
    await tokens.identify(provider.sign("named"))
    await refused(tokens, provider.sign("named", "PS256"))
    await refused(tokens, provider.sign("sealing"))
    claims = claims_of(provider.sign())
    other = jwt.encode(claims, provider.keys["one"], "RS256", headers={"kid": "elliptic"})
    await refused(tokens, other)


async def test_a_short_key_is_left_out(tokens: JwtTokens, provider: IdentityProvider) -> None:
    short = rsa.generate_private_key(65_537, 1024)  # so short on purpose
    provider.keys["short"] = short
    provider.published.append(public(short) | {"kid": "short"})
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = provider.sign("short")
    await refused(tokens, token)
    await tokens.identify(provider.sign())


async def test_a_key_that_the_token_brings_along_is_not_looked_at(
    tokens: JwtTokens, provider: IdentityProvider
) -> None:
    stranger = new_key("RS256")
    claims = claims_of(provider.sign())
    for brought in (
        {"kid": "one", "jwk": public(stranger)},
        {"kid": "stranger", "jwk": public(stranger)},
        {"kid": "stranger", "jku": "https://evil.example/jwks"},
        {"kid": "stranger", "x5u": "https://evil.example/cert"},
        {"jwk": public(stranger)},
    ):
        await refused(tokens, jwt.encode(claims, stranger, "RS256", headers=brought))
    assert provider.asked == 1


async def test_a_token_that_was_changed_is_refused(
    tokens: JwtTokens, provider: IdentityProvider
) -> None:
    header, claims, signature = provider.sign().split(".")
    other = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"tenant": "rival"}
    assert "signature" in await refused(
        tokens, f"{header}.{b64(json.dumps(other).encode())}.{signature}"
    )
    _, _, of_another = provider.sign(sub="another").split(".")
    assert "signature" in await refused(tokens, f"{header}.{claims}.{of_another}")


async def test_what_has_to_be_understood_and_is_not_is_refused(
    tokens: JwtTokens, provider: IdentityProvider
) -> None:
    headers = {"kid": "one", "crit": ["exp"], "exp": 1}
    claims = claims_of(provider.sign())
    await refused(tokens, jwt.encode(claims, provider.keys["one"], "RS256", headers=headers))


DEEP = b64(b"[" * 9_000)


@settings(
    max_examples=200,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(max_size=60) | st.tuples(*[st.binary(max_size=60).map(b64)] * 3).map(".".join))
@example(f"{DEEP}.e30.x")
@example(f"{'a' * 20_000}.e30.x")
@example(f"{b64(json.dumps({'alg': 'RS256', 'kid': ['one']}).encode())}.e30.x")
@example(f"{b64(b'null')}.e30.x")
async def test_no_text_does_more_than_be_refused(tokens: JwtTokens, text: str) -> None:
    await refused(tokens, text)


async def test_claims_that_are_too_much_to_read_are_refused(
    tokens: JwtTokens, provider: IdentityProvider
) -> None:
    """Signed well: an issuer may be careless, too."""
    jws = jwt.PyJWS()
    for payload in (b"[" * 9_000, b'{"exp": 1e999}', b"null", b"\xff"):
        token = jws.encode(payload, provider.keys["one"], "RS256", headers={"kid": "one"})
        await refused(tokens, token)
