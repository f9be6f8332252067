"""The mailbox's state in words, the same on every screen: pages, cards, the API, the live page, the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain.mailbox.failing import Failing
from backend.domain.mailbox.mailbox import Condition, Explanation, Mailbox, Who, explain
from backend.locale import catalogue
from backend.locale.words import Words

Moment = Callable[[datetime], str]


@dataclass(frozen=True, slots=True)
class State:
    """`title` is two or three words, `cause` and `remedy` a sentence each ("" if there is nothing to mend);
    `warnings` are further sentences about what is not a state but should be known. `ends`: connecting again now saves
    the owner from having to."""

    condition: Condition
    who: Who
    title: str
    cause: str
    remedy: str
    warnings: tuple[str, ...]
    ends: bool = False

    @property
    def text(self) -> str:
        """Cause and remedy as one paragraph."""
        return " ".join(part for part in (self.cause, self.remedy) if part)

    @property
    def line(self) -> str:
        """The paragraph, or the title alone where all goes its way."""
        return self.title if self.condition is Condition.ACTIVE else self.text

    @property
    def mend(self) -> bool:
        """Whether the owner must connect again."""
        return self.who is Who.OWNER


def state_of(
    mailbox: Mailbox,
    language: str,
    now: datetime,
    moment: Moment | None = None,
    skew: timedelta | None = None,
) -> State:
    """The state of a mailbox at `now`, in a two-letter language. `moment` writes times, if not as pages do. With `skew`
    the machine's clock is ahead by so much, and its owner can set it."""
    about, t = explain(mailbox, now), Words(catalogue(language).section("state"))
    moment = moment or t.moment
    cause, remedy = _sentences(about, t, moment)
    clock = () if skew is None else (_clock(skew, t),)
    return State(
        about.condition,
        about.who,
        t(about.condition),
        cause,
        remedy,
        (*clock, *_warnings(about, t, moment)),
        ends=about.grant_ends is not None,
    )


def paused_until(at: datetime, language: str, moment: Moment) -> str:
    """That there is a pause, and when it ends."""
    return Words(catalogue(language).section("state"))("paused_cause", until=moment(at))


def _clock(skew: timedelta, t: Words) -> str:
    """Days and hours are enough of a great difference."""
    return t("clock_ahead" if skew > timedelta(0) else "clock_behind", span=t.span(abs(skew)))


def _sentences(explanation: Explanation, t: Words, moment: Moment) -> tuple[str, str]:
    remedy = f"{explanation.condition}_remedy"
    if explanation.lost is not None:
        return t(f"lost_{explanation.lost}"), t(f"lost_{explanation.lost}_remedy")
    if explanation.condition is Condition.DELAYED and explanation.late is not None:
        return _late(explanation.late, t, moment), t(remedy)
    polled = f"{explanation.condition}_polled"
    key = polled if explanation.polled and polled in t else f"{explanation.condition}_cause"
    cause = t(key, until=moment(explanation.paused_until) if explanation.paused_until else "")
    if explanation.indexed is not None:
        done, total = explanation.indexed
        cause = f"{cause} {t('index_progress', done=done, total=total)}"
    return cause, t(remedy) if remedy in t else ""


def _late(late: Failing, t: Words, moment: Moment) -> str:
    key = "delayed_cause" if late.reads else "delayed_some_cause"
    return t(key, since=moment(late.since), why=t(f"delay_{late.blame}"))


def _warnings(explanation: Explanation, t: Words, moment: Moment) -> tuple[str, ...]:
    found: list[str] = []
    if explanation.missing is not None:
        found.append(t(f"missing_{explanation.missing}"))
    if explanation.silent_since is not None:
        found.append(t("silent", since=moment(explanation.silent_since)))
    if explanation.topic_missing:
        found.append(t("topic_missing"))
    if explanation.grant_ends is not None:
        found.append(t("grant_ends", at=moment(explanation.grant_ends)))
    if explanation.watch_lapses:
        found.append(t("watch_lapses"))
    if explanation.condition is Condition.PAUSED and explanation.late is not None:
        found.append(_late(explanation.late, t, moment))
    if (gap := explanation.gap) is not None:
        parts = [t.count("gap", gap.found, since=moment(gap.since), until=moment(gap.until), found=gap.found)]
        if gap.cut:
            parts.append(t(f"gap_{gap.cut}"))
        if gap.unchecked:
            parts.append(t.count("gap_unchecked", gap.unchecked))
        found.append(" ".join(parts))
    return tuple(found)
