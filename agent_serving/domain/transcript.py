"""The token-exact transcript: what is tokens already stays as it is, what is not is rendered as
a delta and appended. Only a fork may begin with another opening."""

from __future__ import annotations

from collections.abc import Sequence

# --- cutting a delta out of a rendering -----------------------------------------------------
#
# A delta is rendered inside a dummy conversation, whose reply is the last thing before the new
# messages. Where the delta begins cannot be seen in one rendering: the messages have end-of-turn
# tokens of their own, and so has the dummy. But two renderings that differ in nothing but the
# dummy's reply agree from the end of that reply on.


def common_suffix(first: Sequence[int], second: Sequence[int]) -> int:
    """How many ids both end in."""
    length = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if one != other:
            break
        length += 1
    return length


def turn_ends_of_dummy(
    first: Sequence[int], second: Sequence[int], end_of_turn: int, *, directly: bool
) -> int | None:
    """How many end-of-turn tokens a rendering has up to the end of the dummy's reply, its own
    included; None where the renderings do not tell.

    `first` and `second` differ in the dummy's reply only. `directly` demands that the reply be
    followed by its end-of-turn token at once: what a template writes in between is not what the
    model generates, so appending a delta to generated tokens would skip it.
    """
    suffix = common_suffix(first, second)
    if suffix in (len(first), len(second)):
        return None
    after = first[len(first) - suffix :]
    if end_of_turn not in after or (directly and after[0] != end_of_turn):
        return None
    before = sum(1 for token in first[: len(first) - suffix] if token == end_of_turn)
    if before != sum(1 for token in second[: len(second) - suffix] if token == end_of_turn):
        return None
    return before + 1


def cut_delta(rendering: Sequence[int], end_of_turn: int, turn_ends: int) -> tuple[int, ...] | None:
    """What follows the `turn_ends`-th end-of-turn token; None where there are fewer."""
    seen = 0
    for position, token in enumerate(rendering):
        seen += token == end_of_turn
        if seen == turn_ends:
            return tuple(rendering[position + 1 :])
    return None


# --- another opening ------------------------------------------------------------------------


def reopened(
    transcript: Sequence[int], before: Sequence[int], after: Sequence[int]
) -> tuple[int, ...] | None:
    """The transcript with another system message and other tools, every later token as it is.
    `before` and `after` are the two openings, rendered with one and the same message; None where
    the transcript does not begin as `before` does."""
    same = common_suffix(before, after)
    head = len(before) - same
    if tuple(transcript[:head]) != tuple(before[:head]):
        return None
    return (*after[: len(after) - same], *transcript[head:])
