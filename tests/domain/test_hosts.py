"""Which names are the service's own, and which pages are."""

from __future__ import annotations

import pytest

from agent_serving.domain.hosts import OwnHosts, is_host, is_loopback

LOOPBACK = OwnHosts()
ANYWHERE = OwnHosts(listens="0.0.0.0")
ALLOWED = OwnHosts(allowed=("api.example", "App.example:8443", "[fd00::1]:80"))


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LocalHost:8080", "localhost.", "127.0.0.1:8080", "127.8.9.1", "[::1]:8080",
        "[::1]",
    ],
)  # fmt: skip
def test_names_of_this_machine_are_the_service_s_own(host: str) -> None:
    assert LOOPBACK.has(host)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example",
        "evil.example:localhost", "localhost@evil.example", "localhost:80:80", "localhost/x",
        "a.localhost", "10.0.0.7:8080", "0.0.0.0:8080", "2130706433", "0x7f.1", "[::1", "::1",
        "[localhost]", "localhost, evil.example", "null", "localhost:", "[fd00::1]",
    ],
)  # fmt: skip
def test_no_other_name_is(host: str) -> None:
    assert not LOOPBACK.has(host)


def test_the_address_that_is_listened_on_is_too() -> None:
    assert OwnHosts(listens="10.0.0.7").has("10.0.0.7:8080")
    assert OwnHosts(listens="Api.internal").has("api.internal:8080")
    assert OwnHosts(listens="fd00::1").has("[FD00:0::1]:8080")
    assert not OwnHosts(listens="10.0.0.7").has("10.0.0.8:8080")


def test_who_listens_everywhere_has_every_address_and_no_name() -> None:
    """A page's name can be led here by its owner's DNS; an address stands for itself."""
    for listens in ("0.0.0.0", "::"):
        own = OwnHosts(listens=listens)
        assert own.has("10.0.0.7:8080")
        assert own.has("[fd00::1]:8080")
        assert not own.has("evil.example:8080")


def test_names_may_be_allowed() -> None:
    assert ALLOWED.has("api.example:8080")
    assert ALLOWED.has("API.example.")
    assert ALLOWED.has("app.example")
    assert ALLOWED.has("[fd00::1]:8080")
    assert not ALLOWED.has("other.example")
    assert not ALLOWED.has("x.api.example")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://localhost", "localhost"),
        ("http://localhost", "localhost:80"),
        ("https://api.example", "api.example:443"),
        ("https://Api.Example:443", "api.example"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_a_page_of_the_service_s_own_is_taken(origin: str, host: str) -> None:
    assert LOOPBACK.takes(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.example", "127.0.0.1:8080"),
        ("http://localhost:3000", "localhost:8080"),
        ("http://localhost:8080", "127.0.0.1:8080"),
        ("http://localhost:8080", "localhost"),
        ("null", "127.0.0.1:8080"),
        ("", "127.0.0.1:8080"),
        ("", ""),
        ("null", "null"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("http://evil.example@127.0.0.1:8080", "127.0.0.1:8080"),
        ("file://", ""),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://127.0.0.1:99999999", "127.0.0.1:99999999"),
    ],
)
def test_no_other_page_is(origin: str, host: str) -> None:
    assert not LOOPBACK.takes(origin, host)
    assert not ANYWHERE.takes(origin, host)


def test_pages_may_be_allowed_with_their_port_or_for_all() -> None:
    assert ALLOWED.takes("https://api.example", "127.0.0.1:8080")
    assert ALLOWED.takes("http://api.example:3000", "127.0.0.1:8080")
    assert ALLOWED.takes("https://app.example:8443", "127.0.0.1:8080")
    assert not ALLOWED.takes("https://app.example", "127.0.0.1:8080")
    assert not ALLOWED.takes("https://app.example:3000", "127.0.0.1:8080")


@pytest.mark.parametrize("host", ["api.example", "api.example:1", "[::1]:80", "10.0.0.7"])
def test_what_may_be_allowed_is_a_name_or_an_address_with_or_without_a_port(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize("host", ["", "*", "*.example", "http://api.example", "a b", "::1", "a:x"])
def test_nothing_else_may_be(host: str) -> None:
    assert not is_host(host)


def test_what_only_this_machine_reaches_is_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.1.2.3", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.7", "example.com", "")))
