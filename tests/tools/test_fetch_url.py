import gzip
import socket
import threading
import time

import pytest

from agent_serving.domain.errors import ToolError
from agent_serving.domain.tool import ToolFunction, declaration_of
from tests.tools.web import Fetch, Site, refused

PAGE = """<!doctype html><html><head><title>A  page</title><style>p {}</style></head>
<body><h1>Head &amp; line</h1><script>var x = "<p>no</p>"</script>
<p>First <b>bold</b> text.</p><p>Second<br>line.</p></body></html>"""


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        ({}, False),
        ({"hosts": ""}, False),
        ({"hosts": " , "}, False),
        ({"allow_private": "1"}, False),
        ({"hosts": "docs.python.org"}, True),
    ],
)
def test_it_is_offered_only_where_hosts_are_listed(
    functions: dict[str, ToolFunction], settings: dict[str, str], offered: bool
) -> None:
    declaration = declaration_of(functions["fetch_url"])
    assert declaration
    assert declaration.available
    assert declaration.available(settings) is offered


@pytest.mark.parametrize("entry", ["https://example.com", "example.com/docs", "me@example.com"])
def test_a_list_of_hosts_that_cannot_be_meant_is_refused(
    functions: dict[str, ToolFunction], entry: str
) -> None:
    declaration = declaration_of(functions["fetch_url"])
    assert declaration
    assert declaration.available
    with pytest.raises(ToolError, match=r"write example\.com"):
        declaration.available({"hosts": entry})


def test_a_text_is_returned_with_its_address(fetch: Fetch, site: Site) -> None:
    url = site.answer("/a?b=1", "grüße".encode(), content_type="text/plain; charset=utf-8")
    assert fetch(url + "#part") == f"{url}\n\ngrüße"


def test_another_encoding_is_read(fetch: Fetch, site: Site) -> None:
    latin = site.answer("/a", "ü".encode("latin-1"), content_type="text/plain; charset=latin-1")
    assert fetch(latin).endswith("\n\nü")
    unknown = site.answer("/b", b"x", content_type="text/plain; charset=no-such")
    assert fetch(unknown).endswith("\n\nx")


def test_html_becomes_its_title_and_visible_text(fetch: Fetch, site: Site) -> None:
    url = site.answer("/", PAGE.encode(), content_type="text/html; charset=utf-8")
    expected = "A page\nHead & line\nFirst bold text.\nSecond\nline."
    assert fetch(url) == f"{url}\n\n{expected}"


@pytest.mark.parametrize(
    "piece", ["<", "<a ", "<!--", "&#", "</", "<p><", "<![CDATA[", "<script>", "&#1"]
)
def test_html_that_is_broken_on_purpose_is_read_in_time(
    fetch: Fetch, site: Site, piece: str
) -> None:
    url = site.answer("/", (piece * 260_000)[:260_000].encode(), content_type="text/html")
    began = time.monotonic()
    fetch(url)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("a < b <3 c", "a < b <3 c"),
        ("&#" + "1" * 5000 + ";", "&#" + "1" * 5000 + ";"),
        ("<!-- <p>no</p> -->yes", "yes"),
        ("<SCRIPT>no</Script >yes", "yes"),
        ("a<script>never closed", "a"),
        ("a<p never closed", "a"),
        ("\u0130<p>\u0130", "\u0130\n\u0130"),
        ("", ""),
    ],
)
def test_odd_html_keeps_its_text(fetch: Fetch, site: Site, page: str, text: str) -> None:
    url = site.answer("/", page.encode(), content_type="text/html; charset=utf-8")
    assert fetch(url) == f"{url}\n\n{text}"


def test_json_is_text(fetch: Fetch, site: Site) -> None:
    assert fetch(site.answer("/", b"{}", content_type="application/problem+json")).endswith("{}")


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", ""])
def test_what_is_not_text_is_refused(fetch: Fetch, site: Site, kind: str) -> None:
    assert "not text" in refused(fetch, site.answer("/", b"\x89PNG", content_type=kind))


def test_compressed_data_is_refused_since_it_could_be_any_size(fetch: Fetch, site: Site) -> None:
    body = gzip.compress(b"x" * 1_000_000)
    assert "compressed" in refused(fetch, site.answer("/", body, content_encoding="gzip"))


def test_a_long_document_is_cut(fetch: Fetch, site: Site) -> None:
    result = fetch(site.answer("/", b"x" * 3_000_000))
    assert result.count("x") == 256 * 1024
    assert result.endswith("\n[The document goes on.]")


def test_a_document_that_trickles_in_is_given_up(
    fetch: Fetch, functions: dict[str, ToolFunction], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(functions["fetch_url"].__globals__, "MOST_SECONDS", 0.3)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def trickle() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
            for _ in range(100):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return
                time.sleep(0.05)

    thread = threading.Thread(target=trickle)
    thread.start()
    url = f"http://site.test:{port}/"
    assert "did not arrive" in refused(fetch, url, hosts=f"site.test:{port}")
    thread.join()
    listener.close()


def test_an_error_status_is_a_tool_error(fetch: Fetch, site: Site) -> None:
    assert "404 Not Found" in refused(fetch, site.url("/missing"))


def test_a_server_that_is_down_is_a_tool_error(fetch: Fetch) -> None:
    message = refused(fetch, "http://site.test:1/", hosts="site.test:1")
    assert message == "site.test could not be read (ConnectError)."
