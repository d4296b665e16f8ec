"""What is left of a reply that nobody receives any more, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from agent_serving.domain import events as e
from agent_serving.domain.attempt import Attempt
from agent_serving.domain.session import Session
from agent_serving.domain.step import ModelStep
from agent_serving.domain.values import Failure, Usage, Value

Ending = Literal["stop", "length"]


class Head(Value):
    """What is known of a streaming reply beside its tokens. `began`: the attempt that said the
    first of them, by which items are named. `attempt` is the one that streams, as it stands;
    `finish` is set once the engine has ended the reply."""

    step_id: str
    began: int
    attempt: Attempt
    end_of_turn: int | None = None
    finish: Ending | None = None


class Part(Value):
    """What came in since the part before."""

    tokens: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Partial:
    """A reply as far as it was kept. `text` is what followers have seen the deltas of; it may end
    before `tokens` do, where a character is spelled by several of them. `since` is the number of
    its first event in the session's feed."""

    head: Head
    tokens: tuple[int, ...]
    text: str
    since: int

    @classmethod
    def of(cls, head: bytes, parts: Iterable[bytes], since: int) -> Partial:
        read = [Part.model_validate_json(part) for part in parts]
        return cls(
            head=Head.model_validate_json(head),
            tokens=tuple(token for part in read for token in part.tokens),
            text="".join(part.text for part in read),
            since=since,
        )

    @property
    def ending(self) -> Ending | None:
        """None while the engine has more to say."""
        if self.head.finish is None and self.tokens[-1:] == (self.head.end_of_turn,):
            return "stop"
        return self.head.finish

    def computed_by(self, attempt: int) -> int:
        """How many of the tokens this attempt has brought; the others came before it."""
        head = self.head.attempt
        return head.usage.output_tokens if head.number == attempt else 0


@dataclass(frozen=True, slots=True)
class GoOn:
    """The engine is asked for the rest, behind what is there."""

    partial: Partial


@dataclass(frozen=True, slots=True)
class TakeWhole:
    """Nothing is missing but the fact."""

    partial: Partial
    finish: Ending


@dataclass(frozen=True, slots=True)
class StartAnew:
    """Text of the step from event `void_from` of the feed on is void; None: there was none."""

    void_from: int | None


Recovery = GoOn | TakeWhole | StartAnew


def recovery(partial: Partial | None, step: ModelStep, *, left: int, constrained: bool) -> Recovery:
    """What to do with a reply whose latest attempt, not in the ledger yet, was lost. `left` is how
    many tokens that attempt was allowed.

    A constraint holds for a whole reply: the engine cannot begin to check in the middle of one.
    """
    if partial is None or not partial.tokens:
        return StartAnew(None if partial is None else partial.since)
    if partial.ending is not None:
        return TakeWhole(partial, partial.ending)
    said = partial.computed_by(len(step.attempts) + 1)
    if said >= room(step, left, len(partial.tokens) - said):
        return TakeWhole(partial, "length")
    return StartAnew(partial.since) if constrained else GoOn(partial)


def settles(after: Session, fact: e.AnyFact) -> bool:
    """Whether nothing of what a reply had streamed before `fact` is of use any more."""
    match fact:
        case e.StepPlanned() | e.StepRestarted() | e.ModelReplied() | e.StepFailed():
            return True
        case e.TurnEnded():
            # Not where it was a queued one, cancelled while another's reply streams.
            return after.active is None
        case _:
            return False


def room(step: ModelStep, left: int, base: int) -> int:
    """Tokens that may follow the first `base` of a reply."""
    return min(left, step.max_new_tokens - base)


def lost_attempt(step: ModelStep, partial: Partial | None, *, counts: bool) -> Attempt:
    """The attempt whose process died, as far as it was kept: what it computed is in the books.
    `counts`: the step ends with it."""
    number, steps = len(step.attempts) + 1, 1 if counts else 0
    error = Failure(code="lost", message="The process that received the reply died.")
    if partial is not None and partial.head.attempt.number == number:
        kept = partial.head.attempt
        usage = kept.usage.but(model_steps=steps)
        return kept.but(status="failed", usage=usage, error=error)
    return Attempt(
        number=number,
        rid="",
        worker="",
        status="failed",
        usage=Usage(model_steps=steps),
        error=error,
    )
