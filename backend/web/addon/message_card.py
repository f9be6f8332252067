"""The card beside an open message: verdict, score, reasons, sender and buttons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backend.domain.entry.challenge import MAX_NOTE
from backend.domain.mail.sender import is_free_mail, organisational_domain
from backend.domain.mailbox.decisions import IN_SPAM_OR_BIN, RuleKind
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView, Outcome, Placement, PolicyRow, Stage
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
"""The card's title by `note`, for messages whose place we have not decided."""


def message_version(data: CardData) -> str:
    """The version that buttons send along. It changes with every decision, credit or move of the message."""
    changed = int(data.view.changed_at.timestamp() * 1_000_000)
    return f"{data.version}.{changed}.{data.standing.credits}"


def message_card(
    frame: Frame, mailbox: Mailbox, gmail_id: str, data: CardData, *, note: str = "", undo_key: str = ""
) -> Json:
    """The card of one message. `note`: catalogue key of a sentence about a message we have not screened; `undo_key`: of
    the decision just made, which the card offers to undo."""
    view = data.view
    return cards.card(
        "message",
        frame.words[TITLES.get(note) or _place(view)],
        "Pitchgate" if view.score is None else frame.score(view.score),
        (
            trouble(frame, mailbox),
            _verdict(frame, view, note),
            _note(frame, view),
            # Above the reasons: on a phone the owner should not have to scroll to act.
            _refresh_button(frame, gmail_id) if note == COMING else _actions(frame, gmail_id, data, undo_key),
            *_reasons(frame, view),
            _sender(frame, data),
            None if note == COMING else _domain(frame, gmail_id, data),
        ),
        displayStyle="REPLACE",
    )


def note_card(frame: Frame, mailbox: Mailbox, gmail_id: str, note: str) -> Json:
    """The card of a message we know nothing about; `note` is the catalogue key of the reason."""
    reason = cards.section((cards.paragraph(cards.escaped(frame.words[note])),))
    return cards.card(
        "message",
        frame.words["message"],
        "Pitchgate",
        (trouble(frame, mailbox), reason, _refresh_button(frame, gmail_id) if gmail_id else None),
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
    widgets: list[Json | None] = []
    if view.dead_letter:
        note = "note_dead_letter"
    elif view.stage is Stage.SCREEN:
        note = "note_reading"
    if note:
        widgets.append(cards.paragraph(cards.escaped(words[note])))
    if view.row:
        known = f"row_{view.row}" in words
        text = row_words(view, frame.t) if known else words["row_fail_open"]
        widgets.append(cards.line(f"<b>{cards.escaped(text)}</b>"))
    # The row "credit" already says that a credit was spent.
    if view.decided_by and view.row != PolicyRow.CREDIT:
        widgets.append(cards.paragraph(cards.escaped(words.get(f"by_{view.decided_by}", words["by_owner"]))))
    return cards.section(widgets)


def _note(frame: Frame, view: MessageView) -> Json | None:
    line = cards.line(shown(view.note, MAX_NOTE), frame.words["note"]) if view.note else None
    return cards.section((line,))


def _reasons(frame: Frame, view: MessageView) -> Iterator[Json | None]:
    """The reasons for and against a pitch, each with the words of the email that matched."""
    lines: dict[str, list[Json]] = {"for": [], "against": []}
    for reason in reasons_of(view)[:MOST_REASONS]:
        quoted = ", ".join(shown(quote, 40) for quote in reason.quotes[:MOST_WORDS])
        words = reason_text(frame.language, reason.code)
        text = shown(words[:1].upper() + words[1:])  # each reason has its own line here
        side = "for" if reason.weight > 0 else "against"
        if not text:
            continue
        lines[side].append(cards.line(f"{text}<br><i>{quoted}</i>" if quoted else text))
    return (cards.section(widgets, frame.words[side]) for side, widgets in lines.items())


def _actions(frame: Frame, gmail_id: str, data: CardData, undo_key: str) -> Json | None:
    view, rules = data.view, data.standing.rules
    undo = frame.act("undo", {"act": "undo", "message": gmail_id, "key": undo_key}) if undo_key else None
    if not view.outcome or view.outcome == Outcome.IGNORE:
        return (
            cards.section((cards.buttons((undo,)),))
            if view.outcome
            else _refresh_button(frame, gmail_id, undo)
        )
    held, known = view.placement is Placement.HELD, bool(view.sender)
    choices = (
        ("release", held and view.decided_by not in IN_SPAM_OR_BIN),
        ("sales", not held),
        ("allow", known and rules.address is not RuleKind.ALLOW),
        ("block", known and rules.address is not RuleKind.BLOCK),
        ("keep", held and not view.decided_by),
        ("credit", known),
    )
    return cards.section((cards.buttons((undo, *_buttons(frame, gmail_id, data, choices))),))


def _refresh_button(frame: Frame, gmail_id: str, *more: Json | None) -> Json | None:
    again = frame.act("refresh", {"act": "refresh", "message": gmail_id})
    return cards.section((cards.buttons((*more, again)),))


def _domain(frame: Frame, gmail_id: str, data: CardData) -> Json | None:
    """The decisions about the sender's domain; None for a free mail provider, where anybody can get an address."""
    view, rule = data.view, data.standing.rules.domain
    domain = organisational_domain(view.sender.rpartition("@")[2])
    if not domain or is_free_mail(domain) or not view.outcome or view.outcome == Outcome.IGNORE:
        return None
    choices = (("allow_domain", rule is not RuleKind.ALLOW), ("block_domain", rule is not RuleKind.BLOCK))
    header = frame.words["everyone"].format(domain=shown(domain))
    return cards.section((cards.buttons(_buttons(frame, gmail_id, data, choices)),), header)


def _buttons(frame: Frame, gmail_id: str, data: CardData, choices: Iterable[tuple[str, bool]]) -> list[Json]:
    """A button for each of `choices` (act, whether to offer it) that is to be offered."""
    message = {"message": gmail_id, "version": message_version(data)}
    return [
        frame.act(act, {"act": act} | message, "FILLED" if act == "release" else "OUTLINED")
        for act, offered in choices
        if offered
    ]


def _sender(frame: Frame, data: CardData) -> Json | None:
    view, standing, record, words = data.view, data.standing, data.record, frame.words
    if not view.sender and not view.sender_name:
        return None
    name = f"<b>{shown(view.sender_name)}</b><br>" if view.sender_name else ""
    lines = [words["corresponded"] if standing.corresponded else words["stranger"]]
    if standing.rules.domain:
        lines.insert(0, words[f"rule_{standing.rules.domain}_domain"])
    if standing.rules.address:  # first, since it overrides the rule for the domain
        lines.insert(0, words[f"rule_{standing.rules.address}"])
    lines.append(words["credits"].format(count=standing.credits))
    if record.held:
        lines.append(words["waiting"].format(count=record.held))
    if record.challenged:
        lines.append(words["asked"].format(asked=record.challenged, solved=record.solved))
    text = "<br>".join(cards.escaped(line) for line in lines)
    return cards.section(
        (
            cards.line(
                f"{name}{shown(view.sender) or cards.escaped(words['unknown_sender'])}", icon="PERSON"
            ),
            cards.paragraph(text),
        ),
        words["sender"],
    )
