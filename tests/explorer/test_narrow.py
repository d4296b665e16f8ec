"""The same pages in a window as wide as a telephone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.api.conftest import Serve
from tests.explorer.conftest import Explorer, exploring
from tests.explorer.sessions import travel
from tests.explorer.test_accessibility import findings

WIDTH, HEIGHT = 400, 800


@pytest.fixture
async def narrow(browser: Browser, serve: Serve) -> AsyncIterator[Explorer]:
    size = {"width": WIDTH, "height": HEIGHT}
    async for explorer in exploring(browser, await serve(), viewport=size):
        yield explorer


async def outside(explorer: Explorer, selector: str) -> list[str]:
    """The texts of elements that are not, or not wholly, between the window's sides."""
    found: list[str] = await explorer.page.locator(selector).evaluate_all(
        """parts => parts.filter((part) => {
          const box = part.getBoundingClientRect();
          return box.width === 0 || box.left < 0 || box.right > innerWidth
            || part.scrollWidth > part.clientWidth + 1;
        }).map((part) => part.textContent)"""
    )
    return found


async def overflow(explorer: Explorer) -> int:
    """CSS pixels by which the page is wider than the window."""
    width: int = await explorer.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


async def bottom(element: Locator) -> float:
    box = await element.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


async def test_a_list_shows_every_figure_with_its_name(narrow: Explorer) -> None:
    await travel(narrow.ports).store()
    await narrow.open()
    row = narrow.page.get_by_role("row", name="travel-desk")
    await row.wait_for()
    cells = [(await cell.inner_text()).split("\n") for cell in await row.get_by_role("cell").all()]
    assert [cell[-1] for cell in cells[1:7]] == [
        "3", "38,751", "81%", "591", "$0.0263", "▲ $0.0070",
    ]  # fmt: skip
    names = await row.locator("td[data-label]").evaluate_all(
        "cells => cells.map((cell) => getComputedStyle(cell, '::before').content)"
    )
    assert names[:3] == ['"Turns"', '"Input"', '"Cached"']
    assert await outside(narrow, "tbody td") == []
    assert await overflow(narrow) == 0
    assert await findings(narrow.page) == []


async def test_a_session_shows_every_figure_of_its_steps(narrow: Explorer) -> None:
    await narrow.open_session(await travel(narrow.ports).store())
    await narrow.steps()
    assert await outside(narrow, ".row[data-kind='model'] > .number") == []
    assert await outside(narrow, ".row[data-kind='tool'] > .number:nth-child(5)") == []
    assert await outside(narrow, ".bar-label") == []
    assert await outside(narrow, ".legend li") == []
    assert await outside(narrow, ".turn-stats .stat:not(:empty)") == []
    assert await overflow(narrow) == 0
    assert await findings(narrow.page) == []


async def test_the_step_that_is_told_of_stays_in_sight(narrow: Explorer) -> None:
    await narrow.open_session(await travel(narrow.ports).store())
    last = narrow.rows().last
    await last.wait_for()
    await last.focus()
    await narrow.page.keyboard.press("Enter")
    details = narrow.page.locator(".details")
    await expect(details).to_be_visible()
    top = await details.bounding_box()
    assert top is not None
    assert await bottom(last) <= top["y"] + 1
    assert await overflow(narrow) == 0
    assert await findings(narrow.page) == []
