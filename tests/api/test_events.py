from __future__ import annotations

import asyncio

import httpx
import pytest

from agent_serving.api import ApiSettings
from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Json, Serve, Served
from tests.api.sse import Sent, read, read_all

SSE = {"accept": "text/event-stream"}
STORY = "".join(f"word{n} " for n in range(60))


async def all_events(api: Served, session_id: str) -> list[Json]:
    events: list[Json] = []
    after = 0
    while True:
        page = await api.get(f"/v1/sessions/{session_id}/events", after=after)
        events += page["data"]
        if not page["has_more"]:
            return events
        after = page["last_id"]


async def test_events_are_read_in_pages(shared: Served) -> None:
    session_id = await shared.open()
    await shared.say(session_id, "hello")
    whole = await all_events(shared, session_id)
    assert whole[0]["type"] == "session.created"
    assert whole[-1]["type"] == "turn.completed"
    paged: list[Json] = []
    after = 0
    while True:
        page = await shared.get(f"/v1/sessions/{session_id}/events", after=after, limit=3)
        paged += page["data"]
        assert (page["first_id"], page["last_id"]) == (
            page["data"][0]["sequence"],
            page["data"][-1]["sequence"],
        )
        if not page["has_more"]:
            break
        after = page["last_id"]
    assert paged == whole
    sequences = [event["sequence"] for event in whole]
    assert sequences == sorted(set(sequences))


async def test_events_are_filtered_by_turn_and_type(shared: Served) -> None:
    session_id = await shared.open()
    await shared.say(session_id, "one")
    turn = (await shared.say(session_id, "two")).json()
    path = f"/v1/sessions/{session_id}/events"
    page = await shared.get(path, turn_id=turn["id"], types="turn.in_progress,turn.completed")
    assert [event["type"] for event in page["data"]] == ["turn.in_progress", "turn.completed"]
    assert {event["turn_id"] for event in page["data"]} == {turn["id"]}
    assert {event["trace_id"] for event in page["data"]} == {turn["trace_id"]}
    several = await shared.http.get(path, params={"types": ["turn.in_progress", "turn.completed"]})
    assert len(several.json()["data"]) == 4


async def test_a_cut_stream_is_resumed_without_loss_or_duplicate(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say(STORY, delay=0.03)]))
    session_id = await api.open()
    turn_id = (await api.say(session_id, "tell", mode="background")).json()["id"]
    path = f"/v1/sessions/{session_id}/events"
    seen: list[Sent] = []
    cuts = 0
    while not seen or seen[-1].event != "turn.completed":
        headers = SSE | ({"last-event-id": str(seen[-1].id)} if seen else {})
        params = {"turn_id": turn_id}
        async with api.http.stream("GET", path, headers=headers, params=params) as response:
            assert response.status_code == 200
            got = 0
            async for sent in read(response):
                seen.append(sent)
                got += 1
                if got == 7:
                    cuts += 1
                    break
    assert cuts > 3
    ids = [sent.id for sent in seen]
    assert ids == sorted(set(ids))
    deltas = [s.data["data"]["delta"] for s in seen if s.event == "output_text.delta"]
    assert "".join(deltas) == STORY
    stored = [e for e in await all_events(api, session_id) if e["turn_id"] == turn_id]
    assert [sent.data for sent in seen] == stored


async def test_a_stream_is_written_as_browsers_read_it(shared: Served) -> None:
    session_id = await shared.open(metadata={"text": "two\nlines"})
    path = f"/v1/sessions/{session_id}/events"
    async with shared.http.stream("GET", path, headers=SSE) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        lines = response.aiter_lines()
        written = [await anext(lines) for _ in range(6)]
    assert written[:4] == ["retry: 1000", "", "id: 1", "event: session.created"]
    assert written[4].startswith('data: {"type":"session.created","sequence":1,')
    assert written[5] == ""


async def test_silence_is_broken_by_pings(serve: Serve) -> None:
    api = await serve(settings=ApiSettings(ping_seconds=0.05))
    session_id = await api.open()
    path = f"/v1/sessions/{session_id}/events"
    async with api.http.stream("GET", path, headers=SSE, params={"after": 1}) as response:
        lines = response.aiter_lines()
        written = [await anext(lines) for _ in range(6)]
    assert written == ["retry: 1000", "", ": ping", "", ": ping", ""]


async def test_a_stream_whose_events_are_filtered_out_is_pinged_too(serve: Serve) -> None:
    api = await serve(
        ScriptedEngine([Say(STORY, delay=0.02)]), settings=ApiSettings(ping_seconds=0.1)
    )
    session_id = await api.open()
    await api.say(session_id, "tell", mode="background")
    path = f"/v1/sessions/{session_id}/events"
    params = {"types": "session.closed"}
    async with asyncio.timeout(5):
        async with api.http.stream("GET", path, headers=SSE, params=params) as response:
            lines = response.aiter_lines()
            assert [await anext(lines) for _ in range(3)][2] == ": ping"


async def test_a_disconnect_does_not_cancel_the_turn(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say(STORY, delay=0.01)]))
    session_id = await api.open()
    path = f"/v1/sessions/{session_id}/turns"
    body = {"input": "tell", "mode": "stream"}
    async with api.http.stream("POST", path, json=body) as response:
        turn_id = response.headers["x-turn-id"]
        async for sent in read(response):
            if sent.event == "output_text.delta":
                break
    turn = await api.settled(session_id, turn_id)
    assert (turn["status"], turn["output_text"]) == ("completed", STORY)
    assert api.engine.aborted == []


async def test_a_caller_who_stops_waiting_does_not_cancel_the_turn(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say(STORY, delay=0.05)]))
    session_id = await api.open()
    path, patience = f"/v1/sessions/{session_id}/turns", httpx.Timeout(30, read=1)
    with pytest.raises(httpx.ReadTimeout):
        await api.http.post(path, json={"input": "tell"}, timeout=patience)
    (turn,) = (await api.get(path))["data"]
    turn = await api.settled(session_id, turn["id"])
    assert (turn["status"], turn["output_text"]) == ("completed", STORY)


async def test_nobody_follows_for_a_caller_who_is_gone(serve: Serve) -> None:
    api = await serve()
    session_id = await api.open()
    path = f"/v1/sessions/{session_id}/events"
    async with api.http.stream("GET", path, headers=SSE) as response:
        async for _ in read(response):
            break
        assert session_id in api.service.feed._tails
    async with asyncio.timeout(5):
        while api.service.feed._tails:
            await asyncio.sleep(0.01)


async def test_a_stream_ends_when_its_session_is_deleted(shared: Served) -> None:
    session_id = await shared.open()
    path = f"/v1/sessions/{session_id}/events"
    async with shared.http.stream("GET", path, headers=SSE) as response:
        reading = asyncio.create_task(read_all(response))
        await asyncio.sleep(0.1)
        await shared.http.delete(f"/v1/sessions/{session_id}")
        events = await asyncio.wait_for(reading, 10)
    assert events[0].event == "session.created"


async def test_a_stream_of_a_finished_turn_is_replayed_and_closed(shared: Served) -> None:
    session_id = await shared.open()
    turn = (await shared.say(session_id, "hello")).json()
    path = f"/v1/sessions/{session_id}/events"
    params = {"turn_id": turn["id"]}
    async with shared.http.stream("GET", path, headers=SSE, params=params) as response:
        events = await asyncio.wait_for(read_all(response), 10)
    assert events[-1].event == "turn.completed"
    again = SSE | {"last-event-id": str(events[-1].id)}
    answer = await shared.http.get(path, headers=again, params=params)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_the_header_counts_when_a_reconnecting_browser_repeats_its_url(
    shared: Served,
) -> None:
    session_id = await shared.open()
    turn = (await shared.say(session_id, "hello")).json()
    events = await all_events(shared, session_id)
    path = f"/v1/sessions/{session_id}/events"
    headers = {"last-event-id": str(events[-2]["sequence"])}
    answer = await shared.http.get(
        path, headers=headers, params={"after": 0, "turn_id": turn["id"]}
    )
    assert answer.json()["data"] == events[-1:]


@pytest.mark.parametrize(
    ("params", "headers", "param"),
    [
        ({"after": "yesterday"}, {}, "after"),
        ({"after": "-1"}, {}, "after"),
        ({"after": "999"}, {}, "after"),
        ({}, {"last-event-id": "1-0"}, "last-event-id"),
        ({}, {"last-event-id": "9" * 40}, "last-event-id"),
        ({"types": "turn.done"}, {}, "types"),
        ({"limit": "0"}, {}, "limit"),
        ({"limit": "101"}, {}, "limit"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_a_cursor_that_leads_nowhere_is_refused(
    shared: Served, params: dict[str, str], headers: dict[str, str], param: str, accept: str
) -> None:
    session_id = await shared.open()
    answer = await shared.http.get(
        f"/v1/sessions/{session_id}/events", params=params, headers=headers | {"accept": accept}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)


async def test_events_of_an_unknown_turn_are_not_found(shared: Served) -> None:
    session_id = await shared.open()
    answer = await shared.http.get(
        f"/v1/sessions/{session_id}/events", params={"turn_id": "turn_x"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
