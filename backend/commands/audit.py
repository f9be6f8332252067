"""`pitchgate audit` verifies the log of decisions and repeats them; `pitchgate watch` reports drift: whether a
mailbox's mail has changed since its first weeks."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend.commands.models import height, running_trial
from backend.commands.store import mailbox_option, selected_mailboxes, with_open_store
from backend.domain.errors import Gone, NotFound
from backend.domain.reading import words as reading_words
from backend.domain.reading.score import Part
from backend.domain.watching import audit, drift
from backend.domain.watching.audit import differences, from_bits
from backend.domain.watching.drift import Drift, monday_of
from backend.domain.watching.trial import PROVEN_FROM
from backend.settings_read import read_settings
from backend.system import SystemClock
from backend.terminal import TranslatedCommand, TranslatedGroup, cli_texts, echo, language, print_table
from backend.transactions.decisions import VERDICT
from backend.transactions.script import moment

if TYPE_CHECKING:
    from backend.bootstrap import Application
    from backend.domain.mailbox.mailbox import Mailbox
    from backend.domain.reading.score import Score
    from backend.scoring.second_reading import Judge
    from backend.scoring.session import ModelSession
    from backend.transactions.records import Log
    from backend.transactions.store import Store
    from backend.vault import VaultKeys
    from backend.web.owner.review_show import ShownReason


# ---- `pitchgate audit`


@click.group("audit", cls=TranslatedGroup)
def audit_group() -> None:
    """Verify the log of decisions, show one decision, judge messages again."""


@audit_group.command("verify")
@mailbox_option
@click.option("--heads", type=click.Path(exists=True, path_type=Path))
@with_open_store
async def verify_command(store: Store, email: str | None, heads: Path | None) -> None:
    """Find entries that were changed, removed, swapped or sealed again. Exit status 1 if there are any."""
    keys, known_heads, faulty = _keys(), _logged_heads(store, heads), False
    names = {mailbox.id: mailbox.owner.email for mailbox in await selected_mailboxes(store, email)}
    for mailbox_id, name in (names if email else dict.fromkeys(known_heads) | names).items():
        log = await store.decisions(mailbox_id)
        verdicts = await store.decided_messages(mailbox_id)
        faults = list(_faults(mailbox_id, log, keys, known_heads.get(mailbox_id, ()), verdicts))
        echo("audit.wrong" if faults else "audit.in_order", email=name or mailbox_id, count=len(log.entries))
        click.echo("".join(f"  {line}\n" for line in faults), nl=False)
        faulty |= bool(faults)
    if not names:
        echo("audit.no_mailbox")
    elif not known_heads:
        echo("audit.no_heads")
    if faulty:
        raise SystemExit(1)


def _faults(
    mailbox_id: str,
    log: Log,
    keys: VaultKeys,
    known_heads: Iterable[tuple[int, str]],
    verdicts: Sequence[audit.KeptVerdict],
) -> Iterator[str]:
    """A line for each fault of a mailbox's log. `known_heads`: its last entries (number, seal) as recorded elsewhere;
    `verdicts`: those stored with the messages."""
    tell, chain = cli_texts(), log.chain
    if chain is None:
        if log.entries or known_heads or verdicts:
            yield tell("audit.no_chain")
    elif (key := keys.open(chain.sealed_key, mailbox_id)) is None:
        yield tell("audit.shut")
    else:
        for number, fault in audit.faults(key, chain, log.entries, known_heads):
            yield tell("audit.entry", number=str(number), fault=tell(f"audit.fault_{fault}"))
        if chain.began:
            yield tell("audit.lost_key", number=str(chain.began))
        used = {entry.data["setting"] for entry in log.entries if "setting" in entry.data}
        for name in sorted(used | set(log.settings)):
            if name not in log.settings or audit.content_name(log.settings[name]) != name:
                yield tell("audit.setting", name=name)
        for gmail_id in audit.disagreeing(log.entries, verdicts):
            yield tell("audit.message", message=gmail_id)


def _logged_heads(store: Store, logs: Path | None) -> dict[str, list[tuple[int, str]]]:
    """The log heads recorded in the file beside the database and in the server's `logs`, by mailbox, without
    disconnected mailboxes."""
    heads = defaultdict(list)
    for mailbox, number, seal in store.heads.read():
        heads[mailbox].append((number, seal))
    with logs.open(encoding="utf-8", errors="replace") if logs else nullcontext(()) as lines:
        for line in lines:
            with suppress(ValueError):  # not JSON, or a line that was cut off
                match json.loads(line):
                    case {"event": "decisions_head", "mailbox": mailbox, "number": number, "seal": seal}:
                        heads[mailbox].append((number, seal))
                    case {"event": "mailbox_left", "mailbox": mailbox}:
                        heads.pop(mailbox, None)
    return {mailbox: found for mailbox, found in heads.items() if not store.departures.has(mailbox)}


@audit_group.command("show")
@click.argument("message")
@mailbox_option
@with_open_store
async def show_command(store: Store, message: str, email: str | None) -> None:
    """Show everything that was decided about MESSAGE (its Gmail id), and the facts behind it."""
    from jinja2 import Environment, FileSystemLoader  # imported late: help does not need it

    from backend.web.owner.review_show import reasons

    entries = list[tuple[str, audit.LogEntry, dict[str, Any]]]()
    reasons_by_entry: dict[tuple[str, int], Sequence[ShownReason]] = {}
    for mailbox in await selected_mailboxes(store, email):
        log = await store.decisions(mailbox.id, message)
        entries += [(mailbox.owner.email, entry, _setting(log, entry)) for entry in log.entries]
        # Reasons are stored only with the message, for its last verdict.
        if view := (await store.known(mailbox.id, [message])).get(message):
            verdicts = [
                one for one in log.entries if one.data["kind"] == VERDICT and not one.data.get("late")
            ]
            reasons_by_entry |= {
                (mailbox.owner.email, one.number): reasons(view, language()) for one in verdicts[-1:]
            }
    if not entries:
        raise NotFound("nothing_written", message=message)
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), trim_blocks=True)  # noqa: S701 - no HTML
    text = templates.get_template("audit.txt")
    values = {"told": entries, "saw": reasons_by_entry, "moment": moment, "from_bits": from_bits}
    output = text.render(t=cli_texts(), card=cli_texts("card"), **values)
    click.echo(output, nl=False)


def _setting(log: Log, entry: audit.LogEntry) -> dict[str, Any]:
    setting: dict[str, Any] = json.loads(log.settings.get(entry.data.get("setting", ""), "{}"))
    return setting


@audit_group.command("replay")
@mailbox_option
@click.option("--sample", type=click.IntRange(1))
@click.option("--fetch", is_flag=True)
@with_open_store
async def replay_command(store: Store, email: str | None, sample: int | None, fetch: bool) -> None:
    """Judge messages again and compare score and verdict bit for bit. Exit status 1 if anything differs.

    The last line is a JSON object with counts. If a score cannot be calculated again, the verdict is derived from the
    recorded score.
    """
    from backend.bootstrap import open_application
    from backend.scoring.model_file import read_model
    from backend.scoring.second_reading import Judge
    from backend.scoring.session import ModelSession

    settings, keys = read_settings(), _keys()
    counted = Counter(checked=0, same=0, different=0)
    async with open_application(settings) if fetch else nullcontext() as application:
        # Stored counts do not depend on the lexicon, so a model of another release can score them.
        session = ModelSession(*read_model(settings.model_path, read_here=fetch), settings.model_path)
        rescorer = Rescorer(session, Judge.open(), keys, application)
        for mailbox in await selected_mailboxes(store, email):
            log = await store.decisions(mailbox.id)
            verdicts = [entry for entry in log.entries if "case" in entry.data]
            for entry in sorted(random.sample(verdicts, min(sample or len(verdicts), len(verdicts)))):
                setting = _setting(log, entry)
                source, score = await rescorer.score(mailbox, entry, setting, log.counts.get(entry.number))
                key = (
                    keys.open(log.chain.sealed_key, mailbox.id) if log.chain and source == "fetched" else None
                )
                names = ", ".join(differences(entry.data, setting, score, key))
                counted.update([source, "checked", "different" if names else "same"])
                counted["on_other_machine"] += (
                    bool(score) and setting["made_with"] != rescorer.session.made_with
                )
                if names:
                    echo("audit.differs", email=mailbox.owner.email, number=str(entry.number), names=names)
    click.echo(json.dumps(counted))
    if counted["different"]:
        raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class Rescorer:
    """Scores messages again. `application` is None unless messages may be fetched from Gmail."""

    session: ModelSession
    judge: Judge
    keys: VaultKeys
    application: Application | None

    async def score(
        self, mailbox: Mailbox, entry: audit.LogEntry, setting: Mapping[str, Any], counts: bytes | None
    ) -> tuple[str, Score | None]:
        """How the message was scored again, or why it was not, and the score."""
        if "p" not in entry.data["case"]:
            return "without_score", None
        if setting["made_with"].partition(" ")[0] != self.session.made_with.partition(" ")[0]:
            return "of_another_model", None
        if setting.get("judge", self.judge.facts.digest[:32]) != self.judge.facts.digest[:32]:
            return "of_another_judge", None
        if counts is not None:
            return "from_counts", self.from_kept(self.keys.vault.open(counts), entry.data["case"])
        if self.application is None or not entry.about:
            return "score_not_kept", None
        context = self.application.context
        try:
            fetched = await context.gmail.fetch(mailbox.id, entry.about)
        except Gone:
            return "gone", None
        score = (await context.reader.screen(fetched, mailbox.owner)).score
        read_twice = score is not None and score.trace is not None and score.trace.again is not None
        # The second reading is enabled now and was not then, or the other way round.
        return (
            ("fetched", score) if read_twice == ("first" in entry.data["case"]) else ("read_otherwise", None)
        )

    def from_kept(self, kept: str, case: Mapping[str, Any]) -> Score:
        """The score from the stored counts `kept` of a message."""
        from backend.scoring.second_reading import unpacked_numbers

        counts, numbers = audit.from_kept(kept)
        score = self.session.score_counts(counts).of_part(Part(case.get("part", "")))
        return self.judge.judge(score, unpacked_numbers(numbers)) if numbers else score


def _keys() -> VaultKeys:
    from backend.vault import VaultKeys, configured_vault

    return VaultKeys(configured_vault(read_settings()))


# ---- `pitchgate watch`


COLUMNS = ("mailbox", "state", "weeks", "change")


@dataclass(frozen=True, slots=True)
class MailboxDrift:
    """A mailbox and the result of its drift test."""

    email: str
    drift: Drift

    @property
    def sentence(self) -> str:
        """The change as a sentence, "" if there is none."""
        t, change = cli_texts("watch"), self.drift.change
        if change is None:
            return ""
        values = {"day": t.day(monday_of(change.week)), "tongue": t.tongue(change.grown)}
        values |= {"before": t.percent(change.before), "since": t.percent(change.since)}
        return t(f"cause_{change.cause}", **values)

    def begin(self, channel: str) -> list[float]:
        """The lower bounds of a channel's classes, without the lowest, in the channel's unit; [] if they have no
        order."""
        steps = drift.bounds(channel, [week.counts for week in self.drift.weeks]) or []
        return [step * drift.STEPS[channel] for step in steps]

    def stacked(self, channel: str) -> dict[str, list[tuple[float, float]]]:
        """A stacked diagram of a channel's classes: for each class and week, where it begins (0…1) and its share."""
        counts = [week.counts for week in self.drift.weeks]
        bounds = drift.bounds(channel, counts)
        weeks = [drift.in_classes(channel, week, bounds) for week in counts]
        totals = sum(map(Counter, weeks), Counter[str]())
        names = sorted(totals, key=lambda name: -totals[name] if channel == "language" else int(name))
        shares = [{name: week.get(name, 0) / sum(week.values()) for name in names} for week in weeks]
        return {
            name: [(1 - sum(week[above] for above in names[:place]), week[name]) for week in shares]
            for place, name in enumerate(names, 1)
        }

    def as_json(self) -> dict[str, Any]:
        change, weeks = self.drift.change, self.drift.weeks
        began = change and asdict(change) | {"cause": change.cause, "began": str(monday_of(change.week))}
        by_week = [{"monday": str(monday_of(one.number)), "model": one.model, **one.counts} for one in weeks]
        state = {"email": self.email, "state": self.drift.state, "told": self.sentence}
        return {**state, "change": began, "weeks": by_week}


@click.command("watch", cls=TranslatedCommand)
@click.option("--json", "as_json", is_flag=True)
@click.option("--html", type=click.Path(path_type=Path))
@with_open_store
async def watch_command(store: Store, as_json: bool, html: Path | None) -> None:
    """Report for each mailbox whether its mail has changed since its first weeks."""
    mailboxes = await store.mailboxes()
    watched = [MailboxDrift(mailbox.owner.email, await store.drift(mailbox.id)) for mailbox in mailboxes]
    found = sorted(watched, key=lambda one: one.drift.change is None)
    if html is not None:
        from jinja2 import Environment, FileSystemLoader  # imported late: help does not need it

        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
        )
        values = {"found": found, "columns": COLUMNS, "drift": drift, "language": reading_words}
        trial = {"trial": await running_trial(store), "height": height, "enough": PROVEN_FROM}
        page = templates.get_template("watch.html")
        text = page.render(t=cli_texts("watch"), now=SystemClock().now(), **values, **trial)
        await asyncio.to_thread(html.write_text, text, "utf-8")
        echo("watch.written", file=html)
    elif as_json:
        for one in found:
            click.echo(json.dumps(one.as_json()))
    else:
        t = cli_texts("watch")
        rows = (
            (one.email, t(f"state_{one.drift.state}"), len(one.drift.weeks), one.sentence) for one in found
        )
        print_table((t(f"column_{name}") for name in COLUMNS), rows)
