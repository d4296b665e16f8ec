"""The HTTP server around an app: a socket of ours, signals of ours, an end in good order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from agent_serving.config import Settings
from agent_serving.domain.errors import ConfigurationError
from agent_serving.domain.hosts import is_loopback

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agent_serving.runtime.service import Service

log = logging.getLogger(__name__)

DRAIN_SECONDS = 5
"""For requests under way when the service has let go of its turns."""
KEEP_ALIVE_SECONDS = 75
"""For quiet connections: longer than the 60 s of proxies, so that none is closed here at the moment
in which a proxy sends a request on it."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Whoever started the server has more to stop than the server."""
        yield


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM."""

    certificate: Path
    key: Path


def serving_by(app: FastAPI, settings: Settings) -> AbstractAsyncContextManager[str]:
    tls = None
    if settings.tls_cert is not None and settings.tls_key is not None:
        tls = Tls(settings.tls_cert, settings.tls_key)
    return serving(app, settings.host, settings.port, tls=tls, guarded=not settings.unsafe_no_keys)


@asynccontextmanager
async def serving(
    app: FastAPI, host: str, port: int, *, tls: Tls | None = None, guarded: bool = False
) -> AsyncIterator[str]:
    """Serve inside the block; the value is the base URL. `guarded`: requests need keys on an
    address that others reach. Raises ConfigurationError."""
    if not is_loopback(host):
        _warn(host, tls, guarded=guarded)
    listener = bound(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    _load(config, listener, tls)
    server = _Server(config)
    serve = asyncio.create_task(server.serve(sockets=[listener]), name="http server")
    try:
        while not server.started and not serve.done():  # noqa: ASYNC110  # it sets no event
            await asyncio.sleep(0.01)
        if serve.done():
            serve.result()
        shown = f"[{host}]" if ":" in host else host
        yield f"http{'s' if tls else ''}://{shown}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serve
        listener.close()


async def drained(service: Service, stop: asyncio.Event, grace_seconds: float) -> None:
    """Have the service let go of its turns; `stop`, set once more, ends the time of grace."""
    stop.clear()
    tasks = (
        asyncio.create_task(service.drain(grace_seconds)),
        asyncio.create_task(stop.wait()),
    )
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _warn(host: str, tls: Tls | None, *, guarded: bool) -> None:
    if not guarded:
        log.warning(
            "%s is not a loopback address and requests need no keys: whoever reaches it may run "
            "tools and read sessions",
            host,
        )
    elif tls is None:
        log.warning(
            "%s is not a loopback address and keys are sent in the clear: set tls_cert and "
            "tls_key, or have a proxy in front speak TLS",
            host,
        )


def _load(config: uvicorn.Config, listener: socket.socket, tls: Tls | None) -> None:
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        listener.close()
        assert tls is not None
        raise ConfigurationError(
            f"{tls.certificate} and {tls.key} cannot be used for TLS: {error}. Give a certificate "
            "chain and the key that fits it, in PEM and without a passphrase."
        ) from None


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ConfigurationError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {error.strerror}. Pass --port with another "
            "one, or 0 for any free one."
        ) from None
    # Inherited by its connections. asyncio does it for sockets it has made itself only; without it
    # the second write of an answer waits for the caller's delayed acknowledgement: 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@asynccontextmanager
async def stop_signals() -> AsyncIterator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of what they do otherwise."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
