"""The whole service with third-party MCP servers, over real HTTP; the page's example is run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_serving import bootstrap
from agent_serving.config import Settings, load
from agent_serving.domain.errors import ConfigurationError
from agent_serving.domain.mcp import McpServer
from agent_serving.testing import Line, ScriptedEngine
from tests.api.conftest import Served, listening
from tests.mcp.conftest import odd_stdio
from tests.runtime.talk import call

PAGE = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text()
BIN = Path(sys.executable).parent
SLOW: dict[str, Any] = {"connect_seconds": 60, "timeout_seconds": 60}
TIME = McpServer(command=str(BIN / "mcp-server-time"), args=("--local-timezone", "UTC"), **SLOW)


@asynccontextmanager
async def serving(settings: Settings, script: Any = ("OK.",)) -> AsyncIterator[Served]:
    engine = ScriptedEngine(script)
    async with (
        bootstrap.build(settings, engine=engine) as running,
        listening(running.app) as url,
        httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http,
    ):
        yield Served(http, running.service, engine, running.app)


async def ready(served: Served, *names: str) -> None:
    """Starting a server may take longer than the service waits for it."""
    servers = served.service.ports.tool_servers
    assert servers is not None
    for name in names:
        await servers.offered(name)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "note.txt").write_text("remember\n")
    for line in (
        "init -q", "config user.name A", "config user.email a@example.com", "add note.txt",
    ):  # fmt: skip
        subprocess.run(["git", *line.split()], cwd=folder, check=True)
    return folder


def commits(repository: Path) -> list[str]:
    command = ["git", "log", "--all", "--format=%s"]
    found = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    return found.stdout.splitlines()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def keeper(repository: Path) -> Callable[[str], Line]:
    commit = f'{{"repo_path": "{repository}", "message": "Noted"}}'

    def script(prompt: str) -> Line:
        said = prompt.rpartition("<|im_start|>")[0]
        return "Committed." if "Noted" in said else call("git__git_commit", commit)

    return script


async def test_the_example_on_the_page_works(tmp_path: Path, repository: Path) -> None:
    [written] = blocks("toml")
    file = tmp_path / "agent-serving.toml"
    file.write_text(
        written.replace("/srv/notes", str(repository))
        .replace('"mcp-server-', f'"{BIN}/mcp-server-')
        .replace("timeout_seconds = 5", "timeout_seconds = 60")
    )
    settings = load(file=file).settings.but(data_dir=tmp_path)
    async with serving(settings, keeper(repository)) as served:
        await ready(served, "git", "time")
        script = "\n".join(blocks("bash")).replace(
            "http://127.0.0.1:8080", str(served.http.base_url).rstrip("/")
        )
        done = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script + '\necho "$session $turn"',
            cwd=tmp_path, stdout=subprocess.PIPE, env=os.environ | {"no_proxy": "*"},
        )  # fmt: skip
        out, _ = await asyncio.wait_for(done.communicate(), 60)
        assert done.returncode == 0
        tools, servers, ids = out.decode().splitlines()
        assert "git__git_commit" in tools
        assert "time__convert_time" in tools
        assert "git__git_reset" not in tools
        assert servers == "[('git', 'ready'), ('time', 'ready')]"
        turn = await served.settled(*ids.split())  # type: ignore[arg-type]
        assert turn["output_text"] == "Committed."
    assert commits(repository) == ["Noted"]


async def test_the_python_on_the_page_runs_an_agent(tmp_path: Path) -> None:
    [program] = blocks("python")
    async with serving(Settings(data_dir=tmp_path), ["Noon.", "You are welcome."]) as served:
        await served.http.post("/v1/agents", json={"name": "helper"})
        url = str(served.http.base_url).rstrip("/")
        done = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program.replace("http://127.0.0.1:8080", url),
            stdout=subprocess.PIPE, env=os.environ | {"no_proxy": "*"},
        )  # fmt: skip
        out, _ = await asyncio.wait_for(done.communicate(), 60)
    assert out.decode().splitlines() == ["Noon.", "You are welcome."]


async def test_an_agent_asks_a_third_partys_server(tmp_path: Path) -> None:
    convert = {
        "source_timezone": "UTC",
        "time": "12:00",
        "target_timezone": "Asia/Tokyo",
    }
    arguments = str(convert).replace("'", '"')
    script = [call("time__convert_time", arguments), "Nine in the evening."]
    settings = Settings(data_dir=tmp_path, mcp_servers={"time": TIME})
    async with serving(settings, script) as served:
        await ready(served, "time")
        session = await served.open({"tools": [{"type": "mcp", "server": "time"}]})
        turn = (await served.say(session, "?")).json()
        assert turn["output_text"] == "Nine in the evening."
        [result] = [item for item in turn["items"] if item["type"] == "tool_result"]
        assert result["outcome"] == "ok"
        assert "21:00" in result["output"]


async def test_an_error_of_a_third_partys_server_is_read_by_the_model(tmp_path: Path) -> None:
    script = [call("time__get_current_time", '{"timezone": "Nowhere/Land"}'), "No such place."]
    settings = Settings(data_dir=tmp_path, mcp_servers={"time": TIME})
    async with serving(settings, script) as served:
        await ready(served, "time")
        session = await served.open({"tools": ["time__get_current_time"]})
        turn = (await served.say(session, "?")).json()
        [result] = [item for item in turn["items"] if item["type"] == "tool_result"]
        assert result["outcome"] == "error"
        assert "Nowhere/Land" in result["output"]
        assert "Nowhere/Land" in served.engine.decode(served.engine.requests[-1].prompt)


async def test_a_server_that_dies_in_the_middle_of_a_turn_is_back_for_its_next_step(
    tmp_path: Path, witness: Path
) -> None:
    script = [call("odd__die_then_answer", "{}"), call("odd__zebra", '{"text": "z"}'), "Done."]
    settings = Settings(data_dir=tmp_path, mcp_servers={"odd": odd_stdio(witness, **SLOW)})
    async with serving(settings, script) as served:
        await ready(served, "odd")
        session = await served.open({"tools": [{"type": "mcp", "server": "odd"}]})
        turn = (await served.say(session, "?")).json()
        results = [item["output"] for item in turn["items"] if item["type"] == "tool_result"]
        assert (turn["output_text"], results) == ("Done.", ["alive", "z"])


async def test_an_agent_is_shown_as_it_would_have_to_be_given(
    tmp_path: Path, witness: Path
) -> None:
    settings = Settings(data_dir=tmp_path, mcp_servers={"odd": odd_stdio(witness, **SLOW)})
    wanted = {
        "type": "mcp",
        "server": "odd",
        "allowed_tools": ["about.me", "zebra"],
        "require_approval": {"always": {"tool_names": ["zebra"]}, "never": {"tool_names": []}},
    }
    async with serving(settings) as served:
        await ready(served, "odd")
        body = {"name": "one", "tools": ["calculator", wanted]}
        made = await served.http.post("/v1/agents", json=body)
        assert (made.status_code, made.json()["tools"]) == (201, ["calculator", wanted])
        again = await served.http.post("/v1/agents", json=body | {"tools": made.json()["tools"]})
        assert again.json()["tools"] == made.json()["tools"]


@pytest.mark.parametrize("change", [{"instructions": "Be quick."}, {"temperature": 0.5}])
async def test_what_an_agent_wants_to_be_asked_is_asked_after_a_fork_too(
    tmp_path: Path, witness: Path, change: dict[str, Any]
) -> None:
    script = ["Hello.", call("odd__zebra", '{"text": "z"}'), "Done."]
    settings = Settings(data_dir=tmp_path, mcp_servers={"odd": odd_stdio(witness, **SLOW)})
    asks = {"type": "mcp", "server": "odd", "require_approval": "always"}
    async with serving(settings, script) as served:
        await ready(served, "odd")
        made = await served.http.post("/v1/agents", json={"name": "careful", "tools": [asks]})
        assert made.status_code == 201
        first = await served.http.post(
            "/v1/responses", json={"model": "agent:careful", "input": "Hi"}
        )
        before = {"previous_response_id": first.json()["id"]}
        second = await served.http.post("/v1/responses", json={"input": "?"} | before | change)
        assert second.status_code == 200
        [turn] = [
            turn
            for session in (await served.get("/v1/sessions"))["data"]
            for turn in (await served.get(f"/v1/sessions/{session['id']}/turns"))["data"]
            if turn["status"] != "completed"
        ]
        assert turn["status"] == "waiting"
        assert [wanted["type"] for wanted in turn["required_inputs"]] == ["approval"]


@pytest.mark.parametrize(
    ("tool", "status", "code", "told"),
    [
        ({"type": "mcp", "server": "http://evil.example/mcp"}, 422, "unknown_tool", "bring its"),
        ({"type": "mcp", "server": "odd", "url": "http://evil.example"}, 422, None, "url"),
        ({"type": "mcp", "server": "odd", "command": "sh"}, 422, None, "command"),
        (
            {"type": "mcp", "server": "odd", "allowed_tools": ["rm"]},
            422, "unknown_tool", "has no tool 'rm'",
        ),
        ({"type": "mcp", "server": "down"}, 503, "tool_server_unavailable", "cannot be reached"),
    ],
)  # fmt: skip
async def test_an_agent_names_only_what_the_deployment_has(
    tmp_path: Path, witness: Path, tool: Any, status: int, code: str | None, told: str
) -> None:
    servers = {
        "odd": odd_stdio(witness, **SLOW),
        "down": McpServer(command="/no/such/program"),
    }
    async with serving(Settings(data_dir=tmp_path, mcp_servers=servers)) as served:
        if "allowed_tools" in tool:
            await ready(served, "odd")
        answer = await served.http.post("/v1/agents", json={"name": "one", "tools": [tool]})
        error = answer.json()["error"]
        assert answer.status_code == status
        assert error["code"] == (code or error["code"])
        assert told in error["message"] + str(error["details"]) + str(error["param"])


async def test_with_a_server_down_the_service_is_ready_and_tells(tmp_path: Path) -> None:
    down = McpServer(command="/no/such/program")
    async with serving(Settings(data_dir=tmp_path, mcp_servers={"gone": down})) as served:
        answer = await served.http.get("/readyz")
        assert answer.status_code == 200
        [detail] = answer.json()["details"]
        assert "The MCP server gone is not connected" in detail
        [server] = (await served.get("/v1/tools"))["servers"]
        assert (server["status"], server["tools"]) == ("down", 0)


def children() -> set[int]:
    found: set[int] = set()
    for thread in Path("/proc/self/task").iterdir():
        for child in (thread / "children").read_text().split():
            with contextlib.suppress(FileNotFoundError):  # it has ended since
                if b"odd_server" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.add(int(child))
    return found


async def test_the_processes_end_with_the_service(tmp_path: Path, witness: Path) -> None:
    settings = Settings(data_dir=tmp_path, mcp_servers={"odd": odd_stdio(witness, **SLOW)})
    async with serving(settings):
        assert children()
    assert not children()


async def test_a_start_that_fails_leaves_no_process(
    tmp_path: Path, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[int] = set()

    def fail(*_: object, **__: object) -> None:
        seen.update(children())
        raise ConfigurationError("no")

    monkeypatch.setattr(bootstrap.service, "create_app", fail)
    settings = Settings(data_dir=tmp_path, mcp_servers={"odd": odd_stdio(witness, **SLOW)})
    with pytest.raises(ConfigurationError):
        async with serving(settings):
            pass
    assert seen
    assert not children()


async def test_a_secret_that_is_not_there_is_told_by_its_setting(tmp_path: Path) -> None:
    server = McpServer(url="http://127.0.0.1:9/mcp", headers={"x-key": "${NO_SUCH_SECRET}"})
    with pytest.raises(ConfigurationError, match=r"mcp_servers\.far: the secret NO_SUCH_SECRET"):
        async with serving(Settings(data_dir=tmp_path, mcp_servers={"far": server})):
            pass
