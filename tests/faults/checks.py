"""The end of a run, and the end of a run held against another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_string
from typing import Any

from backend.demo.play import every_message
from backend.domain.mailbox.message import HELD, WOULD_BE_HELD, MessageView
from tests.faults.fixture import Fixture
from tests.faults.script import OWNER, Script

MARKER = "X-Pitchgate-Challenge"
PLACES = frozenset({"INBOX", HELD, WOULD_BE_HELD, "SPAM", "TRASH"})


@dataclass
class End:
    """How a run ended, by keys of letters and addresses of senders, so that two runs can be compared."""

    labels: dict[str, frozenset[str]] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    challenges: Counter[str] = field(default_factory=Counter)
    doubled: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    balances: dict[str, int] = field(default_factory=dict)
    ledger_differences: int = 0
    dead_letters: int = 0
    failed_open: int = 0

    def count_challenges(self, sent: Mapping[str, Counter[str]]) -> None:
        """What left: how often each challenge was sent to each recipient."""
        markers: Counter[str] = Counter()
        for recipient, own in sent.items():
            self.challenges[recipient] = own.total()
            markers += own
        self.doubled += [f"{address}: {n} challenges" for address, n in self.challenges.items() if n > 1]
        self.doubled += [f"challenge {marker}: sent {n} times" for marker, n in markers.items() if n > 1]

    def note(self, key: str, view: MessageView, labels: frozenset[str]) -> None:
        """Where a letter is and why; a letter that is nowhere, or still on its way, is lost."""
        if view.stage is not None or view.dead_letter:
            dead = " (dead letter)" if view.dead_letter else ""
            self.lost.append(f"{key}: stuck at {view.stage}{dead} ({view.cause})")
        if not labels & PLACES:
            self.lost.append(f"{key}: neither in the inbox nor held")
        self.labels[key] = labels & PLACES
        self.verdicts[key] = f"{view.outcome}/{view.row}/{view.decided_by}"


def strays(sent_mail: list[dict[str, Any]]) -> list[str]:
    """The challenges in an owner's Sent that began a thread of their own."""
    return [
        f"{mail['to']}: {mail['subject']}"
        for mail in sent_mail
        if mail["threadId"] == mail["id"] and MARKER in dict(mail["headers"])
    ]


def challenges_sent(outbox: list[dict[str, Any]]) -> dict[str, dict[str, Counter[str]]]:
    """Owner → recipient → how often each challenge was sent."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for mail in outbox:
        marker = str(message_from_string(mail["raw"])[MARKER] or "")
        if marker:
            to = found.setdefault(mail["sender"], {}).setdefault(mail["recipients"][0], Counter())
            to[marker] += 1
    return found


async def take_stock(fixture: Fixture, script: Script) -> End:
    """Read the mailbox at Google, the outbox and the backend's books. Everything must be at rest."""
    end = End()
    mailbox = await fixture.mailbox()
    assert mailbox is not None
    views = await every_message(fixture.store, mailbox.id)
    labels = await fixture.sandbox.labels_now(OWNER)
    senders = {piece.key: piece.letter.address for piece in (*script.first, *script.second, *script.third)}
    for key, gmail_id in fixture.ids.items():
        _letter(end, key, views.get(gmail_id), labels.get(gmail_id), deleted=key in script.deleted)
    for address in sorted(set(senders.values())):
        if balance := await fixture.store.balance(mailbox.id, address):
            end.balances[address] = balance
    end.count_challenges(challenges_sent(await fixture.sandbox.outbox()).get(OWNER, {}))
    end.strays = strays(await fixture.sandbox.sent_mail(OWNER))
    end.ledger_differences = len(await fixture.store.ledger_differences())
    census = await fixture.store.census()
    end.dead_letters = census.get("dead_letters", 0)
    end.failed_open = sum(number for name, number in census.items() if name.startswith("fail_open."))
    return end


def _letter(
    end: End, key: str, view: MessageView | None, labels: frozenset[str] | None, *, deleted: bool
) -> None:
    if deleted:
        if labels is not None:
            end.lost.append(f"{key}: deleted, and yet there")
        if view is not None and view.stage is not None:
            end.lost.append(f"{key}: deleted, and yet at {view.stage}")
        return
    if labels is None:
        end.lost.append(f"{key}: not in the mailbox any more")
        return
    if view is None and "SPAM" in labels:
        return  # Google's own affair: a re-list does not even look there
    if view is None or not view.outcome:
        end.lost.append(f"{key}: never decided")
        return
    if "SPAM" in labels:
        return
    end.note(key, view, labels)


def group_of(key: str) -> str:
    """Letters of one group may change places: which follow-up of a seller costs them a credit is chance."""
    return key.partition("-")[2] if key.startswith("again") and "-seller-" in key else key


def compare(end: End, expected: End) -> dict[str, list[str]]:
    """What differs from the fault-free end: wrong labels, other verdicts, challenges missing or not due, balances."""
    return {
        "wrong_labels": _differences(end.labels, expected.labels),
        "other_verdicts": _differences(end.verdicts, expected.verdicts),
        "challenges_missing": sorted(set(expected.challenges) - set(end.challenges)),
        "challenges_not_due": sorted(set(end.challenges) - set(expected.challenges)),
        "other_balances": sorted(
            f"{address}: {end.balances.get(address, 0)} instead of {expected.balances.get(address, 0)}"
            for address in end.balances.keys() | expected.balances.keys()
            if end.balances.get(address, 0) != expected.balances.get(address, 0)
        ),
    }


def _differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    groups: dict[str, tuple[list[str], list[str]]] = {}
    for side, values in enumerate((found, expected)):
        for key, value in values.items():
            shown = ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)
            groups.setdefault(group_of(key), ([], []))[side].append(shown)
    return [
        f"{group}: {sorted(mine)} instead of {sorted(theirs)}"
        for group, (mine, theirs) in sorted(groups.items())
        if sorted(mine) != sorted(theirs)
    ]
