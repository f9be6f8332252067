"""The log of decisions: appended in the transaction that decides, read by the operator's commands.

Whoever appends holds the mailbox's row (`mailboxes.locked`), so entries come one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from backend.domain.mailbox.decisions import Correction
from backend.domain.mailbox.verdict import Grounds, Verdict
from backend.domain.watching.audit import Chain, Entry, grown, keyed, name_of
from backend.ports.system import DecisionKeys
from backend.transactions.records import Log
from backend.transactions.statement import KEYS, Script, each, micros, number, q
from backend.transactions.tables import CountsRow, SettingRow

_payload = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
VERDICT, CORRECTION, UNDONE, SOLVE, ANSWER = "verdict", "correction", "undone", "solve", "answer"


class _Note(NamedTuple):
    """What an entry is to say of a message: what was decided and by whom, and of a verdict what it rests on."""

    kind: str
    about: str
    told: Mapping[str, Any]
    grounds: Grounds | None = None


def verdicts_reached(
    mailbox_id: str, verdicts: Iterable[tuple[str, Verdict]], late: bool, now: datetime
) -> Script[None]:
    """Verdicts were recorded, by message. `late`: a newer order stood already, and nothing follows from them."""
    yield from _appended(mailbox_id, (_reached(*one, late) for one in verdicts), now)


def _reached(gmail_id: str, verdict: Verdict, late: bool) -> _Note:
    told = {"row": verdict.row, "outcome": verdict.outcome, "guards": verdict.guards, "cause": verdict.cause}
    return _Note(VERDICT, gmail_id, told | {"late": late}, verdict.grounds)


def corrected(mailbox_id: str, correction: Correction, about: Iterable[str], now: datetime) -> Script[None]:
    """An owner decided `about` these messages."""
    told = {"decision": correction.decision, "by": correction.origin, "on": correction.gmail_id}
    yield from noted(mailbox_id, CORRECTION, about, told, now)


def noted(
    mailbox_id: str, kind: str, about: Iterable[str], told: Mapping[str, Any], now: datetime
) -> Script[None]:
    """Append an entry `about` each of these messages; `told`: what was decided, and by whom."""
    notes = (_Note(kind, gmail_id, told) for gmail_id in dict.fromkeys(about))
    yield from _appended(mailbox_id, notes, now)


def _appended(mailbox_id: str, notes: Iterable[_Note], now: datetime) -> Script[None]:
    """Nothing where the store seals nothing."""
    keys: DecisionKeys | None = yield KEYS
    if keys is None:
        return
    chain = (yield from head(mailbox_id)) or Chain()
    if not (key := keys.open(chain.sealed_key)):
        # The first entry; or no key of ours opens the old one, which must not stop a verdict: what went before cannot
        # be verified any more.
        sealed, key = keys.fresh()
        chain = Chain(sealed, chain.number, chain.number, setting=chain.setting)
        yield q("begin_chain", mailbox_id=mailbox_id, **chain._asdict())
    at = micros(now)
    for kind, about, told, grounds in notes:
        fields = {"kind": kind, **{name: value for name, value in told.items() if value}}
        if grounds is not None and grounds.trace is not None:
            fields["text"], fields["shares"] = keyed(key, grounds.trace.text), grounds.trace.shares
        payload = _payload(fields)
        if grounds is not None:
            named = name_of(grounds.setting)
            if named != chain.setting:
                yield q("keep_setting", mailbox_id=mailbox_id, name=named, content=grounds.setting)
                chain = chain._replace(setting=named)
            payload = f'{payload[:-1]},"setting":"{named}","case":{grounds.case}}}'
        entry, chain = grown(key, chain, at, about, keys.salt(), payload)
        yield q("append_decision", mailbox_id=mailbox_id, **entry._asdict())
        if grounds is not None and grounds.counts:
            yield q("keep_counts", mailbox_id=mailbox_id, number=chain.number, at=at, counts=grounds.counts)
    ends = {"number": chain.number, "seal": chain.seal, "tag": chain.tag, "setting": chain.setting}
    yield q("move_chain", mailbox_id=mailbox_id, **ends)


def head(mailbox_id: str) -> Script[Chain | None]:
    """None before the first decision."""
    row: Chain | None = yield q("chain", mailbox_id=mailbox_id)  # or rather a row with the fields of one
    return row and Chain(*row)


def log(mailbox_id: str, gmail_id: str | None = None) -> Script[Log]:
    """Every entry, or those about one message."""
    chain = yield from head(mailbox_id)
    if gmail_id is None:
        entries = yield from each(Entry, "decisions", mailbox_id=mailbox_id)
    else:
        entries = yield from each(Entry, "decisions_about", mailbox_id=mailbox_id, gmail_id=gmail_id)
    settings: list[SettingRow] = yield q("decision_settings", mailbox_id=mailbox_id)
    counts: list[CountsRow] = yield q("decision_counts", mailbox_id=mailbox_id)
    shared = {row["name"]: row["content"] for row in settings}
    return Log(chain, entries, shared, {row["number"]: row["counts"] for row in counts})


def swap_key(mailbox_id: str, old: bytes, new: bytes) -> Script[bool]:
    """Keep the key sealed again, if `old` is still what is kept."""
    return bool((yield from number("swap_chain_key", mailbox_id=mailbox_id, old=old, new=new)))
