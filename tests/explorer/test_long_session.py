"""A session of 500 steps answers a click in less than 200 ms: the one property of the page that is
a time, so it is measured, inside the page, as the median of several. On a busy machine it takes
longer, which a session of 10 steps in the same browser tells."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import pytest
from playwright.async_api import Browser, expect

from tests.api.conftest import Serve
from tests.explorer.conftest import Explorer, exploring
from tests.explorer.sessions import long

STEPS, FEW = 500, 10
LIMIT_MS = 200.0
GROWTH = 6
"""Times two frames, the least that is measured, this is the limit. The rows grow 50 times."""
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


async def show(explorer: Explorer, steps: int) -> None:
    await explorer.open_session(await long(explorer.ports, steps).store())
    await expect(explorer.page.locator(".row")).to_have_count(steps - 1)


async def latency(explorer: Explorer, act: str, selector: str, places: Sequence[int]) -> float:
    tries = [await explorer.page.evaluate(MEASURE, [act, selector, number]) for number in places]
    assert len(tries) >= TRIES
    print(f"{act} on {selector}: median {statistics.median(tries):.0f} ms of {len(tries)}")
    return statistics.median(tries)


async def test_steps_are_read_in_pages(browser: Browser, serve: Serve) -> None:
    asked: list[str] = []
    async for explorer in exploring(browser, await serve()):
        explorer.page.on("request", lambda request: asked.append(request.url))
        await show(explorer, STEPS)
        pages = [url for url in asked if "/steps" in url]
        assert len(pages) == STEPS // 100
        assert all("limit=100" in url for url in pages)


@pytest.mark.parametrize("act", ["click", "ArrowDown", "Enter"])
async def test_a_step_of_five_hundred_answers_at_once(explorer: Explorer, act: str) -> None:
    await show(explorer, FEW)
    small = await latency(explorer, act, ".row", range(FEW - 1))
    await show(explorer, STEPS)
    large = await latency(explorer, act, ".row", range(3, STEPS - 1, 50))
    assert large < max(LIMIT_MS, GROWTH * small)


async def test_a_turn_of_five_hundred_steps_opens_and_closes_at_once(explorer: Explorer) -> None:
    await show(explorer, FEW)
    small = await latency(explorer, "click", ".turn-toggle", [0] * 10)
    await show(explorer, STEPS)
    large = await latency(explorer, "click", ".turn-toggle", [0] * 10)
    assert large < max(LIMIT_MS, GROWTH * small)
