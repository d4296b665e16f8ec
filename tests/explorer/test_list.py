from __future__ import annotations

from playwright.async_api import expect

from tests.explorer.conftest import Explorer
from tests.explorer.sessions import travel


async def test_an_empty_service_says_how_to_start_a_session(explorer: Explorer) -> None:
    await explorer.open()
    await explorer.page.get_by_role("heading", name="No sessions yet").wait_for()
    told = await explorer.text("main")
    assert f"curl {str(explorer.api.http.base_url).rstrip('/')}/v1/sessions" in told
    assert "agent-serving chat" in told


async def test_the_list_shows_what_each_session_used(explorer: Explorer) -> None:
    session_id = await travel(explorer.ports).store()
    await explorer.open()
    row = explorer.page.get_by_role("row", name="travel-desk")
    await row.wait_for()
    cells = [await cell.inner_text() for cell in await row.get_by_role("cell").all()]
    assert session_id in await row.get_by_role("rowheader").inner_text()
    assert cells[1:7] == ["3", "38,751", "81%", "591", "$0.0263", "▲ $0.0070"]
    assert "idle" in cells[0]


async def test_a_time_is_local_and_its_title_is_the_exact_time_in_utc(explorer: Explorer) -> None:
    session_id = await explorer.api.open()
    created = (await explorer.api.get(f"/v1/sessions/{session_id}"))["updated_at"]
    await explorer.open()
    shown = explorer.page.locator("tbody time")
    await expect(shown).to_have_attribute("title", created.replace("T", " ")[:-1] + " UTC")
    hour = (int(created[11:13]) + 9) % 24  # The browser is in Tokyo.
    await expect(shown).to_have_text(f"{hour:02}{created[13:19]}")


async def test_a_new_session_appears_by_itself(explorer: Explorer) -> None:
    await explorer.open()
    await explorer.page.get_by_role("heading", name="No sessions yet").wait_for()
    session_id = await explorer.api.open()
    await explorer.page.get_by_text(session_id).wait_for()


async def test_the_list_is_filtered_by_status(explorer: Explorer) -> None:
    await explorer.api.open()
    await explorer.open()
    await expect(explorer.page.locator("tbody tr")).to_have_count(1)
    await explorer.page.get_by_label("Status").select_option("in_progress")
    await explorer.page.get_by_text("No session is in progress.").wait_for()
    await explorer.page.get_by_label("Status").select_option("idle")
    await expect(explorer.page.locator("tbody tr")).to_have_count(1)


async def test_more_sessions_than_a_page_are_shown_on_demand(explorer: Explorer) -> None:
    for _ in range(53):
        await explorer.api.open()
    await explorer.open()
    rows = explorer.page.locator("tbody tr")
    await expect(rows).to_have_count(50)
    await explorer.page.get_by_role("button", name="Show older sessions").click()
    await expect(rows).to_have_count(53)
    await expect(explorer.page.get_by_role("button", name="Show older")).to_be_hidden()


async def test_back_and_forward_lead_through_the_pages(explorer: Explorer) -> None:
    session_id = await travel(explorer.ports).store()
    page = explorer.page
    await explorer.open()
    await page.get_by_role("link", name="travel-desk").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("travel-desk")
    assert page.url.endswith(f"/explorer/sessions/{session_id}")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sessions")
    await page.go_forward()
    await expect(page.get_by_role("heading", level=1)).to_have_text("travel-desk")


async def test_a_service_that_is_down_is_said_to_be_and_found_again(explorer: Explorer) -> None:
    await explorer.api.open()
    page = explorer.page
    await page.route("**/v1/sessions*", lambda route: route.abort())
    await explorer.open()
    await page.get_by_role("alert").get_by_text("The service does not answer").wait_for()
    await page.unroute("**/v1/sessions*")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.get_by_role("alert")).to_have_count(0)
    explorer.complaints.clear()  # The browser's own, of the request that failed.


async def test_a_session_that_is_not_there_is_said_to_be_missing(explorer: Explorer) -> None:
    await explorer.open("/sessions/sess_none")
    await explorer.page.get_by_role("heading", name="There is no such session").wait_for()
    explorer.complaints.clear()  # The browser's own, of the 404.
    await explorer.page.get_by_role("link", name="All sessions").click()
    await expect(explorer.page.get_by_role("heading", level=1)).to_have_text("Sessions")
