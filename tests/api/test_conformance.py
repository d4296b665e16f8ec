"""Whatever is sent, the answer is one that the OpenAPI document declares, and never a 5xx."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from typing import Any

import pytest

from agent_serving.api.scopes import SCOPES
from tests.api.belongings import TOOLS, Belongings, belongings, talkative
from tests.api.conftest import Serve
from tests.api.generated import (
    EXAMPLES,
    Ids,
    each_of,
    kinds_of,
    name_of,
    on,
    operations_of,
    send,
)
from tests.api.keyed import keyed
from tests.api.test_openapi import document


def send_all(document: dict[str, Any], url: str, secret: str, there: Belongings) -> Counter[str]:
    """Every other request is for objects that there are. How many of each operation were done."""
    done: Counter[str] = Counter()

    def probe(turns: Iterator[Ids | None], case: Any) -> None:
        ids = next(turns)
        if ids is not None:
            on(case, ids)
        done[name_of(case.operation)] += send(case, url, secret).status_code < 300

    for operation in operations_of(document):
        turns = cycle([_of_use(name_of(operation), there), None])
        for cases in kinds_of(operation):
            each_of(cases, partial(probe, turns))
    return done


def _of_use(name: str, there: Belongings) -> Ids:
    match name:
        case "change_turn" | "give_inputs":
            return there.waiting
        case "cancel_turn":
            return there.another
        case "add_conversation_items":
            return there.fresh
        case "cancel_response" | "delete_conversation":
            return there.asked
        case _ if "response" in name or "conversation" in name or name == "list_input_items":
            return there.said
        case _:
            return there.idle


def send_without_a_key(document: dict[str, Any], url: str, there: Belongings) -> set[str]:
    """Names of the operations that were refused."""
    refused = set()

    def probe(case: Any) -> None:
        on(case, there.idle)
        if send(case, url, None).status_code == 401:
            refused.add(name_of(case.operation))

    for operation in operations_of(document):
        for cases in kinds_of(operation):
            each_of(cases, probe)
    return refused


@pytest.mark.timeout(180 + 180 * EXAMPLES)
async def test_every_answer_is_as_the_document_says(serve: Serve) -> None:
    api = await keyed(serve, engine=talkative(), tools=TOOLS)
    found = await document(api.served)
    _, secret = await api.make("acme", "admin", "metrics")
    async with api.as_(secret) as http:
        there = await belongings(http, "mark")
    url = str(api.served.http.base_url)
    done = await asyncio.to_thread(send_all, found, url, secret, there)
    assert {name for name, times in done.items() if times == 0} == set()


@pytest.mark.timeout(180 + 90 * EXAMPLES)
async def test_without_a_key_every_answer_is_as_the_document_says(serve: Serve) -> None:
    api = await keyed(serve, engine=talkative(), tools=TOOLS)
    found = await document(api.served)
    async with api.tenant("acme", "admin") as http:
        there = await belongings(http, "mark")
    url = str(api.served.http.base_url)
    refused = await asyncio.to_thread(send_without_a_key, found, url, there)
    assert refused == SCOPES.keys()
