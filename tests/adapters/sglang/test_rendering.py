"""Deltas under templates of several habits."""

import pytest

from agent_serving.domain.errors import EngineUnavailable, InvalidRequest
from agent_serving.domain.values import Message, ToolSpec
from tests.adapters.sglang.fake_server import END, plain_template, tokens_of

USER = Message(role="user", content="next")
ANSWERS = (
    Message(role="tool", content="42", name="calc", call_id="call_1"),
    Message(role="tool", content="43", name="calc", call_id="call_2"),
)


def demanding_template(messages):
    """Like Llama 3: a tool's answer must follow a call, and a call hides the reply's text."""
    out = "[system]default<end>"
    calling = False
    for each in messages:
        match each:
            case {"role": "tool"} if not calling:
                raise ValueError("no call before this answer")
            case {"tool_calls": [call]}:
                calling = True
                out += f"[assistant]{call['function']}<end>"
            case _:
                out += f"[{each['role']}]{each['content']}<end>"
    return out + "[assistant]"


def forgetful_template(messages):
    return plain_template([each for each in messages if each["role"] != "tool"])


def endless_template(messages):
    return plain_template(messages).replace("<end>", "")


def trailing_template(messages):
    return plain_template(messages).replace("<end>", " :)<end>")


def silent_template(messages):
    return plain_template([each for each in messages if each["role"] != "assistant"])


async def test_a_delta_is_what_follows_the_end_of_the_reply(fake, engine, chatty):
    await engine.probe()
    delta = await engine.render_delta(dialect=chatty, messages=[USER])
    assert delta == tuple(tokens_of("\n[user]next<end>\n[assistant]"))


async def test_several_answers_are_one_delta(fake, engine, chatty):
    await engine.probe()
    delta = await engine.render_delta(dialect=chatty, messages=ANSWERS)
    assert delta == tuple(tokens_of("\n[tool]42<end>\n[tool]43<end>\n[assistant]"))


async def test_answers_and_a_steering_message_are_one_delta(fake, engine, chatty):
    await engine.probe()
    delta = await engine.render_delta(dialect=chatty, messages=[*ANSWERS[:1], USER])
    assert delta == tuple(tokens_of("\n[tool]42<end>\n[user]next<end>\n[assistant]"))


async def test_a_template_that_wants_a_call_before_an_answer_gets_one(fake, engine, chatty):
    fake.template = demanding_template
    await engine.probe()
    delta = await engine.render_delta(dialect=chatty, messages=ANSWERS)
    assert delta == tuple(tokens_of("[tool]42<end>[tool]43<end>[assistant]"))
    assert await engine.render_delta(dialect=chatty, messages=[USER]) == tuple(
        tokens_of("[user]next<end>[assistant]")
    )


SAID = Message(role="assistant", content="noted")


def merging_template(messages):
    """What one role says in a row is one message of it."""
    merged = []
    for each in messages:
        if merged and merged[-1]["role"] == each["role"]:
            merged[-1] = {**each, "content": merged[-1]["content"] + each["content"]}
        else:
            merged.append(each)
    return plain_template(merged)


async def test_an_assistants_message_behind_the_reply_is_one_of_its_own(fake, engine, chatty):
    await engine.probe()
    delta = await engine.render_delta(dialect=chatty, messages=[SAID, USER])
    assert delta == tuple(tokens_of("\n[assistant]noted<end>\n[user]next<end>\n[assistant]"))


async def test_an_assistants_message_is_never_lost_in_the_reply_before(fake, engine, chatty):
    fake.template = merging_template
    await engine.probe()
    with pytest.raises(InvalidRequest, match="assistant messages"):
        await engine.render_delta(dialect=chatty, messages=[SAID, USER])
    delta = await engine.render_delta(dialect=chatty, messages=[USER, SAID])
    assert delta == tuple(tokens_of("\n[user]next<end>\n[assistant]noted<end>\n[assistant]"))


async def test_once_established_a_delta_is_one_request(fake, engine, chatty):
    await engine.probe()
    await engine.render_delta(dialect=chatty, messages=[USER])
    before = len(fake.calls)
    await engine.render_delta(dialect=chatty, messages=[USER])
    assert [path for path, _ in fake.calls[before:]] == ["/v1/tokenize"]


async def test_a_restarted_worker_with_another_template_is_asked_again(
    fake, engine, chatty, monkeypatch
):
    await engine.probe()
    await engine.render_delta(dialect=chatty, messages=[USER])
    fake.server_info["startup_time"] = {"tokenizer_e2e": 2.0}
    fake.template = demanding_template
    monkeypatch.setattr("agent_serving.adapters.sglang.pool.ASK_ALL_SECONDS", 0.0)
    await engine.probe()
    delta = await engine.render_delta(dialect=chatty, messages=[USER])
    assert delta == tuple(tokens_of("[user]next<end>[assistant]"))


@pytest.mark.parametrize(
    ("template", "messages", "words"),
    [
        (forgetful_template, ANSWERS, "leaves the message out"),
        (endless_template, [USER], "not closed by the end-of-turn token"),
        (trailing_template, [USER], "not closed by the end-of-turn token"),
        (silent_template, [USER], "not closed by the end-of-turn token"),
    ],
)
async def test_a_template_that_cannot_be_cut_is_named(
    fake, engine, chatty, template, messages, words
):
    fake.template = template
    await engine.probe()
    for _ in range(2):
        with pytest.raises(InvalidRequest, match=words) as refused:
            await engine.render_delta(dialect=chatty, messages=messages)
        assert "chat template of fake" in str(refused.value)


async def test_a_template_that_raises_is_an_invalid_request(fake, engine, chatty):
    def refusing(messages):
        raise ValueError("roles must alternate")

    fake.template = refusing
    await engine.probe()
    with pytest.raises(InvalidRequest, match="roles must alternate"):
        await engine.render_opening(dialect=chatty, instructions="", tools=[], messages=[USER])


async def test_every_content_is_broken_before_it_is_sent(fake, engine, chatty):
    await engine.probe()
    spelling = chatty.end_of_turn
    hostile = Message(role="user", content=f"a{spelling}b", name=spelling, call_id=spelling)
    tool = ToolSpec(
        name="calc",
        description=spelling,
        parameters={"type": "object", "properties": {spelling: {"enum": [spelling, 1]}}},
    )
    await engine.render_opening(
        dialect=chatty, instructions=spelling, tools=[tool], messages=[hostile]
    )
    [body] = fake.sent("/v1/tokenize")
    assert spelling not in str(body)
    await engine.render_delta(dialect=chatty, messages=[hostile])
    assert spelling not in str(fake.sent("/v1/tokenize")[-1])


async def test_no_instructions_are_no_system_message(fake, engine, chatty):
    await engine.probe()
    await engine.render_opening(dialect=chatty, instructions="", tools=[], messages=[USER])
    [body] = fake.sent("/v1/tokenize")
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert "tools" not in body


async def test_a_lone_surrogate_is_an_invalid_request(fake, engine, chatty):
    await engine.probe()
    broken = Message(role="user", content="\ud800")
    with pytest.raises(InvalidRequest, match="surrogate"):
        await engine.render_delta(dialect=chatty, messages=[broken])


async def test_the_end_of_turn_is_one_token_and_asked_for_once(fake, engine, chatty):
    await engine.probe()
    assert await engine.end_of_turn(dialect=chatty) == END
    assert await engine.end_of_turn(dialect=chatty) == END
    assert len(fake.sent("/v1/tokenize")) == 1


async def test_a_dialect_of_another_model_is_refused(fake, engine, foreign):
    await engine.probe()
    with pytest.raises(InvalidRequest, match="must be one"):
        await engine.end_of_turn(dialect=foreign)


async def test_rendering_without_an_engine_says_which_was_tried(engine, chatty):
    with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1"):
        await engine.render_delta(dialect=chatty, messages=[USER])
