from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent_serving.adapters.redis.feed import StreamEntry, merge, number
from agent_serving.adapters.redis.keys import AgentKeys, SessionKeys
from agent_serving.adapters.redis.paging import Scan
from agent_serving.ports import FactEntry


@given(
    members=st.sets(st.text("abc", min_size=1, max_size=3), max_size=12),
    after=st.none() | st.text("abc", min_size=1, max_size=3),
    before=st.none() | st.text("abc", min_size=1, max_size=3),
    descending=st.booleans(),
)
def test_a_scan_walks_what_lies_between_two_places_of_the_list(
    members: set[str], after: str | None, before: str | None, descending: bool
) -> None:
    ordered = sorted(members, reverse=descending)
    scan = Scan.of(after=after, before=before, descending=descending)
    verb, *_ = scan.command("key", 5)
    first, second = scan.bounds
    low, high = (first, second) if verb == "ZRANGEBYLEX" else (second, first)
    walked = [
        member
        for member in sorted(members, reverse=verb != "ZRANGEBYLEX")
        if (low == b"-" or member.encode() > low[1:])
        and (high == b"+" or member.encode() < high[1:])
    ]
    expected = [
        member
        for member in ordered
        if (after is None or (member < after if descending else member > after))
        and (before is None or (member > before if descending else member < before))
    ]
    assert (walked[::-1] if scan.against else walked) == expected
    if walked:
        rest = scan.beyond(walked[0].encode())
        assert walked[0].encode() in (bound[1:] for bound in rest.bounds)


@given(
    sizes=st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=40),
    limit=st.integers(1, 6),
)
def test_pages_of_any_size_show_the_whole_feed(sizes: list[tuple[bool, int]], limit: int) -> None:
    facts: list[StreamEntry] = []
    deltas: list[StreamEntry] = []
    at = 0
    for is_fact, width in sizes:
        at += width if is_fact else 1
        entry_id = f"{at}-0".encode()
        if is_fact:
            facts.append((entry_id, {b"width": str(width).encode(), b"fact": b"f"}))
        else:
            deltas.append((entry_id, {b"event": b"d"}))
    after, seen = 0, []
    while True:
        page = merge(
            [entry for entry in facts if number(entry) > after][:limit],
            [entry for entry in deltas if number(entry) > after][:limit],
            limit,
        )
        if not page:
            break
        assert len(page) <= limit
        for entry in page:
            assert entry.sequence == after + 1
            after += entry.width if isinstance(entry, FactEntry) else 1
        seen += page
    assert after == at
    assert len(seen) == len(sizes)


@given(name=st.text(), other=st.text())
def test_keys_of_different_owners_differ_whatever_their_names(name: str, other: str) -> None:
    ours, theirs = SessionKeys("as", name), SessionKeys("as", other)
    assert (ours.log == theirs.log) == (name == other)
    assert (AgentKeys("as", name).ids == AgentKeys("as", other).ids) == (name == other)
    assert ours.log.index("}") == len(ours.log) - len("}:log")
