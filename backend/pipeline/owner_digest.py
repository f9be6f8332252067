"""The owner's digest: gathered, written, and placed in their inbox once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from babel.dates import format_skeleton, format_time, get_timezone

from backend.domain.challenge import TOKEN_BYTES, token_hash
from backend.domain.errors import LaneLost
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox import owner_digest as rules
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import DigestPace, Mailbox
from backend.domain.mailbox.message import MessageView
from backend.domain.mailbox.owner_digest import (
    MAX_NAME,
    Button,
    DigestLetter,
    DigestLink,
    DigestState,
    SenderBlock,
    compose,
    plain,
)
from backend.domain.mailbox.review import Position, ReviewFilter, Shelf, shown_reason
from backend.domain.reading.score import percent, score_band
from backend.locale import Section, catalogue, reason_sentence
from backend.pipeline.context import Context
from backend.pipeline.notices import owner_acted
from backend.transactions.records import DutyJob

# ---- The words of the digest


@dataclass(frozen=True, slots=True)
class HeldMail:
    """Messages of one sender, newest first; at least one."""

    sender: str
    messages: tuple[MessageView, ...]

    @property
    def name(self) -> str:
        """The name in the newest message, else the address."""
        return self.messages[0].sender_name or self.sender


def letter(
    mailbox: Mailbox,
    held: Sequence[HeldMail],
    urls: Mapping[tuple[str, Decision], str],
    *,
    since: datetime,
    public_url: str,
) -> DigestLetter:
    """The digest's paragraphs about `held`. `urls` are the links by sender and action; `since` is in the owner's own
    zone."""
    words = catalogue(mailbox.preferences.language).section("digest", "card")
    shown, count = held[: rules.MOST_SENDERS], sum(len(one.messages) for one in held)
    emails = _plural(words, "emails", count)
    title = _plural(words, "title", len(held), emails=emails)
    day = format_skeleton("MMMd", since, locale=words.catalogue.locale)
    hour = format_time(since, "short", tzinfo=since.tzinfo, locale=words.catalogue.locale)
    names = ", ".join(plain(one.name, MAX_NAME) for one in shown[:3])
    rest = len(held) - 3
    more = [_plural(words, "more", len(held) - len(shown))] if len(held) > len(shown) else []
    return DigestLetter(
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


def _block(words: Section, one: HeldMail, urls: Mapping[tuple[str, Decision], str]) -> SenderBlock:
    latest, language = one.messages[0], words.catalogue.language
    points = None if latest.score is None else percent(latest.score)
    band = score_band(points or 1)
    note = next((view.note for view in one.messages if view.note), "")
    name = plain(one.name, MAX_NAME)
    return SenderBlock(
        name=one.name,
        address=one.sender,
        count=_plural(words, "emails", len(one.messages)) if len(one.messages) > 1 else "",
        score=str(points or ""),
        word=words[f"score_{band}"] if points else "",
        score_band=band,
        subject=latest.subject or words["no_subject"],
        reason=_reason(language, latest),
        note=words["note"].format(note=note) if note else "",
        buttons=tuple(
            Button(words[f"act_{act}"], words[f"{act}_whom"].format(name=name), urls[one.sender, act])
            for act in rules.LINK_DECISIONS
        ),
    )


def _reason(language: str, view: MessageView) -> str:
    reason = shown_reason(view)
    return reason_sentence(language, reason.code, reason.quotes, reason.weight > 0) if reason else ""


def _plural(words: Section, key: str, count: int, **more: object) -> str:
    return words.catalogue.plural(words.find(key), count).format(count=count, **more)


# ---- digest: held mail, into the owner's inbox
# Nothing is sent. The intent, with its Message-ID, is committed before the message is placed. A run that finds an
# intent looks for that message before it places another, so a crash at any point leaves at most one digest. A digest
# that comes back as new mail is recognised by its Gmail id or, while that is unknown, by what is sealed into its
# Message-ID.


JUDGED_LATE = timedelta(days=1)
"""A message may be judged this long after it came; it is then in the next digest."""

PAGES, PAGE = 5, 50


async def digest(context: Context, job: DutyJob) -> datetime | None:
    """Place a digest if one is due and there is something to report; returns when to come again, None while off."""
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    if mailbox.preferences.digest is DigestPace.OFF:
        return None
    now, state = context.clock.now(), await context.store.digest_state(mailbox.id)
    if state is None:
        return await _told(context, job, mailbox, now)
    if state.leaving is not None:
        if found := await context.gmail.find_placed(mailbox.id, state.message_id):
            return await _told(context, job, mailbox, state.leaving, found)
    elif (due := _next(mailbox, state.told_until)) > now:
        return due
    held = await _held(context, mailbox.id, state, now)
    if not held:
        return await _told(context, job, mailbox, now)
    placed = await _place(context, job, mailbox, state, held, now)
    return await _told(context, job, mailbox, now, placed)


async def _place(
    context: Context,
    job: DutyJob,
    mailbox: Mailbox,
    state: DigestState,
    held: Sequence[HeldMail],
    now: datetime,
) -> str:
    shown, links = held[: rules.MOST_SENDERS], list[DigestLink]()
    urls: dict[tuple[str, Decision], str] = {}
    for one in shown:
        for act in rules.LINK_DECISIONS:
            token = context.tokens.token(TOKEN_BYTES)
            urls[one.sender, act] = f"{context.settings.public_url}/d/{token}"
            ids = tuple(view.gmail_id for view in one.messages)
            expires = now + rules.LINK_LIFE
            links.append(DigestLink(token_hash(token), mailbox.id, act, ids, expires))
    sealed = context.vault.seal(rules.sealed_content(mailbox.id, now))
    message_id = rules.message_id(sealed, mailbox.owner.domain)
    message = letter(
        mailbox,
        held,
        urls,
        since=state.told_until.astimezone(zone_of(mailbox.preferences.zone)),
        public_url=context.settings.public_url,
    )
    raw = compose(mailbox.owner, message, message_id, token_hash(message_id)[:32], now)
    await context.store.tell_digest(job, message_id, now, links, now)
    if context.store.ownership.may_be_lost(mailbox.id):
        raise LaneLost("conflict.lane")  # after a pause of this process another may have placed it
    return await context.gmail.place(mailbox.id, raw)


async def _told(
    context: Context, job: DutyJob, mailbox: Mailbox, until: datetime, gmail_id: str = ""
) -> datetime:
    await context.store.digest_told(job, until, gmail_id)
    return _next(mailbox, context.clock.now())


async def _held(context: Context, mailbox_id: MailboxId, state: DigestState, now: datetime) -> list[HeldMail]:
    """What was held since then and still is, by sender, newest first."""
    since = max(state.told_until, now - rules.LONGEST_AGO)
    wanted = ReviewFilter((Shelf.HELD,), since=since - JUDGED_LATE, until=now)
    found: dict[str, list[MessageView]] = {}
    position: Position | None = None
    for _ in range(PAGES):
        listed = await context.store.review(mailbox_id, wanted, position, PAGE)
        for pile in listed.piles:
            fresh = [view for view in pile.messages if since <= (view.decided_at or view.first_seen_at) < now]
            if fresh:
                found.setdefault(pile.sender, []).extend(fresh)
        position = listed.position
        if position is None:
            break
    return [HeldMail(sender, tuple(views)) for sender, views in found.items()]


def _next(mailbox: Mailbox, after: datetime) -> datetime:
    return rules.next_at(after, mailbox.preferences.digest, zone_of(mailbox.preferences.zone))


def zone_of(name: str) -> tzinfo:
    """The zone of this name; UTC if this machine does not know it."""
    try:
        return get_timezone(name)
    except (LookupError, ValueError, OSError):
        return UTC


def known_zone(name: str) -> bool:
    """Whether there is a zone of this name."""
    return name == "UTC" or zone_of(name) is not UTC


# --- its links


@dataclass(frozen=True, slots=True)
class Offered:
    """An opened link: what it does, and to whose messages (those still known, newest first)."""

    link: DigestLink
    mailbox: Mailbox
    messages: tuple[MessageView, ...]
    expired: bool


async def offered(context: Context, token: str) -> Offered | None:
    """The link with this token as it is now, None if it never existed or has expired. Changes nothing."""
    return await _offered(context, await context.store.digest_link(token_hash(token)))


async def use(context: Context, token: str, *, back: bool = False) -> Offered | None:
    """Do what the link says, or undo it (`back`), once."""
    act = context.store.undo_digest_link if back else context.store.use_digest_link
    link = await act(token_hash(token), context.clock.now())
    if link is not None:
        await owner_acted(context, link.mailbox_id)
    return await _offered(context, link)


async def _offered(context: Context, link: DigestLink | None) -> Offered | None:
    mailbox = None if link is None else await context.store.mailbox(link.mailbox_id)
    if link is None or mailbox is None:
        return None
    views = await context.store.known(link.mailbox_id, list(link.gmail_ids))
    known = tuple(views[gmail_id] for gmail_id in link.gmail_ids if gmail_id in views)
    return Offered(link, mailbox, known, link.expires_at <= context.clock.now())
