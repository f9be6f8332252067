"""Every card there is, in every state it can be in: for the limits, and for eyes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from backend.domain.errors import Cause, FailingJob
from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import AccessState, Condition, Mailbox, Mode, Preferences
from backend.domain.mailbox.message import MessageView, Outcome, Placement, PolicyRow, Stage
from backend.domain.policy.table import Standing
from backend.pipeline.addon import Home
from backend.transactions.records import CardData, HeldSender, SenderRecord
from backend.web.addon_cards import Frame, Json, home_card, message_card, note_card, settings_card
from backend.web.pages import card_words
from tests.doubles import START as NOW
from tests.values import mailbox, message

HOSTILE = '<script>alert(1)</script> & "\'<a href="https://evil.test">free</a>\u202egnp.exe\r\n\x00'
LONG = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh " * 3
REASONS = (
    {
        "text": "pitch_words",
        "weight": 2.1,
        "words": ["pipeline", "(amount)", "15-20 qualified meetings"],
    },
    {"text": "phrase.asks_call", "weight": 1.4, "words": ["a quick call"]},
    {"text": "phrase.asks_price", "weight": -0.7, "words": ["what do you charge"]},
)
KEY = "card-" + "0" * 32
LET_IN = {"placement": Placement.INBOX, "outcome": Outcome.INBOX}


def frame(language: str = "en") -> Frame:
    """The facts that cards show, at a fixed time two hours east."""
    return Frame(
        card_words(language), language, "https://gate.test", NOW, timedelta(hours=2), "1796130000000000"
    )


def active(**changes: Any) -> Mailbox:
    return mailbox(watch_expires_at=NOW + timedelta(days=6), indexed_at=NOW, **changes)


def reading(view: MessageView, **standing: Any) -> CardData:
    return CardData(view, 3, Standing(**standing), SenderRecord(2, 1, 1))


def stranger(view: MessageView, **standing: Any) -> CardData:
    return CardData(view, 0, Standing(**standing), SenderRecord())


def boxes() -> dict[Condition, Mailbox]:
    """A mailbox in every condition."""
    return {
        Condition.CONNECTING: mailbox(),
        Condition.INDEXING: mailbox(watch_expires_at=NOW + timedelta(days=6)),
        Condition.ACTIVE: active(preferences=Preferences(mode=Mode.CHALLENGE)),
        Condition.OBSERVING: active(),
        Condition.PAUSED: active(preferences=Preferences(paused_until=NOW + timedelta(hours=1))),
        Condition.NEEDS_RECONNECT: active(link=AccessState.NEEDS_RECONNECT),
        Condition.WATCH_LAPSED: mailbox(watch_expires_at=NOW),
        Condition.DELAYED: active(failing=(FailingJob("sync", Cause.LIMITS, NOW - timedelta(hours=1)),)),
        Condition.DISCONNECTED: mailbox(link=AccessState.LEAVING),
    }


def homes(language: str) -> dict[str, Json]:
    """The homepage in every state."""
    pitches = (message(), message("m2", sender_name=LONG, subject=HOSTILE), message("m3", subject=""))
    piles = tuple(HeldSender(f"{n}@vendor.example", n, NOW, (pitch,)) for n, pitch in enumerate(pitches, 1))
    found = {
        f"home {condition}": home_card(frame(language), box, Home(0, 0, ()))
        for condition, box in boxes().items()
    }
    found["home waiting"] = home_card(frame(language), active(), Home(12, 3, piles))
    found["home released"] = home_card(frame(language), active(), Home(0, 0, ()), KEY)
    found["home would hold"] = home_card(frame(language), active(), Home(0, 0, (), pitches))
    return found


def messages(language: str) -> dict[str, Json]:
    """The card of a message in every state."""
    pitch = message(reasons=REASONS)
    readings = {f"row {row}": _by_row(pitch, row) for row in PolicyRow} | {
        "held silently": stranger(replace(pitch, row=PolicyRow.QUARANTINE)),
        "domain blocked": reading(
            replace(pitch, row=PolicyRow.BLOCKED), rules=RuleMatch(domain=RuleKind.BLOCK)
        ),
        "domain allowed": reading(
            replace(pitch, row=PolicyRow.ALLOWED, **LET_IN), rules=RuleMatch(domain=RuleKind.ALLOW)
        ),
        "both rules": reading(pitch, rules=RuleMatch(RuleKind.BLOCK, RuleKind.ALLOW)),
        "known": reading(replace(pitch, row=PolicyRow.BELOW_HOLD, score=0.04, **LET_IN), corresponded=True),
        "being read": stranger(
            message(row="", outcome="", score=None, stage=Stage.SCREEN, placement=Placement.INBOX)
        ),
        "dead letter": stranger(message(row="", outcome="", score=None, dead_letter=True, placement=None)),
        "hostile": reading(message(sender_name=HOSTILE, subject=HOSTILE, reasons=REASONS)),
        "long": reading(message(sender_name=LONG, sender="x" * 60 + "@" + "y" * 50 + ".example")),
        "note": reading(message(reasons=REASONS, note=f"We met in Porto. {HOSTILE}")),
        "nobody": stranger(message(sender="", sender_name="")),
    }
    readings |= {
        f"by {by}": reading(replace(pitch, decided_by=by, placement=Placement.INBOX), credits=2)
        for by in ("owner", "solve", "credit", "replied")
    }
    cards = {name: message_card(frame(language), active(), "m1", found) for name, found in readings.items()}
    for name, note in (("unknown", "note_fresh"), ("just come", "note_coming")):
        seen = stranger(replace(pitch, row=PolicyRow.OBSERVE, **LET_IN))
        cards[name] = message_card(frame(language), active(), "m1", seen, note=note)
    for name, stage, place in (
        ("released", Stage.RELEASE, Placement.INBOX),
        ("called sales", Stage.ACT, Placement.HELD),
    ):
        moving = reading(replace(pitch, stage=stage, placement=place, decided_by="owner"))
        cards[name] = message_card(frame(language), active(), "m1", moving, undo_key=KEY)
    return cards


def others(language: str) -> dict[str, Json]:
    """Cards about messages of which nothing can be said, and settings."""
    lost = active(link=AccessState.NEEDS_RECONNECT)
    found = {
        note: note_card(frame(language), active(), "m1", f"note_{note}")
        for note in ("gone", "later", "indexing")
    }
    found["no message"] = note_card(frame(language), active(), "", "note_no_message")
    found["message, access lost"] = message_card(
        frame(language), lost, "m1", reading(message(reasons=REASONS))
    )
    found["gone, access lost"] = note_card(frame(language), lost, "m1", "note_gone")
    found["settings"] = settings_card(frame(language), active())
    found["settings, access lost"] = settings_card(frame(language), lost)
    return found


def _by_row(pitch: MessageView, row: PolicyRow) -> CardData:
    rules = {PolicyRow.BLOCKED: RuleMatch(RuleKind.BLOCK), PolicyRow.ALLOWED: RuleMatch(RuleKind.ALLOW)}
    if row in (
        PolicyRow.BLOCKED,
        PolicyRow.HELD_WITH_EARLIER,
        PolicyRow.HELD_WITH_LATER,
        PolicyRow.QUARANTINE,
        PolicyRow.CHALLENGE,
    ):
        return reading(replace(pitch, row=row), rules=rules.get(row, RuleMatch()))
    changes: dict[str, Any] = dict(LET_IN)
    if row is PolicyRow.OBSERVE:
        changes = {"placement": Placement.MARKED, "outcome": Outcome.MARK}
    elif row is PolicyRow.NOT_INCOMING:
        changes = {"placement": None, "outcome": Outcome.IGNORE, "score": None, "reasons": ()}
    elif row is PolicyRow.FAIL_OPEN:
        changes |= {"score": None, "reasons": (), "cause": "the model broke"}
    credits = 1 if row is PolicyRow.CREDIT else 0
    decided_by = "credit" if row is PolicyRow.CREDIT else ""
    return reading(
        replace(pitch, row=row, decided_by=decided_by, **changes),
        rules=rules.get(row, RuleMatch()),
        credits=credits,
        corresponded=row is PolicyRow.CORRESPONDENT,
    )


GROUPS = {"home": homes, "message": messages, "other": others}
