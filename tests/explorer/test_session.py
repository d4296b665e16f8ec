from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, expect

from tests.explorer.conftest import Explorer
from tests.explorer.history import History
from tests.explorer.sessions import hostile, travel

OPEN_TURN_3 = "Two more nights"


async def extents(row: Locator) -> tuple[float, float]:
    """Where a step's bar begins and ends, in CSS pixels."""
    box = await row.locator(".bar").bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"]


async def test_the_newest_turn_is_open_with_all_its_steps(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    steps = await explorer.steps()
    assert [step.split(",")[0] for step in steps] == [
        "Model step", "Tool calculator", "Tool remember", "Model step", "Tool convert",
        "Model step", "Tool convert", "Model step",
    ]  # fmt: skip
    assert steps[0].startswith(
        "Model step, completed, 1.43 s, Admission 212 ms, Engine queue 164 ms, Prefill 371 ms, "
        "Decode 676 ms, Other 8.0 ms, 4,222 tokens in, 16% cached, 74 out, cost $0.0078"
    )
    assert steps[4].startswith("Tool convert, failed, error, 9.0 ms")


async def test_old_turns_are_closed_and_their_steps_not_read(explorer: Explorer) -> None:
    asked: list[str] = []
    explorer.page.on("request", lambda request: asked.append(request.url))
    await explorer.open_session(await travel(explorer.ports).store())
    await explorer.steps()
    assert sum("/steps" in url for url in asked) == 1
    await explorer.page.get_by_role("button", name="Turn 1").click()
    await explorer.page.get_by_role("listbox", name="Steps of turn 1").wait_for()
    await expect(explorer.rows("fetch_rates")).to_have_count(1)
    assert sum("/steps" in url for url in asked) == 2


async def test_bars_stand_where_their_times_are(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    await explorer.page.get_by_role("button", name="Turn 2").click()
    rows = explorer.page.get_by_role("listbox", name="Steps of turn 2").get_by_role("option")
    await expect(rows).to_have_count(8)
    track = await rows.first.locator(".track").bounding_box()
    assert track is not None
    # Turn 2 took 3.96 s. Its first three calls run side by side from 1,175 ms on.
    scale = track["width"] / 3958
    begins = [1175, 1189, 1202]
    ends = [1175 + 1310, 1189 + 890, 1202 + 405]
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True), start=1):
        left, right = await extents(rows.nth(number))
        assert abs(left - track["x"] - begin * scale) < 3
        assert abs(right - track["x"] - end * scale) < 3
    widths: list[float] = await rows.first.locator(".phase").evaluate_all(
        "parts => parts.map((part) => part.getBoundingClientRect().width)"
    )
    assert abs(sum(widths) + len(widths) - 1 - 1175 * scale) < 3


async def test_a_prefix_miss_is_marked_with_its_reason_and_price(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    row = explorer.rows().first
    await expect(row.locator(".miss")).to_have_text("▲ 3,480 lost: evicted")
    assert "prefix miss, 3,480 tokens lost: evicted" in (await explorer.steps())[0]
    await expect(explorer.page.locator(".turn").first).to_contain_text("prefix miss $0.0070")
    await row.click()
    note = explorer.page.get_by_role("complementary", name="Model step").locator(".miss-note")
    await expect(note).to_contain_text("3,480 of 4,170 tokens")
    await expect(note).to_contain_text("The worker had dropped it")


async def test_a_first_step_lost_nothing(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    await explorer.page.get_by_role("button", name="Turn 1").click()
    first = explorer.page.get_by_role("listbox", name="Steps of turn 1").get_by_role("option").first
    await expect(first).to_contain_text("3,120")
    await expect(first.locator(".miss")).to_have_count(0)


async def test_a_model_step_shows_what_it_was_given_and_said(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    page = explorer.page
    await explorer.rows().first.click()
    details = page.get_by_role("complementary", name="Model step")
    assert await details.get_by_role("region").all_inner_texts() == [
        "Add two nights, and note the hotel for next time.",
        "Two more nights at 15,900 yen; the note is a call of its own.",
        '{\n  "expression": "649.28 / 7 * 9"\n}',
        '{\n  "key": "hotel",\n  "value": "Tokyo Stay"\n}',
    ]
    await explorer.rows().nth(3).click()
    given = details.get_by_role("region", name="Given: result of")
    assert await given.all_inner_texts() == ["834.79", "Noted."]


async def test_a_tool_step_shows_arguments_and_result(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    await explorer.rows("convert, failed").click()
    details = explorer.page.get_by_role("complementary", name="convert")
    await expect(details.get_by_role("region", name="Arguments")).to_contain_text('"to": "YEN"')
    result = details.get_by_role("region", name="Result (error)")
    await expect(result).to_have_text("Unknown currency YEN; did you mean JPY?")


async def test_cost_is_shown_by_parts(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    await explorer.rows().first.click()
    cost = explorer.page.locator(".details section", has_text="Cost").locator("tr")
    assert [" ".join((await row.inner_text()).split()) for row in await cost.all()] == [
        "Input $0.0071", "Cached input $0.0001", "Output $0.0006", "Total $0.0078",
        "of which prefix miss $0.0070", "GPU time 1.05 s",
    ]  # fmt: skip


async def test_without_prices_there_is_no_cost(explorer: Explorer) -> None:
    session_id = await explorer.api.open()
    await explorer.api.say(session_id, "hello")
    await explorer.open_session(session_id)
    assert "cost" not in (await explorer.steps())[0]
    assert "Cost" not in await explorer.text(".totals")


async def test_a_turn_links_to_its_trace(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    link = explorer.page.get_by_role("link", name="Trace").first
    await expect(link).to_have_attribute(
        "href", f"http://127.0.0.1:16686/trace/{'4bf92f3577b34da6' * 2}"
    )
    await expect(link).to_have_attribute("rel", "noopener noreferrer")


async def test_a_step_links_to_its_span(explorer: Explorer) -> None:
    await explorer.open_session(await travel(explorer.ports).store())
    await explorer.rows().first.click()
    await expect(explorer.page.get_by_role("link", name="00f067aa0ba902b7")).to_have_attribute(
        "href", f"http://127.0.0.1:16686/trace/{'4bf92f3577b34da6' * 2}?uiFind=00f067aa0ba902b7"
    )


async def test_a_trace_that_is_no_address_of_the_web_is_no_link(explorer: Explorer) -> None:
    async def poison(route: Any) -> None:
        answer = await route.fetch()
        page = await answer.json()
        for turn in page["data"]:
            turn["trace_url"] = "javascript:document.body.dataset.hacked=1"
        await route.fulfill(response=answer, json=page)

    await explorer.page.route("**/turns?*", poison)
    await explorer.open_session(await travel(explorer.ports).store())
    await explorer.steps()
    await expect(explorer.page.get_by_role("link", name="Trace")).to_have_count(0)
    await explorer.rows().first.click()
    await expect(explorer.page.locator(".details")).to_contain_text("00f067aa0ba902b7")
    await expect(explorer.page.locator(".details a")).to_have_count(0)


async def test_an_address_with_a_turn_opens_that_turn(explorer: Explorer) -> None:
    told = History(explorer.ports)
    turns = []
    for number in range(30):
        turns.append(told.ask(f"question {number}"))
        told.reply(f"answer {number}")
        told.end()
    # The second turn is not among the newest twenty.
    await explorer.open_session(await told.store(), f"#{turns[1]}")
    section = explorer.page.locator(f"#{turns[1]}")
    await expect(section.get_by_text("answer 1")).to_be_visible()
    await expect(section.get_by_role("button", name="Turn 2")).to_be_focused()
    await expect(section).to_be_in_viewport()
    await expect(explorer.page.locator(f"#{turns[-1]} .turn-body")).to_be_hidden()


async def test_hostile_text_is_text_and_nothing_else(explorer: Explorer) -> None:
    await explorer.open()
    session_id = await hostile(explorer.ports).store()
    await explorer.page.get_by_text(session_id).wait_for()
    await explorer.open_session(session_id)
    assert len(await explorer.steps()) == 3
    for number in range(3):
        await explorer.rows().nth(number).click()
        texts = await explorer.page.locator(".details pre").all_inner_texts()
        assert any("<img src=x onerror=" in text for text in texts)
    assert await explorer.page.evaluate("document.body.dataset.hacked") is None
    assert await explorer.page.locator("main img, main script").count() == 0
