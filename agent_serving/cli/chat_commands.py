"""What can be typed in a chat beside what is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from rich.table import Table
from rich.text import Text

from agent_serving.cli.conversation import Conversation
from agent_serving.cli.rest import Json, RestError
from agent_serving.cli.step_table import LedgerTurn, step_table
from agent_serving.cli.timeline import timeline
from agent_serving.cli.transcript import one_line
from agent_serving.cli.waterfall import waterfall


@dataclass(frozen=True, slots=True)
class Command:
    does: str
    work: Callable[[Conversation], Awaitable[None]]


async def trace(chat: Conversation) -> None:
    turn = await chat.rest.get(chat.turn_path)
    steps = await chat.rest.list(f"{chat.turn_path}/steps")
    spans = await chat.rest.get(f"{chat.turn_path}/trace")
    drawn = timeline(turn, steps, spans, datetime.now(UTC))
    chat.out.print(waterfall(drawn, chat.out), soft_wrap=True)
    if turn["trace_url"] is not None:
        chat.out.print(turn["trace_url"], soft_wrap=True, markup=False)


async def steps(chat: Conversation) -> None:
    turn = await chat.rest.get(chat.turn_path)
    rows = await chat.rest.list(f"{chat.turn_path}/steps")
    chat.out.print(step_table([LedgerTurn("turn", turn, rows)]))


async def cost(chat: Conversation) -> None:
    used = await chat.rest.get(f"{chat.path}/usage")
    usage, price = used["usage"], used["cost"]
    paid = f"{price['total']} {price['currency']}" if price else "no prices are configured"
    chat.out.print(
        f"This session: {used['turns']} turns, {usage['model_steps']} model steps, "
        f"{usage['tool_calls']} tool calls; {usage['input_tokens']} tokens in "
        f"({usage['cached_tokens']} cached), {usage['output_tokens']} out; {paid}.",
        markup=False,
        soft_wrap=True,
    )


async def tools(chat: Conversation) -> None:
    served = {tool["name"]: tool for tool in (await chat.rest.get("/v1/tools"))["data"]}
    agent = chat.agent
    if isinstance(agent, str):
        agent = await chat.rest.get(f"/v1/agents/{quote(agent, safe='@')}")
    table = Table.grid(padding=(0, 2))
    for tool in agent["tools"]:
        named: Json = served.get(tool, {"name": tool}) if isinstance(tool, str) else tool
        first = named.get("description", "").strip().split("\n")[0]
        table.add_row(Text(named["name"], style="bold"), Text(one_line(first)))
    chat.out.print(table if agent["tools"] else "The agent has no tools.")


async def show_help(chat: Conversation) -> None:
    table = Table.grid(padding=(0, 2))
    for name, command in COMMANDS.items():
        table.add_row(Text(name, style="bold"), command.does)
    table.add_row(Text(QUIT, style="bold"), "leaves, as Ctrl-D does; the session is kept")
    table.add_row()
    table.add_row(Text("Ctrl-C", style="bold"), "cancels a turn, or the line that is typed")
    table.add_row(Text("Alt-Enter", style="bold"), "begins a new line, as \\ at its end does")
    chat.out.print(table)


QUIT = "/quit"
COMMANDS = {
    "/fork": Command("goes on in a copy that shares all that was said", Conversation.fork),
    "/undo": Command("goes on in a copy without the last turn", Conversation.undo),
    "/cancel": Command("cancels a turn that waits", Conversation.cancel),
    "/trace": Command("draws where the time of the last turn went", trace),
    "/steps": Command("shows the last turn's steps", steps),
    "/cost": Command("shows what the session has used", cost),
    "/tools": Command("lists the agent's tools", tools),
    "/help": Command("shows this", show_help),
}


def command(name: str) -> Command:
    """Raises RestError."""
    if name not in COMMANDS:
        raise RestError(f"There is no command {one_line(name)}. /help lists them.")
    return COMMANDS[name]
