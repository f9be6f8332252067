"""The local Google's clock, and the quota that it counts by the minute."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

# ---- The sandbox's clock
# The sandbox's clock: real time plus an offset that a test may move forward, and what it shows to others.


LARGEST_SKEW = 86_400.0


class Clock:
    """Epoch time. Only `advance` moves it against the real one.

    `skew` (seconds, negative: behind) is how far the time Google *tells* is off: dates of mail, ends of watches,
    times to come back at, the Date of answers, times in signed tokens. The sandbox's own waits never see it.
    """

    def __init__(self) -> None:
        self.offset = 0.0
        self.skew = 0.0

    def real(self) -> float:
        """Epoch seconds for signed tokens: without the offset, for programs whose clock was not moved check them."""
        return time.time() + self.skew

    def now(self) -> float:
        """Epoch seconds."""
        return time.time() + self.offset

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return int(self.now() * 1000)

    def shown(self) -> float:
        """Epoch seconds as others see them."""
        return self.now() + self.skew

    def shown_ms(self) -> int:
        """Epoch milliseconds as others see them."""
        return int(self.shown() * 1000)

    def set_skew(self, seconds: float) -> None:
        """Tell times that are off by so much. Raises ValueError beyond a day."""
        if not -LARGEST_SKEW <= seconds <= LARGEST_SKEW:
            raise ValueError(
                f"A clock's skew must be from {-LARGEST_SKEW:.0f} to {LARGEST_SKEW:.0f} seconds."
            )
        self.skew = float(seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock forward (never back: tokens and watches rely on it)."""
        self.offset += max(0.0, seconds)


# ---- The quota meter


WINDOW = 60.0

# Prices named by method id without the prefix "gmail.users.".
_UNCHANGED = {
    "watch": 100,
    "messages.send": 100,
    "stop": 50,
    "messages.batchModify": 50,
    "messages.batchDelete": 50,
    "messages.insert": 25,
    "messages.delete": 10,
    "threads.list": 10,
    "threads.modify": 10,
    "threads.untrash": 10,
    "messages.list": 5,
    "messages.modify": 5,
    "messages.untrash": 5,
    "labels.create": 5,
    "labels.update": 5,
    "labels.delete": 5,
    "settings.updateVacation": 5,
    "history.list": 2,
    "getProfile": 1,
    "labels.get": 1,
    "labels.list": 1,
    "settings.getVacation": 1,
    "settings.filters.list": 1,
    "settings.sendAs.list": 1,
    "settings.sendAs.get": 1,
}
_NEW = {
    "messages.get": 20,
    "messages.attachments.get": 20,
    "messages.trash": 20,
    "threads.get": 40,
    "threads.trash": 20,
    "threads.delete": 20,
}
_OLD = {
    "messages.get": 5,
    "messages.attachments.get": 5,
    "messages.trash": 5,
    "threads.get": 10,
    "threads.trash": 10,
    "threads.delete": 20,
}


def price(method_id: str, prices: str = "new") -> int:
    """Units one call costs. Raises KeyError for a method without a price."""
    name = method_id.removeprefix("gmail.users.")
    table = _NEW if prices == "new" else _OLD
    return table[name] if name in table else _UNCHANGED[name]


@dataclass(slots=True)
class _Account:
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    units: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    recent: deque[tuple[float, int]] = field(default_factory=deque)
    in_window: int = 0
    high_water: int = 0
    refused: int = 0
    in_flight: int = 0
    most_in_flight: int = 0


class Meter:
    """Units spent, per mailbox, with the highest sum in any 60 seconds."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = defaultdict(_Account)

    def charge(self, mailbox: str, method_id: str, units: int, now: float, limit: int | None = None) -> bool:
        """Count one call; False (and nothing spent) if it would pass `limit` units in 60 seconds."""
        account = self._accounts[mailbox]
        while account.recent and account.recent[0][0] <= now - WINDOW:
            account.in_window -= account.recent.popleft()[1]
        if limit is not None and account.in_window + units > limit:
            account.refused += 1
            return False
        account.recent.append((now, units))
        account.in_window += units
        account.high_water = max(account.high_water, account.in_window)
        account.calls[method_id] += 1
        account.units[method_id] += units
        return True

    def enter(self, mailbox: str, cap: int) -> bool:
        """Note a call in flight; False if `cap` (0 means none) are under way already."""
        account = self._accounts[mailbox]
        if cap and account.in_flight >= cap:
            account.refused += 1
            return False
        account.in_flight += 1
        account.most_in_flight = max(account.most_in_flight, account.in_flight)
        return True

    def leave(self, mailbox: str) -> None:
        """The call is answered."""
        self._accounts[mailbox].in_flight -= 1

    def reset(self) -> None:
        """Forget all counts (calls in flight stay counted)."""
        for address, account in list(self._accounts.items()):
            self._accounts[address] = _Account(in_flight=account.in_flight)

    def report(self) -> dict[str, Any]:
        """{"mailboxes": {address: {units, calls, high_water, refused, methods}}, "units": total}."""
        mailboxes = {
            address: {
                "units": sum(account.units.values()),
                "calls": sum(account.calls.values()),
                "high_water": account.high_water,
                "refused": account.refused,
                "most_in_flight": account.most_in_flight,
                "methods": {
                    name: {"calls": account.calls[name], "units": account.units[name]}
                    for name in sorted(account.calls)
                },
            }
            for address, account in sorted(self._accounts.items())
            if account.calls or account.refused
        }
        return {"units": sum(item["units"] for item in mailboxes.values()), "mailboxes": mailboxes}
