"""An agent is a file; a mistake in one is told with the file, the line and the field."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.errors import ConfigurationError
from agent_serving.plugins.agents import AgentFile, load_agent_files
from agent_serving.plugins.toml_lines import line_of

RECEIPT = """\
from pydantic import BaseModel

class Receipt(BaseModel):
    total: int
"""


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def only(folder: Path) -> AgentFile:
    [file] = load_agent_files([folder])
    return file


def told(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_agent_files([folder])
    return caught.value.message


def test_a_file_is_a_body_and_its_name_is_the_agent_s(tmp_path: Path) -> None:
    write(tmp_path, "support.toml", 'instructions = "Help."\ntools = ["calculator"]\n')
    file = only(tmp_path)
    assert file.tenant is None
    assert file.body == {"name": "support", "instructions": "Help.", "tools": ["calculator"]}


def test_a_name_and_a_tenant_may_be_written(tmp_path: Path) -> None:
    write(tmp_path, "support.toml", 'name = "help"\ntenant = "acme"\n')
    file = only(tmp_path)
    assert (file.name, file.tenant) == ("help", "acme")
    assert "tenant" not in file.body


def test_a_later_folder_counts_and_one_folder_has_each_name_once(tmp_path: Path) -> None:
    write(tmp_path / "a", "helper.toml", 'instructions = "One."')
    second = write(tmp_path / "b", "helper.toml", 'instructions = "Two."')
    write(tmp_path / "b", "theirs.toml", 'name = "helper"\ntenant = "acme"')
    files = load_agent_files([tmp_path / "a", tmp_path / "b", tmp_path / "b"])
    assert [(file.tenant, file.body.get("instructions")) for file in files] == [
        (None, "Two."),
        ("acme", None),
    ]
    copy = write(tmp_path / "b", "twin.toml", '\nname = "helper"\n')
    assert told(tmp_path / "b").startswith(f"{copy}:2: {second} has an agent 'helper' too")


def test_an_output_may_be_a_type_in_a_file_beside(tmp_path: Path) -> None:
    write(tmp_path, "shapes.py", RECEIPT)
    write(tmp_path, "till.toml", 'output = "shapes:Receipt"')
    output = only(tmp_path).body["output"]
    assert output["type"] == "json_schema"
    assert list(output["schema"]["properties"]) == ["total"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shapes.py", "till.toml"]


def test_no_python_runs_that_no_file_names(tmp_path: Path) -> None:
    write(tmp_path, "other.py", "raise SystemExit('ran')")
    write(tmp_path, "plain.toml", "")
    assert only(tmp_path).name == "plain"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("shapes", '"module:Name"'),
        ("os.path:join", '"module:Name"'),
        ("../outside:Receipt", '"module:Name"'),
        ("json:dumps", "there is no file json.py in this folder"),
        ("linked:Receipt", "there is no file linked.py in this folder"),
        ("shapes:Invoice", "there is no Invoice in"),
        ("shapes:BaseModel.x", '"module:Name"'),
        ("shapes:here", "No output can be made of"),
    ],
)
def test_a_type_is_only_taken_from_the_folder_itself(
    tmp_path: Path, reference: str, reason: str
) -> None:
    outside = write(tmp_path, "outside.py", RECEIPT)
    folder = tmp_path / "agents"
    write(folder, "shapes.py", RECEIPT + "here = object()\n")
    (folder / "linked.py").symlink_to(outside)
    source = write(folder, "till.toml", f'\n\noutput = "{reference}"\n')
    message = told(folder)
    assert message.startswith(f"{source}:3: ")
    assert reason in message


def test_a_broken_file_of_types_is_named_with_its_line(tmp_path: Path) -> None:
    broken = write(tmp_path, "shapes.py", "x = 1\nraise ValueError('boom')\n")
    source = write(tmp_path, "till.toml", 'output = "shapes:Receipt"')
    message = told(tmp_path)
    assert message.startswith(f"{broken}:2: ValueError: boom.")
    assert str(source) in message


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('name = "a"\ntools = [\n', None, "Invalid"),
        ('name = "a"\n\ntools == []\n', 3, "Invalid value"),
        ('a = 1\nb = 2\ntenant = "a b"\n', 3, "no name of a tenant"),
        ("tenant = 3\n", 1, "no name of a tenant"),
        ("[limits]\n[output.schema]\ndefault = 2026-01-31\n", 2, "`output` has a value"),
        ("[sampling]\ntemperature = nan\n", 1, "`sampling` has a value"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, text: str, line: int | None, reason: str
) -> None:
    source = write(tmp_path, "a.toml", text)
    message = told(tmp_path)
    assert message.startswith(f"{source}:" if line is None else f"{source}:{line}: ")
    assert reason in message


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "not a folder" in told(tmp_path / "missing")


TEXT = '''\
# A comment.
instructions = """
[limits]
max_steps = 1
"""
tools = [
  "one",
  "two",
]
class = "batch"

[limits]
max_steps = 8
[[tool]]
name = "a"
[[tool]]
name = "b"
'''


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("instructions", 2),
        ("tools[1]", 6),
        ("class", 10),
        ("limits", 12),
        ("limits.max_steps", 13),
        ("tool[1].name", 17),
        ("tool[1].parameters", 16),
        ("model", 1),
        (None, 1),
    ],
)
def test_a_field_is_found_by_its_line(field: str | None, line: int) -> None:
    assert line_of(TEXT, field) == line


@given(st.lists(st.sampled_from(["", "# a = 1", "[t{}]", "k{} = '''\na\n'''"]), max_size=6))
def test_whatever_stands_before_a_field_its_line_is_found(before: list[str]) -> None:
    text = "".join(line.format(i) + "\n" for i, line in enumerate(before)) + "[wanted]\nx = 1\n"
    assert line_of(text, "wanted.x") == len(text.splitlines())
