"""Keys and tokens: where keys are made and revoked, whether a service may do without, and whose
tokens it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from agent_serving.adapters.clock import SystemClock
from agent_serving.adapters.hashing import Argon2Hasher
from agent_serving.adapters.ids import MonotonicIds
from agent_serving.adapters.redis import RedisKeyring
from agent_serving.bootstrap.store import embedded_redis
from agent_serving.config import Settings
from agent_serving.domain.claims import ClaimNames
from agent_serving.domain.errors import ConfigurationError, StoreUnavailable
from agent_serving.domain.hosts import is_loopback
from agent_serving.ports import Tokens
from agent_serving.runtime.access import Access, KeyDesk


@asynccontextmanager
async def key_desk(settings: Settings) -> AsyncIterator[KeyDesk]:
    """Where keys are made and revoked, whether or not a service runs on the store."""
    async with AsyncExitStack() as stack:
        if settings.redis_url is None and not await embedded_redis(settings).answers():
            redis = embedded_redis(settings)
            stack.push_async_callback(redis.stop)
            await redis.start()
        keyring = opened_keyring(settings, stack)
        yield KeyDesk(keyring, Argon2Hasher(), SystemClock(), MonotonicIds().new)


def opened_keyring(settings: Settings, stack: AsyncExitStack) -> RedisKeyring:
    keyring = RedisKeyring.connect(settings.redis_url or embedded_redis(settings).url)
    stack.push_async_callback(keyring.aclose)
    return keyring


async def access_to(
    settings: Settings, keyring: RedisKeyring, tokens: Tokens | None = None
) -> Access:
    """Raises ConfigurationError where anybody could reach the service and do everything."""
    required = settings.require_keys or tokens is not None
    if not (required or is_loopback(settings.host) or settings.unsafe_no_keys):
        required = True
        try:
            there, why = await keyring.any_key(), "there are no keys"
        except StoreUnavailable as error:
            there, why = False, f"whether there are keys cannot be seen ({error.message})"
        if not there:
            raise ConfigurationError(
                f"{settings.host!r} is not a loopback address, and {why}: anybody who reaches it "
                "could run tools and read sessions. Make a key with `agent-serving keys create "
                "--tenant NAME`; or pass --require-keys, and requests are refused until there is "
                "one; or allow it inside a container by --unsafe-no-keys."
            )
    return Access(keyring, Argon2Hasher(), SystemClock(), required=required, tokens=tokens)


async def opened_tokens(settings: Settings, stack: AsyncExitStack) -> Tokens | None:
    """Closed when the stack is left. The provider need not be up; a file has to be there. Raises
    ConfigurationError."""
    if settings.jwt_issuer is None or settings.jwt_audience is None:
        return None
    try:
        from agent_serving.adapters.oidc import Jwks, JwtTokens, KeyFile, KeyUrl
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "jwt_issuer is set, and what reads tokens is not installed: "
            "pip install 'agent-serving[oidc]'"
        ) from error
    file, url = settings.jwks_file, settings.jwks_url or ""
    direct = is_loopback(urlsplit(url).hostname or "")
    keys = Jwks(KeyUrl(url, direct=direct) if file is None else KeyFile(file), SystemClock())
    tokens = JwtTokens(
        keys,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        names=ClaimNames(tenant=settings.jwt_tenant_claim, scopes=settings.jwt_scope_claim),
        leeway=settings.jwt_leeway_seconds,
    )
    stack.push_async_callback(tokens.aclose)
    if file is not None and (problem := await keys.look()):
        raise ConfigurationError(f"jwks_file {file}: {problem}.")
    return tokens
