"""The end of a cluster's run: every mailbox at Google, every book of the backend's, the whole outbox."""

from __future__ import annotations

from collections import Counter
from email import message_from_string
from typing import Any

from backend.demo.tally import every_message
from backend.domain.labels import HELD
from backend.ports.store import Placement
from tests.faults.cluster_house import Cluster, Owner
from tests.faults.reckoning import PLACES, End

MEANT = {Placement.HELD: True, Placement.INBOX: False}


async def take_stock(cluster: Cluster) -> dict[str, End]:
    """The end of every mailbox by its owner's address. Everything must be at rest."""
    ends: dict[str, End] = {}
    mailboxes = {mailbox.owner.email: mailbox for mailbox in await cluster.store.mailboxes()}
    sent = _challenges(await cluster.sandbox.outbox())
    for one in cluster.owners:
        end = ends[one.email] = End()
        await _letters(cluster, one, mailboxes[one.email].id, end)
        for recipient, markers in sent.get(one.email, {}).items():
            end.challenges[recipient] = sum(markers.values())
            end.doubled += [f"challenge {marker}: sent {n} times" for marker, n in markers.items() if n > 1]
        end.doubled += [f"{address}: {n} challenges" for address, n in end.challenges.items() if n > 1]
    return ends


async def _letters(cluster: Cluster, one: Owner, mailbox_id: str, end: End) -> None:
    views = await every_message(cluster.store, mailbox_id)
    labels = await cluster.sandbox.labels_now(one.email)
    pieces = {piece.key: piece for piece in (*one.script.first, *one.script.second, *one.script.third)}
    for key, piece in pieces.items():
        gmail_id = one.ids.get(key, "never delivered")
        view, shown = views.get(gmail_id), labels.get(gmail_id)
        if view is None or shown is None or not view.outcome:
            if shown is None or "SPAM" not in shown:
                end.lost.append(f"{one.email} {key}: {'never decided' if shown else 'not in the mailbox'}")
            continue
        if "SPAM" in shown:
            continue  # Google's own affair
        if view.stage is not None or view.set_aside:
            end.lost.append(f"{one.email} {key}: stuck at {view.stage} ({view.cause})")
        if not shown & PLACES:
            end.lost.append(f"{one.email} {key}: neither in the inbox nor held")
        if view.placement in MEANT and MEANT[view.placement] is not (HELD in shown):
            end.lost.append(f"{one.email} {key}: meant to be {view.placement}, labels {sorted(shown)}")
        end.labels[key] = shown & PLACES
        end.verdicts[key] = f"{view.outcome}/{view.row}/{view.decided_by}"
        if (address := piece.letter.address) not in end.balances:
            end.balances[address] = await cluster.store.balance(mailbox_id, address)


def _challenges(outbox: list[dict[str, Any]]) -> dict[str, dict[str, Counter[str]]]:
    """Owner → recipient → how often each challenge was sent."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for mail in outbox:
        marker = str(message_from_string(mail["raw"])["X-Pitchgate-Challenge"] or "")
        if marker:
            to = found.setdefault(mail["sender"], {}).setdefault(mail["recipients"][0], Counter())
            to[marker] += 1
    return found
