"""What is started is stopped, in order, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_serving import bootstrap
from agent_serving.adapters.redis import EmbeddedRedis
from agent_serving.config import Settings
from agent_serving.domain.errors import AgentServingError, ConfigurationError
from agent_serving.testing import ScriptedEngine


async def is_free(folder: Path) -> bool:
    """Whether no Redis runs on the folder's data."""
    redis = EmbeddedRedis(folder / "redis")
    await redis.start()
    await redis.stop()
    return True


async def test_the_embedded_redis_ends_with_the_service(tmp_path: Path) -> None:
    async with bootstrap.build(Settings(data_dir=tmp_path), engine=ScriptedEngine()) as running:
        store = await running.service.ports.store.ping()
        assert store
    assert await is_free(tmp_path)


async def test_a_redis_that_was_named_is_left_running(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path / "theirs")
    await redis.start()
    try:
        settings = Settings(data_dir=tmp_path / "ours", redis_url=redis.url)
        async with bootstrap.build(settings, engine=ScriptedEngine()) as running:
            assert await running.service.ports.store.ping()
        assert redis.pid is not None
        assert not (tmp_path / "ours").exists()
    finally:
        await redis.stop()


async def test_a_start_that_fails_half_way_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConfigurationError("no")

    monkeypatch.setattr(bootstrap, "create_app", fail)
    with pytest.raises(ConfigurationError):
        async with bootstrap.build(Settings(data_dir=tmp_path), engine=ScriptedEngine()):
            pass
    assert await is_free(tmp_path)


async def test_engines_and_a_redis_that_are_down_do_not_keep_it_from_starting() -> None:
    settings = Settings(engines=("http://127.0.0.1:9",), redis_url="redis://127.0.0.1:9")
    async with bootstrap.build(settings) as running:
        assert not running.service.ports.engine.workers()[0].ready


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (Settings(), "--engine URL"),
        (Settings(engines=("http://127.0.0.1:9",), dialect="klingon"), "qwen"),
        (Settings(engines=("http://127.0.0.1:9",), tools=(Path("/nowhere"),)), "/nowhere"),
        (Settings(engines=("http://127.0.0.1:9",), grammars=(Path("/nowhere"),)), "/nowhere"),
        (Settings(engines=("http://127.0.0.1:9",), redis_url="ftp://x"), "redis://"),
    ],
)
async def test_what_cannot_work_is_told_before_anything_is_started(
    settings: Settings, told: str, tmp_path: Path
) -> None:
    with pytest.raises(AgentServingError) as caught:
        async with bootstrap.build(settings.but(data_dir=tmp_path / "data")):
            pass
    assert told in caught.value.message
    assert not (tmp_path / "data").exists()


async def test_the_shipped_tools_and_grammars_are_there(tmp_path: Path) -> None:
    async with bootstrap.build(Settings(data_dir=tmp_path), engine=ScriptedEngine()) as running:
        tools = {spec.name for spec in running.service.ports.tools.specs()}
        assert {"calculator", "current_time", "remember", "recall"} <= tools
        assert "fetch_url" not in tools
        assert {"qwen", "llama3"} <= running.service.ports.dialects.keys()


async def test_fetch_url_is_offered_once_a_host_is_listed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, fetch_hosts=("docs.example",))
    async with bootstrap.build(settings, engine=ScriptedEngine()) as running:
        assert "fetch_url" in {spec.name for spec in running.service.ports.tools.specs()}
