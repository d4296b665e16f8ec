"""What is started is stopped, in order, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agent_serving import bootstrap
from agent_serving.adapters.redis import EmbeddedRedis
from agent_serving.config import Settings
from agent_serving.domain.errors import AgentServingError, ConfigurationError
from agent_serving.testing import ScriptedEngine
from tests.api.conftest import listening
from tests.identity_provider import AUDIENCE, ISSUER, IdentityProvider


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

    monkeypatch.setattr(bootstrap.service, "create_app", fail)
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


async def test_the_engines_are_sent_their_key(tmp_path: Path) -> None:
    heard: list[str | None] = []

    async def engine(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append(Headers(scope=scope).get("authorization"))
        await Response("Unauthorized", 401)(scope, receive, send)

    async with listening(engine) as url:
        settings = Settings(data_dir=tmp_path, engines=(url,), engine_api_key=SecretStr("k3y"))
        async with bootstrap.build(settings) as running:
            [worker] = running.service.ports.engine.workers()
            assert "engine_api_key" in " ".join(worker.degraded)
    assert set(heard) == {"Bearer k3y"}


async def test_fetch_url_is_offered_once_a_host_is_listed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, fetch_hosts=("docs.example",))
    async with bootstrap.build(settings, engine=ScriptedEngine()) as running:
        assert "fetch_url" in {spec.name for spec in running.service.ports.tools.specs()}


async def made(settings: Settings, tenant: str = "acme") -> str:
    """The secret of a new key."""
    async with bootstrap.key_desk(settings) as desk:
        _, secret = await desk.create(tenant, ["run"], actor="cli:test")
    return secret


async def status(settings: Settings, secret: str | None = None, host: str = "localhost") -> int:
    """Of a request to a service with these settings."""
    headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
    async with bootstrap.build(settings, engine=ScriptedEngine()) as running:
        transport = httpx.ASGITransport(running.app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
            return (await http.get("/v1/sessions", headers=headers)).status_code


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.com"])
async def test_an_address_that_others_reach_is_refused_without_keys(
    host: str, tmp_path: Path
) -> None:
    settings = Settings(host=host, data_dir=tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        await status(settings)
    assert "there are no keys" in caught.value.message
    assert "keys create" in caught.value.message
    assert await is_free(tmp_path)


async def test_an_address_that_others_reach_is_taken_with_keys(tmp_path: Path) -> None:
    settings = Settings(host="0.0.0.0", data_dir=tmp_path)
    secret = await made(settings)
    assert await status(settings) == 401
    assert await status(settings, secret) == 200


async def test_whether_there_are_keys_has_to_be_seen() -> None:
    down = Settings(host="0.0.0.0", redis_url="redis://127.0.0.1:9")
    with pytest.raises(ConfigurationError) as caught:
        await status(down)
    assert "cannot be seen" in caught.value.message
    assert await status(down.but(require_keys=True)) == 401
    assert await status(down.but(require_keys=True), f"ask_{'0' * 26}_{'0' * 48}") == 503


async def test_without_keys_it_may_be_said_that_it_is_unsafe(tmp_path: Path) -> None:
    settings = Settings(host="0.0.0.0", data_dir=tmp_path, unsafe_no_keys=True)
    assert await status(settings) == 200
    await made(settings)
    assert await status(settings) == 401


async def test_on_loopback_nobody_needs_a_key_until_there_is_one(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert await status(settings) == 200
    secret = await made(settings)
    assert await status(settings) == 401
    assert await status(settings, secret) == 200
    assert await status(settings.but(data_dir=tmp_path / "other", require_keys=True)) == 401


async def test_without_keys_only_names_of_the_service_are_answered(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert await status(settings, host="api.example") == 403
    assert await status(settings.but(allowed_hosts=("api.example",)), host="api.example") == 200
    anywhere = settings.but(host="0.0.0.0", unsafe_no_keys=True)
    assert await status(anywhere, host="10.0.0.7:8080") == 200
    assert await status(anywhere, host="api.example") == 403
    secret = await made(settings)
    assert await status(settings, secret, host="api.example") == 200


async def test_keys_are_made_beside_a_running_service(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    async with bootstrap.build(settings, engine=ScriptedEngine()) as running:
        await made(settings)
        assert await running.service.ports.store.ping()


def taking_tokens(folder: Path, keys: str) -> Settings:
    file = folder / "jwks.json"
    file.write_text(keys)
    return Settings(
        data_dir=folder / "data", jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwks_file=file
    )


async def test_an_address_that_others_reach_is_taken_with_tokens(tmp_path: Path) -> None:
    provider = IdentityProvider()
    settings = taking_tokens(tmp_path, provider.key_set())
    assert await status(settings) == 401
    assert await status(settings, provider.sign()) == 200
    assert await status(settings.but(host="0.0.0.0"), provider.sign()) == 200
    other = settings.but(jwt_tenant_claim="org_id", jwt_scope_claim="roles")
    assert await status(other, provider.sign()) == 401
    assert await status(other, provider.sign(org_id="acme", roles=["read"])) == 200


async def test_a_file_that_has_no_keys_is_told_at_the_start(tmp_path: Path) -> None:
    settings = taking_tokens(tmp_path, '{"keys": []}')
    with pytest.raises(ConfigurationError) as caught:
        await status(settings)
    assert "jwks.json" in caught.value.message
    assert await is_free(tmp_path / "data")


async def test_tokens_take_packages_that_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = taking_tokens(tmp_path, IdentityProvider().key_set())
    for module in [name for name in sys.modules if name.startswith("agent_serving.adapters.oidc")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ConfigurationError) as caught:
        await status(settings)
    assert "agent-serving[oidc]" in caught.value.message


async def test_the_settings_bound_a_tenant_s_agents(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, max_agents=1, max_agent_versions=2)
    async with (
        bootstrap.build(settings, engine=ScriptedEngine()) as running,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(running.app), base_url="http://localhost"
        ) as http,
    ):
        told = [await http.post("/v1/agents", json={"name": name}) for name in "aaba"]
    assert [answer.status_code for answer in told] == [201, 201, 422, 422]
    assert [answer.json()["error"]["param"] for answer in told[2:]] == ["name", "name"]
