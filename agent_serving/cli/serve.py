"""agent-serving serve"""

from __future__ import annotations

import asyncio
import logging

import typer

from agent_serving import bootstrap
from agent_serving.cli import options
from agent_serving.cli.logs import start_logging
from agent_serving.cli.server import drained, serving_by, stop_signals
from agent_serving.config import Settings

log = logging.getLogger(__name__)


def serve(
    context: typer.Context,
    engines: options.Engines = None,
    engine_api_key: options.EngineApiKey = None,
    redis_url: options.RedisUrl = None,
    config_file: options.ConfigFile = None,
    unsafe_no_keys: options.UnsafeNoKeys = None,
    require_keys: options.RequireKeys = None,
    host: options.Host = None,
    allowed_hosts: options.AllowedHosts = None,
    port: options.Port = None,
    tls_cert: options.TlsCert = None,
    tls_key: options.TlsKey = None,
    jwt_issuer: options.JwtIssuer = None,
    jwt_audience: options.JwtAudience = None,
    jwks_url: options.JwksUrl = None,
    jwks_file: options.JwksFile = None,
    jwt_tenant_claim: options.JwtTenantClaim = None,
    jwt_scope_claim: options.JwtScopeClaim = None,
    jwt_leeway_seconds: options.JwtLeeway = None,
    data_dir: options.DataDir = None,
    durability: options.Durability = None,
    redis_replicas: options.RedisReplicas = None,
    dialect: options.Dialect = None,
    currency: options.Currency = None,
    secrets_file: options.SecretsFile = None,
    tools: options.Tools = None,
    grammars: options.Grammars = None,
    agents: options.Agents = None,
    fetch_hosts: options.FetchHosts = None,
    isolate_prefixes: options.IsolatePrefixes = None,
    max_running_per_engine: options.MaxRunning = None,
    max_waiting: options.MaxWaiting = None,
    max_agents: options.MaxAgents = None,
    max_agent_versions: options.MaxAgentVersions = None,
    body_limit: options.BodyLimit = None,
    grace_seconds: options.GraceSeconds = None,
    jaeger_url: options.JaegerUrl = None,
    log_level: options.LogLevel = None,
    log_format: options.LogFormat = None,
) -> None:
    """Serve the API in front of SGLang servers and a Redis that run elsewhere.

    It starts whether or not they are up: GET /readyz answers 503 until they are, and sessions can
    be read as soon as Redis answers. On SIGTERM or Ctrl-C no more turns are taken, and open turns
    are let go at their next step boundary: another replica goes on with them at once, or this one
    when it runs again.

    Example: agent-serving serve --engine http://10.0.0.7:30000,http://10.0.0.8:30000
    --redis rediss://:password@redis.internal:6379/0
    """
    settings = options.configuration(context).settings
    start_logging(settings)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with (
        stop_signals() as stop,
        bootstrap.build(settings) as running,
        serving_by(running.app, settings) as url,
    ):
        log.info("serving %s, engines %s", url, ", ".join(settings.engines))
        await stop.wait()
        log.info("stopping: open turns have %g s to reach a step boundary", settings.grace_seconds)
        await drained(running.service, stop, settings.grace_seconds)
