"""The card beside an open message: verdict, score, reasons, sender, what can be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backend.domain.entry.challenge import MAX_NOTE
from backend.domain.mail.sender import is_free_mail, organisational_domain
from backend.domain.mailbox.decisions import AWAY, RuleKind
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView, Outcome, Placement, RowName, Stage
from backend.domain.mailbox.review import reasons_of
from backend.locale import reason as reason_text
from backend.transactions.records import CardData
from backend.web.addon import cards
from backend.web.addon.cards import Frame, Json, shown, trouble
from backend.web.pages import row_words

MOST_REASONS = 6
MOST_WORDS = 5
COMING = "note_coming"
TITLES = {COMING: "place_reading", "note_fresh": "message"}
"""Where such a message is was not decided by us."""


def version_of(reading: CardData) -> str:
    """What an act on this message is tied to: another one after every decision, credit or move."""
    changed = int(reading.view.changed_at.timestamp() * 1_000_000)
    return f"{reading.version}.{changed}.{reading.standing.credits}"


def message_card(
    frame: Frame, mailbox: Mailbox, gmail_id: str, reading: CardData, *, note: str = "", undo_key: str = ""
) -> Json:
    """The card of one message. `note` names a text about how it came to be known; `undo_key` is the decision
    just made."""
    view = reading.view
    return cards.card(
        "message",
        frame.words[TITLES.get(note) or _place(view)],
        "Pitchgate" if view.score is None else frame.score(view.score),
        (
            trouble(frame, mailbox),
            _verdict(frame, view, note),
            _note(frame, view),
            # Above the reasons: on a phone the owner should not have to scroll to act.
            _again(frame, gmail_id) if note == COMING else _actions(frame, gmail_id, reading, undo_key),
            *_reasons(frame, view),
            _sender(frame, reading),
            None if note == COMING else _domain(frame, gmail_id, reading),
        ),
        displayStyle="REPLACE",
    )


def note_card(frame: Frame, mailbox: Mailbox, gmail_id: str, note: str) -> Json:
    """The card of a message about which nothing can be said; `note` names the text that says why."""
    told = cards.section((cards.paragraph(cards.escaped(frame.words[note])),))
    return cards.card(
        "message",
        frame.words["message"],
        "Pitchgate",
        (trouble(frame, mailbox), told, _again(frame, gmail_id) if gmail_id else None),
        displayStyle="REPLACE",
    )


def _place(view: MessageView) -> str:
    if view.stage is Stage.SCREEN and not view.dead_letter:
        return "place_reading"
    if view.stage is Stage.RELEASE:
        return "place_returning"
    if view.placement is None:
        return "place_none"
    if view.stage is Stage.ACT and view.placement is Placement.HELD:
        return "place_leaving"
    return f"place_{view.placement}"


def _verdict(frame: Frame, view: MessageView, note: str) -> Json | None:
    words = frame.words
    found: list[Json | None] = []
    if view.dead_letter:
        note = "note_dead_letter"
    elif view.stage is Stage.SCREEN:
        note = "note_reading"
    if note:
        found.append(cards.paragraph(cards.escaped(words[note])))
    if view.row:
        known = f"row_{view.row}" in words
        text = row_words(view, frame.t) if known else words["row_fail_open"]
        found.append(cards.line(f"<b>{cards.escaped(text)}</b>"))
    # A spent credit is a row of its own and need not be said twice.
    if view.decided_by and view.row != RowName.CREDIT:
        found.append(cards.paragraph(cards.escaped(words.get(f"by_{view.decided_by}", words["by_owner"]))))
    return cards.section(found)


def _note(frame: Frame, view: MessageView) -> Json | None:
    """What the sender of a held message wrote to the owner on the page of their link."""
    said = cards.line(shown(view.note, MAX_NOTE), frame.words["note"]) if view.note else None
    return cards.section((said,))


def _reasons(frame: Frame, view: MessageView) -> Iterator[Json | None]:
    """What looks like a pitch, and what speaks for ordinary mail; what the mail says of it is quoted below."""
    sides: dict[str, list[Json]] = {"for": [], "against": []}
    for reason in reasons_of(view)[:MOST_REASONS]:
        quoted = ", ".join(shown(words, 40) for words in reason.quotes[:MOST_WORDS])
        text = shown(_capital(reason_text(frame.language, reason.code)))
        side = "for" if reason.weight > 0 else "against"
        if not text:
            continue
        sides[side].append(cards.line(f"{text}<br><i>{quoted}</i>" if quoted else text))
    return (cards.section(lines, frame.words[side]) for side, lines in sides.items())


def _capital(text: str) -> str:
    """A reason stands on a line of its own here."""
    return text[:1].upper() + text[1:]


def _actions(frame: Frame, gmail_id: str, reading: CardData, undo_key: str) -> Json | None:
    view, rules = reading.view, reading.standing.rules
    undo = frame.act("undo", {"act": "undo", "message": gmail_id, "key": undo_key}) if undo_key else None
    if not view.outcome or view.outcome == Outcome.IGNORE:
        return cards.section((cards.buttons((undo,)),)) if view.outcome else _again(frame, gmail_id, undo)
    held, known = view.placement is Placement.HELD, bool(view.sender)
    offered = (
        ("release", held and view.decided_by not in AWAY),
        ("sales", not held),
        ("allow", known and rules.address is not RuleKind.ALLOW),
        ("block", known and rules.address is not RuleKind.BLOCK),
        ("keep", held and not view.decided_by),
        ("credit", known),
    )
    return cards.section((cards.buttons((undo, *_offered(frame, gmail_id, reading, offered))),))


def _again(frame: Frame, gmail_id: str, *more: Json | None) -> Json | None:
    again = frame.act("refresh", {"act": "refresh", "message": gmail_id})
    return cards.section((cards.buttons((*more, again)),))


def _domain(frame: Frame, gmail_id: str, reading: CardData) -> Json | None:
    """What can be decided about everybody at the sender's organisation; nothing where anybody gets an address."""
    view, rule = reading.view, reading.standing.rules.domain
    domain = organisational_domain(view.sender.rpartition("@")[2])
    if not domain or is_free_mail(domain) or not view.outcome or view.outcome == Outcome.IGNORE:
        return None
    offered = (
        ("allow_domain", rule is not RuleKind.ALLOW),
        ("block_domain", rule is not RuleKind.BLOCK),
    )
    header = frame.words["everyone"].format(domain=shown(domain))
    return cards.section((cards.buttons(_offered(frame, gmail_id, reading, offered)),), header)


def _offered(
    frame: Frame, gmail_id: str, reading: CardData, offered: Iterable[tuple[str, bool]]
) -> list[Json]:
    told = {"message": gmail_id, "version": version_of(reading)}
    return [
        frame.act(act, {"act": act} | told, "FILLED" if act == "release" else "OUTLINED")
        for act, wanted in offered
        if wanted
    ]


def _sender(frame: Frame, reading: CardData) -> Json | None:
    view, standing, record, words = reading.view, reading.standing, reading.record, frame.words
    if not view.sender and not view.sender_name:
        return None
    name = f"<b>{shown(view.sender_name)}</b><br>" if view.sender_name else ""
    lines = [words["corresponded"] if standing.corresponded else words["stranger"]]
    if standing.rules.domain:
        lines.insert(0, words[f"rule_{standing.rules.domain}_domain"])
    if standing.rules.address:  # it outranks the other, and so comes first
        lines.insert(0, words[f"rule_{standing.rules.address}"])
    lines.append(words["credits"].format(count=standing.credits))
    if record.held:
        lines.append(words["waiting"].format(count=record.held))
    if record.challenged:
        lines.append(words["asked"].format(asked=record.challenged, solved=record.solved))
    told = "<br>".join(cards.escaped(text) for text in lines)
    return cards.section(
        (
            cards.line(
                f"{name}{shown(view.sender) or cards.escaped(words['unknown_sender'])}", icon="PERSON"
            ),
            cards.paragraph(told),
        ),
        words["sender"],
    )
