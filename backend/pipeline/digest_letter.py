"""The words of the owner's digest, in the language they chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from babel.dates import format_skeleton, format_time

from backend.domain.mailbox import owner_digest as rules
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView
from backend.domain.mailbox.owner_digest import MAX_NAME, Block, Button, Letter, plain
from backend.locale import Section, catalogue, reason

PITCH, MAYBE = 80, 40
"""Points from which a score has a word of its own."""


@dataclass(frozen=True, slots=True)
class Held:
    """Messages of one sender, newest first; at least one."""

    sender: str
    messages: tuple[MessageView, ...]

    @property
    def name(self) -> str:
        """What the newest of them says their name is, else their address."""
        return self.messages[0].sender_name or self.sender


def letter(
    mailbox: Mailbox,
    held: Sequence[Held],
    urls: Mapping[tuple[str, Decision], str],
    *,
    since: datetime,
    public_url: str,
) -> Letter:
    """What is said of `held`. `urls` are the links by sender and act; `since` is in the owner's own zone."""
    words = catalogue(mailbox.preferences.language).section("digest", "card")
    shown, count = held[: rules.SENDERS], sum(len(one.messages) for one in held)
    emails = _plural(words, "emails", count)
    title = _plural(words, "title", len(held), emails=emails)
    day = format_skeleton("MMMd", since, locale=words.catalogue.locale)
    hour = format_time(since, "short", tzinfo=since.tzinfo, locale=words.catalogue.locale)
    names = ", ".join(plain(one.name, MAX_NAME) for one in shown[:3])
    rest = len(held) - 3
    more = [_plural(words, "more", len(held) - len(shown))] if len(held) > len(shown) else []
    return Letter(
        tag=words.catalogue.tag,
        subject=title,
        title=title,
        glance=_plural(words, "glance", rest, names=names) if rest > 0 else names,
        since=words["since"].format(day=day, hour=hour),
        blocks=tuple(_block(words, one, urls) for one in shown),
        ends=(*more, words["asks_again"], words["stays"]),
        review=Button(words["review"], words["review"], f"{public_url}/review"),
        settings=Button(words["settings"], words["settings"], f"{public_url}/settings#digest"),
    )


def _block(words: Section, one: Held, urls: Mapping[tuple[str, Decision], str]) -> Block:
    latest, language = one.messages[0], words.catalogue.language
    points = "" if latest.score is None else str(min(99, max(1, round(latest.score * 100))))
    height = (
        "" if not points else "pitch" if int(points) >= PITCH else "maybe" if int(points) >= MAYBE else ""
    )
    note = next((view.note for view in one.messages if view.note), "")
    name = plain(one.name, MAX_NAME)
    return Block(
        name=one.name,
        address=one.sender,
        count=_plural(words, "emails", len(one.messages)) if len(one.messages) > 1 else "",
        score=points,
        word=words[f"height_{height or 'unlikely'}"] if points else "",
        height=height,
        subject=latest.subject or words["no_subject"],
        reason=_reason(words, language, latest),
        note=words["note"].format(note=note) if note else "",
        buttons=tuple(
            Button(words[f"act_{act}"], words[f"{act}_whom"].format(name=name), urls[one.sender, act])
            for act in rules.ACTS
        ),
    )


def _reason(words: Section, language: str, view: MessageView) -> str:
    """The reason that weighs most, and which way it speaks."""
    first = max(view.reasons, key=lambda each: abs(float(each["weight"])), default=None)
    if first is None:
        return ""
    key = "for_pitch" if float(first["weight"]) > 0 else "for_ordinary"
    return words[key].format(reason=reason(language, str(first["text"])))


def _plural(words: Section, key: str, count: int, **more: object) -> str:
    return words.catalogue.plural(words.find(key), count).format(count=count, **more)
