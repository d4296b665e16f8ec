from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from agent_serving.api.examples import ANSWERS
from tests.api.conftest import Served

MAX_EXAMPLES = 6

Operation = APIOperation[Any, Any, Any, Any]


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
        assert "text/event-stream" in found["paths"][name]["post"]["responses"]["200"]["content"]
    events = found["paths"]["/v1/sessions/{session_id}/events"]["get"]["responses"]
    assert set(events["200"]["content"]) == {"application/json", "text/event-stream"}


# --- anything that can be sent --------------------------------------------------------------


def send(url: str, operation: Operation, mode: GenerationMode, ids: dict[str, str]) -> int:
    """Requests made of an operation's schema, every other one with `ids` that there are. Checks
    that no answer is a 5xx, and that each is what the document says: status, media type, body.
    Returns how many were sent."""
    sent = 0

    @settings(
        max_examples=MAX_EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def probe(case: Any) -> None:
        nonlocal sent
        sent += 1
        if sent % 2:
            case.path_parameters = {name: ids[name] for name in case.path_parameters or {}}
        response = case.call(base_url=url)
        assert response.status_code < 500, (case.as_curl_command(), response.text)
        operation.validate_response(response)

    probe()
    return sent


def send_all(document: dict[str, Any], url: str, ids: dict[str, str]) -> int:
    """Reads of every kind, and writes that have to be refused: those that have not would start
    real turns, which the other tests do with care."""
    sent = 0
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if operation.method.upper() == "GET":
            sent += send(url, operation, GenerationMode.POSITIVE, ids)
        # A path alone cannot be wrong: any text may be an id.
        if operation.query or operation.body:
            sent += send(url, operation, GenerationMode.NEGATIVE, ids)
    return sent


@pytest.mark.timeout(90)
async def test_nothing_that_can_be_sent_breaks_the_service(api: Served) -> None:
    url = str(api.http.base_url)
    agent = (await api.http.post("/v1/agents", json={"name": "helper"})).json()
    session_id = await api.open()
    turn = (await api.say(session_id, "hello")).json()
    step = (await api.get(turn["steps_url"]))["data"][0]
    ids = {
        "agent": agent["id"],
        "session_id": session_id,
        "turn_id": turn["id"],
        "step_id": step["id"],
    }
    sent = await asyncio.to_thread(send_all, await document(api), url, ids)
    assert sent > 60
