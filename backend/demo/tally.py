"""What became of every message of a play, and whether anything was lost or doubled.

Three books are held against one another: what was delivered (the script's), where it is now (the mailbox's
labels at Google) and what was decided (the server's own store, read after the server has stopped).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from email import message_from_string
from typing import Any

from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.message import HELD, MessageView, Placement
from backend.transactions.store import Store

PAGE = 500
PLACES = {Placement.HELD: True, Placement.INBOX: False, Placement.MARKED: False}


@dataclass
class Tally:
    """The last line of `pitchgate demo --json`. Messages are counted by what became of them."""

    delivered: int = 0
    ignored: int = 0
    passed: int = 0
    held: int = 0
    challenged: int = 0
    solved: int = 0
    released: int = 0
    credits: dict[str, int] = field(default_factory=dict)
    quota_units: int = 0
    quota_units_per_message: dict[str, float] = field(default_factory=dict)
    kills: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    ledger_differences: int = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing doubled, every balance the sum of its entries."""
        return not self.lost and not self.doubled and not self.ledger_differences

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `lost` and `doubled` as counts, with their cases beside them if there are any."""
        data = asdict(self)
        for name in ("lost", "doubled"):
            cases = data.pop(name)
            data[name] = len(cases)
            if cases:
                data[f"{name}_cases"] = cases[:20]
        return data


async def count(
    store: Store,
    owner: str,
    delivered: Sequence[str],
    mailbox: Sequence[Mapping[str, Any]],
    outbox: Sequence[Mapping[str, Any]],
    meter: Mapping[str, Any],
) -> Tally:
    """Take stock. `delivered` are message ids, `mailbox` and `outbox` the sandbox's lists, `meter` its units."""
    connected = await store.mailbox_by_email(owner)
    if connected is None:
        return Tally(delivered=len(delivered), lost=list(delivered))
    views = await every_message(store, connected.id)
    labels = {str(mail["id"]): frozenset(mail["labels"]) for mail in mailbox}
    tally = Tally(delivered=len(delivered), quota_units=int(meter["units"]))
    for gmail_id in delivered:
        _judge(tally, gmail_id, views.get(gmail_id), labels.get(gmail_id, frozenset()))
    await _challenges(tally, store, connected.id, owner, delivered, outbox)
    for view in views.values():
        if (
            view.sender
            and view.gmail_id in labels
            and (balance := await store.balance(connected.id, view.sender))
        ):
            tally.credits[view.sender] = balance
    tally.ledger_differences = len(await store.ledger_differences())
    tally.quota_units_per_message = _prices(tally, meter)
    return tally


async def every_message(store: Store, mailbox_id: MailboxId) -> dict[str, MessageView]:
    """All messages of a mailbox by id. The store must be at rest: pages follow the latest change."""
    found: dict[str, MessageView] = {}
    before = ""
    while page := await store.messages(mailbox_id, limit=PAGE, before=before):
        found |= {view.gmail_id: view for view in page}
        before = page[-1].gmail_id
    return found


def _judge(tally: Tally, gmail_id: str, view: MessageView | None, labels: frozenset[str]) -> None:
    if view is None or not view.outcome:
        tally.lost.append(f"{gmail_id}: never decided")
        return
    if view.outcome == "ignore":
        tally.ignored += 1
        return
    if view.stage is not None or view.dead_letter:
        tally.lost.append(f"{gmail_id}: stuck at {view.stage or 'dead letter'}")
    if view.placement is not None and PLACES[view.placement] is not (HELD in labels):
        tally.lost.append(f"{gmail_id}: meant to be {view.placement}, labels {sorted(labels)}")
    if view.outcome in ("inbox", "mark"):
        tally.passed += 1
    elif view.placement is Placement.HELD:
        tally.held += 1
    else:
        tally.released += 1


async def _challenges(
    tally: Tally,
    store: Store,
    mailbox_id: MailboxId,
    owner: str,
    delivered: Sequence[str],
    outbox: Sequence[Mapping[str, Any]],
) -> None:
    sent = [mail for mail in outbox if mail["sender"] == owner and _marker(mail)]
    tally.challenged = len(sent)
    for address, times in Counter(str(mail["recipients"]) for mail in sent).items():
        if times > 1:
            tally.doubled.append(f"{address}: {times} challenges")
    for marker, times in Counter(map(_marker, sent)).items():
        if times > 1:
            tally.doubled.append(f"challenge {marker}: sent {times} times")
    for gmail_id in delivered:
        challenge = await store.challenge_of(mailbox_id, gmail_id)
        if challenge is not None and challenge.solved_at is not None:
            tally.solved += 1


def _marker(mail: Mapping[str, Any]) -> str:
    return str(message_from_string(mail["raw"])["X-Pitchgate-Challenge"] or "")


def _prices(tally: Tally, meter: Mapping[str, Any]) -> dict[str, float]:
    """Units a message of each outcome cost, from the meter's totals by method.

    Listing history is shared by all messages; fetching by those that were read; labels by those that moved;
    sending by those that were answered.
    """
    methods: Mapping[str, Any] = meter["methods"]

    def units(*names: str) -> float:
        return float(sum(methods.get(f"gmail.users.{name}", {"units": 0})["units"] for name in names))

    moved = tally.held + tally.released
    look = units("history.list", "messages.list", "getProfile") / max(tally.delivered, 1)
    read = units("messages.get") / max(tally.passed + moved, 1)
    move = units("messages.modify") / max(moved + tally.released, 1)
    answer = units("messages.send", "settings.getVacation", "threads.get") / max(tally.challenged, 1)
    prices = {
        "ignored": look,
        "passed": look + read,
        "held": look + read + move,
        "challenged": look + read + move + answer,
    }
    return {name: round(value, 1) for name, value in prices.items()}
