"""A service that asks for a key, in the browser."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.api.conftest import Serve
from tests.api.keyed import keyed


async def test_a_key_is_asked_for_and_kept_out_of_the_address(
    browser: Browser, serve: Serve
) -> None:
    api = await keyed(serve)
    _, secret = await api.make("acme", "read")
    async with api.tenant("acme") as http:
        opened = (await http.post("/v1/sessions", json={"agent": {}, "input": "Hello"})).json()
    context = await browser.new_context()
    page = await context.new_page()
    page.set_default_timeout(20_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{str(api.served.http.base_url).rstrip('/')}/explorer")
    await page.get_by_label("Key").fill(secret)
    await page.get_by_role("button", name="Use this key").click()
    await page.get_by_role("link", name=opened["id"]).click()
    await page.get_by_text("Hello").first.wait_for(state="attached")
    # The events come with the key, too.
    async with api.tenant("acme") as http:
        said = {"input": "Once more", "mode": "background"}
        await http.post(f"/v1/sessions/{opened['id']}/turns", json=said)
    await page.get_by_text("Once more").first.wait_for(state="attached")
    assert not [url for url in asked if "ask_" in url]
    assert [url for url in asked if "/events" in url]
    assert (
        await page.evaluate("Object.keys(localStorage).filter((name) => name.includes('key'))")
        == []
    )
    await context.close()
