"""What an owner takes with them is everything, and comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from backend.domain.challenge import LedgerEntry, Posting
from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox import archive
from backend.domain.mailbox.archive import LEFT_OUT, OWNED_TABLES, TABLES
from backend.domain.mailbox.decisions import Decision, RuleKind
from backend.domain.mailbox.message import Outcome
from backend.pipeline.account import ArchiveService
from backend.pipeline.context import Context
from tests.contract.store.dump import columns
from tests.contract.store.stories import BO, Story
from tests.doubles import FixedClock, in_english

SENDERS = [f"s{number}@pitch{number}.test" for number in range(4)]


class Notifier:
    """Counts how often work was announced."""

    rings = 0

    def ring(self) -> None:
        self.rings += 1


def service(story: Story) -> ArchiveService:
    """The service over a story's store; nothing but store, clock and notifier is touched."""
    context = Context(
        settings=cast(Any, None),
        store=story.store,
        gmail=cast(Any, None),
        reader=cast(Any, None),
        clock=FixedClock(story.now),
        tokens=cast(Any, None),
        vault=cast(Any, None),
        web_push=cast(Any, None),
        wake=Notifier().ring,
    )
    return ArchiveService(context)


async def exported(story: Story, mailbox_id: str = "ana") -> bytes:
    """The whole file."""
    return "".join([piece async for piece in service(story).export(mailbox_id)]).encode()


async def lists(story: Story, mailbox_id: str = "ana") -> dict[str, Any]:
    """The lists of a file, without when it was made and for whom."""
    data: dict[str, Any] = json.loads(await exported(story, mailbox_id))
    for name in ("made_at", "format", "version"):
        data.pop(name)
    return data


async def live(story: Story) -> None:
    """A mailbox to which everything has happened."""
    await story.mailbox("ana", strictness="strict", retention_days=30)
    await story.receive("ana", "m0", Outcome.INBOX, "friend@corp.test")
    intents = [
        await story.receive("ana", f"m{number + 1}", Outcome.CHALLENGE, sender)
        for number, sender in enumerate(SENDERS[:2])
    ]
    assert intents[0] is not None
    story.pass_time(hours=1)
    await story.solve(intents[0])
    await story.work()
    await story.receive("ana", "m5", Outcome.HOLD, "ä@pitch.test")
    await story.decide("ana", "m5", Decision.BLOCK)
    await story.decide("ana", "m2", Decision.ALLOW, "key-undone")
    await story.store.undo("ana", "key-undone", story.now)
    await story.work()
    await story.store.post("ana", LedgerEntry(BO, 4, Posting.GRANTED, "grant:1"), story.now)
    await story.store.set_rule("ana", "spam.test", RuleKind.BLOCK, story.now)
    await story.store.learn("ana", frozenset({"friend@corp.test"}), "t-m0", story.now)


async def leave(story: Story) -> None:
    """The mailbox is forgotten, and connected again as a new one."""
    await story.store.forget("ana")
    await story.mailbox("ana")


async def test_what_comes_back_is_what_went(story: Story) -> None:
    await live(story)
    before, file = await lists(story), await exported(story)
    credits_before = (await story.store.standing("ana", SENDERS[0], "", "", story.now)).credits
    await leave(story)

    restored = await service(story).restore("ana", file)

    after = await lists(story)
    connected = before["mailbox"].pop("connected_at"), after["mailbox"].pop("connected_at")
    assert connected[0] <= connected[1]
    # The log of decisions is the instance's own: its owner reads it in the file, and it is not taken back in.
    for own in ("decisions", "decision_settings"):
        del after[own], before[own]
    assert after == before
    assert restored.added["messages"] == 4
    assert await story.store.ledger_differences() == ()
    assert credits_before == 2
    assert (await story.store.standing("ana", SENDERS[0], "", "", story.now)).credits == 2
    assert (await story.store.standing("ana", "x@spam.test", "spam.test", "", story.now)).rules.domain is (
        RuleKind.BLOCK
    )


async def test_the_same_file_again_adds_nothing(story: Story) -> None:
    await live(story)
    file = await exported(story)
    await leave(story)
    await service(story).restore("ana", file)
    once = await lists(story)

    again = await service(story).restore("ana", file)

    assert set(again.added.values()) == {0}
    assert await lists(story) == once


async def test_what_is_here_already_stays_as_it_is(story: Story) -> None:
    await live(story)
    file = await exported(story)
    await story.decide("ana", "m2", Decision.RELEASE)
    await story.work()
    await story.store.set_rule("ana", "spam.test", RuleKind.ALLOW, story.now)
    newer = await lists(story)

    await service(story).restore("ana", file)

    assert await lists(story) == newer


async def test_a_link_of_the_old_instance_opens_nothing_here_but_is_remembered(story: Story) -> None:
    await live(story)
    file = await exported(story)
    await leave(story)
    await service(story).restore("ana", file)

    challenge_history = await story.store.challenge_history(
        "ana", SENDERS[1], "pitch1.test", "t-m2", story.now
    )

    assert challenge_history.sender_last_at is not None  # so they are not asked again within a week
    assert not challenge_history.open_for_sender
    assert b"token" not in file


async def test_many_pages_are_one_list(story: Story) -> None:
    await story.mailbox()
    await story.store.learn("ana", frozenset(f"a{n}@corp.test" for n in range(1_203)), "", story.now)

    assert len((await lists(story))["correspondents"]) == 1_203


async def test_mail_not_judged_yet_is_told_but_not_taken(story: Story) -> None:
    await story.mailbox()
    await story.arrive("ana", "m1")
    file = await exported(story)
    await leave(story)

    restored = await service(story).restore("ana", file)

    assert len(json.loads(file)["messages"]) == restored.skipped == 1
    assert await story.store.known("ana", ["m1"]) == {}


async def test_nothing_of_another_owner_is_in_it(story: Story) -> None:
    await live(story)
    await story.mailbox("eve")

    data = await lists(story, "eve")

    assert data.pop("mailbox")["email"] == "eve@corp.test"
    assert not any(data.values())
    with pytest.raises(NotFound):
        await exported(story, "nobody")


async def test_another_owners_file_is_refused(story: Story) -> None:
    await live(story)
    await story.mailbox("eve")

    with pytest.raises(Refused, match="other_mailbox"):
        await service(story).restore("eve", await exported(story))

    assert not any(value for name, value in (await lists(story, "eve")).items() if name != "mailbox")


def changed(name: str, value: object, place: str = "messages") -> Callable[[dict[str, Any]], None]:
    """A file with one field of its first entry set."""

    def change(data: dict[str, Any]) -> None:
        data[place][0][name] = value

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        changed("score", "high"),
        changed("score", True),
        changed("placement", "nowhere"),
        changed("first_seen_at", "yesterday"),
        changed("first_seen_at", 7),
        changed("subject", "x" * 2_001),
        changed("subject", "a\0b"),
        changed("subject", "\ud800"),
        changed("sender", None),
        changed("reasons", "none"),
        changed("amount", 10**30, "ledger"),
        changed("amount", 1.5, "ledger"),
        changed("kind", "adore", "rules"),
        lambda data: data.update(messages={}),
        lambda data: data["messages"].append("m9"),
        lambda data: data.update(format="something"),
        lambda data: data.update(version=2),
        lambda data: data["mailbox"].update(preferences={"retention_days": 9_999}),
    ],
)
async def test_a_file_that_is_not_in_order_is_refused_whole(
    story: Story, spoil: Callable[[dict[str, Any]], None]
) -> None:
    await live(story)
    data = json.loads(await exported(story))
    await leave(story)
    fresh = await lists(story)
    spoil(data)

    with pytest.raises(Refused) as refused:
        await service(story).restore("ana", json.dumps(data).encode())

    assert in_english(refused.value)
    assert await lists(story) == fresh


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_file_of_ours_is_refused(story: Story, content: bytes) -> None:
    await story.mailbox()

    with pytest.raises(Refused, match="no_export"):
        await service(story).restore("ana", content)


async def test_credits_nobody_earned_are_refused(story: Story) -> None:
    await live(story)
    data = json.loads(await exported(story))
    await leave(story)
    data["ledger"] = [entry for entry in data["ledger"] if entry["amount"] < 0]

    with pytest.raises(Refused, match="no_credit"):
        await service(story).restore("ana", json.dumps(data).encode())

    assert await story.store.ledger_differences() == ()


async def test_every_column_is_in_the_file_or_left_out_for_a_reason(story: Story, address: str) -> None:
    there = await columns(address)
    kept = {f"{table.name}.{name}" for table in TABLES.values() for name in table.columns}

    assert set(OWNED_TABLES) == set(there)
    for name, fields in there.items():
        if name in LEFT_OUT:
            assert name not in TABLES
            continue
        mentioned = {f"{name}.{field}" for field in fields} - {f"{name}.mailbox_id"}
        assert mentioned <= kept | LEFT_OUT.keys(), mentioned - kept - LEFT_OUT.keys()


async def test_a_year_is_written_to_the_microsecond(story: Story) -> None:
    await story.mailbox()
    story.pass_time(microseconds=1)
    await story.store.set_rule("ana", "a@b.test", RuleKind.ALLOW, story.now)

    (rule,) = (await lists(story))["rules"]

    assert rule["set_at"].endswith("000001+00:00")
    assert archive.from_file(TABLES["rules"], 1, rule)["set_at"] % 1_000 == 1
    assert story.now - timedelta(microseconds=1) < story.now
