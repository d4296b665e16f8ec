"""The sessions in the pictures: real runs, through the API, on an engine that follows a script."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
from paced_engine import PacedEngine

from agent_serving.testing import Say

Json = dict[str, Any]

TRAVEL = "You are the travel desk of an agency."
RULES = (
    "Look prices up, never guess them. Convert money with today's rate only. Do arithmetic with "
    "the calculator. Say amounts with their currency, and keep answers to a few sentences. "
    "Remember what the customer decided, so that the next conversation can begin with it. "
)
QUESTIONS = (
    "I have 2,400 euros for a week in Tokyo. How many yen is that today?",
    "Find me flights from Berlin on 3 March and a hotel near Shinjuku, and tell me whether the "
    "week stays inside the budget.",
    "Add two nights, and note the hotel for next time.",
)


def _reply(text: str = "", *calls: tuple[str, Json], thinks: str = "") -> Say:
    blocks = [
        f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"
        for name, arguments in calls
    ]
    thought = f"<think>{thinks}</think>" if thinks else ""
    return Say(thought + text + "\n".join(blocks), delay=0.011, chunk=4)


SCRIPTS = {
    TRAVEL: (
        _reply(
            "",
            ("exchange_rate", {"base": "EUR", "to": "JPY"}),
            thinks="I need today's rate before I convert anything.",
        ),
        _reply("", ("calculator", {"expression": "2400 * 171.42"})),
        _reply("2,400 euros are 411,408 yen today (1 EUR = 171.42 JPY)."),
        _reply(
            "",
            ("find_flights", {"origin": "Berlin", "destination": "Tokyo", "day": "2027-03-03"}),
            ("find_hotels", {"near": "Shinjuku", "nights": 7}),
            ("exchange_rate", {"base": "JPY", "to": "EUR"}),
            thinks="Flights, hotels and the rate do not depend on each other: all at once.",
        ),
        _reply("", ("calculator", {"expression": "812 + 15900 * 7 / 171.42"})),
        _reply(
            "Yes. ANA flies on 3 March for 812 euros, and seven nights at Tokyo Stay near Shinjuku "
            "are 111,300 yen (649.28 euros). Together 1,461.28 euros, so 938.72 euros are left."
        ),
        _reply(
            "",
            ("calculator", {"expression": "15900 * 9"}),
            ("remember", {"key": "hotel", "value": "Tokyo Stay"}),
            thinks="Nine nights at 15,900 yen; the note is a call of its own.",
        ),
        _reply("", ("exchange_rate", {"base": "YEN", "to": "EUR"})),
        _reply("", ("exchange_rate", {"base": "JPY", "to": "EUR"})),
        _reply(
            "Nine nights are 143,100 yen (834.85 euros). With the flight you are at 1,646.85 "
            "euros, and I have noted Tokyo Stay for next time."
        ),
    ),
    "You sort tickets.": (
        _reply("billing"),
        _reply("shipping"),
        _reply("returns"),
        _reply("shipping", thinks="Damaged on its way, so it is about the carrier, not the goods."),
    ),
    "You review invoices.": (_reply("", ("approve", {"invoice": "R-2291"})),),
    "You are a research assistant.": (_reply("", ("calculator", {"expression": "19 * 23"})),),
    "You write minutes.": (
        Say(
            "The board met at nine. It heard the report on the new depot, which opens in May, and "
            "asked for the figures by region. " * 90,
            delay=0.05,
        ),
    ),
    "You count.": (
        *(_reply("", ("calculator", {"expression": f"{n} + 1"})) for n in range(6)),
        _reply("Counted to six."),
    ),
}


class Scene:
    """`play` leaves one session of each kind behind."""

    def __init__(self, http: httpx.AsyncClient, engine: PacedEngine) -> None:
        self.http = http
        self.engine = engine

    async def play(self) -> None:
        await self.count()
        await self.sort()
        await self.review()
        await self.research()
        self.travelling = await self.travel()

    async def travel(self) -> str:
        """Three turns: a chain of calls, calls side by side, and a prefix that was lost."""
        tools = ["exchange_rate", "find_flights", "find_hotels", "calculator", "remember"]
        session = await self.open(
            "travel-desk", TRAVEL + " " + RULES * 4, tools, customer="4711", channel="web"
        )
        await self.say(session, QUESTIONS[0])
        await self.say(session, QUESTIONS[1])
        self.engine.forget()
        # The engine runs one request at a time here: this one has to wait for its place.
        other = await self.open("ticket-router", "You sort tickets.", [], queue="inbox")
        await self.say(other, "A parcel came open.", mode="background")
        await asyncio.sleep(0.2)
        await self.say(session, QUESTIONS[2])
        return session

    async def write(self) -> str:
        """A turn that is under way for some minutes."""
        session = await self.open("minutes", "You write minutes.", ["recall"], team="board")
        await self.say(session, "Write up this morning's meeting.", mode="background")
        return session

    async def count(self) -> None:
        await self.say(await self.open("counter", "You count.", ["calculator"]), "Count to six.")

    async def sort(self) -> None:
        session = await self.open("ticket-router", "You sort tickets.", [], queue="inbox")
        for ticket in ("My card was charged twice.", "Where is my parcel?", "It is too small."):
            await self.say(session, ticket)

    async def review(self) -> None:
        """It waits for a call that the caller has to run."""
        approve = {
            "type": "function",
            "name": "approve",
            "description": "Ask the clerk to approve an invoice.",
            "parameters": {
                "type": "object",
                "properties": {"invoice": {"type": "string"}},
                "required": ["invoice"],
            },
        }
        session = await self.open("invoices", "You review invoices.", [approve], customer="0815")
        await self.say(session, "Please look at R-2291.")

    async def research(self) -> None:
        """It pauses at its budget."""
        session = await self.open("research", "You are a research assistant.", ["calculator"])
        await self.say(session, "How many pages is that?", budget={"max_steps": 1})

    async def forget(self, session: str) -> None:
        (await self.http.delete(f"/v1/sessions/{session}")).raise_for_status()

    async def open(self, name: str, instructions: str, tools: list[Any], **labels: str) -> str:
        agent = {"name": name, "instructions": instructions, "tools": tools}
        answer = await self.http.post("/v1/sessions", json={"agent": agent, "metadata": labels})
        return str(answer.raise_for_status().json()["id"])

    async def say(self, session: str, text: str, **how: Any) -> None:
        body = {"input": text, **how}
        answer = await self.http.post(f"/v1/sessions/{session}/turns", json=body)
        answer.raise_for_status()
