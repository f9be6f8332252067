"""decide: every decision of the owner, wherever it was made. It takes effect at once and can be undone.

    tray, page, card ───────────┐
    digest's link, first run ───┼──▶ checks, effects and what was before, in one transaction ──▶ jobs that move mail
    moves in Gmail, a reply ────┘

Where the ways differ is in the table `IF_INAPPLICABLE` of `backend/domain/mailbox/decisions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.domain.challenge import adjusted_by_owner
from backend.domain.errors import Refused
from backend.domain.mail.message import INVISIBLE, MailboxId
from backend.domain.mail.sender import is_free_mail, normalise
from backend.domain.mailbox.decisions import Order, OrderResult, Origin, RuleKind
from backend.domain.mailbox.mailbox import Mode, Preferences, bad_setting
from backend.domain.mailbox.rules import ImportEffect, ParsedRules, effect_of, read_list
from backend.domain.watching.trial import Answer
from backend.locale import LANGUAGES
from backend.pipeline.context import Context
from backend.pipeline.notices import owner_acted
from backend.pipeline.owner_digest import known_zone
from backend.settings import Settings

MOST_ORDERED = 200
"""Most messages of one order. A page shows fewer."""

MOST_CREDITS = 20
LONGEST_ADDRESS = 320


def malformed(field: str) -> Refused:
    """The error for a form that our pages never send."""
    return Refused("malformed.form", field=field)


# ---- Decisions about mail


async def carry_out(context: Context, mailbox_id: MailboxId, order: Order) -> OrderResult:
    """Apply an order. Raises as `Store.decide` does, and `Refused` (malformed) for no messages or too many."""
    if not 1 <= len(order.gmail_ids) <= MOST_ORDERED:
        raise malformed("pick")
    done = await context.store.decide(mailbox_id, order, context.clock.now())
    if order.origin is not Origin.GMAIL:
        await owner_acted(context, mailbox_id)
    return done


async def take_back(context: Context, mailbox_id: MailboxId, key: str) -> tuple[str, ...]:
    """Undo what was ordered under this key; returns the messages that move. Raises as `Store.undo`."""
    moved = await context.store.undo(mailbox_id, key, context.clock.now())
    await owner_acted(context, mailbox_id)
    return moved


async def answer(
    context: Context, mailbox_id: MailboxId, gmail_id: str, answer: Answer, origin: Origin
) -> None:
    """Answer a question about a sampled message. Raises `NotFound`."""
    await context.store.answer_question(mailbox_id, gmail_id, answer, origin, context.clock.now())


# ---- Decisions about senders


async def give(context: Context, mailbox_id: MailboxId, key: str, address: str, amount: int) -> int:
    """Give a sender credits, or take some (below 0), once per key; returns the balance. Raises `Refused` (malformed,
    no_credit)."""
    if not 1 <= abs(amount) <= MOST_CREDITS:
        raise malformed("amount")
    plain = normalise(address)
    if "@" not in plain or len(plain) > LONGEST_ADDRESS:
        raise malformed("address")
    return await context.store.post(mailbox_id, adjusted_by_owner(plain, amount, key), context.clock.now())


async def set_rule(context: Context, mailbox_id: MailboxId, subject: str, kind: RuleKind | None) -> None:
    """Set or remove the rule for an address or a domain; it applies to future mail. Raises `Refused` (malformed), also
    when setting one for a public mail domain."""
    if kind is not None:
        subject = normalise(subject)
        if len(subject) > LONGEST_ADDRESS or INVISIBLE.search(subject):
            raise malformed("subject")
        if "@" not in subject and is_free_mail(subject):
            raise malformed("subject")
    if not subject.strip():
        raise malformed("subject")
    await context.store.set_rule(mailbox_id, subject, kind, context.clock.now())


async def weigh_rules(
    context: Context, mailbox_id: MailboxId, text: str, default: RuleKind
) -> tuple[ParsedRules, ImportEffect]:
    """What importing the text would change. Changes nothing. Raises `Refused` (rules_too_long)."""
    parsed = read_list(text, default)
    known = await context.store.rules_of(mailbox_id, [rule.subject for rule in parsed.rules])
    return parsed, effect_of(parsed.rules, known)


async def bring_in_rules(
    context: Context, mailbox_id: MailboxId, text: str, default: RuleKind
) -> tuple[ParsedRules, ImportEffect]:
    """Import the valid lines; the same text again changes nothing."""
    parsed, effect = await weigh_rules(context, mailbox_id, text, default)
    if parsed.rules:
        await context.store.put_rules(mailbox_id, parsed.rules, context.clock.now())
    return parsed, effect


# ---- Settings
# A challenge asks its sender to open a page, so the mode needs an address that senders can reach. Time zones and
# languages are those this release knows.


def check_chosen(settings: Settings, changes: Mapping[str, Any]) -> None:
    """Raise `Refused` (out_of_range, naming the field) if `changes` choose something not available here."""
    if changes.get("mode") == Mode.CHALLENGE and not settings.challenges:
        raise Refused("out_of_range.challenge", field="mode")
    if "zone" in changes and not known_zone(str(changes["zone"])):
        raise bad_setting("zone")
    if "language" in changes and changes["language"] not in LANGUAGES:
        raise bad_setting("language", LANGUAGES)


async def save_preferences(
    context: Context, mailbox_id: MailboxId, changes: Mapping[str, Any]
) -> Preferences:
    """Save all `changes` or none. Raises `Refused` naming the field."""
    check_chosen(context.settings, changes)
    changed = await context.store.change_preferences(mailbox_id, changes, context.clock.now())
    await owner_acted(context, mailbox_id)
    return changed
