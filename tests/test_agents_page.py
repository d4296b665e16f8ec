"""What docs/agents.md shows works as it is shown."""

from __future__ import annotations

import asyncio
import re
import tomllib
from pathlib import Path
from typing import Any

from agent_serving import bootstrap
from agent_serving.api.bodies import AgentBody
from agent_serving.cli.chat_commands import COMMANDS
from agent_serving.config import Settings
from agent_serving.domain.output_type import output_from_type
from agent_serving.domain.values import JsonSchemaOutput
from agent_serving.testing import ScriptedEngine
from tests.cli.conftest import COMMAND, call, clean_environment, scripted_service

PAGE = (Path(__file__).parents[1] / "docs" / "agents.md").read_text()
FILES = dict(re.findall(r"`agents/([\w.]+)`:\n```\w+\n(.*?)```", PAGE, re.DOTALL))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


async def test_the_files_are_agents(tmp_path: Path) -> None:
    assert FILES.keys() == {"support.toml", "till.toml", "shapes.py"}
    (tmp_path / "agents").mkdir()
    for name, text in FILES.items():
        (tmp_path / "agents" / name).write_text(text)
    settings = Settings(data_dir=tmp_path / "data", agents=(tmp_path / "agents",))
    async with bootstrap.build(settings, engine=ScriptedEngine()) as running:
        support = await running.service.agents.find("default", "support")
        till = await running.service.agents.find("default", "till")
    assert [tool.name for tool in support.tools] == ["calculator", "current_time"]
    assert support.limits.max_steps == 8
    assert isinstance(till.output, JsonSchemaOutput)
    assert list(till.output.schema_["properties"]) == ["currency", "lines"]


def test_each_piece_of_an_agent_is_one(tmp_path: Path) -> None:
    pieces = [text for text in blocks("toml") if text not in FILES.values()]
    assert len(pieces) == 2
    for text in pieces:
        AgentBody.model_validate({"name": "a", **tomllib.loads(text)})


def test_each_type_is_the_output_that_is_told() -> None:
    [code] = [text for text in blocks("python") if "FORMS" in text]
    known: dict[str, Any] = {"__name__": __name__}
    exec(compile(code, "docs/agents.md", "exec"), known)
    told = {
        kind: [output_from_type(form).type for form in forms]
        for kind, forms in known["FORMS"].items()
    }
    assert told == {kind: [kind] * len(forms) for kind, forms in known["FORMS"].items()}


def test_every_command_of_the_chat_is_told_with_what_it_does() -> None:
    for name, command in COMMANDS.items():
        assert f"| `{name}` | {command.does} |" in PAGE


async def test_the_chat_looks_as_it_is_shown(tmp_path: Path) -> None:
    [shell] = blocks("bash")
    [shown] = [text for text in blocks("text") if "chat --agent" in text]
    said = re.findall(r"^  (?:calls|agent) .*\n", shown, re.MULTILINE)
    script = [call("calculator", expression="17 * 23"), "The result is 391."]
    async with scripted_service(tmp_path, *script) as url:
        chat = await asyncio.create_subprocess_exec(
            *(*COMMAND, "chat", "--url", url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=clean_environment(),
        )
        [question] = re.findall(r'echo "(.*)" \| agent-serving chat$', shell, re.MULTILINE)
        written, _ = await asyncio.wait_for(chat.communicate(question.encode()), 60)
    milliseconds = re.compile(r"\d+ ms")
    assert milliseconds.sub("", written.decode()) == milliseconds.sub("", "".join(said))
