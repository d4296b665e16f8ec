"""The whole service in this process, behind a socket, and a headless Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from agent_serving.api import ApiSettings
from agent_serving.ports import Ports
from tests.api.conftest import Serve, Served, redis, serve

__all__ = ["redis", "serve"]

# How long a page may take to show what it will show: the machine may be busy.
PATIENCE_MS = 20_000

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
});
"""


@dataclass
class Explorer:
    """A browser's page on a running service. `complaints` is all that the page said against
    itself: errors of scripts and on the console, and what the content security policy stopped."""

    page: Page
    api: Served
    complaints: list[str] = field(default_factory=list)

    @property
    def ports(self) -> Ports:
        return self.api.service.ports

    async def open(self, path: str = "") -> None:
        await self.page.goto(f"{str(self.api.http.base_url).rstrip('/')}/explorer{path}")

    async def open_session(self, session_id: str, fragment: str = "") -> None:
        await self.open(f"/sessions/{session_id}{fragment}")
        await self.page.get_by_role("heading", level=1).wait_for()

    def rows(self, name: str | None = None) -> Locator:
        """The steps in sight; those with `name` in what a screen reader says of them."""
        # The options of the theme are no steps: only a waterfall is a list box.
        return self.page.get_by_role("listbox").get_by_role("option", name=name)

    async def steps(self) -> list[str]:
        """What a screen reader says of each step in sight."""
        await self.rows().first.wait_for()
        rows = await self.rows().all()
        return [await row.get_attribute("aria-label") or "" for row in rows]

    async def text(self, selector: str) -> str:
        return await self.page.locator(selector).first.inner_text()

    async def violations(self) -> list[str]:
        found: list[str] = await self.page.evaluate("window.violations")
        return found


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path is not None, (
        "There is no chromium on PATH, which the explorer is tested with; on Debian: "
        "apt-get install chromium"
    )
    # Chromium's sandbox refuses to run as root, as in a container.
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=flags)
        yield running
        await running.close()


@pytest.fixture
async def explorer(browser: Browser, serve: Serve) -> AsyncIterator[Explorer]:
    """Over an empty store. Fails where the page complained."""
    settings = ApiSettings(jaeger_url="http://127.0.0.1:16686")
    async for explorer in exploring(browser, await serve(settings=settings)):
        yield explorer


async def exploring(browser: Browser, api: Served, **options: Any) -> AsyncIterator[Explorer]:
    settings: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, **options}
    context = await browser.new_context(timezone_id="Asia/Tokyo", **settings)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.add_init_script(WATCH)
    explorer = Explorer(page, api)
    page.on("pageerror", lambda error: explorer.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            explorer.complaints.append(message.text) if message.type == "error" else None
        ),
    )
    try:
        yield explorer
        assert explorer.complaints == []
        assert await explorer.violations() == []
    finally:
        await context.close()
