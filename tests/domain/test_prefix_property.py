"""Whatever happens to a session, each prompt begins with the prompt and the output before it."""

from __future__ import annotations

import itertools

from hypothesis import given, settings

from agent_serving.domain import events as e
from tests.domain.test_fold_properties import LIVES, live


def prompts_and_outputs(facts: list[e.AnyFact]) -> list[tuple[list[int], list[int]]]:
    """What each model step was sent and gave, as the store appends ids: all different here."""
    numbers = itertools.count()
    transcript: list[int] = []
    steps: list[tuple[list[int], list[int]]] = []

    def append(count: int) -> list[int]:
        added = list(itertools.islice(numbers, count))
        transcript.extend(added)
        return added

    for fact in facts:
        if isinstance(fact, e.StepPlanned):
            append(fact.rendered_tokens)
            assert len(transcript) == fact.prompt_tokens
            steps.append((list(transcript), []))
        elif isinstance(fact, e.ModelReplied | e.ToolStarted):
            added = append(fact.output_tokens)
            if added:
                steps[-1][1].extend(added)
    return steps


@given(LIVES)
@settings(max_examples=300)
def test_a_prompt_begins_with_the_prompt_and_the_output_before_it(names: list[str]) -> None:
    _, facts, _ = live(names)
    steps = prompts_and_outputs(facts)
    for (prompt, output), (following, _) in itertools.pairwise(steps):
        assert following[: len(prompt) + len(output)] == prompt + output


@given(LIVES)
@settings(max_examples=200)
def test_what_a_step_expects_in_the_cache_is_all_that_was_sent_and_given(
    names: list[str],
) -> None:
    _, facts, _ = live(names)
    steps = prompts_and_outputs(facts)
    planned = [fact for fact in facts if isinstance(fact, e.StepPlanned)]
    for (prompt, output), fact in zip(steps, planned[1:], strict=False):
        assert fact.expected_tokens == len(prompt) + len(output)


def test_the_properties_see_sessions_of_several_steps() -> None:
    _, facts, _ = live(
        ["accept", "plan", "call", "start 0", "start 1", "start 2", "finish 0", "finish 1"]
    )
    _, more, _ = live(
        [
            "accept",
            "plan",
            "start 0",
            "call",
            "start 1",
            "start 2",
            "finish 0",
            "finish 1",
            "finish 2",
            "plan",
            "answer",
        ]
    )
    assert len(prompts_and_outputs(list(facts))) == 1
    assert len(prompts_and_outputs(list(more))) == 2
