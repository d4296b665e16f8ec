"""Write docs/reference/errors.md from the table of errors: python docs/generate_errors.py"""

from __future__ import annotations

from pathlib import Path

from agent_serving.api.errors import MEANING, NO_RETRY, STATUS
from agent_serving.domain.errors import AgentServingError, CapacityError

PAGE = Path(__file__).parent / "reference" / "errors.md"

HEAD = """\
# Errors

Written by `python docs/generate_errors.py`; a test checks that it is current.

Every answer that is not a success has one envelope, OpenAI's, with a code for programs and a
message for people. `param` is the place in the request; `details` has more, by code. The
`request_id` is in the header `x-request-id` too, and in the service's log.
```json
{
  "error": {
    "message": "Another turn is under way and `on_conflict` is `reject`.",
    "type": "invalid_request_error",
    "code": "session_busy",
    "param": null,
    "request_id": "req_5f0c1e9a7b3d4c2e8f6a1b9d0c7e5f3a",
    "details": null
  }
}
```
In the column "again", *later* means that the answer has `retry-after` (seconds) and
`retry-after-ms`; *no*, that it has `x-should-retry: false`, which OpenAI's clients heed. A POST
that is sent again should carry the same `Idempotency-Key`
([why](../reliability.md#a-request-is-taken-once)).

| status | code | again | meaning |
|---:|---|---|---|
"""

TAIL = """
## Of a turn
A turn that was accepted is answered as such however it ends. One that has `failed` says why in
its `error`, and in the event `turn.failed`:

| code | meaning |
|---|---|
| `engine_unavailable` | A model step has used up its attempts. |
| `invalid_tool_call` | The model made an invalid call twice in a row. |
| `invalid_output` | Two answers of the model did not keep to the form that was asked for. |
| `internal_error` | A defect of the service; its log has it under the turn's trace id. |

Other codes are those above, where a model step met them. The Python client raises
`TurnFailedError` ([how](../sdk.md#when-something-fails)).
"""


def page() -> str:
    kinds = sorted(MEANING, key=lambda kind: (STATUS[kind], kind.code))
    return HEAD + "".join(map(_row, kinds)) + TAIL


def _row(kind: type[AgentServingError]) -> str:
    return f"| {STATUS[kind]:d} | `{kind.code}` | {_again(kind)} | {MEANING[kind]} |\n"


def _again(kind: type[AgentServingError]) -> str:
    if issubclass(kind, CapacityError):
        return "later"
    return "no" if issubclass(kind, NO_RETRY) else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
