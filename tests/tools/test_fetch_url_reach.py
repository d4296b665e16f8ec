import socket
import threading

import pytest

from agent_serving.domain.tool import ToolFunction
from tests.tools.web import Fetch, Names, Site, refused


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("file:///etc/passwd", "Only full http"),
        ("ftp://site.test/", "Only full http"),
        ("gopher://site.test/", "Only full http"),
        ("site.test", "Only full http"),
        ("/relative", "Only full http"),
        ("http:///nothing", "Only full http"),
        ("http://[oops", "is not one of the hosts"),
        ("http://a\x00b/", "not a URL"),
        ("http://site.test:99999999/", "is not one of the hosts"),
        ("http://me:secret@site.test/", "user name or password"),
    ],
)
def test_a_wrong_address_is_refused(fetch: Fetch, url: str, complaint: str) -> None:
    assert complaint in refused(fetch, url)


@pytest.mark.parametrize(
    ("hosts", "url", "listed"),
    [
        ("a.test", "http://a.test/", True),
        ("a.test", "https://A.TEST./", True),
        ("a.test", "http://a.test:8080/", False),
        ("a.test:8080", "http://a.test:8080/", True),
        ("a.test:8080", "http://a.test/", False),
        ("a.test", "http://b.test/", False),
        ("a.test", "http://x.a.test/", False),
        ("a.test", "http://a.test.evil.example/", False),
        ("a.test", "http://evila.test/", False),
        ("*.a.test", "http://x.a.test/", True),
        ("*.a.test", "http://a.test/", False),
        ("*.a.test", "http://evila.test/", False),
        ("b.test, a.test", "http://a.test/", True),
        ("*", "http://a.test/", True),
        ("*", "http://a.test:22/", False),
        ("[2001:db8::1]:81", "http://[2001:db8::1]:81/", True),
    ],
)
def test_only_listed_hosts_and_ports_are_fetched(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch, hosts: str, url: str, listed: bool
) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    message = refused(fetch, url, hosts=hosts)
    assert ("has no address" if listed else "is not one of the hosts") in message


PRIVATE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "ff0e::1",
    "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
    "2002:7f00:1::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused_by_default(
    fetch: Fetch, names: Names, address: str
) -> None:
    names.answers["inside.test"] = [[address]]
    message = refused(fetch, "http://inside.test/", hosts="*", allow_private="")
    assert message == "inside.test is not on the public internet, so it cannot be fetched."


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "[::ffff:7f00:1]", "2130706433", "0x7f.1", "0"]
)
def test_no_spelling_of_this_machine_gets_through(fetch: Fetch, site: Site, host: str) -> None:
    url = site.url("/", host)
    assert "public internet" in refused(fetch, url, hosts=f"*:{site.port}", allow_private="")
    assert not site.requests


@pytest.mark.parametrize("setting", ["", "0", "no", "true"])
def test_only_one_exact_setting_lifts_the_check(fetch: Fetch, site: Site, setting: str) -> None:
    assert "public internet" in refused(fetch, site.answer("/", b"x"), allow_private=setting)
    assert not site.requests


def test_a_host_with_one_private_address_among_public_ones_is_refused(
    fetch: Fetch, names: Names
) -> None:
    names.answers["mixed.test"] = [["93.184.216.34", "10.0.0.1"]]
    message = refused(fetch, "http://mixed.test/", hosts="mixed.test", allow_private="")
    assert "public internet" in message


def test_the_connection_goes_to_the_address_that_was_checked(
    fetch: Fetch, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []

    def connect(address: object, *_: object, **__: object) -> None:
        connected.append(address)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", connect)
    names.answers["rebind.test"] = [["93.184.216.34"], ["127.0.0.1"]]
    refused(fetch, "http://rebind.test/", hosts="rebind.test", allow_private="")
    assert names.asked == ["rebind.test"]
    assert connected == [("93.184.216.34", 80)]


def test_the_server_is_asked_by_name(fetch: Fetch, site: Site, names: Names) -> None:
    fetch(site.answer("/", b"x"))
    assert site.requests == [("/", f"site.test:{site.port}")]
    assert names.asked == ["site.test"]


def test_the_certificate_is_asked_for_by_name(fetch: Fetch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    hello: list[bytes] = []

    def receive() -> None:
        connection, _ = listener.accept()
        with connection:
            hello.append(connection.recv(65536))

    thread = threading.Thread(target=receive)
    thread.start()
    message = refused(fetch, f"https://site.test:{port}/", hosts=f"site.test:{port}")
    thread.join()
    listener.close()
    assert message == "site.test could not be read (ConnectError)."
    assert b"site.test" in hello[0]


def test_a_proxy_from_the_environment_is_not_used(
    fetch: Fetch, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetch(site.answer("/", b"direct")).endswith("direct")


def test_a_redirect_is_followed(fetch: Fetch, site: Site) -> None:
    site.answer("/new", b"here")
    result = fetch(site.answer("/old", b"", 302, location="/new"))
    assert result == f"{site.url('/new')}\n\nhere"


@pytest.mark.parametrize(
    ("location", "complaint"),
    [
        ("http://other.test/", "other.test:80 is not one of the hosts"),
        ("http://127.0.0.1/", "127.0.0.1:80 is not one of the hosts"),
        ("file:///etc/passwd", "Only full http"),
        ("http://me:secret@site.test/", "user name or password"),
        ("http://[oops", "is not one of the hosts"),
    ],
)
def test_a_redirect_is_checked_like_an_address(
    fetch: Fetch, site: Site, location: str, complaint: str
) -> None:
    assert complaint in refused(fetch, site.answer("/", b"", 302, location=location))


def test_a_redirect_to_a_private_address_is_refused(
    fetch: Fetch,
    functions: dict[str, ToolFunction],
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The first lookup is of a public name that leads here; the next, of the same name, is not.
    url = site.answer("/", b"", 302, location="/secret")
    site.answer("/secret", b"secret")
    checks = iter([True, False])
    reach = functions["fetch_url"].__globals__["public_address"].__globals__
    monkeypatch.setitem(reach, "_is_public", lambda address: next(checks))
    assert "public internet" in refused(fetch, url, allow_private="")
    assert [path for path, _ in site.requests] == ["/"]


def test_redirects_are_few(fetch: Fetch, site: Site) -> None:
    url = site.answer("/", b"", 302, location="/")
    assert "more than 3 redirects" in refused(fetch, url)
    assert len(site.requests) == 4
