"""What a turn came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from agent_serving.client.models.step import Step
from agent_serving.client.models.turn import TurnData
from agent_serving.client.models.usage import Cost, Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """A completed turn. `output` is the answer as `output_type` asked for it, the text where it did
    not ask; `steps` are the rows of the ledger."""

    output: T
    turn: TurnData
    steps: list[Step]

    @property
    def text(self) -> str:
        return self.turn.output_text

    @property
    def usage(self) -> Usage:
        return self.turn.usage

    @property
    def cost(self) -> Cost | None:
        """None where the service has no prices."""
        return self.turn.cost

    @property
    def trace_id(self) -> str:
        return self.turn.trace_id

    @property
    def trace_url(self) -> str | None:
        """None where the service knows no Jaeger."""
        return self.turn.trace_url
