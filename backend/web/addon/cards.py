"""The sidebar's cards as data: building blocks, the home card and the settings. What comes out of mail goes through
`shown`."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from backend.domain.mailbox.mailbox import Condition, DigestPace, Mailbox, Mode, Strictness
from backend.domain.mailbox.message import MessageView
from backend.domain.reading.score import likeness, points
from backend.locale import Section, Words
from backend.pipeline.addon import Home
from backend.web.pages import state_of

# ---- Building blocks of cards
# Everything that comes out of a mail goes through `shown`.


Json = dict[str, Any]
MOST_TEXT = 200


def shown(text: str, most: int = MOST_TEXT) -> str:
    """Text of a mail, made harmless: one line, no control or direction marks, cut, and escaped for the HTML subset."""
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
    """Our own words, with values that are ours too; escaped, since they may hold an ampersand."""
    return html.escape(text.format(**values), quote=False)


def card(name: str, title: str, subtitle: str, sections: Iterable[Json | None], **more: Any) -> Json:
    """A card; sections that are None are left out."""
    header = {"title": title} | ({"subtitle": subtitle} if subtitle else {})
    kept = [part for part in sections if part]
    for filled in list(_filled(kept))[1:]:  # one on a card: the first
        filled["type"] = "OUTLINED"
    return {"name": name, "header": header, "sections": kept, **more}


def _filled(sections: list[Json]) -> Iterator[Json]:
    for widget in (widget for part in sections for widget in part["widgets"]):
        rows = widget.get("buttonList", {}).get("buttons", [])
        yield from (button for button in rows if button["type"] == "FILLED")


def section(widgets: Iterable[Json | None], header: str = "", **more: Any) -> Json | None:
    """A section, or None if nothing is left in it."""
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
    """A text with small print above and below; `click` is what happens anywhere else than on its button."""
    inner: Json = {"text": text, "wrapText": True}
    inner |= {"topLabel": top} if top else {}
    inner |= {"bottomLabel": bottom} if bottom else {}
    inner |= {"startIcon": {"knownIcon": icon}} if icon else {}
    inner |= {"button": button} if button else {}
    inner |= {"onClick": click} if click else {}
    return {"decoratedText": inner}


def paragraph(text: str) -> Json:
    """A paragraph."""
    return {"textParagraph": {"text": text}}


def buttons(found: Iterable[Json | None]) -> Json | None:
    """A row of buttons, or None without any."""
    kept = [button for button in found if button]
    return {"buttonList": {"buttons": kept}} if kept else None


def button(text: str, function: str, parameters: Mapping[str, str], kind: str = "OUTLINED") -> Json:
    """A button that posts to us."""
    return {"text": text, "type": kind, "onClick": posting(function, parameters)}


def posting(function: str, parameters: Mapping[str, str]) -> Json:
    """A click that posts to us."""
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
    """Radio buttons."""
    listed = [{"text": text, "value": value, "selected": value == chosen} for text, value in items]
    return {"selectionInput": {"name": name, "label": label, "type": "RADIO_BUTTON", "items": listed}}


# ---- What every card needs beside its own subject.


@dataclass(frozen=True, slots=True)
class Frame:
    """`base` is our public address, `offset` the owner's distance from UTC, `version` what stands in the
    parameters of acts on the mailbox's settings, `challenges` whether senders can open the links of challenges."""

    words: Section
    language: str
    base: str
    now: datetime
    offset: timedelta
    version: str = ""
    challenges: bool = True

    @property
    def zone(self) -> timezone:
        """The owner's zone, as far as Gmail told it."""
        return timezone(self.offset)

    @property
    def midnight(self) -> datetime:
        """Where the owner's day began, in UTC."""
        local = self.now.astimezone(self.zone)
        return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)

    @property
    def no_challenges(self) -> str:
        """Why challenge mode is not offered."""
        return f"{self.words['mode_challenge']}: {self.words['no_challenges']}."

    @property
    def t(self) -> Words:
        """The words, filled in with numbers and times as the pages write them, in the owner's zone."""
        return Words(self.words, self.zone)

    def score(self, share: float) -> str:
        """A score with its word: 96 Pitch."""
        number = points(share)
        return f"{number} {self.words[f'score_{likeness(number)}']}"

    def act(self, key: str, parameters: dict[str, str], kind: str = "OUTLINED") -> Json:
        """A button with the words of `key` that posts `parameters` to us."""
        return button(self.words[key], self._acts, parameters, kind)

    def click(self, parameters: dict[str, str]) -> Json:
        """The same for something that is no button."""
        return posting(self._acts, parameters)

    @property
    def _acts(self) -> str:
        return f"{self.base}/addon/act"


# ---- The mailbox's state


TO_MEND = (Condition.NEEDS_RECONNECT, Condition.WATCH_LAPSED, Condition.DELAYED)


def connect_address(base: str) -> str:
    """Our page with one button, and behind it Google's consent page."""
    return f"{base}/connect"


def review_address(base: str) -> str:
    """Our page of held mail; it asks for a sign-in first."""
    return f"{base}/review"


def warnings(frame: Frame, mailbox: Mailbox) -> tuple[Json, ...]:
    """What is no state and should be known."""
    told = state_of(mailbox, frame.language, frame.now, frame.t.moment).warnings
    return tuple(line(escaped(warning)) for warning in told)


def state_line(frame: Frame, mailbox: Mailbox) -> Json:
    """The state in one or two sentences."""
    state = state_of(mailbox, frame.language, frame.now, frame.t.moment)
    paused = state.condition is Condition.PAUSED
    return line(escaped(state.line), frame.words["state"], icon="CLOCK" if paused else "")


def state_title(frame: Frame, mailbox: Mailbox) -> str:
    """The same in two or three words."""
    return state_of(mailbox, frame.language, frame.now).title


def trouble(frame: Frame, mailbox: Mailbox) -> Json | None:
    """A warning on top of a card, with the way out; None if all is well."""
    condition = mailbox.condition(frame.now)
    way_out = link(frame.words["reconnect"], connect_address(frame.base), "FILLED")
    if condition not in TO_MEND:
        return section((buttons((way_out,)),)) if mailbox.grant_ends(frame.now) else None
    return section(
        (
            state_line(frame, mailbox),
            buttons((way_out,)) if condition is Condition.NEEDS_RECONNECT else None,
        )
    )


# ---- Shapes of answers
# The shapes of what is answered: a card for a trigger, a changed card and a toast for a click, or a prompt.


def opened(card: Json) -> Json:
    """To a trigger."""
    return {"action": {"navigations": [{"pushCard": card}]}}


def changed(card: Json, toast: str, *, moved: bool) -> Json:
    """To a click. `moved`: something changed, so that cards and mail shown before may be out of date."""
    action: Json = {"navigations": [{"updateCard": card}]}
    if toast:
        action["notification"] = {"text": toast}
    return {"renderActions": {"action": action}, "stateChanged": moved}


def deeper(card: Json) -> Json:
    """To a click that leads to another card, from which Gmail's arrow leads back."""
    return {"renderActions": {"action": {"navigations": [{"pushCard": card}]}}, "stateChanged": False}


def ask_scopes(scopes: Iterable[str]) -> Json:
    """Google prompts for these, then repeats the call."""
    return {"requesting_google_scopes": {"scopes": list(scopes)}}


def ask_connection(base: str) -> Json:
    """The owner has not connected their mailbox: the way to the page where they can."""
    return {
        "basic_authorization_prompt": {"authorization_url": connect_address(base), "resource": "Pitchgate"}
    }


# ---- The card without a message


MORNING = timedelta(hours=8)


def home_card(frame: Frame, mailbox: Mailbox, home: Home, undo_key: str = "") -> Json:
    """The home card. `undo_key` is the decision just made on it."""
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
            _marked(frame, home),
            _pause(frame, mailbox, condition),
            _elsewhere(frame, home),
        ),
    )


def _state(frame: Frame, mailbox: Mailbox, condition: Condition) -> Json | None:
    """What the title does not tell."""
    return None if condition is Condition.ACTIVE else section((state_line(frame, mailbox),))


def _undo(frame: Frame, key: str) -> Json | None:
    button = frame.act("undo", {"act": "undo", "key": key, "card": "home"}) if key else None
    return section((buttons((button,)),))


def _held(frame: Frame, home: Home) -> Iterator[Json | None]:
    if not home.emails:
        yield section((paragraph(escaped(frame.words["nobody"])),))
        return
    counted = line(
        escaped(frame.t.count("held_emails", home.emails)),
        bottom=escaped(frame.t.count("held_senders", home.senders)),
        icon="EMAIL",
        button=link(frame.words["review"], review_address(frame.base)),
    )
    yield section((counted,))
    piles = [_one(frame, pile.messages[0], pile.count) for pile in home.recent if pile.messages]
    yield section(piles, frame.words["recent"])


def _marked(frame: Frame, home: Home) -> Json | None:
    """While it observes: what it would have held. Its mail is in the inbox, so there is nothing to let in."""
    return section([_one(frame, view, release=False) for view in home.marked], frame.words["marked"])


def _elsewhere(frame: Frame, home: Home) -> Json | None:
    settings = frame.act("settings", {"act": "settings"})
    ours = None if home.emails else link(frame.words["open"], review_address(frame.base))
    return section((buttons((settings, ours)),))


def _one(frame: Frame, view: MessageView, count: int = 1, *, release: bool = True) -> Json:
    """One sender with so many emails and their latest, which a click shows, and the button that lets it in."""
    who = shown(view.sender_name or view.sender, 80) or escaped(frame.words["unknown_sender"])
    subject = shown(view.subject, 80) or escaped(frame.words["no_subject"])
    version = f"home.{int(view.changed_at.timestamp() * 1_000_000)}"
    told = {"act": "release", "message": view.gmail_id, "version": version, "card": "home"}
    when = frame.t.short(view.received_at or view.first_seen_at, frame.now)
    told_below = when if view.score is None else f"{frame.score(view.score)} · {when}"
    button = frame.act("release", told) if release else None
    more = frame.click({"act": "show", "message": view.gmail_id})
    many = f", {escaped(frame.t.count('of_sender', count))}" if count > 1 else ""
    return line(f"<b>{who}</b>{many}<br>{subject}", bottom=told_below, button=button, click=more)


def _pause(frame: Frame, mailbox: Mailbox, condition: Condition) -> Json | None:
    if mailbox.paused(frame.now):
        told = {"act": "resume", "version": frame.version}
        return section((buttons((frame.act("resume", told, "FILLED"),)),), frame.words["pause"])
    if condition in (Condition.NEEDS_RECONNECT, Condition.DISCONNECTED):
        return None
    # The end is a time, not a length: the same click sent again later must not pause for longer.
    hour = frame.now + timedelta(hours=1)
    morning = frame.midnight + timedelta(days=1) + MORNING
    offered = [
        frame.act(key, {"act": "pause", "until": end.isoformat(timespec="seconds"), "version": frame.version})
        for key, end in (("pause_hour", hour), ("pause_day", morning))
    ]
    return section((buttons(offered),), frame.words["pause"])


# ---- The settings card


def settings_card(frame: Frame, mailbox: Mailbox) -> Json:
    """The settings card. Its form's fields are called as the preferences are."""
    words, chosen = frame.words, mailbox.preferences
    closed = () if frame.challenges else (Mode.CHALLENGE,)
    modes = [(words[f"mode_{m}"], str(m)) for m in Mode if m not in closed or m is chosen.mode]
    why = paragraph(frame.no_challenges) if closed else None
    degrees = [(words[f"strictness_{degree}"], str(degree)) for degree in Strictness]
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
            section((choice("strictness", words["strictness"], degrees, chosen.strictness),)),
            section((choice("digest", words["digest_h"], paces, chosen.digest),)),
        ),
        fixedFooter={"primaryButton": save},
    )
