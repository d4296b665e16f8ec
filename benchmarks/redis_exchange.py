"""What one exchange with Redis costs the process that asks: through the store's connections, and
through redis-py's pool and pipeline. An embedded Redis, one command at a time.

    python benchmarks/redis_exchange.py --exchanges 3000

Prints microseconds of processor time, the least of five rounds each, and the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis

from agent_serving.adapters.redis import EmbeddedRedis
from agent_serving.adapters.redis.gateway import Gateway, client_of

ROUNDS = 5


async def microseconds(ask: Callable[[], Awaitable[Any]], times: int) -> float:
    begun = time.process_time()
    for _ in range(times):
        await ask()
    return (time.process_time() - begun) / times * 1e6


async def measure(exchanges: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedRedis(Path(folder))
        await server.start()
        gateway = Gateway(client_of(server.url, max_connections=64), max_readers=1)
        pool = BlockingConnectionPool.from_url(
            server.url, max_connections=64, protocol=2, socket_timeout=5.0
        )
        client = Redis.from_pool(pool)

        async def pipeline() -> list[Any]:
            async with client.pipeline(transaction=False) as one:
                one.execute_command("HMGET", "key", "a", "b")
                answer: list[Any] = await one.execute()
                return answer

        ours, theirs = list[float](), list[float]()
        for _ in range(ROUNDS):
            ours.append(
                await microseconds(lambda: gateway.ask(("HMGET", "key", "a", "b")), exchanges)
            )
            theirs.append(await microseconds(pipeline, exchanges))
        await client.aclose()
        await gateway.aclose()
        await server.stop()
    print(
        f"{min(ours):.0f} us an exchange; {min(theirs):.0f} us by redis-py's pool and pipeline; "
        f"ratio {min(theirs) / min(ours):.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--exchanges", type=int, default=3000)
    asyncio.run(measure(parser.parse_args().exchanges))


if __name__ == "__main__":
    main()
