"""An SGLang server on this machine, and the model that it serves."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from pydantic import SecretStr

from agent_serving.config import Settings
from agent_serving.local.errors import LocalEngineError
from agent_serving.local.install import EngineEnvironment, ensure_engine
from agent_serving.local.launch import HOST, EngineProcess, LaunchOptions
from agent_serving.local.shipped_model import LocalModel, shipped_model

Say = Callable[[str], None]

SHIPPED_CACHE_TOKENS = 65_536

KEYLESS = ("--tokenizer-worker-num", "--grpc-port")
"""Arguments beside which SGLang refuses to have a key."""


@contextmanager
def local_engine(settings: Settings, say: Say, *, shared: bool = False) -> Iterator[EngineProcess]:
    """An SGLang server on this machine that serves; stopped on leaving. Blocks.

    It answers who has `engine_api_key`, or where that is not set its own key, which `served_by`
    hands on; without it any web page could use it. One that is `shared` has no key of its own.
    Raises LocalEngineError.
    """
    key = _key(settings, say, shared=shared)
    engine = EngineProcess(replace(_launch_options(settings, say), api_key=key))
    _check_port_is_free(engine.options.port)
    try:
        engine.start(say)
        engine.wait_until_ready()
        yield engine
    finally:
        engine.stop()


def served_by(settings: Settings, engine: EngineProcess) -> Settings:
    """The settings of a service in front of that engine."""
    key = engine.options.api_key
    return settings.but(
        engines=(engine.url,), engine_api_key=None if key is None else SecretStr(key)
    )


def local_model(settings: Settings, say: Say) -> tuple[EngineEnvironment, LocalModel]:
    """Install the engine where it is missing, and verify the shipped model where it serves. Blocks.

    Raises LocalEngineError.
    """
    environment = ensure_engine(settings.home, say, torch_index=settings.torch_index)
    if settings.model is None:
        return environment, shipped_model()
    if not (settings.model / "config.json").is_file():
        raise LocalEngineError(f"{settings.model} holds no model: there is no config.json in it.")
    return environment, LocalModel(settings.model.absolute(), settings.model.name, 0)


def _launch_options(settings: Settings, say: Say) -> LaunchOptions:
    environment, model = local_model(settings, say)
    return LaunchOptions(
        environment=environment,
        model=model.directory,
        served_name=model.served_name,
        log=settings.data_dir.absolute() / "engine.log",
        port=settings.engine_port,
        context_length=settings.context_length or model.context_length or None,
        max_total_tokens=None if settings.model else SHIPPED_CACHE_TOKENS,
        extra_arguments=settings.engine_args,
    )


def _key(settings: Settings, say: Say, *, shared: bool) -> str | None:
    given = {word.partition("=")[0] for word in settings.engine_args}
    if "--api-key" in given:
        raise LocalEngineError(
            "The service has to know the engine's key: set engine_api_key instead of --api-key "
            "among the engine's arguments."
        )
    if settings.engine_api_key is not None:
        return settings.engine_api_key.get_secret_value()
    if shared:
        return None
    for argument in given & set(KEYLESS):
        say(f"SGLang takes no key beside {argument}: whoever reaches its port may use it.")
        return None
    return secrets.token_hex(32)


def _check_port_is_free(port: int) -> None:
    try:
        with socket.create_server((HOST, port)):
            return
    except OSError as error:
        raise LocalEngineError(
            f"The engine's port {port} cannot be taken: {error.strerror}. Pass --engine-port 0 for "
            "any free one."
        ) from None
