from __future__ import annotations

import logging

import pytest

from agent_serving.api.errors import STATUS, documented, status_of
from agent_serving.domain import errors
from agent_serving.domain.errors import AgentServingError, RequestError
from tests.api.conftest import Served

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def descendants(kind: type[AgentServingError]) -> set[type[AgentServingError]]:
    below = set(kind.__subclasses__())
    return below | {deeper for child in below for deeper in descendants(child)}


def test_every_error_that_a_request_can_meet_has_a_status() -> None:
    for kind in descendants(RequestError) | descendants(errors.CapacityError):
        assert any(parent in STATUS for parent in kind.__mro__), kind


def test_an_error_that_is_no_answer_has_no_status() -> None:
    assert status_of(errors.ConfigurationError("x")) is None
    assert status_of(errors.EngineFailed("x")) is None


def test_the_nearest_ancestor_gives_the_status() -> None:
    assert status_of(errors.PayloadTooLarge("x")) == 413
    assert status_of(errors.StaleWriter("x")) == 409
    assert status_of(errors.LogGone("x")) == 404


def test_a_route_documents_its_errors_by_code() -> None:
    responses = documented(errors.NotFound, errors.SessionBusy, body=True)
    assert sorted(responses) == [400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503]
    examples = responses[409]["content"]["application/json"]["examples"]
    assert list(examples) == ["session_busy"]


async def test_the_envelope_is_openais(shared: Served) -> None:
    answer = await shared.http.get("/v1/sessions/sess_x", headers={"x-request-id": "mine-1"})
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "param", "request_id", "details"}
    assert (error["type"], error["code"]) == ("invalid_request_error", "not_found")
    assert error["param"] == "session_id"
    assert error["request_id"] == answer.headers["x-request-id"] == "mine-1"


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, "a\tb"])
async def test_a_request_id_that_cannot_be_logged_is_replaced(shared: Served, given: str) -> None:
    answer = await shared.http.get("/healthz", headers={"x-request-id": given})
    assert answer.headers["x-request-id"].startswith("req_")


async def test_the_callers_trace_comes_back(shared: Served) -> None:
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    answer = await shared.http.get("/v1/sessions", headers=headers)
    assert answer.headers["x-trace-id"] == TRACE
    assert "x-trace-id" not in (await shared.http.get("/v1/sessions")).headers


async def test_a_wrong_method_is_told_the_right_ones(shared: Served) -> None:
    answer = await shared.http.put("/v1/sessions/sess_x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "invalid_request")
    assert "GET" in answer.headers["allow"]


async def test_a_defect_answers_with_nothing_of_the_inside_and_logs_all(
    api: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("the secret of the inside")

    monkeypatch.setattr(api.service.sessions, "get", break_down)
    with caplog.at_level(logging.ERROR):
        answer = await api.http.get("/v1/sessions/sess_x", headers={"x-request-id": "mine-2"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (500, "internal_error")
    assert (error["type"], error["request_id"]) == ("server_error", "mine-2")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == "mine-2"
    (record,) = [record for record in caplog.records if "mine-2" in record.getMessage()]
    assert record.exc_info is not None
    assert "the secret of the inside" in str(record.exc_info[1])


async def test_an_error_of_the_service_that_is_no_answer_is_a_defect_too(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise errors.ConfigurationError("the secret of the inside")

    monkeypatch.setattr(api.service.sessions, "get", break_down)
    answer = await api.http.get("/v1/sessions/sess_x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
