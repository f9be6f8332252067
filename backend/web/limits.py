"""How often a caller may come: limits for quart-rate-limiter, and a store that cannot be made to grow.

Counts are kept in this process. Several processes each keep their own, so the effective limit is the sum: counting in
their database would cost a flood's every refused call two hundred times as much, where all of them feel it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from quart import request
from quart_rate_limiter import RateLimit
from quart_rate_limiter.store import RateLimiterStoreABC

MOST_KEYS = 50_000

LONGEST = timedelta(hours=2)
"""More than any period of a limit."""


class BoundedStore(RateLimiterStoreABC):
    """Theoretical arrival times by key. A past one says nothing, so it is dropped when room is needed."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._times: dict[str, datetime] = {}

    async def before_serving(self) -> None:
        """Nothing to set up."""

    async def after_serving(self) -> None:
        """Nothing to close."""

    async def get(self, key: str, default: datetime) -> datetime:
        """When the next call with this key is due, or `default`, which is now."""
        return self._time(key, default)

    def _time(self, key: str, now: datetime) -> datetime:
        at = self._times.get(key, now)
        return at if at - now < LONGEST else now  # else the clock was ahead when it was noted

    async def set(self, key: str, tat: datetime) -> None:
        """Note it, making room first if the store is full."""
        if len(self._times) >= self._most and key not in self._times:
            self._make_room()
        self._times[key] = tat

    def admit(self, caller: str, limit: RateLimit) -> bool:
        """Count a call if `limit` lets it through; the same sum as quart-rate-limiter's, for who comes before it."""
        now = datetime.now(UTC)
        tat = max(self._time(caller, now), now)
        if (tat - now).total_seconds() > limit.period.total_seconds() - limit.inverse:
            return False
        if len(self._times) >= self._most and caller not in self._times:
            self._make_room()
        self._times[caller] = tat + timedelta(seconds=limit.inverse)
        return True

    def _make_room(self) -> None:
        now = datetime.now(UTC)
        alive = sorted((at, key) for key, at in self._times.items() if at > now)
        # In a flood from more networks than fit, those furthest over their limit are the ones to remember.
        self._times = {key: at for at, key in alive[-(self._most // 2) :]}

    def __len__(self) -> int:
        return len(self._times)


@lru_cache(maxsize=4096)
def network_of(client: str) -> str:
    """An IPv4 address, or the /64 an IPv6 address is in: one customer commands a whole /64."""
    address = _address(client)
    if address is None:
        return client
    return address.exploded[:19] if isinstance(address, IPv6Address) else str(address)


def _address(client: str) -> IPv4Address | IPv6Address | None:
    """What `client` is, without the name of an interface ("fe80::1%eth0"); None if it is no address."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


async def caller() -> str:
    """Whom a limit is counted for. From the connection, never from a header anybody can write: behind a
    proxy the server's own middleware has put the real address there."""
    client = request.scope.get("client") if request.scope else None
    return network_of(client[0] if client else "local")


def network_block(client: str) -> str:
    """The network around `network_of`: an IPv4 /24, an IPv6 /48. What a hoster or a company rents at once."""
    address = _address(client)
    if address is None:
        return f"around {client}"
    if isinstance(address, IPv6Address):
        return f"around {address.exploded[:14]}"
    return f"around {str(address).rpartition('.')[0]}"


async def surroundings() -> str:
    """The network the caller comes from."""
    client = request.scope.get("client") if request.scope else None
    return network_block(client[0] if client else "local")


async def link() -> str:
    """The challenge link that is used, hashed."""
    token = (request.view_args or {}).get("token", "")
    return hashlib.sha256(str(token).encode()).hexdigest()[:32]


def per_minute(count: int) -> RateLimit:
    """At most `count` a minute and caller."""
    return RateLimit(count, timedelta(minutes=1), key_function=caller)


def per_network(count: int) -> RateLimit:
    """At most `count` a minute from one network: beside `per_minute`, for callers who own many addresses."""
    return RateLimit(count, timedelta(minutes=1), key_function=surroundings)


def per_link(count: int, minutes: int) -> RateLimit:
    """At most `count` in `minutes` for one challenge link, whoever calls."""
    return RateLimit(count, timedelta(minutes=minutes), key_function=link)
