"""What a web page can have a browser send here: other pages get nothing, with keys or without."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from agent_serving.api import ApiSettings
from agent_serving.domain.hosts import OwnHosts
from tests.api.conftest import Serve, Served, error_of
from tests.api.keyed import Keyed, keyed
from tests.api.test_openapi import document, operations

LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"accept": "application/json, text/event-stream"}


def own(served: Served) -> str:
    """Host and port of the service."""
    return served.http.base_url.netloc.decode()


async def keyless(serve: Serve, **settings: Any) -> Served:
    api: Keyed = await keyed(serve, required=False, settings=ApiSettings(**settings))
    return api.served


def refused(answer: httpx.Response) -> bool:
    return error_of(answer)[:2] == (403, "foreign_host")


async def test_a_rebound_name_gets_no_operation_where_there_are_no_keys(serve: Serve) -> None:
    """The name is the attacker's, its address 127.0.0.1: to the browser all of it is one page."""
    served = await keyless(serve)
    evil = {"host": "evil.example:8080", "origin": "http://evil.example:8080"}
    asked = 0
    for name, operation in operations(await document(served)):
        if not operation["security"]:
            continue
        method, path = name.split()
        for headers in (evil, {"host": evil["host"]}):
            answer = await served.http.request(method, path, headers=headers)
            assert refused(answer), (name, answer.text)
            assert answer.headers["x-request-id"]
            asked += 1
    assert asked > 60
    for method in ("POST", "GET", "DELETE", "OPTIONS"):
        answer = await served.http.request(
            method, "/mcp", headers=ACCEPT | {"host": "evil.example:8080"}, json=LISTING
        )
        assert refused(answer)


async def test_names_of_this_machine_are_answered_where_there_are_no_keys(serve: Serve) -> None:
    served = await keyless(serve)
    for host in ("localhost:8080", "127.0.0.1", "[::1]:8080"):
        answer = await served.http.get("/v1/sessions", headers={"host": host})
        assert answer.status_code == 200
        answer = await served.http.post("/mcp", headers=ACCEPT | {"host": host}, json=LISTING)
        assert answer.status_code == 200, answer.text


async def test_where_there_are_keys_the_service_may_have_any_name(serve: Serve) -> None:
    api = await keyed(serve)
    async with api.tenant("acme") as acme:
        answer = await acme.get("/v1/sessions", headers={"host": "api.example"})
        assert answer.status_code == 200
        page = {"host": "api.example", "origin": "https://api.example"}
        assert (await acme.get("/v1/sessions", headers=page)).status_code == 200
    assert (await api.served.http.get("/v1/sessions", headers=page)).status_code == 401


@pytest.mark.parametrize("required", [True, False])
async def test_a_page_from_elsewhere_is_refused_with_a_key_and_without(
    serve: Serve, required: bool
) -> None:
    api = await keyed(serve, required=required)
    async with api.tenant("acme", "admin") as acme:
        for origin in ("https://evil.example", "http://localhost:3000", "null"):
            for path in ("/v1/sessions", "/mcp"):
                headers = ACCEPT | {"origin": origin}
                for client in (acme, api.served.http):
                    assert refused(await client.post(path, headers=headers, json={}))
                    assert refused(await client.options(path, headers=headers))
        assert (await acme.get("/v1/sessions")).json()["data"] == []


async def test_a_page_of_the_service_s_own_is_answered(serve: Serve) -> None:
    served = await keyless(serve)
    headers = {"origin": f"http://{own(served)}"}
    answer = await served.http.post("/v1/sessions", headers=headers, json={"agent": {}})
    assert answer.status_code == 201
    answer = await served.http.post("/mcp", headers=ACCEPT | headers, json=LISTING)
    assert answer.status_code == 200


async def test_names_that_are_allowed_are_answered_and_their_pages_too(serve: Serve) -> None:
    served = await keyless(serve, hosts=OwnHosts(allowed=("api", "app.example:8443")))
    for headers in (
        {"host": "api:8080"},
        {"host": "api:8080", "origin": "https://app.example:8443"},
        {"origin": "http://api"},
    ):
        answer = await served.http.get("/v1/sessions", headers=headers)
        assert answer.status_code == 200, headers
    answer = await served.http.get("/v1/sessions", headers={"origin": "https://app.example"})
    assert refused(answer)
    assert "--allowed-host" in answer.json()["error"]["message"]


async def test_probes_and_pages_that_take_no_key_are_answered_by_any_name(serve: Serve) -> None:
    """A load balancer asks by an address of its own."""
    served = await keyless(serve)
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs", "/explorer"):
        answer = await served.http.get(path, headers={"host": "10.0.0.7:8080"})
        assert answer.status_code == 200, path
