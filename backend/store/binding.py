"""What binds a transaction to the store's driver, in one typed line.

    mailbox = reads(mailboxes.mailbox)          # store.mailbox(mailbox_id) runs it on one snapshot
    connect = writes_all(mailboxes.connect)     # about no one mailbox

The bound method has the transaction's own parameters. Its first one names the mailbox it is about: an id, or a job,
session or code that has one. The databases keep what belongs to other mailboxes out of sight by it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, cast

from backend.store.driver import Driver
from backend.transactions.statement import EVERY, P, Script, T


class HasDriver(Protocol):
    """A store."""

    _driver: Driver


class Bound(Generic[P, T]):
    """A method of the store that runs one transaction."""

    def __init__(
        self, make: Callable[P, Script[T]], *, writes: bool, everywhere: bool, few: bool = False
    ) -> None:
        self.make = make
        self.few = few
        self.writes = writes
        self.everywhere = everywhere
        self.__doc__ = make.__doc__

    def __get__(self, store: HasDriver | None, _: type[object]) -> Callable[P, Coroutine[Any, Any, T]]:
        if store is None:
            return cast("Callable[P, Coroutine[Any, Any, T]]", self)  # asked of the class
        driver = store._driver
        small, any_ = (driver.put, driver.write) if self.writes else (driver.near, driver.read)
        run = small if self.few else any_

        def method(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
            scope = EVERY if self.everywhere else _mailbox(args, kwargs)
            return run(scope, self.make, *args, **kwargs)

        return method


def reads(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that only reads, about one mailbox."""
    return Bound(make, writes=False, everywhere=False)


def looks(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that only reads a few rows by key, about one mailbox."""
    return Bound(make, writes=False, everywhere=False, few=True)


def looks_all(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that only reads a few rows by key, about no one mailbox."""
    return Bound(make, writes=False, everywhere=True, few=True)


def writes(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction about one mailbox."""
    return Bound(make, writes=True, everywhere=False)


def puts(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that writes a few rows by key, about one mailbox."""
    return Bound(make, writes=True, everywhere=False, few=True)


def puts_all(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that writes a few rows by key, about no one mailbox."""
    return Bound(make, writes=True, everywhere=True, few=True)


def reads_all(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that only reads, about no one mailbox: counting, looking up by address or token."""
    return Bound(make, writes=False, everywhere=True)


def writes_all(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction about no one mailbox: claiming, solving by token."""
    return Bound(make, writes=True, everywhere=True)


def _mailbox(args: tuple[object, ...], kwargs: dict[str, Any]) -> str:
    about = args[0] if args else kwargs["mailbox_id"]
    return about if isinstance(about, str) else cast(str, cast(Any, about).mailbox_id)
