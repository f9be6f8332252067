"""Reading a stranger's message, scoring included, somewhere it can be stopped.

Each call has a limit of time and of memory. A message that passes one, or that breaks what reads it, costs only
itself: the call raises `ReadingFailed`, and the next message is read as usual.
"""

from __future__ import annotations

from typing import Protocol

from backend.domain.digest import Digest
from backend.domain.errors import PitchgateError
from backend.domain.mail.machine_mail import UnsubscribeOffer
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpenCause
from backend.domain.reading.score import Score, ShownMessage, StrictnessCost, Thresholds
from backend.ports.gmail import Fetched


class ReadingFailed(PitchgateError):
    """The message could not be read; trying again would end the same. `fault` names an error and its place, for logs,
    and never holds content."""

    def __init__(self, cause: FailOpenCause, fault: str = "") -> None:
        super().__init__("unread")
        self.cause = cause
        self.fault = fault


class Reader(Protocol):
    """Calls may run again and change nothing. All raise `TryLater` for bytes that are no whole answer of Google's, and
    while there is nothing to read with."""

    async def screen(self, fetched: Fetched, owner: Owner) -> Digest:
        """Read and score. An error while scoring gives a digest with a cause. Raises `ReadingFailed` if not even the
        facts could be read."""

    async def show(self, fetched: Fetched, owner: Owner, score: Score) -> ShownMessage:
        """The message as its owner is shown it, the reasons of `score` marked. Raises `ReadingFailed`."""

    async def correspondents(self, fetched: Fetched, owner: Owner) -> tuple[str, ...]:
        """Whom this message of the owner's makes a correspondent. Raises `ReadingFailed`."""

    async def offer(self, fetched: Fetched) -> UnsubscribeOffer:
        """What the message offers for unsubscribing. Raises `ReadingFailed`."""

    def thresholds(self, strictness: Strictness) -> Thresholds:
        """The probabilities at which the model in use was found to be right often enough."""

    def cost(self, strictness: Strictness) -> StrictnessCost:
        """What the model in use was found to cost at this strictness."""

    @property
    def model_version(self) -> str:
        """Version of the model in use; it may change between two calls."""
