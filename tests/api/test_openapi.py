from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from agent_serving.api.examples import ANSWERS
from tests.api.conftest import Served


async def document(api: Served) -> dict[str, Any]:
    return await api.get("/openapi.json")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


async def test_the_document_is_valid_openapi(shared: Served) -> None:
    validate(await document(shared))


async def test_every_example_fits_its_schema(shared: Served) -> None:
    found = await document(shared)
    schemas = found["components"]["schemas"]
    assert ANSWERS.keys() <= schemas.keys()
    checked = 0
    for name, schema in schemas.items():
        reference = {"$ref": f"#/components/schemas/{name}", "components": found["components"]}
        for example in schema.get("examples", ()):
            Draft202012Validator(reference).validate(example)
            checked += 1
    assert checked > 10


async def test_every_operation_is_described_with_its_errors(shared: Served) -> None:
    found = await document(shared)
    ids = [operation["operationId"] for _, operation in operations(found)]
    assert len(ids) == len(set(ids))
    for name, operation in operations(found):
        assert operation["summary"], name
        assert operation["tags"][0] in {tag["name"] for tag in found["tags"]}, name
        if "/v1/" not in name:
            continue
        envelope = {"$ref": "#/components/schemas/ErrorEnvelope"}
        failures = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
        expected = {"422", "500", "503"} | ({"404"} if "{" in name else set())
        expected |= {"400", "413", "415"} if "requestBody" in operation else set()
        assert expected <= failures.keys(), name
        for failure in failures.values():
            content = failure["content"]["application/json"]
            assert content["schema"] == envelope
            assert content["examples"], name


def bodies(document: dict[str, Any], *, openai: bool) -> dict[str, dict[str, Any]]:
    """The schemas by name that request bodies are made of: OpenAI's, or our own."""
    schemas = document["components"]["schemas"]
    todo = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for _, operation in operations(document)
        if "requestBody" in operation and (operation["tags"] == ["openai"]) == openai
    ]
    seen: dict[str, dict[str, Any]] = {}
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        elif isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in seen:
                seen[name] = schemas[name]
                todo.append(schemas[name])
            todo += [value for key, value in node.items() if key != "examples"]
    return seen


async def test_every_field_that_comes_in_is_described(shared: Served) -> None:
    found = await document(shared)
    for openai in (False, True):
        for name, schema in bodies(found, openai=openai).items():
            for field, told in schema.get("properties", {}).items():
                assert told.keys() & {"description", "$ref", "const"}, f"{name}.{field}"


async def test_unknown_fields_are_refused_but_by_openais_routes(shared: Served) -> None:
    found = await document(shared)
    own = bodies(found, openai=False)
    for name, schema in own.items():
        assert schema["additionalProperties"] is False, name
    assert {"AgentBody", "SessionBody", "TurnBody", "InputsBody", "Sampling"} <= own.keys()
    theirs = bodies(found, openai=True)
    for name, schema in theirs.items():
        assert name == "JsonValue" or schema["additionalProperties"] is True, name
    assert {"ResponseBody", "ChatBody", "ConversationBody", "InputItem"} <= theirs.keys()


async def test_streams_are_documented(shared: Served) -> None:
    found = await document(shared)
    for name in ("/v1/sessions", "/v1/sessions/{session_id}/turns"):
        content = found["paths"][name]["post"]["responses"]["200"]["content"]
        told = content["text/event-stream"]["schema"]["properties"]["data"]["contentSchema"]
        assert told == {"$ref": "#/components/schemas/Event"}
    events = found["paths"]["/v1/sessions/{session_id}/events"]["get"]["responses"]
    assert set(events["200"]["content"]) == {"application/json", "text/event-stream"}
    for name in ("/v1/responses", "/v1/chat/completions"):
        assert "text/event-stream" in found["paths"][name]["post"]["responses"]["200"]["content"]
