"""What must not have happened, counted: pure functions of what was written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

Json = Mapping[str, Any]

DEATHS = ("death", "stop", "cut")
"""Whose process can do nothing from then on; a stop or a cut may end, too late."""


def duplicated(effects: Iterable[str], retries: Iterable[str]) -> int:
    """Effects of a `once` call beyond the first, and beyond those that the caller asked for."""
    granted = Counter(retries)
    return sum(max(0, times - 1 - granted[call]) for call, times in Counter(effects).items())


def unwitnessed(items: Iterable[Json], effects: Iterable[str]) -> int:
    """Calls of `pay` that say that they paid, and did not."""
    seen = set(effects)
    return sum(
        item["type"] == "tool_result" and item["output"] == "paid" and item["call_id"] not in seen
        for item in items
    )


def unpaired(items: Iterable[Json]) -> int:
    """Calls without one result behind them, and results without a call."""
    open_calls: set[str] = set()
    wrong = 0
    for item in items:
        if item["type"] == "tool_call":
            wrong += item["call_id"] in open_calls
            open_calls.add(item["call_id"])
        elif item["type"] == "tool_result":
            wrong += item["call_id"] not in open_calls
            open_calls.discard(item["call_id"])
    return wrong + len(open_calls)


def gaps(followed: Sequence[Json], stored: Sequence[Json], turn: str, ends: frozenset[str]) -> int:
    """Events up to the turn's end that a follower missed, got twice or out of order. Deltas may be
    gone from the store, so it may have got more of them than the store has."""
    end = next(e["sequence"] for e in stored if e["turn_id"] == turn and e["type"] in ends)
    numbers = [event["sequence"] for event in followed]
    disorder = sum(b <= a for a, b in pairwise(numbers))
    told = {event["sequence"]: event["type"] for event in followed}
    known = {event["sequence"]: event["type"] for event in stored if event["sequence"] <= end}
    missed = sum(told.get(number) != kind for number, kind in known.items())
    strange = sum(
        number not in known and not kind.endswith((".delta", "item.added"))
        for number, kind in told.items()
        if number <= end
    )
    return disorder + missed + strange


def mangled(followed: Sequence[Json], *, cut_short: bool = False) -> int:
    """Messages whose deltas, as a follower put them together, are not what was said in the end;
    nor, where they may be `cut_short`, its beginning."""
    parts: dict[str, str] = {}
    wrong = 0
    for event in followed:
        data = event["data"]
        if event["type"] == "output_text.delta":
            parts[data["item_id"]] = parts.get(data["item_id"], "") + data["delta"]
        elif event["type"] == "step.restarted":
            parts.clear()
        elif event["type"] == "output_text.done":
            told, text = parts.pop(data["item_id"], ""), data["text"]
            wrong += not (text.startswith(told) if cut_short or not told else told == text)
    return wrong


def recoveries(diary: Sequence[Json], since: float = 0.0) -> list[float]:
    """Seconds from each death, for each turn that it left behind, to the first act of the process
    that takes the turn over; from when on there is one, where there was none. Behind an outage,
    from its end to the first sign of life of each turn that is open then. Only what is written
    behind `since` is judged, when the sessions that are looked at had not begun."""
    late = [line for line in diary if line["at"] >= since]
    deaths = [line for line in late if line["kind"] in DEATHS]
    taken = [seconds for death in deaths for seconds in _takeovers(diary, death)]
    outages = [line for line in late if line["kind"] == "outage over"]
    return taken + [seconds for outage in outages for seconds in _signs_of_life(late, outage)]


def _takeovers(diary: Sequence[Json], death: Json) -> list[float]:
    held: set[str] = {death["session"]} if death.get("session") else set()
    for line in diary:
        if line["at"] <= death["at"] and line["pid"] == death["pid"]:
            if line["kind"] == "held":
                held.add(line["session"])
            elif line["kind"] == "released":
                held.discard(line["session"])
    due = ((session, _due(diary, death, session)) for session in held)
    return [_seconds(diary, death, session, since) for session, since in due if since is not None]


def _due(diary: Sequence[Json], death: Json, session: str) -> float | None:
    """From when on the session had something to do; None where it had nothing any more."""
    ours = [line for line in diary if line.get("session") == session]
    facts = [x for x in ours if x["at"] <= death["at"] and x["kind"] in ("writes", "fact")]
    later = [x for x in ours if x["at"] > death["at"] and x["pid"] != death["pid"]]
    # Of a fact that was on its way, what came later tells whether it got there.
    unknown = facts[-1]["kind"] == "writes" and not facts[-1]["open"]
    if facts[-1]["open"] or (unknown and later and later[0]["kind"] == "held"):
        return float(death["at"])
    return next((x["at"] for x in later if x["kind"] == "fact" and x["open"]), None)


def _seconds(diary: Sequence[Json], death: Json, session: str, since: float) -> float:
    ready = [line for line in diary if line["kind"] == "ready"]
    back = (x["at"] for x in ready if x["pid"] == death["pid"] and x["at"] > death["at"])
    again = next(back, float("inf"))
    taken = next(
        (
            float(line["at"])
            for line in diary
            if line["kind"] == "held" and line["session"] == session and line["at"] > death["at"]
            if line["pid"] != death["pid"] or line["at"] > again
        ),
        float("inf"),
    )
    starts = sorted({since, *(x["at"] for x in ready if since < x["at"] < taken)})
    return taken - next((s for s in starts if _somebody(diary, death, s, taken)), since)


def _somebody(diary: Sequence[Json], death: Json, start: float, end: float) -> bool:
    """Whether one process was there all the time."""
    there: set[int] = set()
    for line in diary:
        if line["at"] < end and line["kind"] in DEATHS:
            there.discard(line["pid"])
        elif line["at"] <= start and line["kind"] == "ready":
            there.add(line["pid"])
    return bool(there - {death["pid"]})


def _signs_of_life(diary: Sequence[Json], outage: Json) -> list[float]:
    """What ended while it lasted, as it began, needs none; what began then does."""
    open_: dict[str, bool] = {}
    for line in diary:
        if line["kind"] == "fact" and line["at"] <= outage["at"]:
            open_[line["session"]] = line["open"]
    signs: dict[str, float] = {}
    for line in diary:
        if line["at"] > outage["at"] and line["kind"] in ("fact", "held"):
            signs.setdefault(line["session"], line["at"] - outage["at"])
    return [signs.get(session, float("inf")) for session, is_open in open_.items() if is_open]
