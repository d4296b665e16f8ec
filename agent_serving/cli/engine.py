"""agent-serving engine install | start | status"""

from __future__ import annotations

import http.client
import time

import typer

from agent_serving import bootstrap
from agent_serving.cli import options
from agent_serving.cli.console import console, progress
from agent_serving.config import Settings
from agent_serving.local.commands import tail_of
from agent_serving.local.install import detect_device
from agent_serving.local.launch import HOST

WATCH_SECONDS = 0.5


def commands() -> typer.Typer:
    app = typer.Typer(
        help="SGLang on this machine, in an environment of its own: install, start, look.",
        no_args_is_help=True,
    )
    app.command("install")(install)
    app.command("start")(start)
    app.command("status")(status)
    return app


def install(
    context: typer.Context,
    config_file: options.ConfigFile = None,
    data_dir: options.DataDir = None,
    engine_home: options.EngineHome = None,
    torch_index: options.TorchIndex = None,
) -> None:
    """Install SGLang into an environment of its own.

    Takes some minutes and 2 GB the first time, and no time when nothing has changed. An interrupted
    install goes on where it was. A machine with CUDA gets SGLang's own requirements instead of the
    pinned CPU ones.

    Example: agent-serving engine install --data-dir .agent-serving
    """
    settings = options.configuration(context).settings
    out = console()
    with progress(out, "Engine:") as say:
        environment, model = bootstrap.local_model(settings, say)
    out.print(f"SGLang for {environment.device} is in {environment.directory}", soft_wrap=True)
    out.print(f"The model {model.served_name} is in {model.directory}", soft_wrap=True)


def start(
    context: typer.Context,
    config_file: options.ConfigFile = None,
    data_dir: options.DataDir = None,
    engine_home: options.EngineHome = None,
    engine_port: options.EnginePort = None,
    model: options.Model = None,
    context_length: options.ContextLength = None,
    engine_api_key: options.EngineApiKey = None,
    engine_args: options.EngineArgs = None,
    torch_index: options.TorchIndex = None,
) -> None:
    """Run SGLang alone, in the foreground, until Ctrl-C; for `agent-serving serve`.

    Installs it first where it is missing. It listens on 127.0.0.1 only, and asks for the key in
    AGENT_SERVING_ENGINE_API_KEY where there is one: without it any web page that is open on this
    machine may use it. `serve` sends the same.

    Example: agent-serving engine start --engine-port 30000
    """
    settings = options.configuration(context).settings
    out = console()
    with (
        progress(out, "Engine:") as say,
        bootstrap.local_engine(settings, say, shared=True) as engine,
    ):
        out.print(
            f"SGLang serves at {engine.url}; its log is {engine.options.log}. Ctrl-C ends it."
        )
        try:
            while engine.is_running:
                time.sleep(WATCH_SECONDS)
        except KeyboardInterrupt:
            out.print("Stopping.")
            return
        out.print("The engine ended. The end of its log:", style="red")
        out.print(tail_of(engine.options.log), markup=False, soft_wrap=True)
        raise typer.Exit(1)


def status(
    context: typer.Context,
    config_file: options.ConfigFile = None,
    data_dir: options.DataDir = None,
    engine_home: options.EngineHome = None,
    engine_port: options.EnginePort = None,
) -> None:
    """Say whether SGLang is installed here, and whether it serves on the engine's port.

    Exits with 1 where it does not serve.

    Example: agent-serving engine status
    """
    settings = options.configuration(context).settings
    out = console()
    place = settings.home / "engine" / "env"
    installed = (place / "installed.sha256").is_file()
    out.print(f"device     {detect_device()}")
    out.print(
        f"installed  {f'yes, in {place}' if installed else 'no: agent-serving engine install'}"
    )
    serves = _serves(settings)
    out.print(f"serving    {'yes' if serves else 'no'}, http://{HOST}:{settings.engine_port}")
    raise typer.Exit(0 if serves else 1)


def _serves(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(HOST, settings.engine_port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
