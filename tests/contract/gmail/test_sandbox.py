"""The contract of `backend.ports.gmail`, kept against a whole Google in its own process."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from backend.domain.challenge_mail import compose
from backend.domain.errors import Gone, HistoryGone, Rejected, SendUncertain
from backend.domain.mail.message import Owner
from backend.domain.mailbox.message import LABEL_NAMES
from backend.gmail.arrivals import read_message
from backend.gmail.client import Google
from backend.pipeline.act import challenge_wording
from backend.ports.gmail import OutgoingMail
from tests.contract.gmail.sandbox_story import Story
from tests.sandbox_process import TOPIC
from tests.unit.domain.mail.test_message import texts


def reply(to: str, marker: str, message_id: str, parent: str, subject: str = "Re: An offer") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = to, "bo@ext.test", subject
    mail["Message-ID"], mail["In-Reply-To"], mail["References"] = message_id, parent, parent
    mail["X-Pitchgate-Challenge"] = marker
    mail.set_content("Please confirm.")
    return mail.as_bytes()


def leaving(message_id: str, thread_id: str, marker: str) -> OutgoingMail:
    return OutgoingMail(message_id, thread_id, marker, "bo@ext.test", datetime.now(UTC))


# --- the Gmail port ------------------------------------------------------------------------------


async def test_profile(story: Story, google: Google) -> None:
    story.deliver()
    profile = await google.gmail.profile("m1")
    assert profile.email == story.address
    assert profile.messages_total == 1
    assert profile.history_id == str(story.sandbox.mailbox(story.address)["historyId"])


async def test_watch_lasts_a_week_and_stop_may_run_again(story: Story, google: Google) -> None:
    grant = await google.gmail.watch("m1")
    left = grant.expires_at - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7, minutes=1)
    assert int(grant.history_id) > 0
    await google.gmail.watch("m1")
    await google.gmail.stop_watch("m1")
    await google.gmail.stop_watch("m1")
    assert story.calls("watch") == 2


async def test_a_watch_of_another_topic_is_replaced(story: Story, google: Google) -> None:
    other = TOPIC.replace("topics/gmail", "topics/elsewhere")
    story.sandbox.create_topic(other)
    async with story.open(topic=other) as stranger:
        await stranger.gmail.watch("m1")
    await google.gmail.watch("m1")
    assert [watch["topic"] for watch in story.sandbox.mailbox(story.address)["watches"]] == [TOPIC]


async def test_history_tells_of_all_four_kinds_of_change(story: Story, google: Google) -> None:
    start = (await google.gmail.profile("m1")).history_id
    kept, gone = story.deliver(), story.deliver(subject="Another")
    story.sandbox.move_labels(story.address, [kept], add=["Pitchgate/Allow"], remove=["INBOX"])
    story.sandbox.delete_messages(story.address, [gone])
    page = await google.gmail.history("m1", start)
    assert [added.gmail_id for added in page.added][:1] == [kept]
    assert page.deleted == (gone,)
    moved = [change for change in page.relabelled if change.gmail_id == kept]
    assert frozenset({"INBOX"}) in {change.removed for change in moved}
    assert any(change.added for change in moved)
    assert page.next_page == ""
    after = await google.gmail.history("m1", page.history_id)
    assert (after.added, after.relabelled, after.deleted) == ((), (), ())


async def test_history_is_paged_to_its_end_with_empty_pages_in_between(story: Story, google: Google) -> None:
    start = (await google.gmail.profile("m1")).history_id
    story.sandbox.settings(history_empty_pages=1)
    try:
        wanted = {story.deliver(subject=f"Mail {n}", text="x") for n in range(5)}
        found: set[str] = set()
        page_token, positions, pages = "", set(), 0
        while pages < 20:
            page = await google.gmail.history("m1", start, page_token)
            found |= {added.gmail_id for added in page.added}
            positions.add(page.history_id)
            page_token, pages = page.next_page, pages + 1
            if not page_token:
                break
        assert found == wanted
        assert pages >= 2, "an empty page came first and did not end the listing"
        assert len(positions) == 1
    finally:
        story.sandbox.settings(history_empty_pages=0)


async def test_history_older_than_google_keeps_is_gone(story: Story, google: Google) -> None:
    start = (await google.gmail.profile("m1")).history_id
    story.deliver()
    story.deliver()
    story.sandbox.act("raise_history_floor", story.address)
    with pytest.raises(HistoryGone):
        await google.gmail.history("m1", start)


async def test_lists_come_in_pages_newest_first(story: Story, google: Google) -> None:
    ids = [story.deliver(subject=f"Mail {n}") for n in range(5)]
    first = await google.gmail.list_messages("m1", "in:inbox", limit=3)
    rest = await google.gmail.list_messages("m1", "in:inbox", page=first.next_page, limit=3)
    assert [gmail_id for gmail_id, _ in first.ids + rest.ids] == ids[::-1]
    assert rest.next_page == ""
    assert (await google.gmail.list_messages("m1", "in:sent")).ids == ()


async def test_a_message_comes_with_texts_labels_and_time(story: Story, google: Google) -> None:
    gmail_id = story.deliver(
        sender="Bö Öst <bo@ext.test>",
        subject="Grüße",
        text="Hällo",
        html="<p>Hällo</p>",
        attachments=[{"filename": "a.pdf", "content_type": "application/pdf", "size": 1000}],
    )
    arrival = read_message((await google.gmail.fetch("m1", gmail_id)).raw)
    message = arrival.message
    assert (message.sender.address, message.sender.name) == ("bo@ext.test", "Bö Öst")
    assert message.subject == "Grüße"
    assert message.text.strip() == "Hällo"
    assert message.html is not None
    assert "Hällo" in message.html
    assert [one.filename for one in message.attachments] == ["a.pdf"]
    assert "INBOX" in arrival.labels
    assert abs(arrival.received_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert message.headers.first("authentication-results").startswith("mx.google.com;")


async def test_labels_can_be_had_alone(story: Story, google: Google) -> None:
    """Nothing its sender wrote comes with them: they are looked at on the event loop."""
    gmail_id = story.deliver()
    assert {"INBOX", "UNREAD"} <= await google.gmail.labels_on("m1", gmail_id)
    call = google.gmail._requests.message_labels(gmail_id)
    assert "payload" not in await google.gmail._executor.run("m1", call)
    with pytest.raises(Gone):
        await google.gmail.labels_on("m1", "1" * 16)


async def thread_of(google: Google, gmail_id: str) -> str:
    return read_message((await google.gmail.fetch("m1", gmail_id)).raw).thread_id


async def test_what_is_gone_is_told_as_gone(story: Story, google: Google) -> None:
    gmail_id = story.deliver()
    story.sandbox.delete_messages(story.address, [gmail_id])
    with pytest.raises(Gone):
        await google.gmail.fetch("m1", gmail_id)
    with pytest.raises(Gone):
        await google.gmail.relabel("m1", gmail_id, frozenset({"STARRED"}), frozenset())


async def test_labels_are_made_once_and_put_on_in_one_call(story: Story, google: Google) -> None:
    ids = await google.gmail.ensure_labels("m1")
    assert ids.complete
    assert await google.gmail.ensure_labels("m1") == ids
    found = story.sandbox.mailbox(story.address)["userLabels"]
    assert set(found) == {"Pitchgate", *LABEL_NAMES.values()}
    assert found["Pitchgate/Held"] == ids.held
    gmail_id = story.deliver()
    for _ in range(2):
        now = await google.gmail.relabel("m1", gmail_id, frozenset({ids.held}), frozenset({"INBOX"}))
        assert ids.held in now
        assert "INBOX" not in now
    assert story.calls("messages.modify") == 2
    assert story.calls("messages.get") == 0


async def test_a_label_the_owner_deleted_is_told_by_its_word_and_made_again(
    story: Story, google: Google
) -> None:
    ids = await google.gmail.ensure_labels("m1")
    gmail_id = story.deliver()
    story.sandbox.act("delete_label", story.address, label="Pitchgate/Held")
    with pytest.raises(Rejected) as caught:
        await google.gmail.relabel("m1", gmail_id, frozenset({ids.held}), frozenset({"INBOX"}))
    assert caught.value.reason == "unknownLabel"
    again = await google.gmail.ensure_labels("m1")
    assert "INBOX" not in await google.gmail.relabel(
        "m1", gmail_id, frozenset({again.held}), frozenset({"INBOX"})
    )


async def test_a_label_the_owner_renames_is_the_same_label(story: Story, google: Google) -> None:
    ids = await google.gmail.ensure_labels("m1")
    story.sandbox.owner_act(story.address, "rename_label", label="Pitchgate/Held", to="Sales/Waiting")
    story.sandbox.owner_act(story.address, "rename_label", label="Pitchgate/Block", to="Pitchgate/Held")
    story.sandbox.owner_act(story.address, "delete_label", label="Pitchgate/Allow")
    again = await google.gmail.ensure_labels("m1", ids)
    assert (again.held, again.block, again.would_hold) == (ids.held, ids.block, ids.would_hold)
    labels = story.sandbox.mailbox(story.address)["userLabels"]
    assert labels["Pitchgate/Allow"] == again.allow != ids.allow
    assert len(labels) == 6
    # the name alone leads to the label that bears it now
    assert (await google.gmail.ensure_labels("m1")).held == ids.block


@pytest.mark.parametrize(
    ("criteria", "caught"),
    [
        ({"from": "bo@ext.test"}, True),
        ({"from": "Bo"}, True),
        ({"subject": "offer", "to": "nobody@x.test"}, False),
        ({"query": "from:ext.test (quote OR offer)"}, True),
        ({"query": "subject:offer", "negatedQuery": "from:bo@ext.test"}, False),
    ],
)
async def test_gmail_says_whether_a_filter_marked_a_message_as_important(
    story: Story, google: Google, criteria: dict[str, str], caught: bool
) -> None:
    by_filter = {"criteria": criteria, "action": {"addLabelIds": ["IMPORTANT"]}}
    other = {"criteria": {"from": "ext.test"}, "action": {"addLabelIds": ["STARRED"]}}
    story.sandbox.set_filters(story.address, other, by_filter)
    gmail_id = story.deliver(sender="Bo <bo@ext.test>", subject="An offer", message_id="<offer-7@ext.test>")
    labels = await google.gmail.labels_on("m1", gmail_id)
    assert "STARRED" in labels
    assert ("IMPORTANT" in labels) is caught
    assert await google.gmail.filtered("m1", "<offer-7@ext.test>", "IMPORTANT") is caught
    assert not await google.gmail.filtered("m1", "<other@ext.test>", "IMPORTANT")
    assert not await google.gmail.filtered("m1", "<a b} in:inbox@ext.test>", "IMPORTANT")
    story.sandbox.set_filters(story.address)
    assert not await google.gmail.filtered("m1", "<offer-7@ext.test>", "IMPORTANT")


@pytest.mark.parametrize("place", ["SPAM", "TRASH"])
async def test_nothing_gets_into_two_places(story: Story, google: Google, place: str) -> None:
    gmail_id = story.deliver()
    story.sandbox.owner_act(story.address, "spam" if place == "SPAM" else "trash", ids=[gmail_id])
    with pytest.raises(Rejected):
        await google.gmail.relabel("m1", gmail_id, frozenset({"INBOX", "UNREAD"}), frozenset())
    labels = await google.gmail.relabel("m1", gmail_id, frozenset(), frozenset({"UNREAD"}))
    assert labels & {"INBOX", "SPAM", "TRASH"} == {place}


async def test_two_of_us_may_make_the_labels_at_once(story: Story, google: Google) -> None:
    made = await asyncio.gather(*(google.gmail.ensure_labels("m1") for _ in range(4)))
    assert len(set(made)) == 1


async def test_an_answer_lands_in_its_thread_and_is_found_again(story: Story, google: Google) -> None:
    gmail_id = story.deliver(message_id="<offer@ext.test>")
    thread = await thread_of(google, gmail_id)
    raw = reply(story.address, "mark-1", "<ours-1@corp.test>", "<offer@ext.test>")
    sent = await google.gmail.send("m1", raw, thread)
    assert await thread_of(google, sent) == thread
    assert await google.gmail.find_sent("m1", leaving("<ours-1@corp.test>", thread, "mark-1")) == sent
    assert await google.gmail.find_sent("m1", leaving("<never@corp.test>", thread, "never")) == ""
    assert len([mail for mail in story.sandbox.outbox() if mail["sender"] == story.address]) == 1


async def test_a_message_id_google_rewrote_does_not_hide_the_mail(story: Story, google: Google) -> None:
    gmail_id = story.deliver(message_id="<offer2@ext.test>")
    thread = await thread_of(google, gmail_id)
    story.sandbox.settings(rewrite_message_ids=True)
    try:
        raw = reply(story.address, "mark-2", "<ours-2@corp.test>", "<offer2@ext.test>")
        sent = await google.gmail.send("m1", raw, thread)
    finally:
        story.sandbox.settings(rewrite_message_ids=False)
    assert await google.gmail.find_sent("m1", leaving("<ours-2@corp.test>", thread, "mark-2")) == sent


async def test_a_mail_that_began_a_thread_of_its_own_is_found_all_the_same(
    story: Story, google: Google
) -> None:
    gmail_id = story.deliver(message_id="<offer3@ext.test>", subject="Ein Angebot für  März")
    thread = await thread_of(google, gmail_id)
    story.sandbox.settings(rewrite_message_ids=True, exact_subjects=True)
    try:
        raw = reply(
            story.address, "mark-3", "<ours-3@corp.test>", "<offer3@ext.test>", "Re: Ein Angebot für März"
        )
        sent = await google.gmail.send("m1", raw, thread)
        same = reply(
            story.address, "mark-4", "<ours-4@corp.test>", "<offer3@ext.test>", "Re: Ein Angebot für  März"
        )
        beside = await google.gmail.send("m1", same, thread)
    finally:
        story.sandbox.settings(rewrite_message_ids=False, exact_subjects=False)
    assert await thread_of(google, sent) != thread
    assert await thread_of(google, beside) == thread
    assert await google.gmail.find_sent("m1", leaving("<ours-3@corp.test>", thread, "mark-3")) == sent
    assert await google.gmail.find_sent("m1", leaving("<ours-3@corp.test>", thread, "mark-5")) == ""


async def test_a_challenge_lands_in_its_thread_whatever_the_subject(story: Story, google: Google) -> None:
    story.sandbox.settings(rewrite_message_ids=True, exact_subjects=True)
    try:
        for number, subject in enumerate(texts(4, 20)):
            gmail_id = story.deliver(message_id=f"<s{number}@ext.test>", subject=subject)
            arrival = read_message((await google.gmail.fetch("m1", gmail_id)).raw)
            raw = compose(
                arrival=arrival,
                owner=Owner(story.address, "Ana"),
                link="https://gate.test/c/abc",
                explained="https://gate.test/#how",
                message_id=f"<ours-s{number}@corp.test>",
                marker=f"mark-s{number}",
                wording=challenge_wording("en", datetime.now(UTC), 3),
                own="",
                now=datetime.now(UTC),
            )
            sent = await google.gmail.send("m1", raw, arrival.thread_id)
            assert await thread_of(google, sent) == arrival.thread_id, subject
    finally:
        story.sandbox.settings(rewrite_message_ids=False, exact_subjects=False)


@pytest.mark.parametrize("kind", ["drop_after", "drop_mid", "unavailable_after", "garbage"])
async def test_a_send_that_left_but_was_not_confirmed_is_found_and_not_sent_twice(
    story: Story, google: Google, kind: str
) -> None:
    gmail_id = story.deliver(message_id=f"<{kind}@ext.test>")
    thread = await thread_of(google, gmail_id)
    story.fault(kind, method="messages.send")
    raw = reply(story.address, kind, f"<ours-{kind}@corp.test>", f"<{kind}@ext.test>")
    with pytest.raises(SendUncertain):
        await google.gmail.send("m1", raw, thread)
    assert await google.gmail.find_sent("m1", leaving(f"<ours-{kind}@corp.test>", thread, kind))
    assert len([mail for mail in story.sandbox.outbox() if mail["sender"] == story.address]) == 1


async def test_a_send_that_was_dropped_before_it_left_is_not_found(story: Story, google: Google) -> None:
    gmail_id = story.deliver()
    thread = await thread_of(google, gmail_id)
    story.fault("drop", method="messages.send")
    with pytest.raises(SendUncertain):
        await google.gmail.send("m1", reply(story.address, "m", "<ours-d@corp.test>", "<x@y>"), thread)
    assert await google.gmail.find_sent("m1", leaving("<ours-d@corp.test>", thread, "m")) == ""


async def test_aliases_and_vacation(story: Story, google: Google) -> None:
    story.sandbox.add_alias(story.address, "Sales@Corp.Test")
    story.sandbox.add_alias(story.address, "ceo@corp.test", accepted=False)
    owner = await google.gmail.identity("m1")
    assert owner.email == story.address
    assert owner.aliases == {story.address, "sales@corp.test"}
    assert not await google.gmail.vacation_on("m1")
    story.sandbox.set_vacation(story.address, enableAutoReply=True)
    assert await google.gmail.vacation_on("m1")


async def test_a_digest_is_placed_unread_and_sent_to_nobody_and_found_again(
    story: Story, google: Google
) -> None:
    sealed = f"<digest.{'gAAAA-_x' * 16}==@corp.test>"
    before = len(story.sandbox.outbox())
    placed = await google.gmail.place("m1", reply(story.address, "mark-3", sealed, "<none@corp.test>"))
    assert await google.gmail.labels_on("m1", placed) == {"INBOX", "UNREAD"}
    assert len(story.sandbox.outbox()) == before
    await google.gmail.relabel("m1", placed, frozenset({"TRASH"}), frozenset({"INBOX"}))
    assert await google.gmail.find_placed("m1", sealed) == placed
    assert await google.gmail.find_placed("m1", "<never@corp.test>") == ""
