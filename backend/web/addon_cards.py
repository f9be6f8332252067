"""The add-on's cards as JSON: building blocks, the home card, the card of an open message, and the settings card."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from backend.domain.challenge import MAX_NOTE
from backend.domain.mail.sender import is_free_mail, organisational_domain
from backend.domain.mailbox.decisions import IN_SPAM_OR_BIN, RuleKind
from backend.domain.mailbox.mailbox import Condition, DigestPace, Mailbox, Mode, Strictness
from backend.domain.mailbox.message import MessageView, Outcome, Placement, PolicyRow, Stage
from backend.domain.mailbox.review import reasons_of
from backend.domain.reading.score import percent, score_band
from backend.locale import Section, Words
from backend.locale import reason as reason_text
from backend.pipeline.addon import Home
from backend.transactions.records import CardData
from backend.web.pages import row_words, state_of

# ---- Building blocks of cards
# All text from an email must go through `shown`.


Json = dict[str, Any]
MOST_TEXT = 200


def shown(text: str, most: int = MOST_TEXT) -> str:
    """Text from an email made safe: one line of at most `most` characters, without control characters, HTML-escaped."""
    plain = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    plain = " ".join(plain.split())
    if len(plain) > most:
        plain = plain[: most - 1].rstrip() + "…"
    return html.escape(plain, quote=True)


def escaped(text: str, **values: object) -> str:
    """Our own text with `values` filled in, HTML-escaped because it may contain an ampersand."""
    return html.escape(text.format(**values), quote=False)


def card(name: str, title: str, subtitle: str, sections: Iterable[Json | None], **more: Any) -> Json:
    """A card. Sections that are None are omitted."""
    header = {"title": title} | ({"subtitle": subtitle} if subtitle else {})
    parts = [part for part in sections if part]
    rows = [row for part in parts for widget in part["widgets"] if (row := widget.get("buttonList"))]
    filled = [button for row in rows for button in row["buttons"] if button["type"] == "FILLED"]
    for button in filled[1:]:  # only the first on a card stays filled
        button["type"] = "OUTLINED"
    return {"name": name, "header": header, "sections": parts, **more}


def section(widgets: Iterable[Json | None], header: str = "", **more: Any) -> Json | None:
    """A section of the widgets that are not None, or None if there are none."""
    kept = [widget for widget in widgets if widget]
    if not kept:
        return None
    return ({"header": header} if header else {}) | {"widgets": kept, **more}


def line(
    text: str,
    top: str = "",
    bottom: str = "",
    icon: str = "",
    button: Json | None = None,
    click: Json | None = None,
) -> Json:
    """A text with smaller text above (`top`) and below (`bottom`). `click`: what a click outside `button` does."""
    widget = {"topLabel": top, "bottomLabel": bottom, "startIcon": icon and {"knownIcon": icon}}
    around = widget | {"button": button, "onClick": click}
    return {"decoratedText": {"text": text, "wrapText": True} | {k: v for k, v in around.items() if v}}


def paragraph(text: str) -> Json:
    return {"textParagraph": {"text": text}}


def buttons(found: Iterable[Json | None]) -> Json | None:
    """A row of the buttons that are not None, or None if there are none."""
    kept = [button for button in found if button]
    return {"buttonList": {"buttons": kept}} if kept else None


def button(text: str, function: str, parameters: Mapping[str, str], kind: str = "OUTLINED") -> Json:
    return {"text": text, "type": kind, "onClick": posting(function, parameters)}


def posting(function: str, parameters: Mapping[str, str]) -> Json:
    """The action of a click that posts `parameters` to our address `function`."""
    action = {
        "function": function,
        "parameters": [{"key": key, "value": value} for key, value in parameters.items()],
        "loadIndicator": "SPINNER",
    }
    return {"action": action}


def link(text: str, url: str, kind: str = "OUTLINED") -> Json:
    """A button that opens one of our pages."""
    return {"text": text, "type": kind, "onClick": {"openLink": {"url": url, "onClose": "RELOAD"}}}


def choice(name: str, label: str, items: Iterable[tuple[str, str]], chosen: str) -> Json:
    listed = [{"text": text, "value": value, "selected": value == chosen} for text, value in items]
    return {"selectionInput": {"name": name, "label": label, "type": "RADIO_BUTTON", "items": listed}}


# ---- What every card needs


@dataclass(frozen=True, slots=True)
class Frame:
    """`base` is our public address, `offset` the owner's distance from UTC, `version` the mailbox's version, sent along
    when settings are changed, `challenges` whether senders can open challenge links."""

    words: Section
    language: str
    base: str
    now: datetime
    offset: timedelta
    version: str = ""
    challenges: bool = True

    @property
    def zone(self) -> timezone:
        return timezone(self.offset)

    @property
    def midnight(self) -> datetime:
        """When the owner's day began, in UTC."""
        local = self.now.astimezone(self.zone)
        return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)

    @property
    def no_challenges(self) -> str:
        """Why challenge mode is not offered."""
        return f"{self.words['mode_challenge']}: {self.words['no_challenges']}."

    @property
    def t(self) -> Words:
        """The card's texts; numbers and times are filled in as on the pages, in the owner's zone."""
        return Words(self.words, self.zone)

    def score(self, share: float) -> str:
        """The score `share` (0…1) with its word, such as "96 Pitch"."""
        number = percent(share)
        return f"{number} {self.words[f'score_{score_band(number)}']}"

    def act(self, key: str, parameters: dict[str, str], kind: str = "OUTLINED") -> Json:
        """A button labelled with the text `key` that posts `parameters` to /addon/act."""
        return button(self.words[key], self._acts, parameters, kind)

    def click(self, parameters: dict[str, str]) -> Json:
        return posting(self._acts, parameters)

    @property
    def _acts(self) -> str:
        return f"{self.base}/addon/act"


# ---- The mailbox's state


TO_MEND = (Condition.NEEDS_RECONNECT, Condition.WATCH_LAPSED, Condition.DELAYED)


def connect_address(base: str) -> str:
    return f"{base}/connect"


def review_address(base: str) -> str:
    return f"{base}/review"


def warnings(frame: Frame, mailbox: Mailbox) -> tuple[Json, ...]:
    state = state_of(mailbox, frame.language, frame.now, frame.t.moment)
    return tuple(line(escaped(warning)) for warning in state.warnings)


def state_line(frame: Frame, mailbox: Mailbox) -> Json:
    """The mailbox's state in one or two sentences."""
    state = state_of(mailbox, frame.language, frame.now, frame.t.moment)
    paused = state.condition is Condition.PAUSED
    return line(escaped(state.line), frame.words["state"], icon="CLOCK" if paused else "")


def trouble(frame: Frame, mailbox: Mailbox) -> Json | None:
    """The section at the top of a card that says what is wrong and links to reconnecting; None if nothing is."""
    condition = mailbox.condition(frame.now)
    reconnect = link(frame.words["reconnect"], connect_address(frame.base), "FILLED")
    if condition not in TO_MEND:
        return section((buttons((reconnect,)),)) if mailbox.grant_ends(frame.now) else None
    lost = condition is Condition.NEEDS_RECONNECT
    return section((state_line(frame, mailbox), buttons((reconnect,)) if lost else None))


# ---- Answers to Gmail


def first_card(card: Json) -> Json:
    """The answer when Gmail opens the add-on or a message: its card."""
    return {"action": {"navigations": [{"pushCard": card}]}}


def updated_card(card: Json, toast: str, *, moved: bool) -> Json:
    """The answer to a click: the card as it is now, and a toast. `moved`: other cards and mail may have changed too."""
    action = {"navigations": [{"updateCard": card}]} | ({"notification": {"text": toast}} if toast else {})
    return {"renderActions": {"action": action}, "stateChanged": moved}


def next_card(card: Json) -> Json:
    """The answer to a click that opens another card, with Gmail's arrow to go back."""
    return {"renderActions": {"action": {"navigations": [{"pushCard": card}]}}, "stateChanged": False}


def ask_scopes(scopes: Iterable[str]) -> Json:
    """The answer that makes Google ask the owner for `scopes` and then repeat the call."""
    return {"requesting_google_scopes": {"scopes": list(scopes)}}


def ask_connection(base: str) -> Json:
    """The answer for an owner without a connected mailbox: a link to the page that connects it."""
    prompt = {"authorization_url": connect_address(base), "resource": "Pitchgate"}
    return {"basic_authorization_prompt": prompt}


# ---- The home card


MORNING = timedelta(hours=8)


def home_card(frame: Frame, mailbox: Mailbox, home: Home, undo_key: str = "") -> Json:
    """The home card. `undo_key`: of the decision just made, which it offers to undo."""
    condition = mailbox.condition(frame.now)
    # While all is well the title says it already.
    state = None if condition is Condition.ACTIVE else section((state_line(frame, mailbox),))
    undo = frame.act("undo", {"act": "undo", "key": undo_key, "card": "home"}) if undo_key else None
    settings = frame.act("settings", {"act": "settings"})
    review = None if home.emails else link(frame.words["open"], review_address(frame.base))
    # In observe mode: what would have been held. It is in the inbox, so there is no release button.
    marked = [_message_line(frame, view, release=False) for view in home.marked]
    return card(
        "home",
        "Pitchgate",
        state_of(mailbox, frame.language, frame.now).title,
        (
            trouble(frame, mailbox) or state,
            section(warnings(frame, mailbox)),
            section((buttons((undo,)),)),
            *_held(frame, home),
            section(marked, frame.words["marked"]),
            _pause(frame, mailbox, condition),
            section((buttons((settings, review)),)),
        ),
    )


def _held(frame: Frame, home: Home) -> Iterator[Json | None]:
    if not home.emails:
        yield section((paragraph(escaped(frame.words["nobody"])),))
        return
    counts = line(
        escaped(frame.t.count("held_emails", home.emails)),
        bottom=escaped(frame.t.count("held_senders", home.senders)),
        icon="EMAIL",
        button=link(frame.words["review"], review_address(frame.base)),
    )
    yield section((counts,))
    recent = [each for each in home.recent if each.messages]
    lines = [_message_line(frame, each.messages[0], each.count) for each in recent]
    key = "recent" if len(lines) == home.senders else "recent_of"
    yield section(lines, frame.t(key, shown=len(lines), all=home.senders))


def _message_line(frame: Frame, view: MessageView, count: int = 1, *, release: bool = True) -> Json:
    """A sender with their latest message and, with `release`, its release button. A click opens the message's card."""
    who = shown(view.sender_name or view.sender, 80) or escaped(frame.words["unknown_sender"])
    subject = shown(view.subject, 80) or escaped(frame.words["no_subject"])
    version = f"home.{int(view.changed_at.timestamp() * 1_000_000)}"
    parameters = {"act": "release", "message": view.gmail_id, "version": version, "card": "home"}
    when = frame.t.short(view.received_at or view.first_seen_at, frame.now)
    bottom = when if view.score is None else f"{frame.score(view.score)} · {when}"
    button = frame.act("release", parameters) if release else None
    more = frame.click({"act": "show", "message": view.gmail_id})
    many = f", {escaped(frame.t.count('of_sender', count))}" if count > 1 else ""
    return line(f"<b>{who}</b>{many}<br>{subject}", bottom=bottom, button=button, click=more)


def _pause(frame: Frame, mailbox: Mailbox, condition: Condition) -> Json | None:
    if mailbox.paused(frame.now):
        parameters = {"act": "resume", "version": frame.version}
        return section((buttons((frame.act("resume", parameters, "FILLED"),)),), frame.words["pause"])
    if condition in (Condition.NEEDS_RECONNECT, Condition.DISCONNECTED):
        return None
    # The button posts the time the pause ends, not its length, so that a repeated click does not pause for longer.
    hour = frame.now + timedelta(hours=1)
    morning = frame.midnight + timedelta(days=1) + MORNING
    choices = [
        frame.act(key, {"act": "pause", "until": end.isoformat(timespec="seconds"), "version": frame.version})
        for key, end in (("pause_hour", hour), ("pause_day", morning))
    ]
    return section((buttons(choices),), frame.words["pause"])


# ---- The settings card


def settings_card(frame: Frame, mailbox: Mailbox) -> Json:
    """The settings card. Its form fields are named like the preferences."""
    words, chosen = frame.words, mailbox.preferences
    unavailable = () if frame.challenges else (Mode.CHALLENGE,)
    modes = [(words[f"mode_{m}"], str(m)) for m in Mode if m not in unavailable or m is chosen.mode]
    why = paragraph(frame.no_challenges) if unavailable else None
    news = None if mailbox.condition(frame.now) in TO_MEND else line(words[f"news_{mailbox.notices}"])
    levels = [(words[f"strictness_{level}"], str(level)) for level in Strictness]
    paces = [(words[f"digest_{pace}"], str(pace)) for pace in DigestPace]
    save = frame.act("save", {"act": "save", "version": frame.version}, "FILLED")
    return card(
        "settings",
        words["settings"],
        "Pitchgate",
        (
            trouble(frame, mailbox),
            section((news, *warnings(frame, mailbox))),
            section((choice("mode", words["mode"], modes, chosen.mode), why)),
            section((choice("strictness", words["strictness"], levels, chosen.strictness),)),
            section((choice("digest", words["digest_h"], paces, chosen.digest),)),
        ),
        fixedFooter={"primaryButton": save},
    )


# ---- The card beside an open message: verdict, score, reasons, sender and buttons


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
    return card(
        "message",
        frame.words[TITLES.get(note) or _place(view)],
        "Pitchgate" if view.score is None else frame.score(view.score),
        (
            trouble(frame, mailbox),
            _verdict(frame, view, note),
            section((line(shown(view.note, MAX_NOTE), frame.words["note"]),)) if view.note else None,
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
    reason = section((paragraph(escaped(frame.words[note])),))
    parts = (trouble(frame, mailbox), reason, _refresh_button(frame, gmail_id) if gmail_id else None)
    return card("message", frame.words["message"], "Pitchgate", parts, displayStyle="REPLACE")


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
        widgets.append(paragraph(escaped(words[note])))
    if view.row:
        text = row_words(view, frame.t) if f"row_{view.row}" in words else words["row_fail_open"]
        widgets.append(line(f"<b>{escaped(text)}</b>"))
    # The row "credit" already says that a credit was spent.
    if view.decided_by and view.row != PolicyRow.CREDIT:
        widgets.append(paragraph(escaped(words.get(f"by_{view.decided_by}", words["by_owner"]))))
    return section(widgets)


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
        lines[side].append(line(f"{text}<br><i>{quoted}</i>" if quoted else text))
    return (section(widgets, frame.words[side]) for side, widgets in lines.items())


def _actions(frame: Frame, gmail_id: str, data: CardData, undo_key: str) -> Json | None:
    view, rules = data.view, data.standing.rules
    undo = frame.act("undo", {"act": "undo", "message": gmail_id, "key": undo_key}) if undo_key else None
    if not view.outcome or view.outcome == Outcome.IGNORE:
        return section((buttons((undo,)),)) if view.outcome else _refresh_button(frame, gmail_id, undo)
    held, known = view.placement is Placement.HELD, bool(view.sender)
    choices = (
        ("release", held and view.decided_by not in IN_SPAM_OR_BIN),
        ("sales", not held),
        ("allow", known and rules.address is not RuleKind.ALLOW),
        ("block", known and rules.address is not RuleKind.BLOCK),
        ("keep", held and not view.decided_by),
        ("credit", known),
    )
    return section((buttons((undo, *_buttons(frame, gmail_id, data, choices))),))


def _refresh_button(frame: Frame, gmail_id: str, *more: Json | None) -> Json | None:
    again = frame.act("refresh", {"act": "refresh", "message": gmail_id})
    return section((buttons((*more, again)),))


def _domain(frame: Frame, gmail_id: str, data: CardData) -> Json | None:
    """The decisions about the sender's domain; None for a free mail provider, where anybody can get an address."""
    view, rule = data.view, data.standing.rules.domain
    domain = organisational_domain(view.sender.rpartition("@")[2])
    if not domain or is_free_mail(domain) or not view.outcome or view.outcome == Outcome.IGNORE:
        return None
    choices = (("allow_domain", rule is not RuleKind.ALLOW), ("block_domain", rule is not RuleKind.BLOCK))
    header = frame.words["everyone"].format(domain=shown(domain))
    return section((buttons(_buttons(frame, gmail_id, data, choices)),), header)


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
    text = "<br>".join(escaped(line) for line in lines)
    return section(
        (
            line(f"{name}{shown(view.sender) or escaped(words['unknown_sender'])}", icon="PERSON"),
            paragraph(text),
        ),
        words["sender"],
    )
