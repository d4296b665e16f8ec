"""The options that set a setting. Each is named and explained once, by the setting itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from agent_serving.config import Configuration, Settings, flag_of, load


def _sets(key: str) -> Any:
    """An option for the setting `key`; its parameter has to have that name too."""
    description = Settings.model_fields[key].description
    return typer.Option(flag_of(key), help=description, show_default=False)


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="TOML file with settings; ./agent-serving.toml is read where there is one.",
        show_default=False,
    ),
]
UnsafeNoKeys = Annotated[bool | None, _sets("unsafe_no_keys")]
Host = Annotated[str | None, _sets("host")]
AllowedHosts = Annotated[list[str] | None, _sets("allowed_hosts")]
RequireKeys = Annotated[bool | None, _sets("require_keys")]
TlsCert = Annotated[Path | None, _sets("tls_cert")]
TlsKey = Annotated[Path | None, _sets("tls_key")]
JwtIssuer = Annotated[str | None, _sets("jwt_issuer")]
JwtAudience = Annotated[str | None, _sets("jwt_audience")]
JwksUrl = Annotated[str | None, _sets("jwks_url")]
JwksFile = Annotated[Path | None, _sets("jwks_file")]
JwtTenantClaim = Annotated[str | None, _sets("jwt_tenant_claim")]
JwtScopeClaim = Annotated[str | None, _sets("jwt_scope_claim")]
JwtLeeway = Annotated[float | None, _sets("jwt_leeway_seconds")]
IsolatePrefixes = Annotated[bool | None, _sets("isolate_prefixes")]
Port = Annotated[int | None, _sets("port")]
DataDir = Annotated[Path | None, _sets("data_dir")]
RedisUrl = Annotated[str | None, _sets("redis_url")]
Durability = Annotated[str | None, _sets("durability")]
RedisReplicas = Annotated[int | None, _sets("redis_replicas")]
Engines = Annotated[list[str] | None, _sets("engines")]
EngineApiKey = Annotated[str | None, _sets("engine_api_key")]
Dialect = Annotated[str | None, _sets("dialect")]
Tools = Annotated[list[Path] | None, _sets("tools")]
Grammars = Annotated[list[Path] | None, _sets("grammars")]
Agents = Annotated[list[Path] | None, _sets("agents")]
FetchHosts = Annotated[list[str] | None, _sets("fetch_hosts")]
SecretsFile = Annotated[Path | None, _sets("secrets_file")]
Currency = Annotated[str | None, _sets("currency")]
MaxRunning = Annotated[int | None, _sets("max_running_per_engine")]
MaxWaiting = Annotated[int | None, _sets("max_waiting")]
MaxAgents = Annotated[int | None, _sets("max_agents")]
MaxAgentVersions = Annotated[int | None, _sets("max_agent_versions")]
BodyLimit = Annotated[int | None, _sets("body_limit")]
JaegerUrl = Annotated[str | None, _sets("jaeger_url")]
GraceSeconds = Annotated[float | None, _sets("grace_seconds")]
LogLevel = Annotated[str | None, _sets("log_level")]
LogFormat = Annotated[str | None, _sets("log_format")]
EngineHome = Annotated[Path | None, _sets("engine_home")]
EnginePort = Annotated[int | None, _sets("engine_port")]
Model = Annotated[Path | None, _sets("model")]
ContextLength = Annotated[int | None, _sets("context_length")]
TorchIndex = Annotated[str | None, _sets("torch_index")]
EngineArgs = Annotated[list[str] | None, _sets("engine_args")]

LOCAL = "http://127.0.0.1:8080"
ServiceUrl = Annotated[str, typer.Option("--url", help="Of a running service.")]
ServiceKey = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="AGENT_SERVING_API_KEY",
        help="For a service that has keys. Rather in the environment: others see a command line.",
        show_default=False,
    ),
]


def configuration(context: typer.Context) -> Configuration:
    """What the command's options, the environment and the file say together.

    Raises ConfigurationError.
    """
    flags = {
        key: value
        for key, value in context.params.items()
        if key in Settings.model_fields and value not in (None, [], ())
    }
    for key in ("engines", "fetch_hosts", "allowed_hosts"):
        if key in flags:
            flags[key] = [part for text in flags[key] for part in text.replace(",", " ").split()]
    return load(flags, os.environ, context.params.get("config_file"))
