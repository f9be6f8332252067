"""Owners come, come back, change their mind and leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain.errors import AccessLost, Conflict, NotFound
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import AccessState, Preferences
from backend.domain.mailbox.message import LabelIds, Outcome
from backend.transactions.records import Duty, NewMailbox, PushFate, SyncPage
from backend.transactions.store import Store
from tests.contract.store.stories import Story, is_a_store

ANA = NewMailbox(
    id="ana",
    sub="sub-ana",
    email="Ana@Corp.test",
    name="Ana",
    sealed_token=b"first",
    scopes=frozenset({"openid", "modify"}),
    preferences=Preferences(credits_per_solve=5),
)


async def due_duties(story: Story) -> list[Duty]:
    found = []
    while (job := await story.due_duty()) is not None:
        found.append(job.duty)
        await story.store.finish_duty(job, None)
    return sorted(found)


async def test_a_new_owner_is_watched_indexed_and_synced(story: Story) -> None:
    connected = await story.store.connect(ANA, story.now)
    assert connected == await story.store.mailbox("ana")
    assert connected.owner.email == "ana@corp.test"
    assert connected.preferences == ANA.preferences
    assert connected.scopes == ANA.scopes
    assert connected.created_at == story.now
    assert await story.store.sealed_token("ana") == b"first"
    assert await due_duties(story) == [Duty.INDEX, Duty.SYNC, Duty.WATCH]
    is_a_store(story.store)


async def test_an_owner_who_comes_back_keeps_their_settings_and_place(story: Story) -> None:
    await story.store.connect(ANA, story.now)
    await due_duties(story)
    job = await story.hold("ana", Duty.INDEX)
    await story.store.save_index(job, "", 40, 40, finished=True, now=story.now)
    await story.store.finish_duty(job, None)
    await story.sync("ana", SyncPage(cursor="900"))
    await story.store.set_link("ana", AccessState.NEEDS_RECONNECT, story.now, AccessLost.GRANT)
    again = replace(
        ANA, id="another", email="ana.b@corp.test", sealed_token=b"second", preferences=Preferences()
    )
    story.pass_time(hours=1)
    back = await story.store.connect(again, story.now)
    assert (back.id, back.cursor, back.preferences) == ("ana", "900", ANA.preferences)
    assert (back.link, back.lost, back.owner.email) == (AccessState.CONNECTED, None, "ana.b@corp.test")
    assert await story.store.sealed_token("ana") == b"second"
    assert await story.store.mailbox("another") is None
    assert await due_duties(story) == [Duty.SYNC, Duty.WATCH]  # the index was finished


async def test_an_id_that_belongs_to_somebody_else_is_no_mailbox_of_a_new_account(story: Story) -> None:
    await story.store.connect(ANA, story.now)
    with pytest.raises(Conflict):
        await story.store.connect(replace(ANA, sub="sub-eve"), story.now)
    kept = await story.store.mailbox("ana")
    assert kept is not None
    assert kept.sub == "sub-ana"


async def test_mailboxes_are_found_by_address_in_any_case_and_listed_oldest_first(story: Story) -> None:
    await story.store.connect(ANA, story.now)
    story.pass_time(seconds=1)
    await story.mailbox("bea")
    found = await story.store.mailbox_by_email("ANA@corp.test")
    assert found is not None
    assert found.id == "ana"
    assert await story.store.mailbox_by_email("nobody@corp.test") is None
    assert [mailbox.id for mailbox in await story.store.mailboxes()] == ["ana", "bea"]


async def test_an_address_that_changed_hands_means_its_new_account(story: Story) -> None:
    await story.store.connect(ANA, story.now)
    story.pass_time(days=1)
    await story.store.connect(replace(ANA, id="new", sub="sub-new"), story.now)
    found = await story.store.mailbox_by_email("ana@corp.test")
    assert found is not None
    assert found.id == "new"


async def test_what_is_saved_is_read_back(story: Story) -> None:
    await story.store.connect(ANA, story.now)
    labels = LabelIds("L1", "L2", "L3", "L4", "L5")
    expires = story.now + timedelta(days=7, microseconds=1)
    wishes = Preferences(paused_until=story.now, wording=(("de", "Guten Tag"),))
    await story.store.save_labels(
        "ana", labels, Owner("ana@corp.test", "Ana Duarte", frozenset({"Ana.B@corp.test"}))
    )
    await story.store.save_watch("ana", expires, "100")
    await story.store.save_watch("ana", expires, "200")
    await story.store.save_preferences("ana", wishes, story.now)
    await story.store.save_sealed_token("ana", b"newer", story.now)
    saved = await story.store.mailbox("ana")
    assert saved is not None
    assert saved.labels == labels
    assert saved.owner == Owner("ana@corp.test", "Ana Duarte", frozenset({"ana.b@corp.test"}))
    assert saved.watch_expires_at == expires
    assert saved.cursor == "100"  # the first watch gives the cursor, later ones never move it
    assert saved.preferences == wishes
    assert await story.store.sealed_token("ana") == b"newer"


async def test_a_name_is_not_lost_to_an_answer_without_one(story: Story) -> None:
    """Google tells a name at consent only where that scope was asked for, and in Gmail only if one is set."""
    await story.store.connect(ANA, story.now)
    await story.store.save_labels("ana", LabelIds(), Owner("ana@corp.test"))
    again = await story.store.connect(replace(ANA, name=""), story.now)
    assert again.owner.name == "Ana"


async def test_nothing_can_be_saved_for_a_mailbox_that_is_not_there(store: Store, story: Story) -> None:
    now = story.now
    for attempt in (
        store.save_labels("nobody", LabelIds(), Owner("")),
        store.save_watch("nobody", now, "1"),
        store.save_preferences("nobody", Preferences(), now),
        store.save_sealed_token("nobody", b"x", now),
        store.set_link("nobody", AccessState.CONNECTED, now),
        store.set_rule("nobody", "bo@pitch.test", None, now),
        store.learn("nobody", frozenset({"bo@pitch.test"}), "", now),
    ):
        with pytest.raises(NotFound):
            await attempt
    await store.request_duty("nobody", Duty.SYNC, now)
    assert min((at for at in (await store.lanes()).values() if at), default=None) is None


async def test_a_mailbox_that_needs_reconnecting_stops_and_goes_on_where_it_was(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    await story.store.set_link("ana", AccessState.NEEDS_RECONNECT, story.now, AccessLost.GRANT)
    assert await story.due() == ()
    assert await story.due_duty() is None
    assert await story.next_due() is None
    await story.store.set_link("ana", AccessState.CONNECTED, story.now)
    assert [job.gmail_id for job in await story.due()] == ["m1"]
    job = await story.due_duty()
    assert job is not None
    assert job.duty is Duty.SYNC


async def test_a_leaving_mailbox_does_nothing_but_leave(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    await story.store.set_link("ana", AccessState.LEAVING, story.now)
    assert await story.due() == ()
    (job,) = (await story.store.lane_work("ana", 1)).duties
    assert job.duty is Duty.LEAVE
    await story.store.begin_leaving(job)
    with pytest.raises(Conflict):  # it would be deleted under the owner's feet
        await story.store.connect(replace(ANA, sub="sub-ana"), story.now)


async def test_an_owner_who_comes_back_before_their_leaving_began_stays(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.set_link("ana", AccessState.LEAVING, story.now)
    back = await story.store.connect(replace(ANA, sub="sub-ana"), story.now)
    assert back.link is AccessState.CONNECTED
    assert Duty.LEAVE not in await due_duties(story)


async def test_a_forgotten_mailbox_leaves_no_row(story: Story) -> None:
    for name in ("ana", "bea"):
        await story.mailbox(name)
        challenge = await story.receive(name, "m1", Outcome.CHALLENGE, f"bo@{name}.test")
        assert challenge is not None
        await story.store.set_rule(name, "ok.test", None, story.now)
        await story.store.learn(name, frozenset({"carl@x.test"}), "t9", story.now)
        await story.push(5, f"{name}@corp.test")
        await story.solve(challenge)
        await story.work()
    before = await story.store.census(story.now)
    deleted = await story.store.forget("ana")
    assert deleted["messages"] == 1
    assert deleted["ledger"] == 2
    assert deleted["mailboxes"] == 1
    assert await story.store.mailbox("ana") is None
    assert await story.store.forget("ana") == dict.fromkeys(deleted, 0)
    after = await story.store.census(story.now)
    for name, number in before.items():
        if name not in ("dead_letters", "oldest_due_seconds"):
            assert after[name] == number / 2, name
    assert await story.store.ledger_differences() == ()
    assert await story.push(6) is PushFate.UNKNOWN


async def test_a_worker_whose_mailbox_was_forgotten_has_lost_its_lease(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    message, duty = await story.job("m1"), await story.hold("ana")
    await story.store.forget("ana")
    story.pass_time(seconds=1)
    for late in (
        story.store.finish_stage(message, story.now),
        story.judge(message, Outcome.INBOX),
        story.store.commit_sync(duty, SyncPage(cursor="1"), story.now),
        story.store.finish_duty(duty, None),
        story.store.save_index(duty, "", 1, 1, finished=True, now=story.now),
    ):
        with pytest.raises(Conflict):
            await late


async def test_naive_times_are_refused(story: Story) -> None:
    with pytest.raises(TypeError):
        await story.store.connect(ANA, story.now.replace(tzinfo=None))
    assert await story.store.mailboxes() == ()


async def test_what_is_old_is_forgotten_even_if_we_die_right_after_connecting(story: Story) -> None:
    """The duty is part of the connect itself: asked for afterwards, a death in between would lose it."""
    await story.store.connect(ANA, story.now)
    while (job := await story.due_duty()) is not None:
        await story.store.finish_duty(job, None)
    story.now += timedelta(days=1, seconds=1)
    due = []
    while (job := await story.due_duty()) is not None:
        due.append(job.duty)
        await story.store.finish_duty(job, None)
    assert due == [Duty.RETAIN]


# Another address


async def test_a_mailbox_that_takes_another_address_is_the_same_one_by_either(story: Story) -> None:
    await story.mailbox("ana")
    labels = LabelIds("l1", "l2", "l3", "l4")
    await story.store.save_labels(
        "ana", labels, Owner("Ana.New@corp.test", "Ana", frozenset({"ana.new@corp.test"}))
    )
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert mailbox.owner.email == "ana.new@corp.test"
    assert mailbox.owner.addresses == {"ana.new@corp.test", "ana@corp.test"}
    for address in ("Ana@corp.test", "ana.new@corp.test"):
        found = await story.store.mailbox_by_email(address)
        assert found is not None
        assert found.id == "ana"
        assert await story.push(7, address) is PushFate.NEW
    assert await story.store.mailbox_by_email("ana_new@corp.test") is None  # "_" is no sign for any letter
    assert await story.store.mailbox_by_email("na@corp.test") is None
    assert await story.store.mailbox_by_email("") is None
    assert await story.push(7, "an%@corp.test") is PushFate.UNKNOWN


async def test_who_has_an_address_now_comes_before_who_had_it(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.save_labels("ana", LabelIds(), Owner("ana.new@corp.test", "Ana", frozenset()))
    await story.store.connect(replace(ANA, id="other", sub="sub-other", email="ana@corp.test"), story.now)
    found = await story.store.mailbox_by_email("ana@corp.test")
    assert found is not None
    assert found.id == "other"
    assert await story.push() is PushFate.NEW
    assert {one.id for one in await story.store.mailboxes()} == {"ana", "other"}


async def test_addresses_come_and_go_and_nothing_is_forgotten_on_the_way(story: Story) -> None:
    await story.store.connect(ANA, story.now)
    for email in ("b@corp.test", "ana@corp.test", "", "c@corp.test"):
        await story.store.save_labels("ana", LabelIds(), Owner(email, "Ana", frozenset()))
    again = await story.store.connect(replace(ANA, email="d@corp.test"), story.now)
    assert again.owner.email == "d@corp.test"
    assert again.owner.aliases == {"ana@corp.test", "b@corp.test", "c@corp.test"}
    for number in range(20):
        await story.store.save_labels("ana", LabelIds(), Owner(f"n{number}@corp.test", "", frozenset()))
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert len(mailbox.owner.addresses) == 11
