"""The client's errors; their names are OpenAI's where the same thing exists there.

AgentServingClientError
├── APIError
│   ├── APIConnectionError            nothing came back
│   │   └── APITimeoutError           nothing came back in time
│   ├── APIResponseError              an answer that is not what this client can read
│   └── APIStatusError                the service refused
│       ├── BadRequestError           400
│       ├── AuthenticationError       401
│       ├── BudgetReachedError        402
│       ├── PermissionDeniedError     403
│       ├── NotFoundError             404
│       ├── ConflictError             409
│       ├── CursorExpiredError        410
│       ├── UnprocessableEntityError  422
│       ├── RateLimitError            429
│       └── InternalServerError       500 and above
├── TurnError                         the turn is over, and has no answer to give
│   ├── TurnFailedError
│   ├── TurnIncompleteError
│   └── TurnCancelledError
├── TurnWaitingError                  the turn waits for what nothing here can give
├── TurnTimeoutError                  the turn goes on, but the caller's time is over
├── BatchTimeoutError                 the batch goes on, but the caller's time is over
└── OutputError                       an answer, or a type, that cannot be translated
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from agent_serving.client.models.turn import TurnData


class AgentServingClientError(Exception):
    pass


class APIError(AgentServingClientError):
    """`code` is for programs, `param` says where in the request, `request_id` finds the request in
    the service's log, `trace_id` its trace. Each is None where the service did not say."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        trace_id: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.request_id = request_id
        self.trace_id = trace_id
        self.details = dict(details or {})


class APIConnectionError(APIError):
    pass


class APITimeoutError(APIConnectionError):
    pass


class APIResponseError(APIError):
    pass


class APIStatusError(APIError):
    """`status_code` is HTTP's."""

    def __init__(self, message: str, *, status_code: int, **told: Any) -> None:
        super().__init__(message, **told)
        self.status_code = status_code


class BadRequestError(APIStatusError):
    pass


class AuthenticationError(APIStatusError):
    pass


class BudgetReachedError(APIStatusError):
    pass


class PermissionDeniedError(APIStatusError):
    pass


class NotFoundError(APIStatusError):
    pass


class ConflictError(APIStatusError):
    pass


class CursorExpiredError(APIStatusError):
    pass


class UnprocessableEntityError(APIStatusError):
    pass


class RateLimitError(APIStatusError):
    pass


class InternalServerError(APIStatusError):
    pass


_BY_STATUS: Mapping[int, type[APIStatusError]] = {
    HTTPStatus.BAD_REQUEST: BadRequestError,
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.PAYMENT_REQUIRED: BudgetReachedError,
    HTTPStatus.FORBIDDEN: PermissionDeniedError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.GONE: CursorExpiredError,
    HTTPStatus.UNPROCESSABLE_ENTITY: UnprocessableEntityError,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimitError,
}


def refusal(status: int, headers: Mapping[str, str], body: Any, where: str) -> APIStatusError:
    """The error of an answer with this status. `where` is the verb and the path; `body` what came
    as JSON, or None where it was something else."""
    envelope = body.get("error") if isinstance(body, dict) else None
    error: dict[str, Any] = envelope if isinstance(envelope, dict) else {}
    said = error.get("message") or "the service said nothing more"
    kind = _BY_STATUS.get(status)
    if kind is None:
        server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        kind = InternalServerError if server else APIStatusError
    return kind(
        f"{where}: {status} {error.get('code') or ''}: {said}".replace(" :", ":"),
        status_code=status,
        code=error.get("code"),
        param=error.get("param"),
        request_id=error.get("request_id") or headers.get("x-request-id"),
        trace_id=headers.get("x-trace-id"),
        details=error.get("details"),
    )


class _OfTurn(AgentServingClientError):
    """`turn` is the turn as it was then."""

    def __init__(self, message: str, turn: TurnData) -> None:
        super().__init__(message)
        self.turn = turn


class TurnError(_OfTurn):
    """`turn` is how it ended; `turn.output_text` and the transcript keep what there was."""


class TurnFailedError(TurnError):
    pass


class TurnIncompleteError(TurnError):
    pass


class TurnCancelledError(TurnError):
    pass


class TurnWaitingError(_OfTurn):
    """`turn.required_inputs` and `turn.paused` say for what; it goes on when that is given."""


class TurnTimeoutError(AgentServingClientError):
    pass


class BatchTimeoutError(AgentServingClientError):
    pass


class OutputError(AgentServingClientError):
    pass


def without_answer(turn: TurnData) -> TurnError | TurnWaitingError:
    """Why a turn that runs no more has no answer."""
    reason = turn.incomplete_details.reason if turn.incomplete_details else None
    match turn.status:
        case "waiting":
            return TurnWaitingError(f"Turn {turn.id} waits for {_awaited(turn)}.", turn)
        case "incomplete":
            return TurnIncompleteError(f"Turn {turn.id} reached its limit {reason}.", turn)
        case "cancelled":
            return TurnCancelledError(f"Turn {turn.id} was cancelled.", turn)
        case _:
            why = f"{turn.error.code}: {turn.error.message}" if turn.error else turn.status
            return TurnFailedError(f"Turn {turn.id} failed: {why}", turn)


def _awaited(turn: TurnData) -> str:
    if turn.paused is not None:
        return f"the {turn.paused.scope}'s budget {turn.paused.budget} to be raised"
    calls = ", ".join(f"{call.type} of {call.name}" for call in turn.required_inputs)
    return f"{calls or 'an answer'}; give the session that tool or callback, or answer it yourself"
