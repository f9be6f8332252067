"""What runs a script: one transaction on one kind of database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from backend.store.notifier import Notifier, Notifiers
from backend.store.outage import Outage
from backend.transactions.statement import P, Script, T


class Driver(Protocol):
    """A database that runs scripts. `scope` is the mailbox a script is about, or `EVERY`."""

    @property
    def notifier(self) -> Notifier:
        """Rung after commits that made a job due."""

    @property
    def notifiers(self) -> Notifiers:
        """Rung for a mailbox after commits of which its open streams are to be told: a change of what its owner
        sees, and the end of a device or session."""

    @property
    def outage(self) -> Outage:
        """Whether it takes what is written."""

    async def open(self) -> None:
        """Connect and bring the schema up to date."""

    async def close(self) -> None:
        """Finish what is queued, then disconnect."""

    async def wipe(self) -> None:
        """Take what was deleted out of the files, too, as far as this is ours to do. May run again."""

    async def write(self, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the script in a transaction of its own; returns once it is durable. An error undoes it."""

    async def put(self, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for a script that writes a few rows by key, which may cost less than asking somebody else."""

    async def read(self, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a script that only reads, on one snapshot."""

    async def near(self, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for a script that reads a few rows by key, which may cost less than asking somebody else."""
