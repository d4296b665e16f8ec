"""Take the explorer's pictures: python docs/screenshots/take.py [FOLDER]

Without a folder, the README's picture; with one, every page in it, light and dark, wide and narrow.
Needs a `chromium` on PATH. The service runs in this process, over a Redis of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from paced_engine import PacedEngine
from playwright.async_api import Browser, Page, async_playwright
from scene import SCRIPTS, Scene

from agent_serving.bootstrap import build
from agent_serving.cli.server import serving
from agent_serving.config import Settings

HERE = Path(__file__).parent
README_PICTURE = HERE.parent / "images" / "explorer.png"
PRICES = {"*": {"input": "2", "cached_input": "0.2", "output": "8", "kv_hour": "60"}}
MARGIN = 8
SIZES = {"": (1440, 900), "-narrow": (400, 800), "-wide": (1920, 1080)}


class Camera:
    """Takes pictures of one service's pages into a folder."""

    def __init__(self, browser: Browser, url: str, folder: Path) -> None:
        self.browser = browser
        self.url = url
        self.folder = folder

    async def take_all(self, scene: Scene) -> None:
        for suffix, (width, height) in SIZES.items():
            for scheme in ("light", "dark"):
                options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
                async with self.page(**options) as page:
                    await self.tour(page, scene, f"{suffix}-{scheme}")

    async def take_empty(self) -> None:
        for scheme in ("light", "dark"):
            async with self.page(color_scheme=scheme) as page:
                await page.goto(f"{self.url}/explorer")
                await page.get_by_text("No sessions yet").wait_for()
                await self.shoot(page, f"empty-{scheme}")

    async def tour(self, page: Page, scene: Scene, suffix: str) -> None:
        writing = await scene.write()
        await page.goto(f"{self.url}/explorer")
        await page.get_by_role("link", name="minutes").wait_for()
        await self.shoot(page, f"list{suffix}")
        await page.goto(f"{self.url}/explorer/sessions/{writing}")
        await page.get_by_text("The board met").first.wait_for()
        await page.wait_for_timeout(1500)
        await page.locator(".row").first.click()
        await self.shoot(page, f"live{suffix}", full=False)
        await scene.forget(writing)
        await page.goto(f"{self.url}/explorer/sessions/{scene.travelling}")
        await page.locator(".row").first.wait_for()
        await page.get_by_role("button", name="Turn 2").click()
        await page.locator(".row").nth(9).wait_for()
        await self.shoot(page, f"session{suffix}")
        await page.locator(".row").first.click()
        await self.shoot(page, f"step{suffix}", full=False)

    async def take_readme(self, scene: Scene) -> None:
        size = {"width": 1120, "height": 900}
        async with self.page(viewport=size, device_scale_factor=1.35) as page:
            await page.goto(f"{self.url}/explorer/sessions/{scene.travelling}")
            await page.locator(".row").first.wait_for()
            await page.get_by_role("button", name="Turn 2").click()
            await page.locator(".row").nth(9).wait_for()
            turn = await page.locator(".turn").nth(1).bounding_box()
            assert turn is not None
            height = turn["y"] + turn["height"] + MARGIN
            frame = {"x": 0, "y": 0, "width": size["width"], "height": height}
            await page.mouse.move(0, 0)
            await page.wait_for_timeout(300)
            await page.screenshot(path=README_PICTURE, full_page=True, clip=frame)

    @asynccontextmanager
    async def page(self, **options: Any) -> AsyncIterator[Page]:
        context = await self.browser.new_context(**options)
        try:
            yield await context.new_page()
        finally:
            await context.close()

    async def shoot(self, page: Page, name: str, *, full: bool = True) -> None:
        await page.mouse.move(0, 0)
        await page.wait_for_timeout(300)
        await page.screenshot(path=self.folder / f"{name}.png", full_page=full)


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        sys.exit("There is no chromium on PATH; on Debian: apt-get install chromium")
    # Chromium's sandbox refuses to run as root, as in a container.
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        await browser.close()


async def take(folder: Path | None, data: Path) -> None:
    """`folder` is there already; `data` is the service's."""
    settings = Settings(
        data_dir=data,
        tools=(HERE / "tools",),
        currency="USD",
        prices=PRICES,
        max_running_per_engine=1,
        jaeger_url="http://127.0.0.1:16686",
    )
    engine = PacedEngine(SCRIPTS)
    async with (
        build(settings, engine=engine) as running,
        serving(running.app, "127.0.0.1", 0) as url,
        httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http,
        browsing() as browser,
    ):
        scene = Scene(http, engine)
        camera = Camera(browser, url, folder or README_PICTURE.parent)
        if folder is not None:
            await camera.take_empty()
        await scene.play()
        if folder is None:
            await camera.take_readme(scene)
        else:
            await camera.take_all(scene)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        asyncio.run(take(folder, Path(data)))
