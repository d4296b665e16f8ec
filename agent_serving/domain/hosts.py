"""Names that are this service's own. A web page names itself to nobody but in `Host` and `Origin`,
which a browser writes: by them a service knows its own pages from all others."""

from __future__ import annotations

import contextlib
import ipaddress
import re

from agent_serving.domain.values import Value

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(.+)")
_PORTS = {"http": 80, "https": 443}

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OwnHosts(Value):
    """`listens` is the address that the service listens on. `allowed` are further names by which
    it is reached, `name` or `name:port`; a port says whose pages are its own, the host in `Host`
    may have any."""

    listens: str = "127.0.0.1"
    allowed: tuple[str, ...] = ()

    def has(self, host: str) -> bool:
        """Whether a `Host` header names this service. Another name may be a page's, led to this
        address by its owner's DNS."""
        found = _parsed(host)
        if found is None:
            return False
        name, _ = found
        return (
            is_loopback(name)
            or name in (_named(self.listens), *(_name_of(each) for each in self.allowed))
            or (_everywhere(self.listens) and _address(name) is not None)
        )

    def takes(self, origin: str, host: str) -> bool:
        """Whether the page at `origin` is the service's, as `Host` names it or by an allowed
        name."""
        found = _ORIGIN.fullmatch(origin)
        page, own = found and _parsed(found[2]), _parsed(host)
        if found is None or page is None:
            return False
        default = _PORTS.get(found[1])
        shown = (page[0], page[1] or default)
        if own is not None and shown == (own[0], own[1] or default):
            return True
        return any(allowed in (shown, (shown[0], None)) for allowed in map(_parsed, self.allowed))


def is_host(text: str) -> bool:
    """Whether it is a name or an address, an IPv6 one in brackets, with or without a port."""
    return _parsed(text) is not None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _parsed(text: str) -> tuple[str, int | None] | None:
    """Name and port; None for what is neither a name nor an address."""
    found = _HOST.fullmatch(text)
    if found is None or (found[1] and _address(found[1]) is None):
        return None
    port = int(found[3]) if found[3] else None
    return None if port is not None and port > 0xFFFF else (_named(found[1] or found[2]), port)


def _name_of(allowed: str) -> str | None:
    found = _parsed(allowed)
    return None if found is None else found[0]


def _named(name: str) -> str:
    """As it is compared."""
    address = _address(name)
    return name.lower().removesuffix(".") if address is None else str(address)


def _address(name: str) -> _Address | None:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(name)
    return None


def _everywhere(listens: str) -> bool:
    address = _address(listens)
    return address is not None and address.is_unspecified
