"""The judge of a campaign finds what is wrong: each check can fail."""

from __future__ import annotations

from typing import Any

from tests.chaos import judge

ENDS = frozenset({"turn.completed"})


def event(sequence: int, kind: str, turn: str | None = "t", **data: Any) -> dict[str, Any]:
    return {"sequence": sequence, "type": kind, "turn_id": turn, "data": data}


STORED = [
    event(1, "session.created", None),
    event(2, "turn.in_progress"),
    event(4, "output_text.delta", item_id="i", delta="Hello"),
    event(5, "output_text.done", item_id="i", text="Hello"),
    event(6, "session.idle"),
    event(7, "turn.completed"),
]


def gaps(followed: list[dict[str, Any]]) -> int:
    return judge.gaps(followed, STORED, "t", ENDS)


def test_a_second_effect_is_a_duplicate_unless_the_caller_asked_for_it() -> None:
    assert judge.duplicated(["a", "b"], []) == 0
    assert judge.duplicated(["a", "b", "a", "a"], []) == 2
    assert judge.duplicated(["a", "b", "a"], ["a"]) == 0
    assert judge.duplicated(["a", "a", "b", "b"], ["a"]) == 1


def test_a_call_that_says_that_it_paid_has_paid() -> None:
    results = [{"type": "tool_result", "call_id": "a", "output": "paid"}]
    assert judge.unwitnessed(results, ["a"]) == 0
    assert judge.unwitnessed(results, ["b"]) == 1
    assert judge.unwitnessed([results[0] | {"output": "12"}], []) == 0


def test_each_call_has_one_result_behind_it() -> None:
    call, result = ({"type": kind, "call_id": "a"} for kind in ("tool_call", "tool_result"))
    other = result | {"call_id": "b"}
    assert judge.unpaired([call, result, call, result]) == 0
    assert judge.unpaired([call]) == 1
    assert judge.unpaired([call, result, result]) == 1
    assert judge.unpaired([result, call]) == 2
    assert judge.unpaired([call, other]) == 2
    assert judge.unpaired([call, call, result]) == 1


def test_a_follower_that_got_everything_has_no_gap() -> None:
    assert gaps(STORED) == 0
    trimmed = event(3, "output_text.delta", item_id="i", delta="")
    assert gaps([*STORED[:2], trimmed, *STORED[2:]]) == 0
    assert gaps([*STORED, event(8, "turn.in_progress", "next")]) == 0


def test_what_was_missed_told_twice_out_of_order_or_made_up_is_a_gap() -> None:
    for missing in range(len(STORED)):
        assert gaps(STORED[:missing] + STORED[missing + 1 :]) == 1
    assert gaps([*STORED[:3], *STORED[2:]]) == 1
    assert gaps([STORED[1], STORED[0], *STORED[2:]]) == 1
    assert gaps([*STORED[:2], event(3, "step.started"), *STORED[2:]]) == 1
    assert gaps([*STORED[:5], event(7, "turn.failed")]) == 1


def test_a_text_with_a_hole_is_mangled() -> None:
    def told(*deltas: str) -> list[dict[str, Any]]:
        parts = [event(n, "output_text.delta", item_id="i", delta=d) for n, d in enumerate(deltas)]
        return [*parts, event(9, "output_text.done", item_id="i", text="one two three")]

    assert judge.mangled(told("one ", "two three")) == 0
    assert judge.mangled(told()) == 0
    assert judge.mangled(told("one ", "two ")) == 1
    assert judge.mangled(told("one ", "two "), cut_short=True) == 0
    assert judge.mangled(told("one ", "three"), cut_short=True) == 1
    again = [event(0, "output_text.delta", item_id="i", delta="on"), event(1, "step.restarted")]
    assert judge.mangled([*again, *told("one two three")]) == 0


def line(at: float, kind: str, pid: int, session: str = "s", **more: Any) -> dict[str, Any]:
    return {"at": at, "kind": kind, "pid": pid, "session": session, **more}


START = [line(0, "ready", 1), line(0, "ready", 2), line(1, "held", 1)]
OPEN = [line(2, "writes", 1, open=True), line(2, "fact", 1, open=True)]
ENDED = [line(3, "writes", 1, open=False), line(3, "fact", 1, open=False)]
DEATH = line(4, "death", 1, "")


def test_a_recovery_is_from_the_death_to_the_first_act_of_another_process() -> None:
    again = line(5, "held", 1)
    assert judge.recoveries([*START, *OPEN, DEATH, again, line(6.5, "held", 2)]) == [2.5]
    assert judge.recoveries([*START, *OPEN, DEATH]) == [float("inf")]
    assert judge.recoveries([*START, *OPEN, DEATH, line(6.5, "held", 2)], since=5) == []


def test_who_stood_still_may_recover_its_session_itself() -> None:
    stopped = [*START, *OPEN, line(4, "stop", 1)]
    assert judge.recoveries([*stopped, line(6, "ready", 1), line(7, "held", 1)]) == [3]


def test_a_session_that_was_let_go_or_had_ended_needs_no_recovery() -> None:
    assert judge.recoveries([*START, *OPEN, line(3, "released", 1), DEATH]) == []
    assert judge.recoveries([*START, *OPEN, *ENDED, DEATH]) == []


def test_a_session_that_is_asked_for_more_is_recovered_from_then_on() -> None:
    more = [line(7, "fact", 2, open=True), line(8, "held", 2)]
    assert judge.recoveries([*START, *OPEN, *ENDED, DEATH, *more]) == [1]


def test_of_a_last_fact_on_its_way_the_next_act_tells_whether_it_got_there() -> None:
    on_its_way = [*START, *OPEN, ENDED[0], DEATH]
    assert judge.recoveries([*on_its_way, line(6, "held", 2)]) == [2]
    later = [line(7, "fact", 2, open=True), line(8, "held", 2)]
    assert judge.recoveries([*on_its_way, *later]) == [1]


def test_where_nobody_was_there_a_recovery_is_from_when_somebody_was() -> None:
    alone = [START[0], START[2], *OPEN, DEATH]
    assert judge.recoveries([*alone, line(9, "ready", 3), line(10, "held", 3)]) == [1]
    died_too = [*START, *OPEN, DEATH, line(5, "death", 2, "")]
    assert judge.recoveries([*died_too, line(9, "ready", 3), line(10, "held", 3)])[0] == 1


def test_behind_an_outage_every_open_turn_shows_a_sign_of_life() -> None:
    over = line(5, "outage over", 9)
    assert judge.recoveries([*START, *OPEN, over, line(5.5, "fact", 1, open=True)]) == [0.5]
    assert judge.recoveries([*START, *OPEN, over]) == [float("inf")]
    assert judge.recoveries([*START, *OPEN, over], since=2.5) == []


def test_of_a_turn_that_ended_in_an_outage_no_sign_is_wanted_but_of_one_that_began_in_it() -> None:
    over, more = line(5, "outage over", 9), line(4, "fact", 1, open=True)
    assert judge.recoveries([*START, *OPEN, *ENDED, over]) == []
    assert judge.recoveries([*START, *OPEN, *ENDED, more, over, line(6, "held", 2)]) == [1]
    assert judge.recoveries([*START, *OPEN, *ENDED, more, over]) == [float("inf")]
