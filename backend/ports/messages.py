"""Messages: what was decided about each, the challenges and credits of their senders, and the lists people see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from backend.domain.entry.challenge import Challenge, ChallengeIntent, Dealings, Solved, Tries
from backend.domain.entry.credits import Entry
from backend.domain.mailbox.correction import Correction, Decision
from backend.domain.mailbox.insights import Figures
from backend.domain.mailbox.labels import Placement
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message_record import MessageView, Screened
from backend.domain.mailbox.review import (
    Done,
    Leaving,
    Listing,
    Position,
    SenderProfile,
    Unsubscription,
    Wanted,
)
from backend.domain.mailbox.verdict import Verdict
from backend.domain.policy.standing import Standing
from backend.domain.reading.topics import Topic
from backend.ports.jobs import MessageJob, Sighting


@dataclass(frozen=True, slots=True)
class SenderRecord:
    """What came of a sender so far: messages that are `held` now, checks they were challenged for and `solved`."""

    held: int = 0
    challenged: int = 0
    solved: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """One message and its sender, read at one moment. `version` is another one after every decision."""

    view: MessageView
    version: int
    standing: Standing
    record: SenderRecord


@dataclass(frozen=True, slots=True)
class Stays:
    """A verdict after which a message stays where it is: it changes no label, spends no credit and answers nobody."""

    job: MessageJob
    verdict: Verdict
    screened: Screened | None


@dataclass(frozen=True, slots=True)
class Debt:
    """A message whose sender is owed a link: nothing but a full count of the day stood against it."""

    gmail_id: str
    thread_id: str
    sender: str
    sender_domain: str


class MessageStore(Protocol):
    """Verdicts, decisions, challenges, credits, and what pages and cards read."""

    async def standing(
        self, mailbox_id: str, sender: str, sender_domain: str, thread_id: str, now: datetime
    ) -> Standing:
        """What the policy table looks up of a sender."""

    async def dealings(
        self, mailbox_id: str, sender: str, sender_domain: str, thread_id: str, now: datetime
    ) -> Dealings:
        """Earlier challenges, as the guards see them before another one; read again when its intent is stored."""

    async def record_verdict(
        self,
        job: MessageJob,
        verdict: Verdict,
        screened: Screened | None,
        challenge: ChallengeIntent | None,
        now: datetime,
        until: datetime | None = None,
    ) -> MessageJob | None:
        """Verdict, spent credit, challenge intent and next stage (ACT when a label has to change) in one commit.
        `until`: the same worker goes on with it, as for `finish_stage`. Raises `Conflict`, writing nothing, when the
        credit is gone or a challenge for this sender was opened meanwhile: the caller reads `standing` again and
        decides again.
        """

    async def owed_links(self, mailbox_id: str, now: datetime) -> tuple[Debt, ...]:
        """Held, undecided mail whose link is owed, oldest first."""

    async def room_at(self, mailbox_id: str, now: datetime) -> datetime:
        """When the counts of the day have room again that are full at `now`."""

    async def pay_link(
        self,
        mailbox_id: str,
        debt: Debt,
        verdict: Verdict,
        challenge: ChallengeIntent | None,
        now: datetime,
    ) -> None:
        """The link is intended and the message goes on to CHALLENGE, in one commit with the verdict that says so.
        Without a challenge it is owed no more: the guards of the verdict are why. Changes nothing where the owner has
        decided or the message is under way. Raises `Conflict`, writing nothing, when a guard says no by now."""

    async def record_stays(self, mailbox_id: str, ended: Sequence[Stays], now: datetime) -> None:
        """`record_verdict` for some messages of a mailbox at once, all or none. Raises `Conflict` where one of them is
        held by somebody else, or its owner has spoken meanwhile."""

    async def correct(self, mailbox_id: str, correction: Correction, now: datetime) -> tuple[str, ...]:
        """Apply an owner's decision: rule, placements, voided challenge, refund. Returns the messages that move.

        The same key again returns the same and changes nothing. Raises `NotFound` for an unknown message.
        """

    async def undo(self, mailbox_id: str, key: str, now: datetime) -> tuple[str, ...]:
        """Take a correction back: placement and rules as before. Returns the messages that move."""

    async def known(self, mailbox_id: str, gmail_ids: Sequence[str]) -> Mapping[str, MessageView]:
        """The views of those of these messages that have a row."""

    async def challenge_of(self, mailbox_id: str, gmail_id: str) -> Challenge | None:
        """The latest challenge about this message."""

    async def challenge_by_token(self, token_hash: str) -> Challenge | None: ...

    async def screened(self, mailbox_id: str, gmail_id: str) -> Screened | None: ...

    async def mark_sending(self, job: MessageJob, challenge_id: str, now: datetime) -> None:
        """The send starts: from now on it must be looked for before it is sent again."""

    async def mark_sent(self, job: MessageJob, challenge_id: str, sent_gmail_id: str, now: datetime) -> None:
        """It left: erase the sealed token, end the stage."""

    async def take_up(
        self, job: MessageJob, challenge_id: str, token_hash: str, sent_gmail_id: str, now: datetime
    ) -> bool:
        """A reply that left before the database was restored takes the place of this challenge, which has not left: its
        link works again; end the stage. False, and nothing changed, if the link is known or the challenge has ended.
        """

    async def mark_unsent(self, job: MessageJob, challenge_id: str, cause: str, now: datetime) -> None:
        """It will not leave: end the stage; the mail stays held silently."""

    async def solve(
        self,
        challenge_id: str,
        signature: str,
        signature_expires: datetime,
        solved_before: int,
        now: datetime,
    ) -> Solved:
        """The captcha was answered: bar the signature, mark solved, earn credits, spend them on held mail of
        this sender, oldest first, and order its release, in one commit. The same link can be solved again while
        mail waits. `solved_before` is the count of solves that the answer's price was asked at.

        Raises `Expired` (codes link_expired, link_used, link_voided) or `Refused` (captcha_replayed, and
        captcha_expired when another solve came first).
        """

    async def post(self, mailbox_id: str, entry: Entry, now: datetime) -> int:
        """Post one ledger entry; returns the balance. A known key posts nothing. `Refused` (no_credit) when
        the balance would fall below 0."""

    async def balance(self, mailbox_id: str, sender: str) -> int: ...

    async def ledger_differences(self) -> tuple[Mapping[str, Any], ...]:
        """Every balance or daily total that is not the sum of its entries. Must always be empty."""

    async def begin_challenge(self, mailbox_id: str, challenge_id: str, now: datetime) -> None:
        """The sender did something on the page. Only the first time is kept (`challenges.started_at`)."""

    async def count_try(self, mailbox_id: str, challenge_id: str, code_id: str) -> Tries:
        """Count one try of a code before it is compared. Each call counts, so no two callers share one.

        Raises `NotFound` if the mailbox has no such challenge.
        """

    async def promise(
        self,
        challenge_id: str,
        signature: str,
        signature_expires: datetime,
        solved_before: int,
        deliver_at: datetime,
        now: datetime,
    ) -> datetime:
        """A code was typed and no work was done: bar the signature and note that the link is solved by itself at
        `deliver_at`, and make the duty DELIVER due then. Returns that time, or the one of a wait under way, which
        stands. An owner's decision that closes the link ends the wait, and so does a solve.

        Raises what `MessageStore.solve` raises.
        """

    async def keep_promises(self, mailbox_id: str, now: datetime) -> datetime | None:
        """Solve every open link whose wait is over, as `solve` does; returns when the next wait ends. A used link
        for which nothing waits any more earns nothing."""

    async def write_note(self, mailbox_id: str, challenge_id: str, line: str, now: datetime) -> None:
        """Store the sender's line with the message the challenge is about, in place of an earlier one; ""
        takes it back. A message deleted meanwhile keeps none.

        Raises `NotFound` (link_unknown) or `Expired` (link_expired, link_used, link_voided).
        """

    async def note_bounce(self, mailbox_id: str, thread_id: str, now: datetime) -> bool:
        """A mail of ours in this thread came back: mark the latest challenge that left in it
        (`challenges.bounced_at`). False if there is none that is not marked yet."""

    async def review(self, mailbox_id: str, wanted: Wanted, after: Position | None, limit: int) -> Listing:
        """One page of at most `limit` senders. The cost does not grow with what the mailbox holds.

        Raises `NotFound` when the mailbox is gone.
        """

    async def released_topics(self, mailbox_id: str, since: datetime) -> tuple[frozenset[Topic], ...]:
        """What was offered in the messages that the owner let in since then, the latest first; none without topics."""

    async def sender_profile(
        self, mailbox_id: str, address: str, domain: str, after: Position | None, limit: int
    ) -> SenderProfile:
        """One sender; `domain` is the organisation they belong to. Raises `NotFound` when the mailbox is gone."""

    async def mail(
        self, mailbox_id: str, gmail_id: str
    ) -> tuple[MessageView, Mailbox, Unsubscription | None]:
        """One message. Raises `NotFound`."""

    async def order(
        self,
        mailbox_id: str,
        key: str,
        decision: Decision,
        gmail_ids: Sequence[str],
        now: datetime,
        whole: Collection[str] = (),
    ) -> Done:
        """Decide about all of these messages at once. The same key and messages again change nothing.

        Each of them that is among `whole` stands for what its sender has waiting from before it, too (at most
        `MOST_EARLIER`); where it is proved to be theirs, only for what is as well.
        """

    async def undo_order(self, mailbox_id: str, key: str, now: datetime) -> tuple[str, ...]:
        """Take everything back that was ordered under `key`, latest first; the messages that move. Once.

        Raises `NotFound`, or `Refused` (no_credit) when given credits have been spent.
        """

    async def give(self, mailbox_id: str, key: str, address: str, amount: int, now: datetime) -> int:
        """Give (above 0) or take (below 0) credits; the balance. Once per key. Raises `Refused` (no_credit)."""

    async def ask_off(self, mailbox_id: str, gmail_id: str, now: datetime) -> bool:
        """Note the owner's order to unsubscribe and take it in hand. False if it is done, or somebody has it in
        hand for less than `LEASE_SECONDS`. Raises `NotFound` for an unknown message."""

    async def told_off(
        self, mailbox_id: str, gmail_id: str, state: Leaving, host: str, cause: str, now: datetime
    ) -> None:
        """Note how it ended. What is done stays done."""

    async def reading(self, mailbox_id: str, gmail_id: str, now: datetime) -> Reading | None:
        """Everything the card of a message shows; None for a message that has no row."""

    async def sender(
        self, mailbox_id: str, sender: str, sender_domain: str, thread_id: str, now: datetime
    ) -> tuple[Standing, SenderRecord]:
        """The same of a sender whose message has no row yet."""

    async def adopt(
        self, mailbox_id: str, seen: Sighting, verdict: Verdict, screened: Screened | None, now: datetime
    ) -> bool:
        """Note a message no sync will bring, with what is thought of it; nothing follows. False: it was known."""

    async def figures(self, mailbox_id: str, since: datetime, senders: int) -> Figures:
        """Everything decided since then. `weeks` holds only those with mail, oldest first; of the senders the
        `senders` with most."""

    async def messages(
        self, mailbox_id: str, placement: Placement | None = None, limit: int = 50, before: str = ""
    ) -> tuple[MessageView, ...]:
        """Latest change first. `before` is the `gmail_id` of the last one of the page before."""
