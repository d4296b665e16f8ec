"""agent-serving agents apply | list | show"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent_serving.cli import options
from agent_serving.cli.console import console
from agent_serving.cli.rest import Json, Rest, RestError
from agent_serving.cli.transcript import one_line
from agent_serving.domain.errors import ConfigurationError
from agent_serving.plugins.agents import AgentFile, load_agent_files


def commands() -> typer.Typer:
    app = typer.Typer(
        help="Agents of a running service: apply a folder of agent files, list and show them.",
        no_args_is_help=True,
    )
    app.command("apply")(apply)
    app.command("list")(list_agents)
    app.command("show")(show)
    return app


def apply(
    folder: Annotated[Path, typer.Argument(help="Where the agent files are.", metavar="DIR")],
    url: options.ServiceUrl = options.LOCAL,
    key: options.ServiceKey = None,
    tenant: Annotated[
        str | None,
        typer.Option(
            help="Apply the files of this tenant, whose key it has to be; those that name no "
            "tenant where not given.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Register the agents of a folder, each where it is new or has changed.

    The files are those that `serve --agents` takes. All are read before the first is sent, and the
    first that the service refuses ends it. Nothing is ever deleted. It takes a key with the
    scope admin.

    Example: agent-serving agents apply ./agents --url https://agents.example
    """
    files = load_agent_files([folder])
    if not files:
        raise ConfigurationError(f"There is no agent file (NAME.toml) in {folder}.")
    asyncio.run(_apply(Rest(url, key), files, tenant, console()))


def list_agents(
    url: options.ServiceUrl = options.LOCAL,
    key: options.ServiceKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List agents, each in its newest version.

    Example: agent-serving agents list --json
    """
    agents = asyncio.run(_list(Rest(url, key)))
    if as_json:
        typer.echo(json.dumps(agents, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("name", "version", "model", "tools", "output"):
        table.add_column(column, overflow="fold")
    for agent in agents:
        output = (agent["output"] or {}).get("type", "text")
        cells = (agent["name"], agent["version"], agent["model"], " ".join(_tools(agent)), output)
        table.add_row(*(Text(one_line(str(cell))) for cell in cells))
    console().print(table)


def show(
    name: Annotated[str, typer.Argument(help="An agent's name or id; NAME@2 is its version 2.")],
    url: options.ServiceUrl = options.LOCAL,
    key: options.ServiceKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show all of an agent.

    Example: agent-serving agents show support@2
    """
    agent = asyncio.run(_show(Rest(url, key), name))
    if as_json:
        typer.echo(json.dumps(agent, indent=2))
        return
    rows = {
        "agent": f"{agent['name']}@{agent['version']} ({agent['id']})",
        "model": f"{agent['model']} (dialect {agent['dialect']})",
        "class": agent["class"],
        "tools": ", ".join(_tools(agent)) or "none",
        "limits": _given(agent["limits"]),
        "sampling": _given(agent["sampling"]) or "the engine's own",
        "output": json.dumps(agent["output"], indent=2) if agent["output"] else "text",
        "instructions": agent["instructions"] or "none",
    }
    out = console()
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for field, value in rows.items():
        table.add_row(field, Text("\n".join(map(one_line, value.split("\n")))))
    out.print(table)


async def _apply(service: Rest, files: list[AgentFile], tenant: str | None, out: Console) -> None:
    async with service as rest:
        before = {agent["name"]: agent["version"] for agent in await rest.list("/v1/agents")}
        for file in files:
            if file.tenant != tenant:
                whose = "no tenant" if file.tenant is None else f"tenant {file.tenant}"
                _say(out, "skipped", f"{file.name} ({whose})")
                continue
            try:
                agent = await rest.put("/v1/agents", file.body)
            except RestError as error:
                if error.param is None:
                    raise
                raise file.wrong(error.message, error.param) from None
            known = before.get(agent["name"])
            became = "created" if known is None else "changed"
            became = "unchanged" if known == agent["version"] else became
            _say(out, became, f"{agent['name']}@{agent['version']}")


def _say(out: Console, became: str, name: str) -> None:
    style = {"created": "green", "changed": "yellow"}.get(became, "dim")
    out.print(Text.assemble((f"{became:<10}", style), one_line(name)), soft_wrap=True)


async def _list(service: Rest) -> list[Json]:
    async with service as rest:
        return await rest.list("/v1/agents")


async def _show(service: Rest, name: str) -> Json:
    async with service as rest:
        return await rest.get(f"/v1/agents/{quote(name, safe='@')}")


def _tools(agent: Json) -> list[str]:
    """Those that the caller runs are marked by a star."""
    return [tool if isinstance(tool, str) else f"{tool['name']}*" for tool in agent["tools"]]


def _given(values: Json) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)
