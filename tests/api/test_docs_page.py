"""The page at /docs: whatever runs there could do all that its reader may."""

from __future__ import annotations

import base64
import hashlib
import re

from tests.api.conftest import Served

TAG = re.compile(r"<(script|link)\b([^>]*)>(?:([^<]*)</script>)?")
EXACT = re.compile(r"https://cdn\.jsdelivr\.net/npm/swagger-ui-dist@\d+\.\d+\.\d+/[\w.-]+")
HASH = re.compile(r"sha384-[A-Za-z0-9+/]{64}")


def policy(header: str) -> dict[str, list[str]]:
    """The sources by directive."""
    return {name: sources for name, *sources in map(str.split, header.split(";"))}


async def test_what_the_docs_page_runs_is_known_to_the_byte(shared: Served) -> None:
    answer = await shared.http.get("/docs")
    assert answer.status_code == 200
    allowed = policy(answer.headers["content-security-policy"])
    own = []
    elsewhere = set()
    for tag, attributes, text in TAG.findall(answer.text):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
        url = given.get("src") or given.get("href")
        if url is None:
            digest = hashlib.sha256(text.encode()).digest()
            own.append(f"'sha256-{base64.b64encode(digest).decode()}'")
        elif not url.startswith("data:"):
            assert EXACT.fullmatch(url), url
            assert HASH.fullmatch(given["integrity"])
            assert given["crossorigin"] == "anonymous"
            elsewhere.add((tag, url))
    assert [tag for tag, _ in sorted(elsewhere)] == ["link", "script"]
    assert len(own) == 1
    scripts = [url for tag, url in elsewhere if tag == "script"]
    assert sorted(allowed["script-src"]) == sorted([*own, *scripts])


async def test_the_docs_page_reaches_nothing_but_the_service(shared: Served) -> None:
    answer = await shared.http.get("/docs")
    allowed = policy(answer.headers["content-security-policy"])
    assert allowed["default-src"] == ["'none'"]
    assert allowed["connect-src"] == ["'self'"]
    assert allowed["frame-ancestors"] == ["'none'"]
    assert "'unsafe-inline'" not in allowed["script-src"]
    hosts = {url.split("/")[2] for url in re.findall(r"https?://[^\s\"';]+", answer.text)}
    assert hosts == {"cdn.jsdelivr.net"}
    assert 'url: "/openapi.json"' in answer.text
    assert (await shared.http.get("/docs/oauth2-redirect")).status_code == 404
