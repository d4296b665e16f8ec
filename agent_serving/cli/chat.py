"""agent-serving chat"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.text import Text

from agent_serving.cli import options
from agent_serving.cli.chat_commands import QUIT, command
from agent_serving.cli.chat_questions import answer, question
from agent_serving.cli.console import console, program
from agent_serving.cli.conversation import Conversation
from agent_serving.cli.line_input import LineInput
from agent_serving.cli.rest import Json, Rest, RestError
from agent_serving.cli.transcript import one_line

COMMAND = re.compile(r"/[a-z]*")


def chat(
    url: options.ServiceUrl = options.LOCAL,
    key: options.ServiceKey = None,
    agent: Annotated[
        str | None,
        typer.Option(help="A registered agent: NAME or NAME@VERSION.", show_default=False),
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option(help="A tool that the agent may use; all of them when not given."),
    ] = None,
    session: Annotated[
        str | None, typer.Option(help="Go on in this session instead of a new one.")
    ] = None,
    instructions: Annotated[
        str | None, typer.Option(help="What the agent is told first.", show_default=False)
    ] = None,
) -> None:
    """Talk to a running service, and watch the tools it calls.

    /help lists what else can be typed. In a pipe each line is said, and only what comes of it is
    written.

    Example: agent-serving chat --tool calculator --tool current_time
    """
    if agent is not None and (tool is not None or instructions is not None):
        raise typer.BadParameter(
            "a registered agent has its own tools and instructions", param_hint="--agent"
        )
    out = console()
    # One loop for each turn's work, none while we wait for a line: Ctrl-C then just works.
    with asyncio.Runner() as runner:
        rest = Rest(url, key)
        try:
            opened = runner.run(_open(rest, out, session, agent or _inline(tool, instructions)))
            _Chat(runner, opened, out, LineInput(out)).hold(resumed=session is not None)
        finally:
            runner.run(rest.__aexit__(None, None, None))


def _inline(tools: list[str] | None, instructions: str | None) -> Json:
    told = "You are a helpful assistant." if instructions is None else instructions
    return {"name": "chat", "instructions": told, "tools": tools}


async def _open(rest: Rest, out: Console, session: str | None, agent: str | Json) -> Conversation:
    if session is not None:
        found = await rest.get(f"/v1/sessions/{quote(session, safe='')}")
        frozen = found["agent"]
        return Conversation(rest, out, found["id"], f"{frozen['id']}@{frozen['version']}")
    if isinstance(agent, dict) and agent["tools"] is None:
        agent["tools"] = [each["name"] for each in (await rest.get("/v1/tools"))["data"]]
    opened = await rest.post("/v1/sessions", {"agent": agent})
    return Conversation(rest, out, opened["id"], agent)


@dataclass(frozen=True, slots=True)
class _Chat:
    runner: asyncio.Runner
    conversation: Conversation
    out: Console
    lines: LineInput

    def hold(self, *, resumed: bool) -> None:
        """Until there is no more to read. Raises RestError, but not where somebody is there to
        read it and to go on."""
        told = self.out if self.lines.interactive else console(stderr=True)
        talk = self.conversation
        told.print(
            f"Session {talk.session} at {talk.rest.url}. /help lists what can be typed.",
            soft_wrap=True,
            markup=False,
        )
        if resumed:
            self._run(self._resumed())
        with contextlib.suppress(EOFError):
            while self._next():
                pass
        told.print(f"\nThe session is kept: {self._way_back()}", soft_wrap=True, markup=False)

    def _way_back(self) -> str:
        talk = self.conversation
        url = "" if talk.rest.url == options.LOCAL else f" --url {talk.rest.url}"
        return f"{program()} chat --session {talk.session}{url}"

    def _next(self) -> bool:
        """One line and what comes of it; False where it is the last. Raises EOFError."""
        try:
            if self.lines.interactive:
                self.out.print()
            text = self.lines.read("you").strip()
        except KeyboardInterrupt:
            self.out.print()
            return True
        if text in (QUIT, "/exit"):
            return False
        if text:
            self.lines.remember([text])
            self._run(self._do(text))
        return True

    async def _do(self, text: str) -> None:
        if COMMAND.fullmatch(text):
            await command(text).work(self.conversation)
        else:
            await self.conversation.say(text)

    async def _resumed(self) -> None:
        self.lines.remember(await self.conversation.resume())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """The work, and whatever the turn waits for then."""
        try:
            self._finish(work)
        except KeyboardInterrupt:
            self._cancel()

    def _finish(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self.runner.run(work)
            while required := self.conversation.required:
                inputs = [self._asked(each) for each in required]
                self.runner.run(self.conversation.answer(inputs))
        except RestError as error:
            if not self.lines.interactive:
                raise
            self.out.print(Text(one_line(error.message), style="red"), soft_wrap=True)

    def _cancel(self) -> None:
        self.out.print()
        with contextlib.suppress(KeyboardInterrupt):
            self._finish(self.conversation.cancel())

    def _asked(self, required: Json) -> Json:
        asked = question(required)
        if not self.lines.interactive:
            raise RestError(
                f"The turn waits for an answer, which a pipe cannot give: {asked} Go on in a "
                f"terminal: {self._way_back()}"
            )
        self.out.print(Text(asked, style="bold yellow"), soft_wrap=True)
        while (given := answer(required, self.lines.read(">", style="1;33"))) is None:
            self.out.print(Text("That is no answer.", style="yellow"))
        return given
