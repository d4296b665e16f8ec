"""agent-serving chat"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console

from agent_serving.cli import options
from agent_serving.cli.console import console
from agent_serving.cli.rest import Json, Rest, RestError
from agent_serving.cli.step_table import LedgerTurn, step_table
from agent_serving.cli.transcript import LiveTurn

COMMANDS = (
    "/fork goes on in a copy, /steps shows the last turn's steps, /quit ends. Ctrl-C stops a reply."
)


def chat(
    url: options.ServiceUrl = options.LOCAL,
    key: options.ServiceKey = None,
    tool: Annotated[
        list[str] | None,
        typer.Option(help="A tool that the agent may use; all of them when not given."),
    ] = None,
    session: Annotated[
        str | None, typer.Option(help="Go on in this session instead of a new one.")
    ] = None,
    instructions: Annotated[str, typer.Option(help="What the agent is told first.")] = (
        "You are a helpful assistant."
    ),
) -> None:
    """Talk to a running service, and watch the tools it calls.

    Example: agent-serving chat --tool calculator --tool current_time
    """
    out = console()
    # One loop for each turn's work, none while we wait for a line: Ctrl-C then just works.
    with asyncio.Runner() as runner:
        rest = Rest(url, key)
        try:
            opening = _open(rest, session, tool, instructions)
            _converse(runner, _Chat(rest, out, runner.run(opening)))
        finally:
            runner.run(rest.__aexit__(None, None, None))


@dataclass(slots=True)
class _Chat:
    """The conversation as it stands; `session` changes with a fork."""

    rest: Rest
    out: Console
    session: str
    turn: str | None = None

    async def say(self, text: str) -> None:
        live = LiveTurn(self.out, chatting=True)
        body: Json = {"input": text, "mode": "stream"}
        async for event in self.rest.stream(f"/v1/sessions/{self.session}/turns", body):
            self.turn = event.body["turn_id"] or self.turn
            live.show(event)

    async def cancel(self) -> None:
        with contextlib.suppress(RestError):  # it may have ended in the same moment
            await self.rest.post(f"/v1/sessions/{self.session}/turns/{self.turn}/cancel")
        self.out.print("\n  (cancelled)", style="yellow")

    async def fork(self) -> None:
        forked = await self.rest.post(f"/v1/sessions/{self.session}/fork")
        self.session, self.turn = forked["id"], None
        self.out.print(f"Now in {self.session}, which shares all that was said.", soft_wrap=True)

    async def steps(self) -> None:
        if self.turn is None:
            self.out.print("There is no turn yet.")
            return
        path = f"/v1/sessions/{self.session}/turns/{self.turn}"
        turn, steps = await self.rest.get(path), await self.rest.list(f"{path}/steps")
        self.out.print(step_table([LedgerTurn("turn", turn, steps)]))


async def _open(rest: Rest, session: str | None, tools: list[str] | None, instructions: str) -> str:
    if session is not None:
        found: str = (await rest.get(f"/v1/sessions/{session}"))["id"]
        return found
    if tools is None:
        tools = [each["name"] for each in (await rest.get("/v1/tools"))["data"]]
    agent: Json = {"name": "chat", "instructions": instructions, "tools": tools}
    opened: str = (await rest.post("/v1/sessions", {"agent": agent}))["id"]
    return opened


def _converse(runner: asyncio.Runner, chat: _Chat) -> None:
    chat.out.print(f"Session {chat.session} at {chat.rest.url}\n{COMMANDS}", soft_wrap=True)
    while True:
        try:
            text = chat.out.input("\n[bold cyan]you[/bold cyan] ").strip()
        except (EOFError, KeyboardInterrupt):
            return
        match text:
            case "":
                continue
            case "/quit" | "/exit":
                return
            case "/fork":
                work = chat.fork()
            case "/steps":
                work = chat.steps()
            case _ if text.startswith("/"):
                chat.out.print(COMMANDS)
                continue
            case _:
                work = chat.say(text)
        try:
            runner.run(work)
        except KeyboardInterrupt:
            runner.run(chat.cancel())
        except RestError as error:
            chat.out.print(error.message, style="red", soft_wrap=True)
