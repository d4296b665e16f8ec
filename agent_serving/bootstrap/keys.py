"""Keys: where they are made and revoked, and whether a service may do without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from agent_serving.adapters.clock import SystemClock
from agent_serving.adapters.hashing import Argon2Hasher
from agent_serving.adapters.ids import MonotonicIds
from agent_serving.adapters.redis import RedisKeyring
from agent_serving.bootstrap.store import embedded_redis
from agent_serving.config import Settings, is_loopback
from agent_serving.domain.errors import ConfigurationError, StoreUnavailable
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


async def access_to(settings: Settings, keyring: RedisKeyring) -> Access:
    """Raises ConfigurationError where anybody could reach the service and do everything."""
    required = settings.require_keys
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
    return Access(keyring, Argon2Hasher(), SystemClock(), required=required)
