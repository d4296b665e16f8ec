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


async def test_every_field_that_comes_in_is_described(shared: Served) -> None:
    found = await document(shared)
    schemas = found["components"]["schemas"]
    todo = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for _, operation in operations(found)
        if "requestBody" in operation
    ]
    seen: set[str] = set()
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        elif isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in seen:
                seen.add(name)
                todo.append(schemas[name])
                for field, schema in schemas[name].get("properties", {}).items():
                    described = schema.keys() & {"description", "$ref", "const"}
                    assert described, f"{name}.{field}"
                assert schemas[name]["additionalProperties"] is False, name
            todo += [value for key, value in node.items() if key != "examples"]
    assert {"AgentBody", "SessionBody", "TurnBody", "InputsBody", "Sampling"} <= seen


async def test_streams_are_documented(shared: Served) -> None:
    found = await document(shared)
    for name in ("/v1/sessions", "/v1/sessions/{session_id}/turns"):
        content = found["paths"][name]["post"]["responses"]["200"]["content"]
        told = content["text/event-stream"]["schema"]["properties"]["data"]["contentSchema"]
        assert told == {"$ref": "#/components/schemas/Event"}
    events = found["paths"]["/v1/sessions/{session_id}/events"]["get"]["responses"]
    assert set(events["200"]["content"]) == {"application/json", "text/event-stream"}
