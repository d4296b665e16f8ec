"""What a tenant has is not there for another, whatever that sends and whichever ids it knows."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import Counter
from typing import Any

import httpx
import pytest
from schemathesis.core.transport import Response

from tests.api.belongings import IDEMPOTENCY_KEY, TOOLS, Belongings, belongings, talkative
from tests.api.conftest import Serve, error_of
from tests.api.generated import EXAMPLES, Ids, each_of, kinds_of, name_of, on, operations_of, send
from tests.api.keyed import keyed
from tests.api.test_openapi import document

MARK = "canary-5d1f"
"""In all that the owner says, and in nothing that anybody else sends."""

_OF_EVERY_ANSWER = frozenset({"date", "x-request-id"})
_IN_PATH = re.compile(r"{(\w+)}")
_REQUEST_ID = re.compile(r"req_[0-9a-f]{32}")
_EVERYBODYS = {"model"}


class Spy:
    """Asks for what is another's, and for what is nobody's: the answers have to be the same."""

    def __init__(self, url: str, secret: str, theirs: Ids, mine: Ids) -> None:
        self.missing: Counter[str] = Counter()
        """How often an operation answered 404, by its name."""
        self._url = url
        self._secret = secret
        self._theirs = theirs
        # All of the other's ids, and one at a time beside the spy's own.
        one_of_theirs = [mine | {name: theirs[name]} for name in theirs]
        self._tried = itertools.cycle(one_of_theirs)

    def ask(self, case: Any, mine: Ids) -> None:
        named = (case.path_parameters or {}).keys()
        for ids in (self._theirs, next(self._tried)):
            foreign = {name for name in ids if ids[name] == self._theirs[name]} - _EVERYBODYS
            if not named:
                on(case, ids)
                self._send(case)
            elif named & foreign:
                nobodys = ids | {name: _nobodys(ids[name]) for name in foreign}
                assert self._asked(case, ids) == self._asked(case, nobodys)
            else:
                on(case, mine)
                self._send(case)

    def _asked(self, case: Any, ids: Ids) -> tuple[int, set[str], str]:
        """The answer, but for what differs in all answers, and the ids that were sent."""
        on(case, ids)
        answer = self._send(case)
        text = _REQUEST_ID.sub("", answer.text)
        for name, object_id in ids.items():
            text = text.replace(object_id, name)
        assert answer.status_code >= 400, case.as_curl_command()
        return answer.status_code, set(answer.headers) - _OF_EVERY_ANSWER, text

    def _send(self, case: Any) -> Response:
        answer = send(case, self._url, self._secret)
        assert MARK not in answer.text, case.as_curl_command()
        assert MARK not in str(answer.headers), case.as_curl_command()
        self.missing[name_of(case.operation)] += answer.status_code == 404
        return answer


def _nobodys(object_id: str) -> str:
    """Of the same kind and length."""
    kind, _, rest = object_id.partition("_")
    return f"{kind}_{'0' * len(rest)}"


def spy_on(document: dict[str, Any], spy: Spy, mine: Ids) -> list[str]:
    """Names of the operations that take an id of theirs and never said that there is no such
    thing."""
    operations = operations_of(document)
    for operation in operations:
        for cases in kinds_of(operation):
            each_of(cases, lambda case: spy.ask(case, mine))
    taking = {
        name_of(one)
        for one in operations
        if set(_IN_PATH.findall(one.path)) - _EVERYBODYS or name_of(one) == "open_session"
    }
    return [name for name in taking if not spy.missing[name]]


async def everything(http: httpx.AsyncClient, had: Belongings) -> list[str]:
    """All that the owner can read of its own, as text."""
    session = f"/v1/sessions/{had.waiting['session_id']}"
    turn = f"{session}/turns/{had.waiting['turn_id']}"
    batch = f"/v1/batches/{had.waiting['batch_id']}"
    paths = (
        "/v1/agents", "/v1/sessions", "/v1/usage", session, f"{session}/turns", f"{session}/items",
        f"{session}/events", f"{session}/usage", turn, f"{turn}/steps", f"{turn}/trace",
        "/v1/batches", batch, f"{batch}/results",
    )  # fmt: skip
    return [(await http.get(path)).text for path in paths]


@pytest.mark.timeout(180 + 180 * EXAMPLES)
async def test_no_id_of_a_tenant_tells_another_anything(serve: Serve) -> None:
    """Driven by the OpenAPI document: an operation that is added is in it."""
    api = await keyed(serve, engine=talkative(), tools=TOOLS)
    found = await document(api.served)
    _, secret = await api.make("rival", "admin", "metrics")
    async with api.tenant("acme", "admin") as acme, api.as_(secret) as rival:
        had = await belongings(acme, MARK)
        mine = await belongings(rival, "mine")
        before = await everything(acme, had)
        assert sum(MARK in text for text in before) > 5
        url = str(api.served.http.base_url)
        spy = Spy(url, secret, had.waiting, mine.idle)
        assert await asyncio.to_thread(spy_on, found, spy, mine.idle) == []
        assert await everything(acme, had) == before


async def test_a_tenant_s_idempotency_key_is_no_other_s(serve: Serve) -> None:
    api = await keyed(serve, engine=talkative(), tools=TOOLS)
    async with api.tenant("acme", "admin") as acme, api.tenant("rival", "admin") as rival:
        had = await belongings(acme, MARK)
        same = {"idempotency-key": IDEMPOTENCY_KEY}
        again = await acme.post("/v1/sessions", json=had.opened, headers=same)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json()["id"] == had.idle["session_id"]
        stolen = await rival.post("/v1/sessions", json=had.opened, headers=same)
        assert error_of(stolen)[:2] == (404, "not_found")
        named = {"agent": {"name": "helper"}, "input": "hello"}
        own = await rival.post("/v1/sessions", json=named, headers=same)
        assert (own.status_code, "idempotent-replayed" in own.headers) == (201, False)
        assert MARK not in own.text
