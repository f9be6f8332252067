"""The add-on's cards as JSON: building blocks, the home card and the settings card."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from backend.domain.mailbox.mailbox import Condition, DigestPace, Mailbox, Mode, Strictness
from backend.domain.mailbox.message import MessageView
from backend.domain.reading.score import likeness, percent
from backend.locale import Section, Words
from backend.pipeline.addon import Home
from backend.web.pages import state_of

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
    for button in list(_filled_buttons(parts))[1:]:  # only the first on a card stays filled
        button["type"] = "OUTLINED"
    return {"name": name, "header": header, "sections": parts, **more}


def _filled_buttons(sections: list[Json]) -> Iterator[Json]:
    for widget in (widget for part in sections for widget in part["widgets"]):
        rows = widget.get("buttonList", {}).get("buttons", [])
        yield from (button for button in rows if button["type"] == "FILLED")


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
    inner: Json = {"text": text, "wrapText": True}
    inner |= {"topLabel": top} if top else {}
    inner |= {"bottomLabel": bottom} if bottom else {}
    inner |= {"startIcon": {"knownIcon": icon}} if icon else {}
    inner |= {"button": button} if button else {}
    inner |= {"onClick": click} if click else {}
    return {"decoratedText": inner}


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
        return f"{number} {self.words[f'score_{likeness(number)}']}"

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


def state_title(frame: Frame, mailbox: Mailbox) -> str:
    return state_of(mailbox, frame.language, frame.now).title


def trouble(frame: Frame, mailbox: Mailbox) -> Json | None:
    """The section at the top of a card that says what is wrong and links to reconnecting; None if nothing is."""
    condition = mailbox.condition(frame.now)
    reconnect = link(frame.words["reconnect"], connect_address(frame.base), "FILLED")
    if condition not in TO_MEND:
        return section((buttons((reconnect,)),)) if mailbox.grant_ends(frame.now) else None
    return section(
        (
            state_line(frame, mailbox),
            buttons((reconnect,)) if condition is Condition.NEEDS_RECONNECT else None,
        )
    )


# ---- Answers to Gmail


def first_card(card: Json) -> Json:
    """The answer when Gmail opens the add-on or a message: its card."""
    return {"action": {"navigations": [{"pushCard": card}]}}


def updated_card(card: Json, toast: str, *, moved: bool) -> Json:
    """The answer to a click: the card as it is now, and a toast. `moved`: other cards and mail may have changed too."""
    action: Json = {"navigations": [{"updateCard": card}]}
    if toast:
        action["notification"] = {"text": toast}
    return {"renderActions": {"action": action}, "stateChanged": moved}


def next_card(card: Json) -> Json:
    """The answer to a click that opens another card, with Gmail's arrow to go back."""
    return {"renderActions": {"action": {"navigations": [{"pushCard": card}]}}, "stateChanged": False}


def ask_scopes(scopes: Iterable[str]) -> Json:
    """The answer that makes Google ask the owner for `scopes` and then repeat the call."""
    return {"requesting_google_scopes": {"scopes": list(scopes)}}


def ask_connection(base: str) -> Json:
    """The answer for an owner without a connected mailbox: a link to the page that connects it."""
    return {
        "basic_authorization_prompt": {"authorization_url": connect_address(base), "resource": "Pitchgate"}
    }


# ---- The home card


MORNING = timedelta(hours=8)


def home_card(frame: Frame, mailbox: Mailbox, home: Home, undo_key: str = "") -> Json:
    """The home card. `undo_key`: of the decision just made, which it offers to undo."""
    condition = mailbox.condition(frame.now)
    return card(
        "home",
        "Pitchgate",
        state_title(frame, mailbox),
        (
            trouble(frame, mailbox) or _state(frame, mailbox, condition),
            section(warnings(frame, mailbox)),
            _undo(frame, undo_key),
            *_held(frame, home),
            _would_hold(frame, home),
            _pause(frame, mailbox, condition),
            _links(frame, home),
        ),
    )


def _state(frame: Frame, mailbox: Mailbox, condition: Condition) -> Json | None:
    """The state, unless all is well and the title says it already."""
    return None if condition is Condition.ACTIVE else section((state_line(frame, mailbox),))


def _undo(frame: Frame, key: str) -> Json | None:
    button = frame.act("undo", {"act": "undo", "key": key, "card": "home"}) if key else None
    return section((buttons((button,)),))


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
    lines = [
        _message_line(frame, sender.messages[0], sender.count) for sender in home.recent if sender.messages
    ]
    yield section(lines, frame.words["recent"])


def _would_hold(frame: Frame, home: Home) -> Json | None:
    """In observe mode: what would have been held. It is in the inbox, so there is no release button."""
    return section([_message_line(frame, view, release=False) for view in home.marked], frame.words["marked"])


def _links(frame: Frame, home: Home) -> Json | None:
    settings = frame.act("settings", {"act": "settings"})
    review = None if home.emails else link(frame.words["open"], review_address(frame.base))
    return section((buttons((settings, review)),))


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
    levels = [(words[f"strictness_{level}"], str(level)) for level in Strictness]
    paces = [(words[f"digest_{pace}"], str(pace)) for pace in DigestPace]
    save = frame.act("save", {"act": "save", "version": frame.version}, "FILLED")
    return card(
        "settings",
        words["settings"],
        "Pitchgate",
        (
            trouble(frame, mailbox),
            section((line(words[f"news_{mailbox.notices}"]), *warnings(frame, mailbox))),
            section((choice("mode", words["mode"], modes, chosen.mode), why)),
            section((choice("strictness", words["strictness"], levels, chosen.strictness),)),
            section((choice("digest", words["digest_h"], paces, chosen.digest),)),
        ),
        fixedFooter={"primaryButton": save},
    )
