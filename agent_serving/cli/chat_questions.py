"""What a turn waits for, as questions to the person, and what they typed as answers."""

from __future__ import annotations

from typing import Literal, assert_never, cast

from agent_serving.cli.rest import Json
from agent_serving.cli.transcript import one_line, shorten

Kind = Literal["tool_result", "in_doubt", "approval"]

ASKED: dict[Kind, str] = {
    "tool_result": "{call} is yours to run. Its result (! and a text: what went wrong):",
    "in_doubt": "{call} may have run before the service died. Type `retry`, `abandon`, or = and "
    "the result that it had:",
    "approval": "{call} asks whether it may run: yes or no?",
}


def question(required: Json) -> str:
    call = f"{required['name']} {shorten(one_line(required['arguments']))}"
    return ASKED[_kind(required)].format(call=call)


def answer(required: Json, typed: str) -> Json | None:
    """The input that `POST …/inputs` takes; None where the text is no answer."""
    kind = _kind(required)
    given: Json = {"type": kind, "call_id": required["call_id"]}
    text = typed.strip()
    match kind:
        case "tool_result":
            return given | (
                {"error": text[1:].strip()} if text.startswith("!") else {"output": text}
            )
        case "in_doubt":
            if text.startswith("="):
                return given | {"resolution": "result", "output": text[1:].strip()}
            return given | {"resolution": text} if text in ("retry", "abandon") else None
        case "approval":
            says = {"yes": True, "y": True, "no": False, "n": False}.get(text.lower())
            return None if says is None else given | {"approve": says}
        case _:
            assert_never(kind)


def _kind(required: Json) -> Kind:
    return cast(Kind, required["type"])
