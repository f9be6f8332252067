"""Which addresses of the Internet may be spoken to on a stranger's word: public ones, however they are written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import AF_INET, AF_INET6, AddressFamily

from aiohttp.abc import AbstractResolver, ResolveResult

from backend.domain.errors import Refused

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a host, as text. Raises `OSError` if there are none."""

Allowance = Callable[[str], bool]
"""Whether an address may be spoken to."""

_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
_CARRIED = 0xFFFFFFFF
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The third quarter of an address that names, in the last, the IPv4 address at the end of a tunnel."""
_UNREACHABLE = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.88.99.0/24"),  # a relay of 6to4, no host
    IPv6Network("3fff::/20"),  # documentation
)
"""What the standard library of Python 3.11 takes for public and the registry does not."""


def is_public(text: str) -> bool:
    """Whether an address leads to the public Internet: itself, and any IPv4 address it carries inside."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        inside = _inside(address)
        if inside:
            return all(_reachable(one) for one in inside)
    return _reachable(address)


def _inside(address: IPv6Address) -> tuple[IPv4Address, ...]:
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if any(address in network for network in _TRANSLATED) or int(address) >> 32 & _CARRIED in _ISATAP:
        return (IPv4Address(int(address) & _CARRIED),)
    return ()


def _reachable(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.is_site_local:  # given up in 2004, still routed in places
        return False
    if any(address in network for network in _UNREACHABLE):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class Pinned(AbstractResolver):
    """Looks a host up once for one connection and refuses it if any of its addresses is not allowed: a name with
    a public and an inner address is a trap, and so is one that changes between a check and its use."""

    def __init__(self, lookup: Lookup, allowed: Allowance) -> None:
        self._lookup = lookup
        self._allowed = allowed

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        """What the connection is made to. Raises `Refused` (unsafe_address) or `OSError`."""
        found = await self._lookup(host)
        if not found or not all(self._allowed(address) for address in found):
            raise Refused("unsafe_address", host=host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=AF_INET6 if ":" in address else AF_INET,
                proto=0,
                flags=0,
            )
            for address in found[:4]
        ]

    async def close(self) -> None:
        """Nothing is held."""
