from __future__ import annotations

from agent_serving.api import ApiSettings
from tests.api.conftest import Serve, Served


async def test_tools_are_listed_with_their_schemas(shared: Served) -> None:
    page = await shared.get("/v1/tools")
    (tool,) = page["data"]
    assert (tool["name"], tool["effect"], tool["description"]) == (
        "add",
        "pure",
        "Add two numbers.",
    )
    assert tool["parameters"]["properties"]["a"]["type"] == "integer"
    assert (page["object"], page["first_id"], page["has_more"]) == ("list", "add", False)


async def test_grammars_are_outputs_and_dialects(shared: Served) -> None:
    rows = (await shared.get("/v1/grammars"))["data"]
    output = next(row for row in rows if row["object"] == "output_grammar")
    assert (output["name"], output["output"]["type"]) == ("iso_date", "regex")
    assert {"qwen3", "llama3"} <= {row["name"] for row in rows if row["object"] == "dialect"}


async def test_models_are_listed_as_openai_does_while_they_are_served(api: Served) -> None:
    (model,) = (await api.get("/v1/models"))["data"]
    assert model == {
        "id": "scripted",
        "object": "model",
        "created": 0,
        "owned_by": "sglang",
        "context_length": 32768,
    }
    api.engine.go_down()
    assert (await api.get("/v1/models"))["data"] == []


async def test_capabilities_tell_what_was_found_and_no_secret(serve: Serve) -> None:
    settings = ApiSettings(max_body_bytes=5000, capabilities={"region": "here"})
    api = await serve(settings=settings)
    worker = api.engine.workers()[0]
    api.engine._worker = type(worker)(
        name="one", url="http://user:secret@host:1/x", ready=True, degraded=("No metrics.",)
    )
    found = await api.get("/v1/capabilities")
    assert found["engines"][0]["url"] == "http://host:1/x"
    assert found["degraded"] == ["one: No metrics."]
    assert found["store"]["persistence"]["appendonly"] is True
    assert (found["limits"]["max_body_bytes"], found["deployment"]) == (5000, {"region": "here"})
    assert found["tools"] == ["add"]


async def test_a_service_that_works_is_healthy_and_ready(shared: Served) -> None:
    assert await shared.get("/healthz") == {"status": "ok"}
    assert await shared.get("/readyz") == {
        "status": "ready",
        "reasons": [],
        "details": [],
    }
