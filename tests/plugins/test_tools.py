import logging
from pathlib import Path

import pytest

from agent_serving.domain.errors import ToolDefinitionError
from agent_serving.plugins.locations import shipped
from agent_serving.plugins.tools import load_tools

HEAD = "from agent_serving import tool\n\n"
SHIPPED = shipped("tools")


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def tool_text(name: str, answer: str = "") -> str:
    return (
        f'@tool(effect="pure")\ndef {name}() -> str:\n    """Do {name}."""\n    return {answer!r}\n'
    )


def test_the_shipped_tools_load() -> None:
    tools = load_tools([SHIPPED])
    assert set(tools) == {
        "calculator",
        "convert_units",
        "current_time",
        "fetch_url",
        "lookup_country",
        "recall",
        "remember",
        "weather",
    }
    assert tools["recall"].source == SHIPPED / "recall.py"


def test_several_tools_may_be_in_one_file(tmp_path: Path) -> None:
    write(tmp_path, "two.py", HEAD + tool_text("one") + tool_text("two") + "def three(): ...\n")
    assert set(load_tools([tmp_path])) == {"one", "two"}


def test_a_second_name_for_a_tool_is_not_a_second_tool(tmp_path: Path) -> None:
    write(tmp_path, "one.py", HEAD + tool_text("one") + "alias = one\n")
    assert set(load_tools([tmp_path])) == {"one"}


def test_files_that_start_with_an_underscore_are_not_loaded_but_can_be_imported(
    tmp_path: Path,
) -> None:
    write(tmp_path, "_prices.py", "PRICE = 3\n")
    write(tmp_path, "_draft.py", "this is not Python")
    text = '@tool()\ndef price() -> int:\n    """Price."""\n    return PRICE\n'
    write(tmp_path, "price.py", HEAD + "from ._prices import PRICE\n" + text)
    assert load_tools([tmp_path])["price"].function() == 3


def test_a_tool_that_another_file_imports_is_loaded_once(tmp_path: Path) -> None:
    write(tmp_path, "one.py", HEAD + tool_text("one"))
    write(tmp_path, "two.py", HEAD + "from .one import one\n" + tool_text("two"))
    tools = load_tools([tmp_path])
    assert {name: tool.source.name for name, tool in tools.items()} == {
        "one": "one.py",
        "two": "two.py",
    }


def test_files_of_one_name_in_two_folders_do_not_share_a_module(tmp_path: Path) -> None:
    write(tmp_path / "a", "_shared.py", "WHERE = 'a'\n")
    write(tmp_path / "b", "_shared.py", "WHERE = 'b'\n")
    for folder in ("a", "b"):
        text = f'@tool()\ndef in_{folder}() -> str:\n    """Do."""\n    return WHERE\n'
        write(tmp_path / folder, "same.py", HEAD + "from ._shared import WHERE\n" + text)
    tools = load_tools([tmp_path / "a", tmp_path / "b"])
    assert tools["in_a"].function() == "a"
    assert tools["in_b"].function() == "b"


def test_a_tool_file_does_not_hide_an_installed_module(tmp_path: Path) -> None:
    write(tmp_path, "json.py", HEAD + tool_text("decode"))
    write(tmp_path, "other.py", HEAD + "import json\nassert json.loads\n" + tool_text("other"))
    assert set(load_tools([tmp_path])) == {"decode", "other"}


def test_a_later_folder_overrides_an_earlier_one_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write(tmp_path / "own", "mine.py", HEAD + tool_text("calculator", "mine"))
    tools = load_tools([SHIPPED, tmp_path / "own"])
    assert tools["calculator"].function() == "mine"
    assert "recall" in tools
    [line] = caplog.messages
    assert "calculator" in line
    assert str(tmp_path / "own" / "mine.py") in line
    assert str(SHIPPED / "calculator.py") in line


def test_a_folder_that_is_given_twice_is_read_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write(tmp_path, "one.py", HEAD + tool_text("one"))
    load_tools([tmp_path, tmp_path / "." / "x" / ".."])
    assert not caplog.messages


def test_one_name_twice_in_a_folder_is_refused_with_both_files(tmp_path: Path) -> None:
    first = write(tmp_path, "a.py", HEAD + tool_text("one"))
    second = write(tmp_path, "b.py", HEAD + tool_text("one"))
    with pytest.raises(ToolDefinitionError) as caught:
        load_tools([tmp_path])
    assert str(first) in caught.value.message
    assert str(second) in caught.value.message


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("x = 1\ndef broken(:\n", 2, "SyntaxError: invalid syntax"),
        ("\n\nimport no_such_module_xyz\n", 3, "No module named 'no_such_module_xyz'"),
        ("def f():\n    raise ValueError('boom')\n\nf()\n", 2, "ValueError: boom"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3"),
        ("import json\njson.loads('{')\n", 2, "JSONDecodeError"),
    ],
)
def test_a_broken_file_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    path = write(tmp_path, "broken.py", text)
    with pytest.raises(ToolDefinitionError) as caught:
        load_tools([tmp_path])
    assert caught.value.message.startswith(f"{path}:{line}: ")
    assert reason in caught.value.message
    assert "_broken.py" in caught.value.message


def test_a_file_without_a_tool_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "nothing.py", "def f(): ...\n")
    with pytest.raises(ToolDefinitionError, match=r"no function has @tool.*_nothing\.py") as caught:
        load_tools([tmp_path])
    assert str(path) in caught.value.message


def test_a_wrong_definition_is_named_with_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, "silent.py", HEAD + "@tool()\ndef silent() -> None: ...\n")
    with pytest.raises(ToolDefinitionError, match="silent has no docstring") as caught:
        load_tools([tmp_path])
    assert caught.value.message.startswith(f"{path}:3: ")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolDefinitionError, match="not a folder"):
        load_tools([tmp_path / "missing"])


def test_loading_again_reads_what_was_changed_meanwhile(tmp_path: Path) -> None:
    write(tmp_path, "one.py", HEAD + tool_text("one", "old"))
    before = load_tools([tmp_path])
    write(tmp_path, "one.py", HEAD + tool_text("one", "new"))
    assert load_tools([tmp_path])["one"].function() == "new"
    assert before["one"].function() == "old"


def test_loading_writes_nothing_into_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "one.py", HEAD + tool_text("one"))
    load_tools([tmp_path])
    assert [path.name for path in tmp_path.iterdir()] == ["one.py"]
