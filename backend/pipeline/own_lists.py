"""own lists: the owner's allow and block rules as they keep them, and what they would mean for a sender."""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain.errors import Refused
from backend.domain.mail.authentication import Authentication
from backend.domain.mail.message import Address, Arrival, Message
from backend.domain.mail.sender import organisational_domain
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.rules import (
    MOST_RULES,
    Effect,
    Reading,
    Rule,
    effect_of,
    read_list,
    subject_of,
    write_list,
)
from backend.domain.mailbox.verdict import Verdict
from backend.domain.policy.table import Facts, Standing, decide
from backend.domain.reading.score import Score
from backend.pipeline.context import Context


@dataclass(frozen=True, slots=True)
class Trial:
    """What would happen to mail of `sender`: to a plain letter, and to what is surely a pitch. The same row for
    both means that what they write does not matter."""

    sender: str
    authenticated: bool
    letter: Verdict
    pitch: Verdict
    standing: Standing

    @property
    def settled(self) -> bool:
        """Whether the content does not matter."""
        return self.letter.row is self.pitch.row


async def add(context: Context, mailbox_id: str, text: str, kind: RuleKind) -> Rule:
    """Set a rule for what the owner wrote. Raises `Refused` naming the field."""
    rule = Rule(subject_of(text), kind)
    await context.store.put_rules(mailbox_id, (rule,), context.clock.now())
    return rule


async def remove(context: Context, mailbox_id: str, subject: str) -> None:
    """Remove a rule; one that is gone is as it should be. Raises `Refused` (rule_empty) if none is named."""
    if not subject.strip():
        raise Refused("rule_empty", field="subject")
    await context.store.set_rule(mailbox_id, subject, None, context.clock.now())


async def weigh(context: Context, mailbox_id: str, text: str, default: RuleKind) -> tuple[Reading, Effect]:
    """What importing the text would do. Changes nothing. Raises `Refused` (rules_too_long)."""
    reading = read_list(text, default)
    known = await context.store.rules_of(mailbox_id, [rule.subject for rule in reading.rules])
    return reading, effect_of(reading.rules, known)


async def bring_in(context: Context, mailbox_id: str, text: str, default: RuleKind) -> tuple[Reading, Effect]:
    """Import the lines that are in order; the same text again changes nothing."""
    reading, effect = await weigh(context, mailbox_id, text, default)
    if reading.rules:
        await context.store.put_rules(mailbox_id, reading.rules, context.clock.now())
    return reading, effect


async def written_out(context: Context, mailbox_id: str) -> str:
    """All rules as text that can be brought in again."""
    found = await context.store.rules(mailbox_id, None, "", "", MOST_RULES)
    return write_list(entry.rule for entry in found)


async def trial(context: Context, mailbox: Mailbox, text: str, *, authenticated: bool) -> Trial:
    """Would this sender pass? Raises `Refused` for what is no address."""
    sender = subject_of(text)
    if "@" not in sender:
        raise Refused("rule_address.domain", field="subject")
    now = context.clock.now()
    domain = organisational_domain(sender.rpartition("@")[2])
    standing = await context.store.standing(mailbox.id, sender, domain, "", now)
    facts = Facts(
        arrival=Arrival("", "", frozenset({"INBOX"}), now, Message(from_=(Address(sender),))),
        owner=mailbox.owner,
        authentication=Authentication(authenticated),
        preferences=mailbox.preferences,
        standing=standing,
        labels=mailbox.labels,
    )
    thresholds = context.reader.thresholds(mailbox.preferences.strictness)
    letter, pitch = (decide(facts, Score(certainty, 0.0), thresholds, (), now) for certainty in (0.0, 1.0))
    return Trial(sender, authenticated, letter, pitch, standing)
