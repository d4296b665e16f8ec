"""A session of 500 steps answers a click in less than 200 ms: the one property of the page that is
a time, so it is measured, inside the page, as the median of several."""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.api.conftest import Serve
from tests.explorer.conftest import Explorer, exploring
from tests.explorer.sessions import long

STEPS = 500
LIMIT_MS = 200.0
TRIES = 9

# From the event to the frame that shows its effect: the second animation frame begins when the
# first has been painted.
MEASURE = """
async ([act, selector, number]) => {
  const target = document.querySelectorAll(selector)[number];
  target.scrollIntoView({ block: "center" });
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const begin = performance.now();
  if (act === "click") target.click();
  else {
    target.focus();
    target.dispatchEvent(new KeyboardEvent("keydown", { key: act, bubbles: true }));
  }
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - begin;
}
"""


@pytest.fixture
async def marathon(browser: Browser, serve: Serve) -> AsyncIterator[Explorer]:
    async for explorer in exploring(browser, await serve()):
        await explorer.open_session(await long(explorer.ports, STEPS).store())
        rows = explorer.page.locator(".row")
        await expect(rows).to_have_count(STEPS - 1)
        yield explorer


async def latency(explorer: Explorer, act: str, selector: str, places: range) -> float:
    tries = [await explorer.page.evaluate(MEASURE, [act, selector, number]) for number in places]
    assert len(tries) >= TRIES
    print(f"{act} on {selector}: median {statistics.median(tries):.0f} ms of {len(tries)}")
    return statistics.median(tries)


async def test_steps_are_read_in_pages(browser: Browser, serve: Serve) -> None:
    asked: list[str] = []
    async for explorer in exploring(browser, await serve()):
        explorer.page.on("request", lambda request: asked.append(request.url))
        await explorer.open_session(await long(explorer.ports, STEPS).store())
        await expect(explorer.page.locator(".row")).to_have_count(STEPS - 1)
        pages = [url for url in asked if "/steps" in url]
        assert len(pages) == STEPS // 100
        assert all("limit=100" in url for url in pages)


@pytest.mark.parametrize(
    ("act", "selector", "places"),
    [
        ("click", ".row", range(3, STEPS - 1, 50)),
        ("ArrowDown", ".row", range(3, STEPS - 1, 50)),
        ("Enter", ".row", range(3, STEPS - 1, 50)),
    ],
)
async def test_a_step_of_five_hundred_answers_at_once(
    marathon: Explorer, act: str, selector: str, places: range
) -> None:
    assert await latency(marathon, act, selector, places) < LIMIT_MS


async def test_a_turn_of_five_hundred_steps_opens_and_closes_at_once(marathon: Explorer) -> None:
    tries = [await marathon.page.evaluate(MEASURE, ["click", ".turn-toggle", 0]) for _ in range(10)]
    print(f"toggle: median {statistics.median(tries):.0f} ms of {len(tries)}")
    assert statistics.median(tries) < LIMIT_MS
