"""Whose turns of batches have how many seats."""

from __future__ import annotations

from agent_serving.runtime.window import Window


def two() -> Window:
    window = Window(4)
    window.join("batch_a", "a")
    window.join("batch_b", "b")
    return window


def test_tenants_with_something_to_do_share_the_window() -> None:
    window = two()
    window.keep("batch_a", (), held_up=False, idle=False)
    assert window.room("batch_b", ()) == 2


def test_a_batch_that_has_nothing_to_begin_leaves_its_share_to_others() -> None:
    window = two()
    window.keep("batch_a", (), held_up=False, idle=True)
    assert window.room("batch_b", ()) == 4


def test_a_turn_that_goes_on_takes_its_share_back() -> None:
    window = two()
    window.keep("batch_a", (), held_up=False, idle=True)
    assert window.sit("batch_a", 0, begun=True)
    assert window.room("batch_b", ()) == 2
