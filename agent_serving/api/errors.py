"""From the error tree to HTTP: one table, one envelope (OpenAI's)."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import Scope

from agent_serving.api.disclosure import told
from agent_serving.api.validation import explain
from agent_serving.domain.errors import (
    AccessError,
    AgentServingError,
    BatchBusy,
    BatchNotActive,
    BudgetExhausted,
    CapacityError,
    ContextLengthExceeded,
    CursorExpired,
    EngineUnavailable,
    Forbidden,
    IdempotencyMismatch,
    ImpossibleEvent,
    InvalidRequest,
    IssuerUnavailable,
    LimitReached,
    LogGone,
    NotFound,
    Overloaded,
    PayloadTooLarge,
    RequestError,
    SchemaRejected,
    SessionBusy,
    ShuttingDown,
    StoreUnavailable,
    ToolInDoubt,
    ToolServerUnavailable,
    TurnNotActive,
    Unauthenticated,
    UnknownModel,
    UnknownTool,
)

_LOG = logging.getLogger(__name__)


class MalformedBody(InvalidRequest):
    """The body cannot be read at all."""


class BadHeader(InvalidRequest):
    """A header that cannot be read."""


class Unsupported(InvalidRequest):
    """What OpenAI's API can ask for and this service cannot do."""


class UnsupportedMediaType(InvalidRequest):
    pass


class MethodNotAllowed(InvalidRequest):
    pass


class ForeignHost(AccessError):
    """A web page's request, or one that may be."""

    code = "foreign_host"


class GenerationFailed(AgentServingError):
    """A completion whose turn came to no answer."""

    code = "generation_failed"


class InternalError(AgentServingError):
    """A defect of the service. Its message says nothing of the inside; the log does."""


STATUS: Mapping[type[AgentServingError], HTTPStatus] = {
    MalformedBody: HTTPStatus.BAD_REQUEST,
    BadHeader: HTTPStatus.BAD_REQUEST,
    Unsupported: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    ForeignHost: HTTPStatus.FORBIDDEN,
    BudgetExhausted: HTTPStatus.PAYMENT_REQUIRED,
    NotFound: HTTPStatus.NOT_FOUND,
    UnknownModel: HTTPStatus.NOT_FOUND,
    LogGone: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    SessionBusy: HTTPStatus.CONFLICT,
    TurnNotActive: HTTPStatus.CONFLICT,
    BatchNotActive: HTTPStatus.CONFLICT,
    BatchBusy: HTTPStatus.CONFLICT,
    ToolInDoubt: HTTPStatus.CONFLICT,
    IdempotencyMismatch: HTTPStatus.CONFLICT,
    ImpossibleEvent: HTTPStatus.CONFLICT,
    CursorExpired: HTTPStatus.GONE,
    PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownTool: HTTPStatus.UNPROCESSABLE_ENTITY,
    SchemaRejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    ContextLengthExceeded: HTTPStatus.UNPROCESSABLE_ENTITY,
    RequestError: HTTPStatus.UNPROCESSABLE_ENTITY,
    Overloaded: HTTPStatus.TOO_MANY_REQUESTS,
    LimitReached: HTTPStatus.TOO_MANY_REQUESTS,
    EngineUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    IssuerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    ToolServerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    ShuttingDown: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    GenerationFailed: HTTPStatus.BAD_GATEWAY,
    InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The nearest class of an error's ancestry counts; an error that has none here is a defect."""

NO_RETRY: tuple[type[AgentServingError], ...] = (
    SessionBusy,
    TurnNotActive,
    BatchNotActive,
    BatchBusy,
    IdempotencyMismatch,
)
"""openai-python retries every 409 unless it is told not to."""

ErrorType = Literal["invalid_request_error", "rate_limit_error", "server_error"]


class ErrorInfo(BaseModel):
    model_config = ConfigDict(title="Error")

    message: str = Field(description="What was wrong, where, and what to do; for people.")
    type: ErrorType = Field(description="OpenAI's coarse class of the error.")
    code: str = Field(description="What was wrong, for programs.", examples=["session_busy"])
    param: str | None = Field(
        None, description="Where in the request.", examples=["inputs[0].call_id"]
    )
    request_id: str | None = Field(None, description="Also in the header `x-request-id`.")
    details: dict[str, Any] | None = Field(None, description="More for programs, by code.")


class ErrorEnvelope(BaseModel):
    error: ErrorInfo


def status_of(error: AgentServingError) -> HTTPStatus | None:
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)


def request_id_of(scope: Scope) -> str | None:
    request_id = scope.get("state", {}).get("request_id")
    return request_id if isinstance(request_id, str) else None


def answer(error: AgentServingError, scope: Scope) -> JSONResponse:
    status = status_of(error)
    if status is None:
        _LOG.error("an error without a status reached the API", exc_info=error)
        error = internal_error()
        status = HTTPStatus.INTERNAL_SERVER_ERROR
    envelope = ErrorEnvelope(error=info(error, scope)).model_dump(mode="json")
    return JSONResponse(envelope, status, headers=_headers(error))


def info(error: AgentServingError, scope: Scope) -> ErrorInfo:
    """What is said of an error that has a status."""
    return ErrorInfo(
        message=told(error, scope),
        type=_type(status_of(error) or HTTPStatus.INTERNAL_SERVER_ERROR),
        code=error.code,
        param=error.param,
        request_id=request_id_of(scope),
        details=error.details or None,
    )


def internal_error() -> InternalError:
    return InternalError(
        "The service met an error of its own. Its log has it under this request's id."
    )


def install(app: FastAPI) -> None:
    app.add_exception_handler(AgentServingError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AgentServingError)
    return answer(error, request.scope)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return answer(explain(error), request.scope)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    route = f"{request.method} {request.url.path}"
    known: AgentServingError
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            known = NotFound(f"There is no route {route}. GET /openapi.json lists those there are.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "other methods")
            known = MethodNotAllowed(f"There is no route {route}; the path knows {allowed}.")
        case int(status) if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            known = MalformedBody(str(error.detail))
        case _:
            known = internal_error()
    response = answer(known, request.scope)
    response.headers.update(error.headers or {})
    return response


def _type(status: HTTPStatus) -> ErrorType:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "rate_limit_error"
    internal = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return "server_error" if internal else "invalid_request_error"


def _headers(error: AgentServingError) -> dict[str, str]:
    challenge = 'Bearer realm="agent-serving"'
    if isinstance(error, Unauthenticated):
        # RFC 6750: a request without a key is told no error.
        return {"www-authenticate": challenge + (', error="invalid_token"' if error.sent else "")}
    if isinstance(error, Forbidden):
        missing = f', error="insufficient_scope", scope="{error.scope}"'
        return {"www-authenticate": challenge + missing}
    if isinstance(error, CapacityError):
        # A caller that keeps its connection would come back to the replica that is going away.
        close = {"connection": "close"} if isinstance(error, ShuttingDown) else {}
        return close | {
            "retry-after": str(math.ceil(error.retry_after)),
            "retry-after-ms": str(math.ceil(error.retry_after * 1000)),
        }
    return {"x-should-retry": "false"} if isinstance(error, NO_RETRY) else {}


# --- documentation --------------------------------------------------------------------------

MEANING: Mapping[type[AgentServingError], str] = {
    MalformedBody: "The body is not JSON.",
    BadHeader: "A header cannot be read; `param` says which.",
    Unsupported: "It cannot be served here; `param` says what.",
    Unauthenticated: "No key and no token, or one that is unknown, expired or revoked.",
    ForeignHost: "`Host` or `Origin` names another than this service: a page from elsewhere.",
    Forbidden: "The key has not the scope that this takes; `details.scope` is its name.",
    NotFound: "There is no such thing, or it is another tenant's.",
    UnknownModel: "No engine serves the model.",
    SessionBusy: "Another turn is under way and `on_conflict` is `reject`.",
    BudgetExhausted: "A budget is used up; `details` says whose. Raise it to go on.",
    TurnNotActive: "The turn is over, or the call is not open for this answer.",
    BatchNotActive: "The batch is completed.",
    BatchBusy: "The batch is not over.",
    IdempotencyMismatch: "The Idempotency-Key came before with another body.",
    CursorExpired: "`after` is older than what is kept; `details.oldest_sequence` is not.",
    PayloadTooLarge: "The body is larger than this deployment takes.",
    UnsupportedMediaType: "The body is not declared as `application/json`.",
    InvalidRequest: "A field is unknown, missing or wrong; `param` says which.",
    UnknownTool: "A tool that this deployment does not have.",
    SchemaRejected: "A schema that cannot be served; `details.path` is the place in it.",
    ContextLengthExceeded: "The prompt does not fit the model's context. Nothing was changed.",
    Overloaded: "Too much is waiting already; come back after `retry-after`.",
    LimitReached: "A limit of the tenant is reached; `details.limit` says which.",
    EngineUnavailable: "No engine can serve this now. Nothing was changed.",
    IssuerUnavailable: "A token's key is not known, and its issuer cannot be asked.",
    ToolServerUnavailable: "An MCP server that the agent names is down. Nothing was changed.",
    ShuttingDown: "This replica is about to end. Nothing was changed; another one takes it.",
    StoreUnavailable: "The store cannot be reached.",
    GenerationFailed: "The model came to no answer; the message says why.",
    InternalError: "A defect of the service.",
}


def documented(*errors: type[AgentServingError], body: bool = False) -> dict[int | str, Any]:
    """`responses=` of a route: its own errors, and those that every route (with a body) has."""
    always = (
        Unauthenticated, Forbidden, ForeignHost, LimitReached, StoreUnavailable,
        IssuerUnavailable, InternalError, InvalidRequest,
    )  # fmt: skip
    with_body = (MalformedBody, PayloadTooLarge, UnsupportedMediaType) if body else ()
    responses: dict[int | str, Any] = {}
    for kind in dict.fromkeys((*errors, *with_body, *always)):
        status = STATUS[kind]
        known = responses.setdefault(
            int(status),
            {
                "model": ErrorEnvelope,
                "description": f"{status.phrase}.",
                "content": {"application/json": {"examples": {}}},
            },
        )
        known["description"] += f" `{kind.code}`: {MEANING[kind]}"
        known["content"]["application/json"]["examples"][kind.code] = {
            "summary": MEANING[kind],
            "value": {
                "error": {
                    "message": MEANING[kind],
                    "type": _type(status),
                    "code": kind.code,
                    "param": None,
                    "request_id": "req_5f0c1e9a7b3d4c2e8f6a1b9d0c7e5f3a",
                    "details": None,
                }
            },
        }
    return responses
