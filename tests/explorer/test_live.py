"""A turn under way, as it is told by the service's own event stream."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import Browser, expect

from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Serve
from tests.explorer.conftest import Explorer, exploring

STORY = " ".join(f"word{n}" for n in range(120))
DELAY = 0.06
"""Ten seconds for all of it, in which the page is looked at."""
END_MS = 60_000
"""How long the end of it may take."""


def calling(a: int, b: int) -> Say:
    arguments = json.dumps({"a": a, "b": b})
    text = f'<tool_call>\n{{"name": "add", "arguments": {arguments}}}\n</tool_call>'
    return Say(text, delay=0.02)


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine([calling(2, 3), Say(STORY, delay=DELAY)])


async def test_a_turn_is_shown_while_it_runs(
    browser: Browser, serve: Serve, engine: ScriptedEngine
) -> None:
    api = await serve(engine)
    session_id = await api.open({"tools": ["add"]})
    async for explorer in exploring(browser, api):
        page = explorer.page
        await explorer.open_session(session_id)
        await page.get_by_text("Live", exact=True).wait_for()
        turn_id = (await api.say(session_id, "add", mode="background")).json()["id"]
        running = page.locator(f"#{turn_id} .row[data-running]")
        await running.first.wait_for()
        answer = page.locator(f"#{turn_id} .answered .speech-text")
        await expect(answer).to_contain_text("word1 ")
        told = await answer.inner_text()
        assert STORY.startswith(told)
        assert told != STORY
        await expect(page.locator(".session-head .badge")).to_have_text("●in progress")
        await expect(answer).to_have_text(STORY, timeout=END_MS)
        await expect(page.locator(f"#{turn_id} .turn-head .badge")).to_have_text("✓completed")
        await expect(page.locator(".session-head .badge")).to_have_text("○idle")
        await expect(page.locator("#announcer")).to_have_text("Turn 1 is completed.")
        steps = await explorer.steps()
        assert [step.split(",")[0] for step in steps] == ["Model step", "Tool add", "Model step"]
        assert await running.count() == 0


async def test_a_running_bar_grows(browser: Browser, serve: Serve, engine: ScriptedEngine) -> None:
    api = await serve(engine)
    session_id = await api.open({"tools": ["add"]})
    async for explorer in exploring(browser, api):
        await explorer.open_session(session_id)
        await api.say(session_id, "add", mode="background")
        bar = explorer.page.locator(".row[data-running] .bar-label")
        await bar.first.wait_for()
        await expect(bar.first).not_to_have_text("")
        before = await bar.first.inner_text()
        await expect(bar.first).not_to_have_text(before)


async def test_a_step_that_streams_is_told_in_its_details(browser: Browser, serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say(f"<think>because</think>{STORY}", delay=DELAY)]))
    session_id = await api.open()
    async for explorer in exploring(browser, api):
        await explorer.open_session(session_id)
        await api.say(session_id, "tell", mode="background")
        row = explorer.page.locator(".row[data-running]")
        await expect(row).to_have_attribute("aria-label", "Model step, running")
        await row.click()
        saying = explorer.page.get_by_role("region", name="Saying …")
        await expect(saying).to_contain_text("word3 ")
        await expect(explorer.page.get_by_role("region", name="Said")).to_have_text(
            STORY, timeout=END_MS
        )


async def test_a_turn_that_runs_already_is_joined_in_the_middle(
    browser: Browser, serve: Serve, engine: ScriptedEngine
) -> None:
    api = await serve(engine)
    session_id = await api.open({"tools": ["add"]})
    turn_id = (await api.say(session_id, "add", mode="background")).json()["id"]
    await api.generating(2)
    async for explorer in exploring(browser, api):
        await explorer.open_session(session_id)
        answer = explorer.page.locator(f"#{turn_id} .answered .speech-text")
        await expect(answer).to_contain_text("word0 word1 ")
        await expect(answer).to_have_text(STORY, timeout=END_MS)


async def test_a_cut_connection_loses_nothing(
    browser: Browser, serve: Serve, engine: ScriptedEngine
) -> None:
    api = await serve(engine)
    session_id = await api.open({"tools": ["add"]})
    async for explorer in exploring(browser, api):
        await explorer.open_session(session_id)
        await explorer.page.get_by_text("Live", exact=True).wait_for()
        turn_id = (await api.say(session_id, "add", mode="background")).json()["id"]
        answer = explorer.page.locator(f"#{turn_id} .answered .speech-text")
        await expect(answer).to_contain_text("word2 ")
        await explorer.page.context.set_offline(True)
        await asyncio.sleep(0.5)
        await explorer.page.context.set_offline(False)
        await expect(answer).to_have_text(STORY, timeout=END_MS)
        explorer.complaints.clear()  # The browser's own, of the cut.


async def test_a_second_turn_comes_on_top_and_closes_the_first(explorer: Explorer) -> None:
    session_id = await explorer.api.open()
    await explorer.api.say(session_id, "one")
    await explorer.open_session(session_id)
    await explorer.steps()
    await explorer.page.get_by_text("Live", exact=True).wait_for()
    await explorer.api.say(session_id, "two")
    heads = explorer.page.locator(".turn-toggle")
    await expect(heads).to_have_count(2)
    await expect(heads.first).to_have_attribute("aria-expanded", "true")
    await expect(heads.last).to_have_attribute("aria-expanded", "false")


async def test_a_session_that_is_deleted_is_said_to_be_gone(explorer: Explorer) -> None:
    session_id = await explorer.api.open()
    await explorer.open_session(session_id)
    await explorer.page.get_by_text("Live", exact=True).wait_for()
    await explorer.api.http.delete(f"/v1/sessions/{session_id}")
    await explorer.page.get_by_role("heading", name="There is no such session").wait_for()
    explorer.complaints.clear()  # The browser's own, of the 404.
