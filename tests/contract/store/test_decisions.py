"""Each decision leaves an entry in the commit that makes it, and the chain of them verifies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend.domain.errors import Conflict
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Grounds, Outcome, PolicyRow, Verdict
from backend.domain.reading.score import Score, ScoreTrace
from backend.domain.watching import audit
from backend.store.opening import open_store
from backend.transactions.store import Store
from tests.contract.store.stories import Story, lend
from tests.doubles import PlainKeys

KEYS = PlainKeys()


async def in_order(store: Store, mailbox_id: str) -> int:
    """The length of a log in which nothing is wrong."""
    found = await store.decision_chain(mailbox_id)
    assert found is not None
    key = KEYS.open(found.sealed_key, mailbox_id)
    assert key is not None
    entries = (await store.decisions(mailbox_id)).entries
    assert list(audit.faults(key, found, entries)) == []
    return len(entries)


async def says(story: Story, gmail_id: str) -> list[Mapping[str, Any]]:
    return [entry.data for entry in (await story.store.decisions("ana", gmail_id)).entries]


async def test_a_message_leaves_its_whole_story(story: Story) -> None:
    await story.mailbox("ana")
    intent = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert intent is not None
    await story.solve(intent)
    await story.decide("ana", "m1", Decision.SALES, key="k1")
    await story.store.undo("ana", "k1", story.now)
    entries = await says(story, "m1")
    assert [one["kind"] for one in entries] == ["verdict", "solve", "correction", "undone"]
    assert entries[0]["row"] == "challenge"
    assert (entries[2]["decision"], entries[2]["by"]) == ("sales", "tray")
    assert await in_order(story.store, "ana") == 4


async def test_a_decision_about_a_sender_is_written_for_each_message_that_moves(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.receive("ana", "m2", Outcome.HOLD)
    await story.decide("ana", "m1", Decision.ALLOW)
    assert [(one["kind"], one.get("on")) for one in await says(story, "m2")] == [
        ("verdict", None),
        ("correction", "m1"),
    ]


async def test_what_is_undone_with_its_transaction_leaves_no_entry(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    job = await story.job("m1")
    with pytest.raises(Conflict):
        await story.judge(job, Outcome.INBOX, spends=True)
    assert await story.store.decision_chain("ana") is None


async def test_the_grounds_of_a_verdict_are_kept_with_it(story: Story) -> None:
    await story.mailbox("ana")
    trace = ScoreTrace("model reading runtime", "t" * 32, "s" * 32, 20, 18)
    grounds = Grounds('{"mode":"observe"}', '{"at":1,"p":"00"}', trace, b"sealed counts")
    for gmail_id in ("m1", "m2"):
        await story.arrive("ana", gmail_id)
        verdict = Verdict(Outcome.INBOX, PolicyRow.BELOW_HOLD, Score(0.1, -2.0), grounds=grounds)
        await story.store.record_verdict(
            await story.job(gmail_id), verdict, story.screened(), None, story.now
        )
    (one,), (two,) = [(await story.store.decisions("ana", name)).entries for name in ("m1", "m2")]
    assert one.data["case"] == {"at": 1, "p": "00"}
    assert one.data["text"] == audit.keyed_digest(
        (KEYS.open(b"sealed" + (1).to_bytes(32, "big"), "ana") or b""), "t" * 32
    )
    assert one.data["shares"] == "s" * 32
    log = await story.store.decisions("ana")
    assert log.counts == dict.fromkeys((1, 2), b"sealed counts")
    assert one.data["setting"] == two.data["setting"]
    assert log.settings == {one.data["setting"]: '{"mode":"observe"}'}
    before = story.now - timedelta(days=90)
    assert await story.store.retain("ana", story.now, before, 1, before - timedelta(days=1)) == 0
    assert await story.store.retain("ana", story.now, before, 1, story.now + timedelta(days=1)) == 1
    log = await story.store.decisions("ana")
    assert (list(log.counts), log.entries) == ([2], (one, two))


async def test_what_is_too_old_becomes_tombstones_that_verify(story: Story) -> None:
    await story.mailbox("ana")
    for number in range(5):
        await story.receive("ana", f"m{number}", Outcome.HOLD, f"s{number}@pitch.test")
    story.pass_time(days=100)
    await story.receive("ana", "late", Outcome.HOLD, "late@pitch.test")
    await story.store.retain("ana", story.now, story.now - timedelta(days=90), 500)
    entries = (await story.store.decisions("ana")).entries
    assert [entry.about for entry in entries] == [None] * 5 + ["late", ""]
    assert entries[-1].data == {"kind": "erased", "up_to": 5}
    assert {(entry.payload, entry.salt, entry.at) for entry in entries[:5]} == {(None, None, None)}
    assert await in_order(story.store, "ana") == 7
    assert await says(story, "m1") == []
    assert await story.store.retain("ana", story.now, story.now - timedelta(days=90), 500) == 0
    assert await in_order(story.store, "ana") == 7, "nothing more to say"
    await story.store.retain("ana", story.now, story.now + timedelta(days=1), 500)
    assert await in_order(story.store, "ana") == 8


async def test_leaving_takes_the_log_along(story: Story) -> None:
    await story.mailbox("ana")
    await story.mailbox("ben")
    for name in ("ana", "ben"):
        await story.receive(name, f"m-{name}", Outcome.HOLD)
    deleted = await story.store.forget("ana")
    assert (deleted["decisions"], deleted["chains"]) == (1, 1)
    assert (await story.store.decisions("ana")).entries == ()
    assert await in_order(story.store, "ben") == 1


async def test_a_key_that_is_lost_stops_no_verdict(address: str, story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    keys = PlainKeys()
    keys.made = 7
    first = await story.store.decision_chain("ana")
    assert first is not None
    keys.lost.add(first.sealed_key)
    other = open_store(address, keys)
    await other.open()
    lend(story.store, other)
    try:
        later = replace(story, store=other)
        await later.receive("ana", "m2", Outcome.HOLD, "other@pitch.test")
        found = await other.decision_chain("ana")
        assert found is not None
        assert (found.began, found.number) == (1, 2)
        assert await in_order(other, "ana") == 2
    finally:
        await other.close()


async def test_without_keys_nothing_is_written_and_all_else_goes_on(address: str, story: Story) -> None:
    other = open_store(address)
    await other.open()
    lend(story.store, other)
    try:
        plain = Story(other)
        await plain.mailbox("cyd")
        await plain.receive("cyd", "m1", Outcome.HOLD)
        assert await other.decision_chain("cyd") is None
    finally:
        await other.close()


async def test_a_key_sealed_anew_is_kept_unless_another_took_its_place(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    found = await story.store.decision_chain("ana")
    assert found is not None
    assert not await story.store.swap_chain_key("ana", b"other", b"new")
    assert await story.store.swap_chain_key("ana", found.sealed_key, b"sealed" + found.sealed_key[6:])
    assert await in_order(story.store, "ana") == 1


async def test_a_head_that_is_no_longer_the_stored_one_is_read_again(address: str, story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "m1", Outcome.HOLD)
    keys = PlainKeys()
    other = open_store(address, keys)
    await other.open()
    lend(story.store, other)
    try:
        await replace(story, store=other).receive("ana", "m2", Outcome.HOLD, "second@pitch.test")
        await story.receive("ana", "m3", Outcome.HOLD, "third@pitch.test")
        assert keys.heads["ana"].number == 2, "not the last one"
        await replace(story, store=other).receive("ana", "m4", Outcome.HOLD, "fourth@pitch.test")
        assert await in_order(other, "ana") == 4
    finally:
        await other.close()
