"""The engine that a command starts answers that command, and nobody else."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from agent_serving import bootstrap
from agent_serving.config import Settings
from agent_serving.local.errors import LocalEngineError
from agent_serving.local.launch import EngineProcess
from tests.cli.test_up import home
from tests.conftest import HOME

__all__ = ["home"]  # a fixture


@pytest.fixture
def settings(home: Path, tmp_path: Path) -> Settings:
    """Of a stand-in for SGLang."""
    model = tmp_path / "serves"
    model.mkdir()
    (model / "config.json").write_text("{}")
    return Settings(data_dir=tmp_path, engine_home=home, engine_port=0, model=model)


def key_of(settings: Settings, *, shared: bool = False) -> str | None:
    with bootstrap.local_engine(settings, print, shared=shared) as engine:
        return engine.options.api_key


def test_each_start_has_a_key_of_its_own(settings: Settings) -> None:
    keys = [key_of(settings), key_of(settings)]
    assert all(key is not None and len(key) >= 48 for key in keys)
    assert len(set(keys)) == 2


def test_a_key_may_be_given(settings: Settings) -> None:
    given = settings.but(engine_api_key=SecretStr("k3y"))
    assert [key_of(given), key_of(given, shared=True)] == ["k3y", "k3y"]


def test_one_that_others_are_to_use_has_none_but_a_given_one(settings: Settings) -> None:
    assert key_of(settings, shared=True) is None


@pytest.mark.parametrize("argument", ["--api-key", "--api-key=k3y"])
def test_a_key_among_the_arguments_is_refused(settings: Settings, argument: str) -> None:
    with pytest.raises(LocalEngineError, match="engine_api_key"):
        key_of(settings.but(engine_args=(argument, "k3y")))


@pytest.mark.parametrize("argument", ["--tokenizer-worker-num", "--grpc-port=1"])
def test_where_sglang_can_take_no_key_it_gets_none(settings: Settings, argument: str) -> None:
    said: list[str] = []
    with bootstrap.local_engine(settings.but(engine_args=(argument,)), said.append) as engine:
        assert engine.options.api_key is None
    assert any("no key" in line for line in said)


def test_the_settings_of_a_service_on_it_name_it(settings: Settings) -> None:
    with bootstrap.local_engine(settings, print) as engine:
        served = bootstrap.served_by(settings, engine)
        assert served.engines == (engine.url,)
        assert served.engine_api_key is not None
        assert served.engine_api_key.get_secret_value() == engine.options.api_key
    with bootstrap.local_engine(settings, print, shared=True) as engine:
        assert bootstrap.served_by(settings, engine).engine_api_key is None


@pytest.mark.timeout(1200)  # with its start on a busy machine
async def test_a_real_one_generates_for_its_service_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EngineProcess.wait_until_ready, "__defaults__", (900.0,))
    page = {"origin": "https://evil.example"}
    settings = Settings(data_dir=tmp_path, engine_home=HOME.absolute(), engine_port=0)
    with bootstrap.local_engine(settings, print) as engine:
        async with httpx.AsyncClient(base_url=engine.url, timeout=60, trust_env=False) as http:
            for path in ("/generate", "/v1/chat/completions", "/flush_cache", "/abort_request"):
                refused = await http.post(path, json={"text": "x"}, headers=page)
                assert refused.status_code == 401, path
            assert (await http.get("/server_info", headers=page)).status_code == 401
            for path in ("/health", "/metrics"):
                assert (await http.get(path)).status_code == 200
        assert await answer_of(settings, engine) == "completed"


async def answer_of(settings: Settings, engine: EngineProcess) -> str:
    """What becomes of a turn on that engine."""
    async with bootstrap.build(bootstrap.served_by(settings, engine)) as running:
        transport = httpx.ASGITransport(running.app)
        base = "http://localhost"
        async with httpx.AsyncClient(transport=transport, base_url=base, timeout=120) as http:
            body = {"agent": {"tools": ["calculator"]}, "input": "What is 2 + 3?"}
            opened = await http.post("/v1/sessions", json=body)
            assert opened.status_code == 201, opened.text
            return str(opened.json()["turn"]["status"])
