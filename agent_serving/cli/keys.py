"""agent-serving keys create | list | revoke | audit"""

from __future__ import annotations

import asyncio
import getpass
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import typer
from rich import box
from rich.table import Table

from agent_serving import bootstrap
from agent_serving.cli import options
from agent_serving.cli.console import console
from agent_serving.config import Settings
from agent_serving.domain.access import TENANT, Key, known_scopes
from agent_serving.runtime.access import KeyDesk

T = TypeVar("T")

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class ScopeName(StrEnum):
    read = "read"
    run = "run"
    admin = "admin"
    metrics = "metrics"


def commands() -> typer.Typer:
    app = typer.Typer(
        help="Keys of tenants: make, list and revoke them, and read the audit log. They are kept "
        "in the store, so these commands take what `serve` takes to find it.",
        no_args_is_help=True,
    )
    app.command("create")(create)
    app.command("list")(list_keys)
    app.command("revoke")(revoke)
    app.command("audit")(audit)
    return app


def create(
    context: typer.Context,
    tenant: Annotated[str, typer.Option(help="Whose key it is: letters, digits and . _ : @ -")],
    scope: Annotated[
        list[ScopeName] | None,
        typer.Option(
            help="What it may do; may be repeated. run (which includes read) where not given; "
            "admin includes run; metrics shows the figures of all tenants, and nothing else."
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(help="When it ends: 30d, 12h, 15m. Never, where not given."),
    ] = None,
    name: Annotated[str, typer.Option(help="What it is for; shown in lists.")] = "",
    config_file: options.ConfigFile = None,
    data_dir: options.DataDir = None,
    redis_url: options.RedisUrl = None,
) -> None:
    """Make a key, and print its secret: the one time that it is shown.

    The secret alone goes to standard output. As soon as there is one key, a service on the same
    store answers nobody without one.

    Example: agent-serving keys create --tenant acme --scope run --expires 30d
    """
    if not re.fullmatch(TENANT, tenant):
        raise typer.BadParameter(f"{tenant!r} is no name of a tenant", param_hint="--tenant")
    lives = None if expires is None else _span(expires)
    scopes = known_scopes(each.value for each in scope or [ScopeName.run])
    key, secret = _at_the_desk(
        context,
        lambda desk: desk.create(tenant, scopes, actor=_actor(), name=name, lives=lives),
    )
    told = f"{key.id} of {key.tenant} may {', '.join(key.scopes)}{_until(key)}. Its secret:"
    typer.echo(told, err=True)
    typer.echo(secret)


def list_keys(
    context: typer.Context,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    config_file: options.ConfigFile = None,
    data_dir: options.DataDir = None,
    redis_url: options.RedisUrl = None,
) -> None:
    """List keys: never their secrets, which are not kept.

    Example: agent-serving keys list --tenant acme
    """
    keys = _at_the_desk(context, lambda desk: desk.keys(tenant))
    now = datetime.now(UTC)
    if as_json:
        rows = [key.model_dump(mode="json", exclude={"digest", "checksum"}) for key in keys]
        statuses = [{"status": key.status(now)} for key in keys]
        typer.echo(json.dumps([a | b for a, b in zip(rows, statuses, strict=True)], indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("id", "tenant", "name", "scopes", "status", "created", "expires"):
        table.add_column(column, overflow="fold")
    for key in keys:
        ends = "never" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d %H:%M}"
        scopes = " ".join(key.scopes)
        made = f"{key.created_at:%Y-%m-%d %H:%M}"
        table.add_row(key.id, key.tenant, key.name, scopes, key.status(now), made, ends)
    console().print(table)


def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="key_…")],
    config_file: options.ConfigFile = None,
    data_dir: options.DataDir = None,
    redis_url: options.RedisUrl = None,
) -> None:
    """Revoke a key: no request that begins from now on is answered for it.

    Example: agent-serving keys revoke key_01k9zt3hv0c6d8e1g5j7m2n4pq
    """
    key = _at_the_desk(context, lambda desk: desk.revoke(key_id, actor=_actor()))
    console().print(f"{key.id} of {key.tenant} is revoked.", markup=False, soft_wrap=True)


def audit(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many lines.")] = 50,
    config_file: options.ConfigFile = None,
    data_dir: options.DataDir = None,
    redis_url: options.RedisUrl = None,
) -> None:
    """Print the newest acts of administrators, one JSON object a line, the newest first.

    Example: agent-serving keys audit --limit 100
    """
    for act in _at_the_desk(context, lambda desk: desk.acts(limit)):
        typer.echo(act.model_dump_json())


def _at_the_desk(context: typer.Context, work: Callable[[KeyDesk], Awaitable[T]]) -> T:
    return asyncio.run(_work(options.configuration(context).settings, work))


async def _work(settings: Settings, work: Callable[[KeyDesk], Awaitable[T]]) -> T:
    async with bootstrap.key_desk(settings) as desk:
        return await work(desk)


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,4})([mhd])", text)
    if found is None:
        raise typer.BadParameter(
            f"{text!r} is no span of time (30d, 12h, 15m)", param_hint="--expires"
        )
    return int(found[1]) * UNITS[found[2]]


def _until(key: Key) -> str:
    return "" if key.expires_at is None else f" until {key.expires_at:%Y-%m-%d %H:%M} UTC"


def _actor() -> str:
    return f"cli:{getpass.getuser()}"
