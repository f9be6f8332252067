"""The log of decisions and what is counted from it: questions to owners, weeks and drift, insights, trials; and which
models are in use."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypedDict

from backend.domain.errors import Conflict, NotFound, Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mail.sender import script_of
from backend.domain.mailbox.decisions import EFFECTS, Correction, Decision, Origin
from backend.domain.mailbox.message import Grounds, MessageView, Verdict
from backend.domain.mailbox.review import Figures, Funnel, SenderCount, Week
from backend.domain.watching import drift
from backend.domain.watching.audit import (
    ERASED,
    Chain,
    KeptVerdict,
    LogEntry,
    content_name,
    keyed_digest,
    sealed,
)
from backend.domain.watching.drift import monday_of, week_of
from backend.domain.watching.trial import (
    CHALLENGER,
    CHAMPION,
    CONFIGURED_MODEL,
    QUALITY,
    TRIAL,
    Act,
    Answer,
    KnownModel,
    ModelAct,
    ModelsInUse,
    Scored,
    TrialCounts,
    TrialLabel,
    asked_in_trial,
    disagreement,
    draw_sample,
    strata_order,
)
from backend.ports.system import DecisionKeys
from backend.transactions import rows
from backend.transactions.records import Log, StoredModel
from backend.transactions.rows import MailboxRow, Reader
from backend.transactions.script import (
    KEYS,
    Script,
    Statement,
    columns,
    each,
    lock,
    locked,
    maybe,
    micros,
    micros_or_none,
    only,
    q,
    row_count,
)

# ---- The log of decisions
# The caller has locked the mailbox's row (`locked`), so entries are appended one after the other.


_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
VERDICT, CORRECTION, UNDONE, SOLVE, ANSWER = "verdict", "correction", "undone", "solve", "answer"
HELD_WITH_LATER = "taken_out"


class _Note(NamedTuple):
    """One entry to append about a message: what was decided and by whom, as JSON, and the grounds of a verdict."""

    about: str
    payload: str
    grounds: Grounds | None = None


def _payload(kind: str, **fields: Any) -> str:
    return _json({"kind": kind, **{name: value for name, value in fields.items() if value}})


_cached_payload = lru_cache(1_000)(_payload)
"""Cached, because verdicts repeat."""


def log_verdicts(
    mailbox_id: MailboxId, verdicts: Iterable[tuple[str, Verdict]], late: bool, now: datetime
) -> Script[None]:
    """Log verdicts, by message. `late`: a newer decision has replaced them."""
    yield from _append(mailbox_id, [_verdict_note(*one, late) for one in verdicts], now)


def _verdict_note(gmail_id: str, one: Verdict, late: bool) -> _Note:
    payload = _cached_payload(
        VERDICT, row=one.row, outcome=one.outcome, guards=one.guards, cause=one.cause, late=late
    )
    return _Note(gmail_id, payload, one.grounds)


def log_correction(
    mailbox_id: MailboxId, correction: Correction, about: Iterable[str], now: datetime
) -> Script[None]:
    """Log an owner's decision `about` these messages."""
    fields = {"decision": correction.decision, "by": correction.origin, "on": correction.gmail_id}
    yield from log_about(mailbox_id, CORRECTION, about, fields, now)


def log_about(
    mailbox_id: MailboxId, kind: str, about: Iterable[str], fields: Mapping[str, Any], now: datetime
) -> Script[None]:
    """Append an entry `about` each of these messages; `fields`: what was decided, and by whom."""
    payload = _payload(kind, **fields)
    yield from _append(mailbox_id, [_Note(gmail_id, payload) for gmail_id in dict.fromkeys(about)], now)


def _append(mailbox_id: MailboxId, notes: Sequence[_Note], now: datetime) -> Script[None]:
    """Append the entries; nothing is logged without keys."""
    keys: DecisionKeys | None = yield KEYS  # answered with the store's keys
    if keys is None or not notes:
        return
    # The remembered head may be outdated: a transaction failed since, or another process wrote. So the stored head is
    # moved only if it is the remembered one; otherwise it is read, and everything is sealed again.
    remembered, at, moved = keys.heads.pop(mailbox_id, None), micros(now), 0
    while not moved:
        chain = remembered or (yield from head(mailbox_id)) or Chain()
        if not (key := keys.open(chain.sealed_key, mailbox_id)):
            # The first entry, or no key opens the old seal key. That must not stop a verdict, although earlier entries
            # can no longer be verified.
            sealed_key, key = keys.fresh(mailbox_id)
            chain = Chain(sealed_key, chain.number, chain.number, setting=chain.setting)
            yield q("begin_chain", mailbox_id=mailbox_id, **chain._asdict())
        writes: list[Statement] = []
        before, remembered = chain.seal, None
        for about, payload, grounds in notes:
            if grounds is not None:
                payload = payload[:-1]
                if grounds.trace is not None and grounds.trace.shares:
                    text, shares = keyed_digest(key, grounds.trace.text), _json(grounds.trace.shares)
                    payload += f',"text":"{text}","shares":{shares}'
                setting_name = content_name(grounds.setting)
                if setting_name != chain.setting:
                    writes.append(
                        q("keep_setting", mailbox_id=mailbox_id, name=setting_name, content=grounds.setting)
                    )
                    chain = chain._replace(setting=setting_name)
                payload += f',"setting":"{setting_name}","case":{grounds.case}}}'
            salt = keys.salt()
            digest, chain = sealed(key, chain, at, about, salt, payload)
            # A literal: a named tuple's `_asdict` takes longer than the sealing.
            kept = {
                "mailbox_id": mailbox_id,
                "number": chain.number,
                "at": at,
                "about": about,
                "salt": salt,
                "payload": payload,
                "digest": digest,
                "seal": chain.seal,
            }
            writes.append(Statement("append_decision", kept))
            if grounds is not None and grounds.counts:
                counts = {"number": chain.number, "at": at, "counts": grounds.counts}
                writes.append(q("keep_counts", mailbox_id=mailbox_id, **counts))
        to = {"number": chain.number, "seal": chain.seal, "tag": chain.tag, "setting": chain.setting}
        moved = yield Statement("move_chain", {"mailbox_id": mailbox_id, "before": before, **to})
    for write in writes:
        _ = yield write  # not `yield from writes`: a list's iterator takes no answers
    keys.heads[mailbox_id] = chain


def log_erasure(mailbox_id: MailboxId, now: datetime) -> Script[None]:
    """Log up to which entry the log was erased, unless that is logged already."""
    yield from locked(mailbox_id)
    last: int | None = yield q("last_tombstone", mailbox_id=mailbox_id)
    logged: str | None = yield q("last_erasure", mailbox_id=mailbox_id)
    if last is not None and (logged is None or json.loads(logged)["up_to"] < last):
        yield from _append(mailbox_id, [_Note("", _payload(ERASED, up_to=last))], now)


def head(mailbox_id: MailboxId) -> Script[Chain | None]:
    """Key and last entry of the log; None before the first decision."""
    return maybe(Chain, "chain", mailbox_id=mailbox_id)


def log(mailbox_id: MailboxId, gmail_id: str | None = None) -> Script[Log]:
    """Every entry, or those about one message."""
    chain = yield from head(mailbox_id)
    if gmail_id is None:
        entries = yield from each(LogEntry, "decisions", mailbox_id=mailbox_id)
    else:
        entries = yield from each(LogEntry, "decisions_about", mailbox_id=mailbox_id, gmail_id=gmail_id)
    settings = yield from each(tuple[str, str], "decision_settings", mailbox_id=mailbox_id)
    counts = yield from each(tuple[int, bytes], "decision_counts", mailbox_id=mailbox_id)
    return Log(chain, entries, dict(settings), dict(counts))


def decided_messages(mailbox_id: MailboxId) -> Script[tuple[KeptVerdict, ...]]:
    """The verdicts on the messages that are kept, oldest first."""
    return each(KeptVerdict, "decided_messages", mailbox_id=mailbox_id)


def swap_key(mailbox_id: MailboxId, old: bytes, new: bytes) -> Script[bool]:
    """Replace the sealed key `old` with `new` if it is still stored."""
    return bool((yield from row_count("swap_chain_key", mailbox_id=mailbox_id, old=old, new=new)))


# ---- Questions to the owner


OPEN = timedelta(days=7)
ANSWERS_KEPT = timedelta(weeks=52)


class JudgedRow(TypedDict):
    """A message that a question may be asked about. `shadow_row` is the challenger's row during a trial, else
    `policy_row`."""

    gmail_id: str
    policy_row: str
    sender_name: str
    stratum: str
    shadow_row: str


def draw_questions(mailbox_id: MailboxId, now: datetime) -> Script[int]:
    """Draw this week's questions from last week's mail; returns how many. During a trial most are about messages that
    only one of its models would hold. Questions about deleted messages lose their message id; all are deleted after a
    year, or after the trial they were asked in."""
    mailbox = rows.mailbox((yield from locked(mailbox_id)))
    yield q("retain_questions", mailbox_id=mailbox_id)
    in_use = yield from models_in_use()
    running = in_use.challenger or ""
    # A trial's result must not change because its first answers are forgotten.
    before = min(now - ANSWERS_KEPT, in_use.since or now)
    yield q("drop_questions", mailbox_id=mailbox_id, before=micros(before))
    week = week_of(now.astimezone(UTC)) - 1
    latest: int | None = yield q("latest_round", mailbox_id=mailbox_id)
    budget = mailbox.preferences.questions_a_week
    if not budget or (latest is not None and latest >= week):
        return 0
    keys: DecisionKeys | None = yield KEYS
    chain = yield from head(mailbox_id)
    key = keys.open(chain.sealed_key, mailbox_id) if keys and chain else None
    if key is None:
        return 0
    trial = {"challenger": running, "began": micros(in_use.since) if in_use.since else 0}
    found: list[JudgedRow] = yield q("judged_in_week", mailbox_id=mailbox_id, week=week, **trial)
    scripts = {row["gmail_id"]: script_of(row["sender_name"]) for row in found}
    disagreements = {row["gmail_id"]: disagreement(row["policy_row"], row["shadow_row"]) for row in found}
    disagreeing = {"": [one for one, stratum in disagreements.items() if stratum]}
    picked = draw_sample(key, f"{TRIAL} {running} {week}", disagreeing, asked_in_trial(budget))
    asked = [(TRIAL, one, disagreements[one], weight) for one, _, weight in picked]
    left = budget - len(asked)
    strata = {
        name: [row["gmail_id"] for row in found if row["stratum"] == name]
        for name in strata_order(week, left)
    }
    sampled = draw_sample(key, f"{QUALITY} {week}", strata, left)
    asked += [(QUALITY, *one) for one in sampled]
    for place, (kind, one, stratum, weight) in enumerate(asked):
        about: dict[str, Any] = {"mailbox_id": mailbox_id, "gmail_id": one}
        draw = {"id": f"{kind}-{week:05d}-{place:02d}", "round": week, "stratum": stratum, "weight": weight}
        details = {"trial_of": running if kind == TRIAL else "", "script": scripts[one]}
        yield q("ask", **about, **draw, **details, kind=kind, now=micros(now))
        decided: str | None = yield q("decision_of", **about)
        if decided is not None:
            yield from note_decision(**about, decision=Decision(decided))
    return len(asked)


def open_questions(mailbox_id: MailboxId, now: datetime) -> Script[tuple[MessageView, ...]]:
    """The messages of unanswered questions; a question stays open for a week."""
    mailbox: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    if mailbox is None or not rows.mailbox(mailbox).preferences.questions_a_week:
        return ()
    return (yield from each(rows.view, "open_questions", mailbox_id=mailbox_id, since=micros(now - OPEN)))


def answer_question(
    mailbox_id: MailboxId, gmail_id: str, answer: Answer, origin: Origin, now: datetime
) -> Script[None]:
    """Store an answer, replacing an earlier one. Raises `NotFound` for a message that was not drawn."""
    yield from lock(mailbox_id)
    how = {"gmail_id": gmail_id, "answer": answer, "now": micros(now)}
    if not (yield from row_count("answer_questions", mailbox_id=mailbox_id, **how)):
        raise NotFound("not_found.question")
    fields = {"answer": answer, "by": origin}
    yield from log_about(mailbox_id, ANSWER, [gmail_id], fields, now)


def note_decision(mailbox_id: MailboxId, gmail_id: str, decision: Decision) -> Script[None]:
    """Keep the owner's decision about a drawn message together with its answer."""
    if taught := EFFECTS[decision].teaches:
        answer = Answer.YES if taught == "sales" else Answer.NO
        yield q("note_act", mailbox_id=mailbox_id, gmail_id=gmail_id, acted=answer)


def labels(mailbox_id: MailboxId, now: datetime) -> Script[tuple[TrialLabel, ...]]:
    """The answers of the last year about sampled mail, without those of trials."""
    return each(TrialLabel, "labels", mailbox_id=mailbox_id, kind=QUALITY, since=micros(now - ANSWERS_KEPT))


# ---- Weekly counts and drift


WEEKS_KEPT = 53
"""Weeks kept in addition to the first ones: a year to compare with."""


class ClassRow(TypedDict):
    """How many messages of a week have this drift class."""

    week: int
    drift_class: str
    n: int


_counted = Reader(drift.WeekCounts, number="week")


def count_weeks(mailbox_id: MailboxId, now: datetime) -> Script[None]:
    """Count each past week not counted yet, and test whether the mail has changed. Weeks older than a year are dropped,
    except the first ones of the model in use."""
    mailbox = yield from locked(mailbox_id)
    weeks = yield from _weeks(mailbox_id)
    today = drift.week_of(now.astimezone(UTC))
    span = {"after": weeks[-1].number if weeks else 0, "before": today}
    fresh: list[ClassRow] = yield q("classes_by_week", mailbox_id=mailbox_id, **span)
    if not fresh:
        return
    for week_number, counts in groupby(fresh, key=itemgetter("week")):
        week = drift.week_counts(week_number, map(itemgetter("drift_class", "n"), counts))
        kept = {"week": week_number, "model": week.model, "counts": json.dumps(week.counts)}
        yield q("keep_week", mailbox_id=mailbox_id, **kept)
    weeks = yield from _weeks(mailbox_id)
    found = drift.drift_of(weeks, _change(mailbox))
    change = json.dumps(asdict(found.change)) if found.change else ""
    yield q("save_drift", mailbox_id=mailbox_id, state=found.state, change=change)
    first = {"model": weeks[-1].model, "reference": weeks[: drift.REFERENCE_WEEKS][-1].number}
    yield q("drop_weeks", mailbox_id=mailbox_id, before=today - WEEKS_KEPT, **first)


def state(mailbox_id: MailboxId) -> Script[drift.Drift]:
    """The last test's result, with the kept weeks of the model in use, oldest first."""
    row: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    return drift.Drift(_change(row) if row else None, (yield from _weeks(mailbox_id)))


def _weeks(mailbox_id: MailboxId) -> Script[tuple[drift.WeekCounts, ...]]:
    return each(_counted, "mail_weeks", mailbox_id=mailbox_id)


def _change(row: MailboxRow) -> drift.MailChange | None:
    return drift.MailChange(**json.loads(row["drift_change"])) if row["drift_change"] else None


# ---- Insights page counts, all from one snapshot


_week = Reader(Week, monday=monday_of)


class DisagreedRow(TypedDict):
    """Verdicts that the owner overruled or confirmed."""

    wrong: int
    confirmed: int
    missed: int


def figures(mailbox_id: MailboxId, since: datetime, senders: int) -> Script[Figures]:
    """Everything decided since then. `weeks` has only those with mail, oldest first; `senders` limits the list of
    senders to the most frequent."""
    at = micros(since)
    most = yield from each(SenderCount, "held_by_sender", mailbox_id=mailbox_id, since=at, limit=senders)
    wrong: DisagreedRow = yield q("owner_disagreed", mailbox_id=mailbox_id, since=at)
    return Figures(
        weeks=(yield from each(_week, "held_by_week", mailbox_id=mailbox_id, since=at)),
        wrong=wrong["wrong"],
        missed=wrong["missed"],
        senders=most,
        funnel=(yield from only(Funnel, "challenge_funnel", mailbox_id=mailbox_id, since=at)),
        confirmed=wrong["confirmed"],
    )


# ---- What answers say of models


def answered(mailbox_id: MailboxId, model: str, now: datetime) -> Script[tuple[Scored, ...]]:
    """Last year's questions about all mail that were answered yes or no, scored by `model`, in order of answers."""
    asked = {"kind": QUALITY, "model": model, "since": micros(now - ANSWERS_KEPT)}
    return each(Scored, "answered", mailbox_id=mailbox_id, **asked)


def trial_labels(
    challenger: str, since: datetime
) -> Script[tuple[tuple[TrialLabel, ...], tuple[TrialLabel, ...]]]:
    """Everything asked in a trial, in every mailbox, in order of answers, and what the same owners were asked about all
    mail."""
    trial = {"challenger": challenger, "since": micros(since)}
    asked = yield from each(TrialLabel, "labels_in_trial", kind=TRIAL, **trial)
    return asked, (yield from each(TrialLabel, "labels_of_the_asked", kind=QUALITY, trial=TRIAL, **trial))


def trial_counts(challenger: str, since: datetime) -> Script[TrialCounts]:
    """How the models of a trial differ on the kept messages."""
    found = yield from each(tuple[str, str, int], "trial_pairs", challenger=challenger, since=micros(since))
    counts: Counter[str | None] = Counter()
    for by_champion, by_challenger, count in found:
        counts[disagreement(by_champion, by_challenger)] += count
    return TrialCounts(counts.total(), counts[CHAMPION], counts[CHALLENGER])


# ---- Models that operators add
# The last row of the log of acts says which are in use.


_models_in_use = Reader(ModelsInUse, before="champion_before", since="trial_since")
_model_act = Reader(ModelAct, by="by_whom", at="done_at", in_use=_models_in_use)


def models_in_use() -> Script[ModelsInUse]:
    """The models in use; cheap to get."""
    return (yield from maybe(_models_in_use, "models_at_work")) or ModelsInUse()


def known_models() -> Script[tuple[KnownModel, ...]]:
    """The added models, oldest first."""
    return each(KnownModel, "known_models")


def stored_model(version: str) -> Script[StoredModel]:
    """Raises `NotFound`."""
    found = yield from maybe(StoredModel, "model", version=version)
    if found is None:
        raise NotFound("not_found.model", version=version)
    return found


def add_model(model: StoredModel, by: str, now: datetime) -> Script[bool]:
    """Store `model`; False if added before. Raises `Refused` if another file has its version."""
    if (yield from row_count("add_model", **columns(model), by=by, now=micros(now))):
        yield from change_models(Act.ADD, model.version, by, now)
        return True
    there = yield from maybe(StoredModel, "model", version=model.version)
    if there is None or there.digest != model.digest:
        raise Refused("models.version_taken", version=model.version)
    return False


def change_models(act: Act, version: str, by: str, now: datetime) -> Script[ModelsInUse]:
    """Log the act and notify every replica. Raises `Refused` as `ModelsInUse.after` does, `NotFound` for a version
    that was not added, and `Conflict` if another change came first."""
    if version != CONFIGURED_MODEL:
        yield from stored_model(version)
    following = (yield from models_in_use()).after(act, version, now)
    done = yield from row_count(
        "note_model_act",
        number=following.number,
        act=act,
        version=version,
        by=by,
        now=micros(now),
        champion=following.champion,
        before=following.before,
        challenger=following.challenger,
        since=micros_or_none(following.since),
    )
    if not done:
        raise Conflict("conflict.models")
    return following


def model_acts() -> Script[tuple[ModelAct, ...]]:
    """All acts on models, oldest first."""
    return each(_model_act, "model_acts")
