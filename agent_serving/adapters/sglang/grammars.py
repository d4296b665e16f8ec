"""Has constraints compiled ahead of their first use, and remembers what came of it."""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from agent_serving.adapters.sglang.pool import Member, Pool
from agent_serving.domain.constraint import Constraint
from agent_serving.domain.errors import EngineUnavailable, InvalidRequest, SchemaRejected
from agent_serving.domain.values import Sampling
from agent_serving.ports import Chunk, Finished, Generation

COMPILE_SECONDS = 10.0
_PROMPT_ANSWER_SECONDS = 5.0
_REMEMBERED = 1024

Generate = Callable[[Generation], AsyncGenerator[Chunk | Finished, None]]


class Grammars:
    """Compiles on every ready worker; each keeps what it has compiled, good or bad, by the exact
    string, so an answer holds as long as the worker runs."""

    def __init__(self, pool: Pool, generate: Generate, *, compile_seconds: float) -> None:
        self._pool = pool
        self._generate = generate
        self._compile_seconds = compile_seconds
        self._answers: OrderedDict[tuple[tuple[str, str], Constraint], str | None] = OrderedDict()

    async def check(self, constraint: Constraint, *, param: str) -> None:
        """Raises SchemaRejected; returns where no worker can tell."""
        refusals = await asyncio.gather(
            *(self._refusal(member, constraint) for member in self._pool.ready())
        )
        for refusal in refusals:
            if refusal is not None:
                raise SchemaRejected(refusal, path="$", param=param)

    async def _refusal(self, member: Member, constraint: Constraint) -> str | None:
        key = (member.incarnation, constraint)
        if key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key]
        try:
            answer = await self._compile(member, constraint)
        except EngineUnavailable:
            return None
        self._answers[key] = answer
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        return answer

    async def _compile(self, member: Member, constraint: Constraint) -> str | None:
        """Raises EngineUnavailable where the worker cannot tell now."""
        try:
            await self._one_token(member, constraint, self._compile_seconds)
        except InvalidRequest as error:
            words = error.details.get("engine", error.message)
            return f"The engine's grammar cannot express this {_noun(constraint)}: {words}"
        except TimeoutError:
            await self._answers_at_all(member)
            return (
                f"This {_noun(constraint)} takes the engine more than {self._compile_seconds:g} s "
                "to compile; make it smaller or less nested"
            )
        return None

    async def _answers_at_all(self, member: Member) -> None:
        """A busy worker is slow with everything: then the constraint is not to blame."""
        try:
            await self._one_token(member, None, _PROMPT_ANSWER_SECONDS)
        except TimeoutError as error:
            raise EngineUnavailable(
                f"The engine {member.worker.name} is too busy to compile a constraint."
            ) from error

    async def _one_token(
        self, member: Member, constraint: Constraint | None, seconds: float
    ) -> None:
        generation = Generation(
            rid=uuid.uuid4().hex,
            session_id="constraint-check",
            prompt=(0,),
            max_new_tokens=1,
            sampling=Sampling(),
            constraint=constraint,
            worker=member.worker.name,
            traceparent="",
        )
        async with asyncio.timeout(seconds), aclosing(self._generate(generation)) as stream:
            async for _ in stream:
                pass


def _noun(constraint: Constraint) -> str:
    return {
        "json_schema": "JSON schema",
        "regex": "regular expression",
        "ebnf": "EBNF grammar",
        "structural_tag": "structural tag",
    }[constraint.kind]
