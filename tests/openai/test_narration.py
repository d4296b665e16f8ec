"""Whatever becomes of a turn: the stream of each of its responses adds up to what is retrieved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_serving.api.openai.ids import approval_id
from agent_serving.api.openai.narration import Narrator
from agent_serving.api.openai.objects import response_of
from agent_serving.api.openai.parts import Part, parts_of
from agent_serving.domain import events as e
from agent_serving.domain.feed import Public, project
from agent_serving.domain.fold import apply
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ToolStep
from agent_serving.domain.values import (
    MessageItem,
    ReasoningItem,
    ReplyItem,
    Timings,
    ToolCallItem,
    ToolResult,
)
from agent_serving.runtime.follow import SessionEvent
from tests.domain.facts import ADD, ASK, accepted, at, ended, opened, planned, replied
from tests.openai.conformance import fold

TEXT = st.text(min_size=1, max_size=9)
KINDS = st.lists(st.sampled_from(["message", "reasoning", "add", "ask", "guard"]), max_size=4)
GUARD = ADD.but(name="guard", parameters={"type": "object"}, requires_approval=True)


class Life:
    """A turn as it happens, and the events that tell of it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.events: list[SessionEvent] = []
        self.session = apply(None, opened(tools=(ADD, ASK, GUARD)))
        self.say(accepted())

    @property
    def turn(self) -> Turn:
        return self.session.turns[0]

    def say(self, fact: e.AnyFact) -> None:
        self.session = apply(self.session, fact)
        for public in project(fact):
            self.tell(public)

    def tell(self, public: Public) -> None:
        self.events.append(
            SessionEvent(
                sequence=len(self.events) + 1,
                session_id="sess_1",
                trace_id=None,
                **dict(public) | {"created_at": at()},
            )
        )

    def stream(self, item: ReplyItem) -> None:
        kind, text = "message", ""
        match item:
            case MessageItem() | ReasoningItem():
                kind, text = item.type, item.text
            case ToolCallItem():
                kind, text = item.type, item.arguments
        shown = {"id": item.id, "type": kind}
        if isinstance(item, ToolCallItem):
            shown |= {"name": item.name, "call_id": item.call_id}
        self._live("item.added", {"item": shown})
        cut = self.draw(st.integers(0, len(text)))
        stem = {"message": "output_text", "reasoning": "reasoning_text"}
        for delta in filter(None, (text[:cut], text[cut:])):
            told = {"item_id": item.id, "delta": delta}
            self._live(f"{stem.get(kind, 'tool_call.arguments')}.delta", told)

    def _live(self, kind: Any, data: dict[str, Any]) -> None:
        self.tell(Public(type=kind, turn_id="turn_1", data=data))

    def claim(self, item: ToolCallItem, so_far: Sequence[ReplyItem] = ()) -> None:
        model = self.turn.last_model_step
        assert model is not None
        self.say(
            e.ToolStarted(
                at=at(len(self.events)),
                turn_id="turn_1",
                step_id=f"step_{item.call_id}",
                span_id="1" * 16,
                model_step_id=model.id,
                call=item.call,
                effect="pure",
                executor="client" if item.name == "ask" else "server",
                items=tuple(so_far),
                output_tokens=1 if so_far else 0,
            )
        )

    def ask(self, item: ToolCallItem) -> None:
        model = self.turn.last_model_step
        assert model is not None
        asked = e.ApprovalRequested(
            at=at(), turn_id="turn_1", model_step_id=model.id, call=item.call
        )
        self.say(asked)

    def look(self, item: ToolCallItem) -> None:
        """Somebody says whether the call may run."""
        approved = self.draw(st.booleans())
        resolved = e.ApprovalResolved(
            at=at(),
            turn_id="turn_1",
            call_id=item.call_id,
            approved=approved,
            resumes=self.turn.resumed_by(item.call_id),
        )
        self.say(resolved)

    def go_on(self, item: ToolCallItem) -> None:
        """Where somebody has said so: the call begins, or is refused."""
        model = self.turn.last_model_step
        assert model is not None
        asked = self.turn.approval(model.id, item.call_id)
        assert asked is not None
        if asked.approved:
            self.claim(item)
            return
        denied = ToolResult(call_id=item.call_id, output="No.", outcome="denied")
        refused = e.ToolRejected(
            at=at(len(self.events)),
            turn_id="turn_1",
            step_id=f"step_{item.call_id}",
            model_step_id=model.id,
            call=item.call,
            result=denied,
        )
        self.say(refused)

    def finish(self, step: ToolStep) -> None:
        outcome = self.draw(st.sampled_from(["ok", "error"]))
        call_id = step.call.call_id
        self.say(
            e.ToolFinished(
                at=at(len(self.events)),
                turn_id="turn_1",
                step_id=step.id,
                name=step.call.name,
                result=ToolResult(call_id=call_id, output="x", outcome=outcome),
                timings=Timings(),
                resumes=self.turn.resumed_by(call_id),
            )
        )

    def open(self, executor: str) -> list[ToolStep]:
        steps = [s for s in self.turn.tool_steps if s.result is None and s.executor == executor]
        return self.draw(st.permutations(steps))


def _item(n: int, i: int, kind: str, text: str) -> ReplyItem:
    item_id = f"item_{n}_{i}"
    match kind:
        case "message":
            return MessageItem(id=item_id, role="assistant", text=text)
        case "reasoning":
            return ReasoningItem(id=item_id, text=text)
        case _:
            arguments = '{"a":1,"b":2}' if kind == "add" else "{}"
            return ToolCallItem(id=item_id, call_id=f"call_{n}_{i}", name=kind, arguments=arguments)


def step(life: Life, n: int) -> None:
    """A model step with its calls. Leaves the turn ended, waiting or ready for the next one."""
    draw = life.draw
    life.say(planned(life.session, step_id=f"step_{n}"))
    if draw(st.booleans()):
        life.stream(MessageItem(id=f"item_{n}_void", role="assistant", text=draw(TEXT)))
        lost = e.Attempt(number=1, rid="r", worker="w", status="failed")
        life.say(e.StepRestarted(at=at(), turn_id="turn_1", step_id=f"step_{n}", attempt=lost))
    items = [_item(n, i, kind, draw(TEXT)) for i, kind in enumerate(draw(KINDS))]
    early = draw(st.booleans())
    for i, item in enumerate(items):
        life.stream(item)
        if early and isinstance(item, ToolCallItem) and item.name != "guard":
            life.claim(item, items[: i + 1])
            if item.name == "add" and draw(st.booleans()):
                life.finish(life.open("server")[0])
    cut = draw(st.sampled_from(["stop", "stop", "stop", "length", "cancelled"]))
    if early and items and isinstance(items[-1], ToolCallItem) and draw(st.booleans()):
        cut = "interrupted"
        life.stream(MessageItem(id=f"item_{n}_void_behind", role="assistant", text=draw(TEXT)))
    if cut != "stop" and items and isinstance(items[-1], MessageItem):
        items[-1] = items[-1].but(status="incomplete")
    life.say(replied(life.session, finish=cut).but(items=tuple(items)))
    if cut == "cancelled":
        life.say(ended(life.session, "cancelled"))
        return
    calls = [item for item in items if isinstance(item, ToolCallItem)]
    guarded = [item for item in calls if item.name == "guard"]
    for item in guarded:
        life.ask(item)
    if not early:
        for item in calls:
            if item not in guarded:
                life.claim(item)
    soon = draw(st.lists(st.sampled_from(guarded), unique_by=id)) if guarded else []
    for item in soon:
        life.look(item)
        life.go_on(item)
    for served in life.open("server"):
        life.finish(served)
    if not calls:
        life.say(ended(life.session, draw(st.sampled_from(["completed", "incomplete"]))))
        return
    later = [item for item in guarded if item not in soon]
    wait(life, later)


def wait(life: Life, guarded: list[ToolCallItem]) -> None:
    """For the caller, where there is something to wait for."""
    handed = life.open("client")
    ids = [s.call.call_id for s in handed] + [item.call_id for item in guarded]
    if not ids:
        return
    life.say(e.TurnWaited(at=at(), turn_id="turn_1", call_ids=tuple(sorted(ids))))
    match life.draw(st.sampled_from(["answer", "answer", "wait", "cancel"])):
        case "answer":
            for one in life.draw(st.permutations([*handed, *guarded])):
                if isinstance(one, ToolStep):
                    life.finish(one)
                else:
                    life.look(one)
            for item in guarded:
                life.go_on(item)
            for served in life.open("server"):
                life.finish(served)
        case "cancel":
            life.say(ended(life.session, "cancelled"))


@st.composite
def lives(draw: st.DrawFn) -> Life:
    life = Life(draw)
    for n in range(4):
        if life.turn.status != "in_progress":
            break
        step(life, n)
    return life


def narrated(session: Session, part: Part, events: Sequence[SessionEvent]) -> list[dict[str, Any]]:
    response = response_of(session, part)
    narrator = Narrator(response, session.agent, part.number)
    told: list[dict[str, Any]] = []
    for event in events:
        told += narrator.tell(event)
        if narrator.ended:
            return told + narrator.close(response, event.sequence)
    return told


@settings(max_examples=300)
@given(lives())
def test_the_stream_of_each_response_adds_up_to_what_is_retrieved(life: Life) -> None:
    facts_alone = [event for event in life.events if not event.type.endswith(".delta")]
    facts_alone = [event for event in facts_alone if event.type != "item.added"]
    for part in parts_of(life.turn):
        response = response_of(life.session, part)
        told = narrated(life.session, part, life.events)
        if part.status in ("queued", "in_progress"):
            assert "output" not in told[-1]
            continue
        assert fold(told) == response["output"]
        assert told[-1]["response"] == response
        assert _told_behind_what_is_void(told) == []
        replayed = narrated(life.session, part, facts_alone)
        assert fold(replayed) == response["output"]
        assert _ends(replayed) == [end for end in _ends(told) if "void" not in end[1]]


def _told_behind_what_is_void(told: list[dict[str, Any]]) -> list[str]:
    """Items that were begun before a void one had ended."""
    void, behind = set[str](), list[str]()
    for event in told:
        match event["type"]:
            case "response.output_item.added":
                behind += [event["item"]["id"]] if void else []
                void |= {event["item"]["id"]} if "void" in event["item"]["id"] else set()
            case "response.output_item.done":
                void.discard(event["item"]["id"])
    return behind


def _ends(told: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Numbers of what both a first telling and a replay without deltas have to say."""
    done = "response.output_item.done"
    return [(t["sequence_number"], t["item"]["id"]) for t in told if t["type"] == done]


@settings(max_examples=200)
@given(lives())
def test_the_responses_of_a_turn_share_its_items_and_its_usage(life: Life) -> None:
    parts = parts_of(life.turn)
    said = [item["id"] for part in parts for item in response_of(life.session, part)["output"]]
    items = [item for s in life.turn.model_steps for item in s.items]
    guarded = {i.id: i.call_id for i in items if isinstance(i, ToolCallItem) and i.name == "guard"}
    asked = {approval_id(one.call.call_id) for one in life.turn.approvals}
    begun = {step.call.call_id for step in life.turn.tool_steps}
    apart = guarded.keys() | asked
    assert [one for one in said if one not in apart] == [
        item.id for item in items if item.id not in guarded
    ]
    assert {one for one in said if one in guarded} == {
        item_id for item_id, call_id in guarded.items() if call_id in begun
    }
    assert {one for one in said if one in asked} == asked
    assert len(said) == len(set(said))
    assert sum((part.usage for part in parts[1:]), parts[0].usage) == life.turn.usage
    assert all(part.status == "completed" for part in parts[:-1])
