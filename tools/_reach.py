"""What fetch_url may reach: hosts that the deployment lists, at public addresses."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from agent_serving import ToolError

PORTS = (80, 443)
NOT_PUBLIC = (
    ip_network("192.0.0.0/24"),  # protocol assignments
    ip_network("2002::/16"),  # carries any IPv4 address, private ones too
    ip_network("64:ff9b::/96"),  # the same
    ip_network("64:ff9b:1::/48"),  # the same
    ip_network("fec0::/10"),  # once "site-local"
)


@dataclass(frozen=True)
class Host:
    """`name` may be `*.example.com` (every host below it) or `*`; no port means 80 and 443."""

    name: str
    port: int | None

    def covers(self, name: str, port: int) -> bool:
        if port not in PORTS if self.port is None else port != self.port:
            return False
        if self.name == "*":
            return True
        return name.endswith(self.name[1:]) if self.name.startswith("*.") else name == self.name


def listed_hosts(settings: Mapping[str, str]) -> list[Host]:
    return [_host(entry) for entry in settings.get("hosts", "").replace(",", " ").split()]


def _host(entry: str) -> Host:
    if "/" in entry or "@" in entry:
        raise ToolError(f"hosts: write example.com or example.com:8443, not {entry}.")
    name, _, port = entry.rpartition(":")
    if not port.isdecimal():
        return Host(entry.strip("[]").lower(), None)
    if not 0 < int(port[:6]) < 65536:
        raise ToolError(f"hosts: {entry} has no such port. Write a number up to 65535.")
    return Host(name.strip("[]").lower(), int(port))


def public_address(host: str, port: int, *, allow_private: bool) -> str:
    """The address to connect to. A host with only one private address among others is refused,
    since it would be a way in."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ToolError(f"{host} has no address.") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(_is_public(ip_address(address)) for address in addresses):
        raise ToolError(f"{host} is not on the public internet, so it cannot be fetched.")
    return addresses[0]


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return _is_public(address.ipv4_mapped)
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    local = address.is_private or address.is_loopback or address.is_link_local
    return (
        address.is_global
        and not (special or local)
        and not any(address in network for network in NOT_PUBLIC)
    )
