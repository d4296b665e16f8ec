from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Served

CLIENT_TOOL = {
    "type": "function",
    "name": "look_up",
    "description": "Look something up.",
    "parameters": {
        "type": "object",
        "properties": {"key": {"type": "string"}},
        "required": ["key"],
    },
}


async def register(api: Served, **body: Any) -> dict[str, Any]:
    answer = await api.http.post("/v1/agents", json={"name": "helper", **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_registering_a_name_again_makes_the_next_version_of_the_same_agent(
    api: Served,
) -> None:
    first = await register(api, instructions="One.", tools=["add", CLIENT_TOOL])
    second = await register(api, instructions="Two.")
    assert (first["version"], second["version"]) == (1, 2)
    assert first["id"] == second["id"]
    versions = await api.get(f"/v1/agents/{first['id']}/versions")
    assert [(v["version"], v["instructions"]) for v in versions["data"]] == [
        (1, "One."),
        (2, "Two."),
    ]


async def test_an_agent_is_shown_as_it_was_given(api: Served) -> None:
    agent = await register(
        api,
        instructions="Help.",
        tools=["add", CLIENT_TOOL],
        sampling={"temperature": 0.5},
        limits={"max_steps": 3},
        **{"class": "batch"},
    )
    assert agent["tools"][0] == "add"
    assert agent["tools"][1]["name"] == "look_up"
    assert agent["class"] == "batch"
    assert agent["sampling"]["temperature"] == 0.5
    assert (agent["limits"]["max_steps"], agent["limits"]["max_tool_calls"]) == (3, 64)
    assert agent["model"] == "scripted"


@pytest.mark.parametrize("reference", ["helper", "helper@1", "{id}", "{id}@1"])
async def test_an_agent_is_found_by_id_name_and_version(api: Served, reference: str) -> None:
    agent = await register(api)
    await register(api)
    found = await api.get(f"/v1/agents/{reference.format(**agent)}")
    assert found["version"] == (1 if "@" in reference else 2)


async def test_a_session_keeps_the_version_it_was_opened_with(api: Served) -> None:
    await register(api)
    session_id = await api.open("helper")
    await register(api)
    assert (await api.get(f"/v1/sessions/{session_id}"))["agent"]["version"] == 1
    pinned = await api.open("helper@1")
    assert (await api.get(f"/v1/sessions/{pinned}"))["agent"]["version"] == 1


async def test_a_deleted_agent_is_gone_and_its_sessions_are_not(api: Served) -> None:
    agent = await register(api)
    session_id = await api.open("helper")
    deleted = await api.http.delete(f"/v1/agents/{agent['id']}")
    assert deleted.json() == {"id": agent["id"], "object": "agent.deleted", "deleted": True}
    assert (await api.http.get(f"/v1/agents/{agent['id']}")).status_code == 404
    assert (await api.http.delete(f"/v1/agents/{agent['id']}")).status_code == 404
    assert (await api.say(session_id, "hello")).json()["status"] == "completed"


async def test_agents_are_listed_newest_first_in_their_newest_version(api: Served) -> None:
    for name in ("one", "two", "three", "one"):
        await register(api, name=name)
    page = await api.get("/v1/agents", limit=2)
    assert [(a["name"], a["version"]) for a in page["data"]] == [("three", 1), ("two", 1)]
    assert page["has_more"]
    rest = await api.get("/v1/agents", limit=2, after=page["last_id"])
    assert [(a["name"], a["version"]) for a in rest["data"]] == [("one", 2)]
    assert not rest["has_more"]


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"tools": ["add", "nothing"]}, 422, "unknown_tool", "tools[1]"),
        ({"model": "gpt-9"}, 404, "unknown_model", "model"),
        ({"tools": [{"type": "hosted"}]}, 422, "invalid_request", "tools[0].type"),
        ({"tools": [{"type": "mcp", "url": "x"}]}, 422, "invalid_request", "tools[0].server"),
        (
            {"tools": [{"type": "mcp", "server": "x", "url": "x"}]},
            422,
            "invalid_request",
            "tools[0].url",
        ),
        ({"tools": [{"type": "mcp", "server": "x"}]}, 422, "unknown_tool", "tools[0].server"),
        ({"name": "agent_x"}, 422, "invalid_request", "name"),
        ({"name": "a b"}, 422, "invalid_request", "name"),
        ({"sampling": {"temperature": 3}}, 422, "invalid_request", "sampling.temperature"),
        ({"limits": {"max_cost": "-1"}}, 422, "invalid_request", "limits.max_cost"),
        ({"class": "urgent"}, 422, "invalid_request", "class"),
        ({"output": {"type": "prose"}}, 422, "invalid_request", "output.type"),
        (
            {"output": {"type": "grammar", "name": "haiku"}},
            422,
            "invalid_request",
            "output.name",
        ),
    ],
)
async def test_an_agent_that_cannot_be_served_is_refused_with_the_place(
    api: Served, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    answer = await api.http.post("/v1/agents", json={"name": "helper", **body})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)
    assert (await api.get("/v1/agents"))["data"] == []


async def test_a_schema_that_refers_to_itself_is_refused_with_the_json_path(shared: Served) -> None:
    loop = {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    answer = await shared.http.post(
        "/v1/agents", json={"name": "helper", "output": {"type": "json_schema", "schema": loop}}
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "schema_rejected")
    assert error["details"]["path"].startswith("$")


async def test_a_grammar_that_the_engine_refuses_is_refused_when_the_agent_is_registered(
    api: Served,
) -> None:
    api.engine.rejected_constraints["xyzzy"] = "the engine cannot compile it"
    output = {"type": "regex", "pattern": "xyzzy"}
    answer = await api.http.post("/v1/agents", json={"name": "helper", "output": output})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "schema_rejected")


async def test_a_named_grammar_is_stored_as_what_it_is(api: Served) -> None:
    agent = await register(api, output={"type": "grammar", "name": "iso_date"})
    assert agent["output"] == {"type": "regex", "pattern": "[0-9]{4}-[0-9]{2}-[0-9]{2}"}


async def test_applying_makes_a_version_where_something_changed_and_only_there(api: Served) -> None:
    body = {"name": "helper", "instructions": "One.", "tools": ["add", CLIENT_TOOL]}
    answers = [await api.http.put("/v1/agents", json=body) for _ in range(2)]
    body["instructions"] = "Two."
    answers.append(await api.http.put("/v1/agents", json=body))
    assert [answer.status_code for answer in answers] == [201, 200, 201]
    assert [answer.json()["version"] for answer in answers] == [1, 1, 2]
    assert answers[0].json() == answers[1].json()
    assert (await api.get("/v1/agents/helper"))["instructions"] == "Two."


async def test_an_agent_that_was_registered_is_not_applied_again(api: Served) -> None:
    agent = await register(api, output={"type": "grammar", "name": "iso_date"})
    body = {"name": "helper", "output": {"type": "grammar", "name": "iso_date"}}
    answer = await api.http.put("/v1/agents", json=body)
    assert (answer.status_code, answer.json()) == (200, agent)


async def test_a_deleted_agent_is_applied_anew(api: Served) -> None:
    first = (await api.http.put("/v1/agents", json={"name": "helper"})).json()
    await api.http.delete("/v1/agents/helper")
    again = await api.http.put("/v1/agents", json={"name": "helper"})
    assert (again.status_code, again.json()["version"]) == (201, 1)
    assert again.json()["id"] != first["id"]


async def test_a_look_up_of_an_agent_reads_one_version(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        made = await register(api, instructions=str(number))
    asked: list[tuple[int, int | None]] = []
    store = api.service.ports.store
    read = store.agent_versions

    async def counted(
        tenant: str, key: str, *, first: int = 1, last: int | None = None
    ) -> list[tuple[int, bytes]]:
        asked.append((first, last))
        return await read(tenant, key, first=first, last=last)

    monkeypatch.setattr(store, "agent_versions", counted)
    for name in (made["id"], "helper", "helper@5", f"{made['id']}@5"):
        assert (await api.get(f"/v1/agents/{name}"))["instructions"] == "4"
    assert (await api.get("/v1/agents/helper@2"))["instructions"] == "1"
    for name in ("helper@0", "helper@6", "helper@02", "helper@x", "helper@" + "9" * 99, "nobody"):
        assert (await api.http.get(f"/v1/agents/{name}")).status_code == 404
    assert [agent["version"] for agent in (await api.get("/v1/agents"))["data"]] == [5]
    await api.open("helper")
    await register(api, instructions="5")
    assert (await api.http.put("/v1/agents", json={"name": "helper"})).json()["version"] == 7
    assert asked == []
    page = await api.get("/v1/agents/helper/versions", limit=2, after="3")
    assert [version["version"] for version in page["data"]] == [4, 5]
    assert page["has_more"]
    page = await api.get("/v1/agents/helper/versions", limit=2, order="desc")
    assert [version["version"] for version in page["data"]] == [7, 6]
    assert asked == [(4, 5), (6, 7)]
    assert (await api.http.delete("/v1/agents/helper")).status_code == 200
    assert len(asked) == 2
