from __future__ import annotations

from pathlib import Path

from agent_serving.adapters.redis import EmbeddedRedis
from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Serve, error_of


async def test_without_an_engine_sessions_can_be_read_and_nothing_else(serve: Serve) -> None:
    api = await serve()
    session_id = await api.open()
    await api.say(session_id, "hello")
    api.engine.go_down()
    ready = await api.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
    assert "engine" in ready.json()["reasons"][0]
    assert (await api.http.get("/healthz")).status_code == 200
    assert (await api.get(f"/v1/sessions/{session_id}"))["turn_count"] == 1
    assert (await api.get(f"/v1/sessions/{session_id}/items"))["data"][1]["text"] == "OK."
    answer = await api.say(session_id, "again")
    assert error_of(answer)[:2] == (503, "engine_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert int(answer.headers["retry-after-ms"]) >= 1000
    api.engine.come_up()
    ready = await api.http.get("/readyz")
    assert ready.json() == {"status": "ready", "reasons": [], "details": []}
    assert (await api.say(session_id, "again")).json()["status"] == "completed"


async def test_a_store_that_went_away_is_found_again_without_a_restart(
    serve: Serve, tmp_path: Path
) -> None:
    redis = EmbeddedRedis(tmp_path)
    await redis.start()
    try:
        api = await serve(redis_url=redis.url)
        session_id = await api.open()
        await api.say(session_id, "hello")
        await redis.stop()
        for answer in (
            await api.http.get(f"/v1/sessions/{session_id}"),
            await api.http.get("/v1/sessions"),
            await api.say(session_id, "again"),
            await api.http.post("/v1/sessions", json={"agent": {}}),
            await api.http.get(f"/v1/sessions/{session_id}/events"),
        ):
            assert error_of(answer)[:2] == (503, "store_unavailable")
            assert "retry-after-ms" in answer.headers
        ready = await api.http.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
        assert (await api.get("/v1/capabilities"))["store"] is None
        assert (await api.http.get("/healthz")).status_code == 200
        await redis.start()
        assert (await api.say(session_id, "again")).json()["status"] == "completed"
        assert (await api.http.get("/readyz")).status_code == 200
    finally:
        await redis.stop()


async def test_too_many_queued_turns_are_refused_with_a_time_to_come_back(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("word " * 1000, delay=0.02)]))
    session_id = await api.open()
    queued = {"mode": "background", "on_conflict": "queue"}
    answer = await api.say(session_id, "one", **queued)
    count = 0
    while answer.status_code == 202 and count < 100:
        count += 1
        answer = await api.say(session_id, "more", **queued)
    assert error_of(answer)[:2] == (429, "overloaded")
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["retry-after-ms"] == "5000"
