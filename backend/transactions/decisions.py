"""The log of decisions: appended in the transaction that decides, read by the operator's commands.

Whoever appends holds the mailbox's row (`mailboxes.locked`), so entries come one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from backend.domain.mailbox.correction import Correction
from backend.domain.mailbox.verdict import Grounds, Verdict
from backend.domain.watching import chain
from backend.ports.decisions import Chain, DecisionKeys
from backend.transactions.statement import KEYS, Script, micros, number, q
from backend.transactions.tables import ChainRow, CountsRow, DecisionRow, SettingRow

_payload = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
VERDICT, CORRECTION, UNDONE, SOLVE, ANSWER = "verdict", "correction", "undone", "solve", "answer"


def verdict_reached(
    mailbox_id: str, gmail_id: str, verdict: Verdict, late: bool, now: datetime
) -> Script[None]:
    """A verdict was recorded. `late`: a newer order stood already, and nothing follows from it."""
    keys: DecisionKeys | None = yield KEYS
    if keys is None:
        return
    grounds = verdict.grounds
    entry: dict[str, Any] = {
        "kind": VERDICT,
        "row": verdict.row,
        "outcome": verdict.outcome,
        "guards": list(verdict.guards),
        "cause": verdict.cause,
        "late": late,
    }
    if grounds is not None and grounds.trace is not None:
        entry["text"], entry["shares"] = grounds.trace.text, grounds.trace.shares
    last = yield from _append(mailbox_id, keys, [(gmail_id, entry)], grounds, now)
    if grounds is not None and grounds.counts:
        yield q("keep_counts", mailbox_id=mailbox_id, number=last, at=micros(now), counts=grounds.counts)


def corrected(mailbox_id: str, correction: Correction, about: Iterable[str], now: datetime) -> Script[None]:
    """An owner decided `about` these messages."""
    fields = {"decision": correction.decision, "by": correction.origin, "on": correction.gmail_id}
    yield from noted(mailbox_id, CORRECTION, about, now, **fields)


def noted(mailbox_id: str, kind: str, about: Iterable[str], now: datetime, **told: str) -> Script[None]:
    """Something else than a verdict was decided `about` these messages; `told`: what, and by whom."""
    keys: DecisionKeys | None = yield KEYS
    if keys is not None:
        entries = [(gmail_id, {"kind": kind, **told}) for gmail_id in dict.fromkeys(about)]
        yield from _append(mailbox_id, keys, entries, None, now)


def _append(
    mailbox_id: str,
    keys: DecisionKeys,
    entries: list[tuple[str, dict[str, Any]]],
    grounds: Grounds | None,
    now: datetime,
) -> Script[int]:
    row: ChainRow | None = yield q("chain", mailbox_id=mailbox_id)
    key = keys.open(row["sealed_key"]) if row else None
    if row is None or key is None:
        row, key = yield from _begun(mailbox_id, keys, row)
    head = chain.Head(row["number"], row["seal"], row["tag"])
    known = row["setting"]
    if grounds is not None:
        named = chain.name_of(grounds.setting)
        if named != known:
            yield q("keep_setting", mailbox_id=mailbox_id, name=named, content=grounds.setting)
            known = named
    for gmail_id, fields in entries:
        given = {name: value for name, value in fields.items() if value}
        if "text" in given:
            given["text"] = chain.keyed(key, given["text"])
        payload = _payload(given)
        if grounds is not None:
            payload = f'{payload[:-1]},"setting":"{known}","case":{grounds.case}}}'
        entry, head = chain.grown(key, head, micros(now), gmail_id, keys.salt(), payload)
        yield q(
            "append_decision",
            mailbox_id=mailbox_id,
            number=entry.number,
            at=entry.at,
            gmail_id=gmail_id,
            salt=entry.salt,
            payload=payload,
            digest=entry.digest,
            seal=entry.seal,
        )
    yield q(
        "move_chain", mailbox_id=mailbox_id, number=head.number, seal=head.seal, tag=head.tag, setting=known
    )
    return head.number


def _begun(mailbox_id: str, keys: DecisionKeys, before: ChainRow | None) -> Script[tuple[ChainRow, bytes]]:
    """A first chain; or one that goes on with a new key where no key of ours opens the old one, which must not stop a
    verdict: what went before cannot be verified any more."""
    sealed, key = keys.fresh()
    last = before["number"] if before else 0
    yield q("begin_chain", mailbox_id=mailbox_id, sealed_key=sealed, number=last, seal=chain.START)
    row: ChainRow = yield q("chain", mailbox_id=mailbox_id)
    return row, key


def head(mailbox_id: str) -> Script[Chain | None]:
    """See the port."""
    row: ChainRow | None = yield q("chain", mailbox_id=mailbox_id)
    if row is None:
        return None
    return Chain(row["sealed_key"], row["began"], chain.Head(row["number"], row["seal"], row["tag"]))


def log(mailbox_id: str, after: int, limit: int) -> Script[tuple[chain.Entry, ...]]:
    """See the port."""
    found: list[DecisionRow] = yield q("decisions_after", mailbox_id=mailbox_id, after=after, limit=limit)
    return tuple(chain.Entry(**row) for row in found)


def about(mailbox_id: str, gmail_id: str) -> Script[tuple[chain.Entry, ...]]:
    """See the port."""
    found: list[DecisionRow] = yield q("decisions_about", mailbox_id=mailbox_id, gmail_id=gmail_id)
    return tuple(chain.Entry(**row) for row in found)


def counts(mailbox_id: str, first: int, last: int) -> Script[Mapping[int, bytes]]:
    """See the port."""
    found: list[CountsRow] = yield q("decision_counts", mailbox_id=mailbox_id, first=first, last=last)
    return {row["number"]: row["counts"] for row in found}


def settings(mailbox_id: str) -> Script[Mapping[str, str]]:
    """See the port."""
    found: list[SettingRow] = yield q("decision_settings", mailbox_id=mailbox_id)
    return {row["name"]: row["content"] for row in found}


def drop_counts(mailbox_id: str, before: datetime, limit: int) -> Script[int]:
    """See the port."""
    dropped: int = yield q(
        "retain_decision_counts", mailbox_id=mailbox_id, before=micros(before), limit=limit
    )
    return dropped


def swap_key(mailbox_id: str, old: bytes, new: bytes) -> Script[bool]:
    """See the port."""
    return bool((yield from number("swap_chain_key", mailbox_id=mailbox_id, old=old, new=new)))
