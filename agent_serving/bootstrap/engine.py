"""An SGLang server on this machine, and the model that it serves."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agent_serving.config import Settings
from agent_serving.local.errors import LocalEngineError
from agent_serving.local.install import EngineEnvironment, ensure_engine
from agent_serving.local.launch import HOST, EngineProcess, LaunchOptions
from agent_serving.local.shipped_model import LocalModel, shipped_model

Say = Callable[[str], None]

SHIPPED_CACHE_TOKENS = 65_536


@contextmanager
def local_engine(settings: Settings, say: Say) -> Iterator[EngineProcess]:
    """An SGLang server on this machine that serves; stopped on leaving. Blocks.

    Raises LocalEngineError.
    """
    engine = EngineProcess(_launch_options(settings, say))
    _check_port_is_free(engine.options.port)
    try:
        engine.start(say)
        engine.wait_until_ready()
        yield engine
    finally:
        engine.stop()


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


def _check_port_is_free(port: int) -> None:
    try:
        with socket.create_server((HOST, port)):
            return
    except OSError as error:
        raise LocalEngineError(
            f"The engine's port {port} cannot be taken: {error.strerror}. Pass --engine-port 0 for "
            "any free one."
        ) from None
