"""Reading and scoring a stranger's message in a process that can be stopped.

Each call has a limit of time and of memory. A message that exceeds one, or that makes the reading code fail, affects
only itself: the call raises `ReadingFailed`, and the next message is read as usual."""

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
    """The message could not be read, and another try would fail too. `fault` names an error and its place, for logs,
    and never contains mail."""

    def __init__(self, cause: FailOpenCause, fault: str = "") -> None:
        super().__init__("unread")
        self.cause = cause
        self.fault = fault


class Reader(Protocol):
    """Calls may be repeated and change nothing. All raise `TryLater` if the bytes are not a complete answer of
    Google's, or if no reading process is available."""

    async def screen(self, fetched: Fetched, owner: Owner) -> Digest:
        """Read and score. An error while scoring gives a digest with a cause. Raises `ReadingFailed` if not even the
        facts could be read."""

    async def show(self, fetched: Fetched, owner: Owner, score: Score) -> ShownMessage:
        """The message as it is shown to its owner, with the reasons of `score` marked. Raises `ReadingFailed`."""

    async def correspondents(self, fetched: Fetched, owner: Owner) -> tuple[str, ...]:
        """The addresses that become correspondents through this message of the owner's. Raises `ReadingFailed`."""

    async def offer(self, fetched: Fetched) -> UnsubscribeOffer:
        """How the message offers to unsubscribe. Raises `ReadingFailed`."""

    def thresholds(self, strictness: Strictness) -> Thresholds:
        """The thresholds of the model in use for this strictness."""

    def cost(self, strictness: Strictness) -> StrictnessCost:
        """What this strictness costs with the model in use: ordinary mail held, pitches caught."""

    @property
    def model_version(self) -> str:
        """The version of the model in use; it may change between two calls."""
