"""The end of a cluster's run: every mailbox at Google, every book of the backend's, the whole outbox."""

from __future__ import annotations

from backend.demo.play import every_message
from backend.domain.mailbox.message import HELD, Placement
from tests.faults.checks import End, challenges_sent
from tests.faults.cluster_fixture import Cluster, Owner
from tests.renamed_model import OTHER_VERSION, SHIPPED_VERSION

MEANT = {Placement.HELD: True, Placement.INBOX: False}


async def take_stock(cluster: Cluster) -> dict[str, End]:
    """The end of every mailbox by its owner's address. Everything must be at rest."""
    ends: dict[str, End] = {}
    mailboxes = {mailbox.owner.email: mailbox for mailbox in await cluster.store.mailboxes()}
    sent = challenges_sent(await cluster.sandbox.outbox())
    for one in cluster.owners:
        end = ends[one.email] = End()
        await _letters(cluster, one, mailboxes[one.email].id, end)
        end.count_challenges(sent.get(one.email, {}))
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
        if view.model:
            judge = {SHIPPED_VERSION: "by_first_model", OTHER_VERSION: "by_second_model"}
            cluster.counts[judge.get(view.model, "by_a_third_model")] += 1
        if view.placement in MEANT and MEANT[view.placement] is not (HELD in shown):
            end.lost.append(f"{one.email} {key}: meant to be {view.placement}, labels {sorted(shown)}")
        end.note(key, view, shown)
        if (address := piece.letter.address) not in end.balances:
            end.balances[address] = await cluster.store.balance(mailbox_id, address)
