"""What is served, before any browser has read it."""

from __future__ import annotations

import re

import pytest

from agent_serving.api.explorer.pages import STATIC
from tests.api.conftest import Serve, Served

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
FILES = sorted(path.name for path in STATIC.iterdir())


@pytest.fixture
async def api(serve: Serve) -> Served:
    return await serve()


@pytest.mark.parametrize(
    "path",
    ["/explorer", "/explorer/", "/explorer/sessions/sess_1"]
    + [f"/explorer/static/{name}" for name in ("main.js", "explorer.css", "icon.svg")],
)
async def test_everything_is_served_under_the_strict_policy(api: Served, path: str) -> None:
    answer = await api.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_file_that_is_known_already_is_not_sent_again(api: Served) -> None:
    first = await api.http.get("/explorer/static/main.js")
    known = {"if-none-match": first.headers["etag"]}
    again = await api.http.get("/explorer/static/main.js", headers=known)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/explorer/static/none.js", "/explorer/static/../pages.py", "/explorer/else"]
)
async def test_nothing_else_is_served(api: Served, path: str) -> None:
    answer = await api.http.get(path.replace("..", "%2e%2e"))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_another_host_or_holds_inline_code(name: str) -> None:
    text = (STATIC / name).read_text()
    hosts = set(re.findall(r"https?://[\w.]+", text)) - {"http://www.w3.org"}
    assert hosts == set()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    if name.endswith(".html"):
        assert not re.search(r"<style|<script(?![^>]*src=)|\s(style|on\w+)=", text)


def test_no_file_is_longer_than_350_lines() -> None:
    lengths = {name: (STATIC / name).read_text().count("\n") for name in FILES}
    assert {name: length for name, length in lengths.items() if length > 350} == {}


async def test_the_page_is_not_part_of_the_documented_interface(api: Served) -> None:
    paths = (await api.get("/openapi.json"))["paths"]
    assert [path for path in paths if "explorer" in path] == []
