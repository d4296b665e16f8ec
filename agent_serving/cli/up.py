"""agent-serving up"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import ExitStack

import typer
from rich.console import Console

from agent_serving import bootstrap
from agent_serving.cli import options
from agent_serving.cli.console import console, program, progress
from agent_serving.cli.logs import start_logging
from agent_serving.cli.server import drained, serving_by, stop_signals
from agent_serving.config import Settings
from agent_serving.local.commands import tail_of
from agent_serving.local.launch import EngineProcess

WATCH_SECONDS = 0.5

GREETING = """\
The API is at   {url}/v1
Its docs are at {url}/docs
SGLang is at    {engine}

Try it in another terminal:

  {program} chat --url {url}

  curl -s {url}/v1/sessions -H 'content-type: application/json' \\
    -d '{{"agent": {{"name": "helper", "tools": ["current_time"]}}, "input": "Hello!"}}'

Ctrl-C stops all of it."""


def up(
    context: typer.Context,
    config_file: options.ConfigFile = None,
    host: options.Host = None,
    allowed_hosts: options.AllowedHosts = None,
    port: options.Port = None,
    require_keys: options.RequireKeys = None,
    tls_cert: options.TlsCert = None,
    tls_key: options.TlsKey = None,
    data_dir: options.DataDir = None,
    redis_url: options.RedisUrl = None,
    durability: options.Durability = None,
    model: options.Model = None,
    context_length: options.ContextLength = None,
    engine_port: options.EnginePort = None,
    engine_home: options.EngineHome = None,
    engine_api_key: options.EngineApiKey = None,
    engine_args: options.EngineArgs = None,
    torch_index: options.TorchIndex = None,
    dialect: options.Dialect = None,
    currency: options.Currency = None,
    secrets_file: options.SecretsFile = None,
    tools: options.Tools = None,
    grammars: options.Grammars = None,
    agents: options.Agents = None,
    fetch_hosts: options.FetchHosts = None,
    grace_seconds: options.GraceSeconds = None,
    jaeger_url: options.JaegerUrl = None,
    log_level: options.LogLevel = None,
    log_format: options.LogFormat = None,
) -> None:
    """Run all of it on this machine: SGLang, Redis and the API.

    Installs SGLang first where it is missing, and serves the shipped demo model unless --model
    names one. Ctrl-C stops everything that was started; sessions stay in the data
    directory, and turns that were open go on with the next start.

    Example: agent-serving up --port 8080
    """
    settings = options.configuration(context).settings
    start_logging(settings)
    out = console()
    with ExitStack() as stack:
        with progress(out, "Engine:") as say:
            engine = stack.enter_context(bootstrap.local_engine(settings, say))
        served = asyncio.run(_serve(bootstrap.served_by(settings, engine), engine, out))
        if not served:
            out.print(f"The engine ended. The end of its log, {engine.options.log}:", style="red")
            out.print(tail_of(engine.options.log), markup=False, soft_wrap=True)
            raise typer.Exit(1)


async def _serve(settings: Settings, engine: EngineProcess, out: Console) -> bool:
    """Until told to stop; False when the engine ended before."""
    async with (
        stop_signals() as stop,
        bootstrap.build(settings) as running,
        serving_by(running.app, settings) as url,
    ):
        greeting = GREETING.format(url=url, engine=engine.url, program=program())
        out.print(greeting, markup=False, soft_wrap=True)
        while engine.is_running and not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), WATCH_SECONDS)
        out.print("Stopping. Sessions are kept; open turns go on with the next start.")
        told = stop.is_set()
        if told:
            await drained(running.service, stop, settings.grace_seconds)
        return told
