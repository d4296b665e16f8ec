"""How a user tests an agent with two tools: without a model, in milliseconds."""

from __future__ import annotations

from typing import Any

import pytest

from agent_serving import AgentServing, tool
from agent_serving.client import Session
from agent_serving.scripted_service import ScriptedService
from agent_serving.testing import call

ORDERS = {"o-1": {"status": "shipped", "price": 12}}


@tool(effect="pure")
def look_up_order(order_id: str) -> dict[str, Any]:
    """Look up an order."""
    return ORDERS[order_id]


@tool(effect="once")
def refund(order_id: str, amount: int) -> str:
    """Pay money back."""
    if amount > ORDERS[order_id]["price"]:
        raise ValueError("more than was paid")
    return f"Paid back {amount} for {order_id}."


@pytest.fixture
def session(agent_client: AgentServing) -> Session:
    return agent_client.sessions.create(
        {"instructions": "Help with orders.", "tools": [look_up_order, refund]}
    )


def test_a_refund_is_looked_up_and_paid(agent_service: ScriptedService, session: Session) -> None:
    agent_service.says(
        call("look_up_order", order_id="o-1"),
        call("refund", order_id="o-1", amount=12),
        "You get 12 back.",
    )
    result = session.run("Give me my money back for o-1.")
    assert result.text == "You get 12 back."
    assert [step.tool.name for step in result.steps if step.tool] == ["look_up_order", "refund"]
    assert "Paid back 12 for o-1." in agent_service.prompt()


def test_the_model_is_told_what_cannot_be_paid(
    agent_service: ScriptedService, session: Session
) -> None:
    agent_service.says(call("refund", order_id="o-1", amount=13), "That is too much.")
    assert session.run("Give me 13.").text == "That is too much."
    assert "ValueError: more than was paid" in agent_service.prompt()


@pytest.mark.parametrize("number", range(10))
def test_many_are_quick(agent_service: ScriptedService, session: Session, number: int) -> None:
    agent_service.says(
        call("look_up_order", order_id="o-1") + call("refund", order_id="o-1", amount=number),
        f"You get {number} back.",
    )
    assert session.run("Refund!").text == f"You get {number} back."
    assert len(agent_service.requests) == 2
