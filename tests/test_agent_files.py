"""Agents that are files are there when the service is, in a version for each content."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from agent_serving import bootstrap
from agent_serving.adapters.redis import EmbeddedRedis
from agent_serving.bootstrap import Running
from agent_serving.config import Settings
from agent_serving.domain.errors import ConfigurationError, NotFound
from agent_serving.domain.values import RegexOutput
from agent_serving.testing import ScriptedEngine


def write(folder: Path, name: str, text: str) -> Path:
    (folder / "agents").mkdir(exist_ok=True)
    path = folder / "agents" / name
    path.write_text(text)
    return path


def service(
    folder: Path, engine: ScriptedEngine | None = None, redis_url: str | None = None
) -> AbstractAsyncContextManager[Running]:
    settings = Settings(data_dir=folder / "data", agents=(folder / "agents",), redis_url=redis_url)
    return bootstrap.build(settings, engine=engine or ScriptedEngine())


async def version(folder: Path, name: str) -> int:
    async with service(folder) as running:
        return (await running.service.agents.find("default", name)).version


async def test_a_change_makes_a_version_and_the_same_content_none(tmp_path: Path) -> None:
    write(tmp_path, "helper.toml", 'instructions = "Help."\ntools = ["calculator"]')
    assert await version(tmp_path, "helper") == 1
    assert await version(tmp_path, "helper") == 1
    write(
        tmp_path, "helper.toml", '# Said otherwise.\ntools = ["calculator"]\ninstructions="Help."'
    )
    assert await version(tmp_path, "helper") == 1
    write(tmp_path, "helper.toml", 'instructions = "Help well."')
    assert await version(tmp_path, "helper") == 2
    write(tmp_path, "helper.toml", 'instructions = "Help."\ntools = ["calculator"]')
    assert await version(tmp_path, "helper") == 3


async def test_the_order_of_a_schema_s_fields_is_content(tmp_path: Path) -> None:
    fields = ('a = {type = "string"}', 'b = {type = "string"}')
    for number, order in enumerate([fields, fields[::-1]], start=1):
        schema = "[output]\ntype = 'json_schema'\n[output.schema.properties]\n"
        write(tmp_path, "helper.toml", schema + "\n".join(order))
        assert await version(tmp_path, "helper") == number


async def test_an_agent_belongs_to_the_tenant_that_its_file_names(tmp_path: Path) -> None:
    write(tmp_path, "ours.toml", "")
    write(
        tmp_path, "theirs.toml", 'tenant = "acme"\noutput = {type = "grammar", name = "iso_date"}'
    )
    async with service(tmp_path) as running:
        agents = running.service.agents
        assert (await agents.find("default", "ours")).name == "ours"
        assert isinstance((await agents.find("acme", "theirs")).output, RegexOutput)
        for tenant, name in (("acme", "ours"), ("default", "theirs")):
            with pytest.raises(NotFound):
                await agents.find(tenant, name)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('tools = []\nintsructions = "x"', 2, "`intsructions` is not a field"),
        ("[sampling]\ntemperature = 3", 2, "`sampling.temperature` is wrong"),
        ('[output]\ntype = "prose"', 2, "`output.type` is wrong"),
        ('\n[output]\ntype = "json_schema"', 2, "`output.schema` is missing"),
        ('\n\nname = "a b"', 3, "`name` is wrong"),
        ('\noutput = {type = "grammar", name = "haiku"}', 2, "There is no output grammar 'haiku'"),
        ('\ntools = ["nothing"]', 2, "There is no tool 'nothing'"),
        ('model = "gpt-9"', 1, "No engine serves the model 'gpt-9'"),
        ('[[tools]]\ntype="function"\nname="a"\n[tools.parameters]\ntype="array"', 4, "object"),
    ],
)
async def test_a_mistake_stops_the_start_with_file_line_and_field(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    source = write(tmp_path, "helper.toml", text)
    with pytest.raises(ConfigurationError) as caught:
        async with service(tmp_path):
            pass
    assert caught.value.message.startswith(f"{source}:{line}: ")
    assert reason in caught.value.message


async def test_what_is_no_agent_is_told_before_anything_is_started(tmp_path: Path) -> None:
    write(tmp_path, "helper.toml", "nonsense = 1")
    with pytest.raises(ConfigurationError):
        async with service(tmp_path):
            pass
    assert not (tmp_path / "data").exists()


async def test_agents_wait_for_an_engine_that_is_not_up_yet(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "bad.toml", '\ntools = ["nothing"]')
    write(tmp_path, "helper.toml", "")
    engine = ScriptedEngine()
    engine.go_down()
    caplog.set_level(logging.INFO)
    async with service(tmp_path, engine) as running:
        with pytest.raises(NotFound):
            await running.service.agents.find("default", "helper")
        engine.come_up()
        async with asyncio.timeout(20):
            while not await running.service.agents.versions("default", "helper"):
                await asyncio.sleep(0.05)
    assert any("bad.toml waits" in line for line in caplog.messages)
    assert any("bad.toml:2: There is no tool 'nothing'" in line for line in caplog.messages)


async def test_replicas_that_start_together_make_one_version(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path / "redis")
    await redis.start()
    try:
        for number in (1, 2):
            write(tmp_path, "helper.toml", f'instructions = "{number}"')
            async with service(tmp_path, redis_url=redis.url) as one:
                filed = bootstrap.filed_agents(one.settings, {})
                draft = filed[0].draft.but(instructions=f"{number} again")
                made = await asyncio.gather(
                    *(one.service.agents.apply("default", draft) for _ in range(5))
                )
                assert {each.value.version for each in made} == {2 * number}
                assert [each.replayed for each in made].count(False) == 1
    finally:
        await redis.stop()


async def test_of_different_contents_at_once_each_gets_a_version(tmp_path: Path) -> None:
    write(tmp_path, "helper.toml", "")
    async with service(tmp_path) as running:
        [filed] = bootstrap.filed_agents(running.settings, {})
        drafts = [filed.draft.but(name="new", instructions=text) for text in ("a", "b")]
        made = await asyncio.gather(
            *(running.service.agents.apply("default", draft) for draft in drafts)
        )
        assert sorted(each.value.version for each in made) == [1, 2]
