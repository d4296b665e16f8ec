"""What a deployment says of MCP servers, and what an agent takes of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent_serving.domain.errors import UnknownTool
from agent_serving.domain.mcp import (
    ApprovalByTool,
    McpServer,
    McpTools,
    RequireApproval,
    ToolNames,
    effect_of,
    served_name,
    taken,
    told,
)
from agent_serving.domain.values import RemoteTool, ToolSpec


def spec(name: str, *, asks: bool = False) -> ToolSpec:
    return ToolSpec(
        name=served_name("git", name),
        requires_approval=asks,
        remote=RemoteTool(server="git", name=name),
    )


def only(*names: str) -> ApprovalByTool:
    return ApprovalByTool(always=ToolNames(tool_names=names))


OFFERED = [spec("add"), spec("commit", asks=True), spec("status")]


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        ("never", ["commit"]),
        ("always", ["add", "commit", "status"]),
        (only("add"), ["add", "commit"]),
    ],
)
def test_an_agent_asks_for_more_approval_and_never_for_less(
    policy: RequireApproval, asked: list[str]
) -> None:
    found = taken(OFFERED, McpTools(server="git", require_approval=policy))
    assert [s.remote.name for s in found if s.requires_approval and s.remote] == asked


def test_a_tool_that_is_not_offered_is_told_with_those_that_are() -> None:
    with pytest.raises(UnknownTool, match=r"no tool 'push'.*add, commit, status"):
        taken(OFFERED, McpTools(server="git", allowed_tools=("push",)))


@given(
    st.sets(st.sampled_from(["a", "b", "c", "d"]), min_size=1),
    st.sets(st.sampled_from(["a", "b", "c", "d"])),
)
def test_what_an_agent_is_told_to_have_makes_the_same_agent(
    names: set[str], asks: set[str]
) -> None:
    frozen = [spec(name, asks=name in asks) for name in sorted(names)]
    offered = [spec(name) for name in "abcd"]
    assert taken(offered, told(frozen, "git")) == frozen


@pytest.mark.parametrize(
    ("tool", "name"),
    [("status", "git__status"), ("fs/read.file", "git__fs_read_file"), ("größe", "git__gr__e")],
)
def test_a_name_has_only_what_a_name_may_have(tool: str, name: str) -> None:
    assert served_name("git", tool) == name
    assert ToolSpec(name=name).name == name


def test_hints_say_what_may_be_repeated() -> None:
    assert effect_of(read_only=True, idempotent=None) == "pure"
    assert effect_of(read_only=False, idempotent=True) == "idempotent"
    assert effect_of(read_only=None, idempotent=None) == "once"


def test_secrets_are_named_and_put_in_their_places() -> None:
    server = McpServer(
        url="https://x.example/mcp", headers={"authorization": "Bearer ${A}", "x": "${B}-${A}"}
    )
    assert server.secret_names == ("A", "B")
    filled = server.with_secrets({"A": "one", "B": "two"})
    assert filled.headers == {"authorization": "Bearer one", "x": "two-one"}


@pytest.mark.parametrize(
    ("given", "told_as"),
    [
        ({}, "either `command`"),
        ({"command": "x", "url": "http://x"}, "either `command`"),
        ({"command": "x", "headers": {"a": "b"}}, "belong to a `url`"),
        ({"url": "http://x", "env": {"a": "b"}}, "belong to a `command`"),
        ({"url": "http://user:password@x/mcp"}, "pattern"),
        ({"url": "file:///etc/passwd"}, "pattern"),
    ],
)
def test_a_server_that_makes_no_sense_is_refused(given: dict[str, Any], told_as: str) -> None:
    with pytest.raises(ValidationError, match=told_as):
        McpServer(**given)
