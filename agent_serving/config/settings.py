"""Everything that can be configured, each with its bounds and what it does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from agent_serving.domain.access import TenantLimits
from agent_serving.domain.hosts import is_host, is_loopback
from agent_serving.domain.mcp import SERVER_NAME, McpServer
from agent_serving.domain.prices import ModelPrices, PriceBook
from agent_serving.domain.values import Money, TenantBudget, Value


class Settings(Value):
    """Everything that can be configured."""

    unsafe_no_keys: bool = Field(
        False,
        description="Allow a `host` that is no loopback address, although there are no keys: "
        "inside a container that publishes on loopback, or behind a proxy that authenticates.",
    )
    require_keys: bool = Field(
        False,
        description="Answer no request without a key, also where there are no keys yet. Without "
        "it a service that listens on loopback asks for keys as soon as there is one.",
    )
    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. One that is no loopback address is taken where there "
        "are keys (`agent-serving keys create`), or with `require_keys` or `unsafe_no_keys`.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (),
        description="Further names of this service, `api.example` or `app.example:8443`. Without "
        "keys only requests to `localhost`, a loopback address, `host` and these are answered; a "
        "browser's are only from pages of the very host and port that they go to, and of these.",
    )
    tls_cert: Path | None = Field(
        None, description="File with the certificate chain (PEM): the service speaks TLS then."
    )
    tls_key: Path | None = Field(
        None, validate_default=True, description="File with the certificate's key (PEM)."
    )
    jwt_issuer: str | None = Field(
        None,
        max_length=2048,
        description="Issuer (`iss`) whose JSON web tokens are taken beside keys; it needs "
        "`jwt_audience`, `jwks_url` or `jwks_file`, and the packages of `agent-serving[oidc]`.",
    )
    jwt_audience: str | None = Field(
        None, max_length=2048, description="What the tokens' `aud` has to have: this service."
    )
    jwks_url: str | None = Field(
        None,
        description="https:// URL of the issuer's public keys (`jwks_uri` in its discovery "
        "document); http:// for a loopback address.",
    )
    jwks_file: Path | None = Field(
        None,
        validate_default=True,
        description="File with the issuer's public keys (a JSON web key set) in place of "
        "`jwks_url`; read again when a token names a key that it did not have.",
    )
    jwt_tenant_claim: str = Field(
        "tenant", min_length=1, max_length=256, description="Claim that names the tenant."
    )
    jwt_scope_claim: str = Field(
        "scope",
        min_length=1,
        max_length=256,
        description="Claim that has the scopes, separated by blanks or as a list: `read`, `run`, "
        "`admin`, `metrics`; others in it say nothing.",
    )
    jwt_leeway_seconds: float = Field(
        60.0, ge=0, le=600, description="By how much the issuer's clock may differ from ours."
    )
    port: int = Field(8080, ge=0, le=65_535, description="Port of the API; 0 takes a free one.")
    data_dir: Path = Field(
        Path(".agent-serving"), description="Where the embedded Redis and the local engine live."
    )
    redis_url: str | None = Field(
        None,
        description="redis://, rediss:// or unix:// URL of a Redis 6.2 or newer; an embedded Redis "
        "in the data directory when not set.",
    )
    durability: Literal["everysec", "strict"] = Field(
        "everysec",
        description="Of the embedded Redis; one at `redis_url` is checked, and a warning logged "
        "where it does less. everysec: a crash of the machine (not of the service) may lose the "
        "last second. strict: every fact is synced to disk before it is answered.",
    )
    redis_replicas: int = Field(
        0,
        ge=0,
        le=16,
        description="Replicas of the Redis at `redis_url` that must have a fact before it is "
        "answered (WAIT): so many may fail, with the primary, without a loss.",
    )
    engines: tuple[str, ...] = Field(
        (), description="Base URLs of SGLang servers; several make a pool, sticky by session."
    )
    engine_api_key: SecretStr | None = Field(
        None,
        min_length=1,
        description="Key that the SGLang servers ask for (their `--api-key`), the same for all. "
        "The local engine has one of its own where none is set here. Rather in the environment or "
        "the file: others see a command line.",
    )
    dialect: str | None = Field(
        None,
        description="Name of the tool-call dialect (a file in grammars/); chosen by the model's "
        "name when not set.",
    )
    tools: tuple[Path, ...] = Field(
        (),
        description="Folders of tool files beside the shipped ones; of two tools with one name "
        "the later folder's counts.",
    )
    grammars: tuple[Path, ...] = Field(
        (), description="Folders of dialects and output grammars beside the shipped ones."
    )
    agents: tuple[Path, ...] = Field(
        (),
        description="Folders of agent files (TOML), which are registered at the start: a file that "
        "was changed makes the next version of its agent, one that was not makes none.",
    )
    fetch_hosts: tuple[str, ...] = Field(
        (),
        description="Hosts that the fetch_url tool may reach (example.com, *.example.com); the "
        "tool is not offered without any.",
    )
    tool_settings: dict[str, dict[str, str]] = Field(
        {},
        description="Settings by tool name, handed to that tool only. A table in the file, JSON in "
        "the environment.",
    )
    tool_secrets: dict[str, tuple[str, ...]] = Field(
        {},
        description="Names of secrets by tool name, handed to that tool only, and hidden in all "
        "that tools say. A table in the file, JSON in the environment.",
    )
    secrets_file: Path | None = Field(
        None,
        description='TOML file of secrets, NAME = "value"; one that it does not have is the '
        "environment variable of its name.",
    )
    tool_concurrency: dict[str, Annotated[int, Field(ge=1)]] = Field(
        {},
        description="Calls that run at a time by tool name, `*` for all tools together (64); the "
        "rest waits within its timeout. A table in the file, JSON in the environment.",
    )
    mcp_servers: dict[Annotated[str, Field(pattern=SERVER_NAME)], McpServer] = Field(
        {},
        description="MCP servers whose tools agents may take: `command`, `args` and `env`, or "
        "`url` and `headers` (`${NAME}` in a value is a secret), `allowed_tools`, "
        "`require_approval` (`never`, `always`, or tables `always` and `never` with `tool_names`), "
        "`timeout_seconds` (30) of a call, `connect_seconds` (10), `tools_seconds` (300) that a "
        "list of tools is good for where the server does not say. Tables in the file, JSON in the "
        "environment ([mcp.md](mcp.md)).",
    )
    currency: str | None = Field(
        None,
        pattern=r"^[A-Z]{3}$",
        description="Currency of all prices (ISO 4217); nothing is priced where it is not set.",
    )
    prices: dict[str, ModelPrices] = Field(
        {},
        description="Prices by model name, `*` for all others: `input`, `cached_input` and "
        "`output` of a million tokens, `gpu_hour` and `gpus` of an engine, `kv_hour` of a million "
        "tokens kept while tools run. Tables in the file, JSON in the environment.",
    )
    tool_prices: dict[str, Money] = Field(
        {},
        description="Price of a call by tool name. A table in the file, JSON in the environment.",
    )
    tenant_budgets: dict[str, TenantBudget] = Field(
        {},
        description="What a tenant may spend in a `period` (`day` or `month`, UTC): `max_tokens`, "
        "`max_cost`, `max_seconds`, `max_steps`. Turns pause where it is reached. Tables in the "
        "file, JSON in the environment.",
    )
    grace_seconds: float = Field(
        20.0,
        ge=0,
        le=3600,
        description="On SIGTERM no turn is taken any more, and each open turn goes to another "
        "replica (or waits for the next start) at its next step boundary. So long a step may take "
        "to get there; then it is broken off. A second signal breaks off at once.",
    )
    tenant_limits: dict[str, TenantLimits] = Field(
        {},
        description="What a tenant may hold at a time, by tenant, `*` for all others: "
        "`requests_per_minute`, `concurrent_turns`, `open_sessions`, `stored_bytes`, `followers`. "
        "Beyond it: 429. Tables in the file, JSON in the environment.",
    )
    isolate_prefixes: bool = Field(
        False,
        description="Keep each tenant's prefixes apart in the engines' caches, so that nobody can "
        "tell by the time of an answer what another has sent. Tenants share no prefix then.",
    )
    max_running_per_engine: int = Field(
        32, ge=1, le=4096, description="Requests that one engine runs at a time; the rest queue."
    )
    max_waiting: int = Field(
        512,
        ge=0,
        le=100_000,
        description="Requests of a class that may queue; then 429 overloaded.",
    )
    max_agents: int = Field(
        1000, ge=1, le=1_000_000, description="Agents that a tenant may register."
    )
    max_agent_versions: int = Field(
        1000, ge=1, le=100_000, description="Versions that an agent may have."
    )
    body_limit: int = Field(
        1_048_576, ge=1024, le=67_108_864, description="Largest request body, in bytes."
    )
    jaeger_url: str | None = Field(
        None,
        description="Base URL of a Jaeger that receives the traces; turns then link to it. Where "
        "traces are sent to is said by the standard OTEL_* variables.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged."
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="auto: text on a terminal, else one JSON object a line."
    )
    engine_home: Path | None = Field(
        None,
        description="Where the local engine's environment and models are kept; the data directory "
        "when not set.",
    )
    engine_port: int = Field(
        30_000, ge=0, le=65_535, description="Port of the local engine; 0 takes a free one."
    )
    model: Path | None = Field(
        None,
        description="Model directory (Hugging Face format) that the local engine serves; the "
        "shipped demo model when not set.",
    )
    context_length: int | None = Field(
        None, ge=256, le=10_000_000, description="Context of the local engine, in tokens."
    )
    torch_index: str | None = Field(
        None,
        description="URL of a package index with CPU builds of torch, for machines whose own index "
        "has none.",
    )
    engine_args: tuple[str, ...] = Field(
        (), description="Further arguments for the local engine's command line."
    )

    @field_validator("tls_key")
    @classmethod
    def _tls_takes_both(cls, key: Path | None, given: ValidationInfo) -> Path | None:
        if (key is None) != (given.data.get("tls_cert") is None):
            raise ValueError("TLS takes both, a certificate and its key: tls_cert and tls_key")
        return key

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_are_names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not is_host(host):
                raise ValueError(f"{host!r} is not a host such as api.example or [fd00::1]:8443")
        return hosts

    @field_validator("jwks_url")
    @classmethod
    def _keys_come_unchanged(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (
            parts.scheme == "http" and is_loopback(parts.hostname or "")
        )
        if not (safe and parts.hostname):
            raise ValueError(f"{url!r} is not an https:// URL; who changes the keys can be anybody")
        return url

    @field_validator("jwks_file")
    @classmethod
    def _tokens_take_all(cls, file: Path | None, given: ValidationInfo) -> Path | None:
        url = given.data.get("jwks_url")
        needed = [given.data.get("jwt_issuer"), given.data.get("jwt_audience"), url or file]
        if any(needed) != all(needed) or (url and file):
            raise ValueError(
                "tokens take three settings, or none of them: jwt_issuer, jwt_audience, and either "
                "jwks_url or jwks_file"
            )
        return file

    @field_validator("prices", "tool_prices")
    @classmethod
    def _prices_have_a_currency(cls, prices: Any, given: ValidationInfo) -> Any:
        if prices and given.data.get("currency") is None:
            raise ValueError('prices mean nothing without a currency: set currency = "EUR", say')
        return prices

    @field_validator("engines")
    @classmethod
    def _engines_are_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
                raise ValueError(f"{url!r} is not a URL such as http://127.0.0.1:30000")
        return tuple(dict.fromkeys(url.rstrip("/") for url in urls))

    @field_validator("jaeger_url")
    @classmethod
    def _jaeger_is_a_url(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
            raise ValueError(f"{url!r} is not a URL such as http://127.0.0.1:16686")
        return url

    @property
    def home(self) -> Path:
        """Where the local engine lives."""
        return self.engine_home or self.data_dir

    @property
    def price_book(self) -> PriceBook:
        return PriceBook(currency=self.currency, models=self.prices, tools=self.tool_prices)

    def settings_of_tools(self) -> dict[str, dict[str, str]]:
        """`tool_settings`, with `fetch_hosts` in its place there."""
        if not self.fetch_hosts:
            return self.tool_settings
        fetch = self.tool_settings.get("fetch_url", {}) | {"hosts": " ".join(self.fetch_hosts)}
        return self.tool_settings | {"fetch_url": fetch}
