"""Ids of responses, conversations and requests for approval: they say where the thing is, so no
index is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent_serving.domain.errors import NotFound

_ID = r"[A-Za-z0-9]{1,64}"
_RESPONSE = re.compile(rf"resp_({_ID})_({_ID})(?:_([1-9][0-9]{{0,3}}))?")
_CONVERSATION = re.compile(rf"conv_({_ID})")


@dataclass(frozen=True, slots=True)
class ResponseId:
    """`part` counts from 1: a turn that waits for client-side calls is several responses."""

    session_id: str
    turn_id: str
    part: int = 1

    def __str__(self) -> str:
        turn, session = self.turn_id.partition("_")[2], self.session_id.partition("_")[2]
        return f"resp_{turn}_{session}" + (f"_{self.part}" if self.part > 1 else "")

    @classmethod
    def parse(cls, text: str, param: str = "response_id") -> ResponseId:
        """Raises NotFound."""
        found = _RESPONSE.fullmatch(text)
        if found is None:
            raise no_response(text, param)
        turn, session, part = found.groups()
        return cls(f"sess_{session}", f"turn_{turn}", int(part or 1))


def no_response(response_id: str, param: str = "response_id") -> NotFound:
    return NotFound(
        f"There is no response {response_id[:200]!r}. It may have been deleted, or was made with "
        "`store: false`.",
        param=param,
    )


def approval_id(call_id: str) -> str:
    """Of the question whether the call may run."""
    return f"mcpr_{call_id.partition('_')[2]}"


def call_asked_about(approval_request_id: str) -> str:
    """The call's id, if there is such a question."""
    return f"call_{approval_request_id.removeprefix('mcpr_')}"


def conversation_id(session_id: str) -> str:
    return f"conv_{session_id.partition('_')[2]}"


def session_of(conversation: str, param: str = "conversation_id") -> str:
    """The id of the conversation's session. Raises NotFound."""
    found = _CONVERSATION.fullmatch(conversation)
    if found is None:
        raise NotFound(f"There is no conversation {conversation[:200]!r}.", param=param)
    return f"sess_{found[1]}"
