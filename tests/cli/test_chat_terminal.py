"""A chat in a terminal: what is typed, what is seen, what the keys do."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx

from agent_serving import bootstrap
from agent_serving.cli.server import serving
from agent_serving.config import Settings
from agent_serving.runtime.agents import AgentDraft
from agent_serving.runtime.turn_request import TurnRequest
from agent_serving.testing import Say, ScriptedEngine
from tests.cli.conftest import call, scripted_service
from tests.cli.terminal import ALT_ENTER, CTRL_C, CTRL_D, ENTER, PROMPT, UP, plain, terminal

ASK = {
    "type": "function",
    "name": "ask_boss",
    "parameters": {"type": "object", "properties": {"what": {"type": "string"}}},
}


async def test_a_call_is_one_line_that_was_overwritten_while_it_ran(tmp_path: Path) -> None:
    script = [call("calculator", expression="2 + 2"), "Four!\nIndeed."]
    async with (
        scripted_service(tmp_path / "data", *script) as url,
        terminal("chat", "--url", url, folder=tmp_path) as screen,
    ):
        await screen.until(PROMPT)
        screen.say("2 + 2?")
        shown = plain(await screen.until(PROMPT))
    assert "calculator" in shown.split("\r\x1b[2K")[0]
    last = shown.split("\x1b[2K")[-2]
    assert re.match(r'  calls    calculator \{"expression": "2 \+ 2"\} → ok 4  \d+ ms\n', last)
    assert "  agent    Four!\n           Indeed.\n" in shown


async def test_ctrl_c_cancels_the_turn_and_not_the_chat(tmp_path: Path) -> None:
    script = [Say("A very long story. " * 200, delay=0.05), "Short."]
    async with (
        scripted_service(tmp_path / "data", *script) as url,
        terminal("chat", "--url", url, folder=tmp_path) as screen,
    ):
        await screen.until(PROMPT)
        screen.say("Tell me a story")
        await screen.until("A very long")
        screen.type(CTRL_C)
        assert "the turn is cancelled" in plain(await screen.until(PROMPT))
        screen.type("half a line")
        await screen.until("half a line")
        # A signal between the prompt and the wait for a key is not seen: no hand is so fast.
        await screen.waits_for_a_key()
        screen.type(CTRL_C)
        await screen.until(PROMPT)
        screen.say("Shorter")
        assert "  agent    Short.\n" in plain(await screen.until(PROMPT))


async def test_ctrl_d_leaves_and_says_how_to_come_back(tmp_path: Path) -> None:
    script = [call("calculator", expression="6 * 7"), "Forty-two."]
    async with scripted_service(tmp_path / "data", *script) as url:
        async with terminal("chat", "--url", url, folder=tmp_path) as screen:
            await screen.until(PROMPT)
            screen.say("6 * 7?")
            await screen.until(PROMPT)
            screen.type(CTRL_D)
            told = await screen.ended()
            assert screen.process.returncode == 0
        [session] = re.findall(r"chat --session (sess_\w+) --url", told)
        async with terminal("chat", "--url", url, "--session", session, folder=tmp_path) as screen:
            shown = plain(await screen.until(PROMPT))
            screen.type(UP)
            await screen.until(r"6 \* 7\?")
    assert "  user     6 * 7?\n" in shown
    assert '  calls    calculator {"expression": "6 * 7"} → ok 42\n' in shown
    assert "  agent    Forty-two.\n" in shown


async def test_the_arrow_keys_bring_back_what_was_said(tmp_path: Path) -> None:
    async with (
        scripted_service(tmp_path / "data", "One.", "Two.") as url,
        terminal("chat", "--url", url, folder=tmp_path) as screen,
    ):
        await screen.until(PROMPT)
        screen.say("Say it")
        await screen.until(PROMPT)
        screen.type(UP)
        await screen.until("Say it")
        screen.type(ENTER)
        assert "  agent    Two.\n" in plain(await screen.until(PROMPT))
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            [session] = (await http.get("/v1/sessions")).json()["data"]
            items = (await http.get(f"/v1/sessions/{session['id']}/items")).json()["data"]
    assert [item["text"] for item in items] == ["Say it", "One.", "Say it", "Two."]


async def test_a_message_may_have_several_lines(tmp_path: Path) -> None:
    async with (
        scripted_service(tmp_path / "data") as url,
        terminal("chat", "--url", url, folder=tmp_path) as screen,
    ):
        await screen.until(PROMPT)
        screen.type(f"one{ALT_ENTER}two")
        screen.say("")
        await screen.until(PROMPT)
        screen.say("three\\")
        await screen.until("… $")
        screen.say("four")
        await screen.until(PROMPT)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            [session] = (await http.get("/v1/sessions")).json()["data"]
            items = (await http.get(f"/v1/sessions/{session['id']}/items")).json()["data"]
    said = [item["text"] for item in items if item["role"] == "user"]
    assert said == ["one\ntwo", "three\nfour"]


async def test_a_call_that_is_the_person_s_is_asked_for(tmp_path: Path) -> None:
    both = call("ask_boss", what="pay") + "\n" + call("ask_boss", what="leave")
    async with scripted_service(tmp_path / "data", both, "Done.") as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            await http.post("/v1/agents", json={"name": "clerk", "tools": [ASK]})
        async with terminal("chat", "--agent", "clerk", "--url", url, folder=tmp_path) as screen:
            await screen.until(PROMPT)
            screen.say("More, please")
            await screen.until(r'ask_boss \{"what": "pay"\} is yours to run.*\n> $')
            screen.type(CTRL_D)
            told = await screen.ended()
        [session] = re.findall(r"chat --session (sess_\w+) --url", told)
        async with terminal("chat", "--session", session, "--url", url, folder=tmp_path) as screen:
            await screen.until("More, please")
            await screen.until(r'ask_boss \{"what": "pay"\} is yours to run.*\n> $')
            screen.say("granted")
            await screen.until(r'ask_boss \{"what": "leave"\} is yours to run.*\n> $')
            screen.say("! not now")
            shown = plain(await screen.until(PROMPT))
    assert re.search(r'  calls    ask_boss \{"what": "pay"\} → ok granted', shown)
    assert re.search(r'  calls    ask_boss \{"what": "leave"\} → error not now', shown)
    assert "  agent    Done.\n" in shown


async def test_the_last_turn_can_be_undone(tmp_path: Path) -> None:
    async with (
        scripted_service(tmp_path / "data", "One.", "Two.", "Three.") as url,
        terminal("chat", "--url", url, folder=tmp_path) as screen,
    ):
        await screen.until(PROMPT)
        screen.say("/undo")
        assert "There is no turn yet." in plain(await screen.until(PROMPT))
        for text in ("first", "second"):
            screen.say(text)
            await screen.until(PROMPT)
        screen.say("/undo")
        [fork] = re.findall(r"Now in (sess_\w+), without", await screen.until(PROMPT))
        screen.say("third")
        await screen.until(PROMPT)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            items = (await http.get(f"/v1/sessions/{fork}/items")).json()["data"]
    said = [item["text"] for item in items if item["role"] == "user"]
    assert said == ["first", "third"]


async def test_what_else_can_be_typed(tmp_path: Path) -> None:
    async with (
        scripted_service(tmp_path / "data") as url,
        terminal("chat", "--url", url, "--tool", "calculator", folder=tmp_path) as screen,
    ):
        await screen.until(PROMPT)
        screen.say("/trace")
        assert "There is no turn yet." in plain(await screen.until(PROMPT))
        screen.say("Hello")
        await screen.until(PROMPT)
        for typed, seen in {
            "/trace": "critical path",
            "/cost": "1 turns, 1 model steps",
            "/tools": r"calculator +\w+",
            "/help": r"/undo +goes on in a copy without the last turn",
            "/nonsense": "There is no command /nonsense",
        }.items():
            screen.say(typed)
            assert re.search(seen, plain(await screen.until(PROMPT))), typed
        screen.say("/quit")
        assert "The session is kept" in await screen.ended()
    assert screen.process.returncode == 0


async def test_reasoning_is_dimmed_and_colours_are_there(tmp_path: Path) -> None:
    script = ["<think>\nHm.\n</think>\n\nHello!"]
    (tmp_path / "agent-serving.toml").write_text("")
    async with (
        scripted_service(tmp_path / "data", *script, dialect="qwen3") as url,
        terminal("chat", "--url", url, folder=tmp_path, NO_COLOR="") as screen,
    ):
        await screen.until(r"you\x1b\[0m $")
        screen.say("Hi")
        shown = await screen.until(r"you\x1b\[0m $")
    assert re.search(r"\x1b\[2m  thinks   \x1b\[0m(\x1b\[2m\S*\x1b\[0m)*\x1b\[2mHm", shown)
    assert "Hello!" in shown


async def test_a_call_in_doubt_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "pay.py").write_text(
        "import asyncio\nfrom agent_serving import tool\n\n@tool()\n"
        'async def pay() -> str:\n    """Pay."""\n    await asyncio.sleep(60)\n'
    )
    settings = Settings(data_dir=tmp_path / "data", tools=(tmp_path / "tools",))
    async with bootstrap.build(settings, engine=ScriptedEngine([call("pay")])) as running:
        service = running.service
        agent = await service.agents.resolve(AgentDraft(name="payer", tools=("pay",)))
        session = (await service.sessions.open("default", agent)).value
        await service.sessions.start_turn("default", session.id, TurnRequest(input=("Pay!",)))
        async with asyncio.timeout(30):
            while not (await service.sessions.get("default", session.id)).turns[0].tool_steps:
                await asyncio.sleep(0.05)
    async with (
        bootstrap.build(settings, engine=ScriptedEngine(["Paid."])) as running,
        serving(running.app, "127.0.0.1", 0) as url,
        terminal("chat", "--url", url, "--session", session.id, folder=tmp_path) as screen,
    ):
        await screen.until(r"pay \{\} may have run before the service died.*\n?.*\n> $")
        screen.say("perhaps")
        await screen.until(r"That is no answer.*\n> $")
        screen.say("= 5 euros")
        shown = plain(await screen.until(PROMPT))
    assert re.search(r"  calls    pay \{\} → ok 5 euros", shown)
    assert "  agent    Paid.\n" in shown
