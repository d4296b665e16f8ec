from __future__ import annotations

import json
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.api.conftest import Serve
from tests.explorer.conftest import Explorer, exploring
from tests.explorer.sessions import travel

GRAVE = ("serious", "critical")


async def findings(page: Page) -> list[str]:
    results = await Axe().run(page)
    # A check that found nothing to look at would find nothing wrong either.
    assert len(results.response["passes"]) > 15
    return [
        f"{found['id']}: {json.dumps([node['html'][:200] for node in found['nodes'][:3]])}"
        for found in results.response["violations"]
        if found["impact"] in GRAVE
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_has_no_grave_findings(browser: Browser, serve: Serve, scheme: Any) -> None:
    async for explorer in exploring(browser, await serve(), color_scheme=scheme):
        page = explorer.page
        await explorer.open()
        await page.get_by_role("heading", name="No sessions yet").wait_for()
        assert await findings(page) == []
        session_id = await travel(explorer.ports).store()
        await page.get_by_text(session_id).wait_for()
        assert await findings(page) == []
        await explorer.open_session(session_id)
        await explorer.steps()
        await explorer.rows().first.click()
        assert await findings(page) == []
        await explorer.rows("convert, failed").click()
        assert await findings(page) == []


async def test_axe_finds_what_is_planted(explorer: Explorer) -> None:
    await explorer.open()
    await explorer.page.get_by_role("heading", name="No sessions yet").wait_for()
    await explorer.page.evaluate("document.querySelector('main').append(new Image())")
    assert any(found.startswith("image-alt") for found in await findings(explorer.page))


async def test_the_keyboard_alone_leads_from_the_list_to_a_result(explorer: Explorer) -> None:
    await travel(explorer.ports).store()
    page, keys = explorer.page, explorer.page.keyboard
    await explorer.open()
    link = page.get_by_role("link", name="travel-desk")
    await link.wait_for()
    await reach(page, "a[href*='/sessions/sess_']")
    await keys.press("Enter")
    await explorer.steps()
    await reach(page, ".row")
    await keys.press("ArrowDown")
    await keys.press("End")
    await expect(explorer.rows().last).to_be_focused()
    await keys.press("Home")
    await keys.press("ArrowDown")
    await keys.press("Enter")
    details = page.get_by_role("complementary", name="calculator")
    await expect(details.get_by_role("heading", level=2)).to_be_focused()
    await reach(page, ".said")
    await keys.press("Escape")
    await expect(details).to_be_hidden()
    await expect(explorer.rows().nth(1)).to_be_focused()


async def test_a_list_of_steps_is_one_stop_of_the_tabulator(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    await explorer.steps()
    await reach(explorer.page, ".row")
    await explorer.page.keyboard.press("Tab")
    assert not await explorer.page.evaluate("document.activeElement.matches('.row')")


async def test_the_focus_can_be_seen(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    await explorer.steps()
    for selector in (".turn-toggle", ".turn-links a", ".row"):
        await reach(explorer.page, selector)
        style = "getComputedStyle(document.activeElement).outlineStyle"
        assert await explorer.page.evaluate(style) == "solid", selector


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_follows_the_system_until_told_otherwise(
    browser: Browser, serve: Serve, scheme: Any
) -> None:
    other = "dark" if scheme == "light" else "light"
    paper = {"light": "rgb(247, 247, 245)", "dark": "rgb(18, 19, 22)"}
    async for explorer in exploring(browser, await serve(), color_scheme=scheme):
        page = explorer.page
        await explorer.open()
        await expect(page.locator("body")).to_have_css("background-color", paper[scheme])
        await page.get_by_label("Theme").select_option(other)
        await expect(page.locator("body")).to_have_css("background-color", paper[other])
        await page.reload()
        await expect(page.locator("body")).to_have_css("background-color", paper[other])
        await expect(page.get_by_label("Theme")).to_have_value(other)


async def reach(page: Page, selector: str) -> None:
    """Press Tab until the focus is on such an element."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab never reached {selector}")
