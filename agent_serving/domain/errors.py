"""The one tree of errors. Foreign errors become one of these at the adapter that met them.

AgentServingError
├── RequestError                what the caller sent cannot be done
│   ├── InvalidRequest          invalid_request
│   │   └── PayloadTooLarge     invalid_request (413)
│   ├── NotFound                not_found
│   ├── UnknownModel            unknown_model
│   ├── UnknownTool             unknown_tool
│   ├── SchemaRejected          schema_rejected
│   ├── ContextLengthExceeded   context_length_exceeded
│   ├── SessionBusy             session_busy
│   ├── TurnNotActive           turn_not_active
│   ├── BatchNotActive          batch_not_active
│   ├── BatchBusy               batch_busy
│   ├── ToolInDoubt             tool_in_doubt
│   ├── IdempotencyMismatch     idempotency_mismatch
│   ├── BudgetExhausted         budget_reached
│   └── CursorExpired           cursor_expired
├── AccessError                 who sent it may not
│   ├── Unauthenticated         unauthenticated
│   └── Forbidden               forbidden
├── CapacityError               try again later
│   ├── Overloaded              overloaded
│   │   └── LimitReached        rate_limit_exceeded
│   ├── EngineUnavailable       engine_unavailable
│   │   └── VoidReply           engine_unavailable
│   ├── IssuerUnavailable       issuer_unavailable
│   ├── ToolServerUnavailable   tool_server_unavailable
│   ├── ShuttingDown            shutting_down
│   └── StoreUnavailable        store_unavailable
│       └── StoreFull           store_unavailable
├── TurnError                   ends a turn, never a request
│   ├── EngineFailed            engine_unavailable
│   ├── InvalidToolCall         invalid_tool_call
│   └── InvalidOutput           invalid_output
└── ImpossibleEvent             a fact that contradicts the session; nothing was changed
    └── SequenceConflict        the log refused an append
        ├── StaleWriter         somebody else wrote first
        ├── Fenced              the writer's lease is not his any more
        ├── SequenceGap         the writer is ahead of the log
        └── LogGone             the session was deleted or has expired
"""

from __future__ import annotations

from typing import Any, ClassVar


class AgentServingError(Exception):
    """`message` tells what was wrong, where, and what to do; `details` is JSON for programs."""

    code: ClassVar[str] = "internal_error"

    def __init__(
        self, message: str, *, param: str | None = None, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.details = details or {}


class RequestError(AgentServingError):
    code = "invalid_request"


class InvalidRequest(RequestError):
    pass


class PayloadTooLarge(InvalidRequest):
    pass


class NotFound(RequestError):
    code = "not_found"


class UnknownModel(RequestError):
    code = "unknown_model"


class UnknownTool(RequestError):
    code = "unknown_tool"


class SchemaRejected(RequestError):
    """`param` is where the schema was given; `details["path"]` is the JSON path inside it."""

    code = "schema_rejected"

    def __init__(self, message: str, *, path: str, param: str | None = None) -> None:
        super().__init__(f"{message} (at {path})", param=param, details={"path": path})
        self.path = path


class ContextLengthExceeded(RequestError):
    code = "context_length_exceeded"


class SessionBusy(RequestError):
    code = "session_busy"


class TurnNotActive(RequestError):
    code = "turn_not_active"


class BatchNotActive(RequestError):
    code = "batch_not_active"


class BatchBusy(RequestError):
    code = "batch_busy"


class ToolInDoubt(RequestError):
    code = "tool_in_doubt"


class IdempotencyMismatch(RequestError):
    code = "idempotency_mismatch"


class BudgetExhausted(RequestError):
    code = "budget_reached"


class CursorExpired(RequestError):
    code = "cursor_expired"


class AccessError(AgentServingError):
    pass


class Unauthenticated(AccessError):
    """`sent` says whether there was anything that could be looked at."""

    code = "unauthenticated"

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class Forbidden(AccessError):
    """`scope` is the one that is missing."""

    code = "forbidden"

    def __init__(self, message: str, *, scope: str) -> None:
        super().__init__(message, details={"scope": scope})
        self.scope = scope


class CapacityError(AgentServingError):
    """`retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(CapacityError):
    code = "overloaded"


class LimitReached(Overloaded):
    """A limit of the tenant's; `details["limit"]` is its name."""

    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, limit: str, retry_after: float) -> None:
        super().__init__(message, retry_after=retry_after)
        self.details = {"limit": limit}


class EngineUnavailable(CapacityError):
    code = "engine_unavailable"


class VoidReply(EngineUnavailable):
    """What the engine has streamed is no reply to what it was sent: nothing of it counts."""


class IssuerUnavailable(CapacityError):
    """Whether a token is right cannot be known now."""

    code = "issuer_unavailable"


class ToolServerUnavailable(CapacityError):
    code = "tool_server_unavailable"


class ShuttingDown(CapacityError):
    code = "shutting_down"


class StoreUnavailable(CapacityError):
    code = "store_unavailable"


class StoreFull(StoreUnavailable):
    """It answers, but has no memory for more; what it has can be read and deleted."""


class TurnError(AgentServingError):
    pass


class EngineFailed(TurnError):
    code = "engine_unavailable"


class InvalidToolCall(TurnError):
    code = "invalid_tool_call"


class InvalidOutput(TurnError):
    code = "invalid_output"


class ToolError(AgentServingError):
    """Raised by a tool. The model reads the message as it stands: no paths, no secrets."""

    code = "tool_error"


class ConfigurationError(AgentServingError):
    code = "invalid_configuration"


class ToolDefinitionError(ConfigurationError):
    pass


class ImpossibleEvent(AgentServingError):
    code = "impossible_event"

    @classmethod
    def because(cls, fact: str, why: str) -> ImpossibleEvent:
        return cls(f"{fact} is impossible here: {why}")


class SequenceConflict(ImpossibleEvent):
    pass


class StaleWriter(SequenceConflict):
    pass


class Fenced(SequenceConflict):
    pass


class SequenceGap(SequenceConflict):
    pass


class LogGone(SequenceConflict):
    code = "not_found"
