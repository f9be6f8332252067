"""What our methods make of Google's answers: history, watch, labels, sent mail, settings."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.errors import HistoryGone, Rejected, TryLater
from backend.domain.mail.message import Owner
from backend.domain.mailbox.message import LabelIds
from backend.ports.gmail import OutgoingMail, SentLink
from tests.fakes.google import Answer, FakeGoogle, StoryClock, open_against

HISTORY = "GET /gmail/v1/users/me/history"
MODIFY = "POST /gmail/v1/users/me/messages/a1/modify"


# --- history -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 400])
async def test_a_cursor_google_does_not_take_leads_to_a_re_list(fake: FakeGoogle, status: int) -> None:
    reason = "notFound" if status == 404 else "invalidArgument"
    fake.on(HISTORY, Answer(status, {"error": {"code": status, "errors": [{"reason": reason}]}}))
    async with open_against(fake) as google:
        with pytest.raises(HistoryGone):
            await google.gmail.history("m1", "884213")


@pytest.mark.parametrize("cursor", ["", "abc", "-1", "²"])
async def test_what_is_no_cursor_is_never_sent(fake: FakeGoogle, cursor: str) -> None:
    async with open_against(fake) as google:
        with pytest.raises(HistoryGone):
            await google.gmail.history("m1", cursor)
    assert fake.seen == []


async def test_a_page_token_from_before_a_restart_leads_back_to_the_first_page(fake: FakeGoogle) -> None:
    stale = {
        "error": {"code": 400, "message": "Invalid pageToken", "errors": [{"reason": "invalidArgument"}]}
    }
    fake.on(HISTORY, Answer(400, stale), Answer(body={"historyId": "9", "nextPageToken": "new"}))
    async with open_against(fake) as google:
        page = await google.gmail.history("m1", "5", "old")
    assert page.next_page == "new"
    first, second = fake.calls("/history")
    assert first.query["pageToken"] == ["old"]
    assert "pageToken" not in second.query
    assert second.query["startHistoryId"] == ["5"]


# --- watch and labels ----------------------------------------------------------------------------

WATCH, STOP = "POST /gmail/v1/users/me/watch", "POST /gmail/v1/users/me/stop"
OTHER_CLIENT = Answer(
    400,
    {
        "error": {
            "code": 400,
            "message": "Only one user push notification client allowed per developer (call /stop then try again)",
            "errors": [{"reason": "failedPrecondition"}],
        }
    },
)


async def test_another_clients_watch_is_stopped_and_ours_put_in_its_place(fake: FakeGoogle) -> None:
    fake.on(WATCH, OTHER_CLIENT, Answer(body={"historyId": "884213", "expiration": "1796131200000"}))
    fake.on(STOP, Answer(204, raw=b""))
    async with open_against(fake) as google:
        grant = await google.gmail.watch("m1")
    assert grant.history_id == "884213"
    assert grant.expires_at.year == 2026
    assert [seen.path.rpartition("/")[2] for seen in fake.calls("/users/me")] == ["watch", "stop", "watch"]


async def test_two_who_stop_each_others_watch_do_not_go_on_for_ever(fake: FakeGoogle) -> None:
    fake.on(WATCH, OTHER_CLIENT)
    fake.on(STOP, Answer(204, raw=b""))
    async with open_against(fake) as google:
        with pytest.raises(TryLater):
            await google.gmail.watch("m1")
    assert len(fake.calls("/watch")) == 2


async def test_of_a_message_too_large_for_one_answer_come_its_headers_and_snippet(fake: FakeGoogle) -> None:
    top = {"id": "a", "snippet": "We sell.", "payload": {"headers": [{"name": "From", "value": "bo@x.test"}]}}
    fake.on("GET /gmail/v1/users/me/messages/a", Answer(raw=b" " * 200_000), Answer(body=top))
    async with open_against(fake, response_limit=100_000) as google:
        fetched = await google.gmail.fetch("m1", "a")
    assert (json.loads(fetched.raw), fetched.whole) == (top, False)
    assert [seen.query["format"] for seen in fake.calls("/messages/a")] == [["full"], ["metadata"]]
    assert "metadataHeaders" not in fake.calls("/messages/a")[1].query


LABELS, NEW_LABEL = "GET /gmail/v1/users/me/labels", "POST /gmail/v1/users/me/labels"


def labels(**names: str) -> Answer:
    return Answer(body={"labels": [{"id": key, "name": name} for key, name in names.items()]})


async def test_labels_the_owner_wrote_in_other_letters_are_reused(fake: FakeGoogle) -> None:
    fake.on(
        LABELS,
        labels(
            P="pitchgate",
            A="PITCHGATE/HELD",
            B="Pitchgate/would be held",
            C="pitchgate/allow",
            D="Pitchgate/Block",
            E="Pitchgate/Not Read In Full",
        ),
    )
    async with open_against(fake) as google:
        ids = await google.gmail.ensure_labels("m1")
    assert ids == LabelIds("A", "B", "C", "D", "E")
    assert fake.calls("POST /gmail") == []


async def test_a_label_made_by_another_a_moment_ago_is_reused(fake: FakeGoogle) -> None:
    taken = Answer(409, {"error": {"code": 409, "message": "Label name exists or conflicts"}})
    fake.on(
        LABELS,
        labels(P="Pitchgate", C="Pitchgate/Allow", D="Pitchgate/Block", E="Pitchgate/Not read in full"),
        labels(
            P="Pitchgate",
            A="Pitchgate/Held",
            B="Pitchgate/Would be held",
            C="Pitchgate/Allow",
            D="Pitchgate/Block",
            E="Pitchgate/Not read in full",
        ),
    )
    fake.on(NEW_LABEL, taken)
    async with open_against(fake) as google:
        ids = await google.gmail.ensure_labels("m1")
    assert (ids.held, ids.would_hold) == ("A", "B")


async def test_a_conflict_that_no_list_explains_is_tried_later(fake: FakeGoogle) -> None:
    fake.on(LABELS, labels())
    fake.on(NEW_LABEL, Answer(409, {"error": {"code": 409}}))
    async with open_against(fake) as google:
        with pytest.raises(TryLater):
            await google.gmail.ensure_labels("m1")


async def test_a_label_that_vanished_is_told_by_its_own_word(fake: FakeGoogle) -> None:
    gone = {
        "error": {"code": 400, "message": "Invalid label: Label_7", "errors": [{"reason": "invalidArgument"}]}
    }
    fake.on(MODIFY, Answer(400, gone))
    async with open_against(fake) as google:
        with pytest.raises(Rejected) as caught:
            await google.gmail.relabel("m1", "a1", frozenset({"Label_7"}), frozenset({"INBOX"}))
    assert caught.value.reason == "unknownLabel"


# --- looking for a mail that may have left -------------------------------------------------------

LIST, THREAD = "GET /gmail/v1/users/me/messages", "GET /gmail/v1/users/me/threads/t1"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OURS = OutgoingMail("<abc@corp.test>", "t1", "mark", "sam@seller.test", NOON)


def carrying(marker: str, gmail_id: str, *carried: str) -> dict[str, object]:
    headers = [{"name": "x-pitchgate-challenge", "value": marker}]
    return {"id": gmail_id, "threadId": "t1", "labelIds": list(carried), "payload": {"headers": headers}}


async def test_a_mail_that_left_is_found_by_its_message_id(fake: FakeGoogle) -> None:
    fake.on(LIST, Answer(body={"messages": [{"id": "s1", "threadId": "t1"}]}))
    async with open_against(fake) as google:
        assert await google.gmail.find_sent("m1", OURS) == "s1"
    assert fake.calls("/messages")[0].query["q"] == ["in:sent rfc822msgid:abc@corp.test"]
    assert fake.calls("/threads") == []


async def test_a_mail_whose_message_id_was_rewritten_is_found_by_its_marker(fake: FakeGoogle) -> None:
    quoted = carrying("mark", "a9", "INBOX")  # somebody sends our header back at us
    fake.on(LIST, Answer(body={"resultSizeEstimate": 0}))
    fake.on(
        THREAD,
        Answer(body={"messages": [quoted, carrying("other", "s0", "SENT"), carrying("mark", "s1", "SENT")]}),
    )
    async with open_against(fake) as google:
        assert await google.gmail.find_sent("m1", OURS) == "s1"
        assert await google.gmail.find_sent("m1", replace(OURS, marker="none")) == ""
    assert fake.calls("/threads")[0].query["metadataHeaders"] == ["X-Pitchgate-Challenge"]


async def test_a_mail_in_a_thread_of_its_own_is_found_among_what_was_sent_to_them(fake: FakeGoogle) -> None:
    # Neither the id nor the thread is ours any more: a 404 for the one, nothing for the other.
    fake.on(
        LIST, Answer(body={}), Answer(body={"messages": [{"id": n, "threadId": n} for n in ("s1", "s2")]})
    )
    for gmail_id, marker in (("s1", "other"), ("s2", "mark")):
        fake.on(f"{LIST}/{gmail_id}", Answer(body=carrying(marker, gmail_id, "SENT")))
    async with open_against(fake) as google:
        assert await google.gmail.find_sent("m1", OURS) == "s2"
    found = [call.query["q"][0] for call in fake.calls("/messages") if "q" in call.query]
    hour_before = int((NOON - timedelta(hours=1)).timestamp())
    assert found[1] == f"in:sent to:sam@seller.test after:{hour_before}"


def linking(link: str, gmail_id: str, *carried: str, to: str = "Sam@seller.test") -> dict[str, object]:
    headers = [{"name": "X-Pitchgate-Link", "value": link}, {"name": "To", "value": to}]
    return {"id": gmail_id, "labelIds": list(carried), "payload": {"headers": headers}}


async def test_the_newest_link_in_a_thread_is_found_else_one_that_was_sent_to_them_alone(
    fake: FakeGoogle,
) -> None:
    thread = [linking("l1", "s1", "SENT"), linking("l2", "s2", "SENT"), linking("l3", "a3", "INBOX")]
    fake.on(THREAD, Answer(body={"messages": thread}), Answer(body={}))
    fake.on(
        LIST, Answer(body={"messages": [{"id": n, "threadId": n} for n in ("s4", "s5")]}), Answer(body={})
    )
    fake.on(f"{LIST}/s4", Answer(body=linking("l4", "s4", "SENT", to="co-sam@seller.test")))
    fake.on(f"{LIST}/s5", Answer(body=linking("l5", "s5", "SENT")))
    async with open_against(fake) as google:
        assert await google.gmail.find_link("m1", OURS) == SentLink("s2", "l2")
        assert await google.gmail.find_link("m1", OURS) == SentLink("s5", "l5")
        assert await google.gmail.find_link("m1", OURS) is None


async def test_nothing_is_found_where_nothing_left(fake: FakeGoogle) -> None:
    fake.on(LIST, Answer(body={}))
    async with open_against(fake) as google:
        assert await google.gmail.find_sent("m1", OURS) == ""


@pytest.mark.parametrize("recipient", ["{a}@b.test", "a|b@c.test", '"x y"@c.test', ""])
async def test_neither_id_nor_address_can_smuggle_a_query(fake: FakeGoogle, recipient: str) -> None:
    fake.on(LIST, Answer(body={}))
    odd = replace(OURS, message_id="<a OR in:anywhere>", thread_id="", recipient=recipient)
    async with open_against(fake) as google:
        assert await google.gmail.find_sent("m1", odd) == ""
    (found,) = fake.calls("/messages")
    assert found.query["q"] == [f"in:sent after:{int((NOON - timedelta(hours=1)).timestamp())}"]


# --- settings ------------------------------------------------------------------------------------


async def test_only_accepted_aliases_count_as_the_owners(fake: FakeGoogle) -> None:
    entries = [
        {"sendAsEmail": "Sales@corp.test", "displayName": "Corp Sales", "verificationStatus": "accepted"},
        {"sendAsEmail": "Ana@Corp.Test", "displayName": " Ana Duarte ", "isPrimary": True},
        {"sendAsEmail": "ceo@corp.test", "verificationStatus": "pending"},
    ]
    fake.on("GET /gmail/v1/users/me/settings/sendAs", Answer(body={"sendAs": entries}))
    async with open_against(fake) as google:
        found = await google.gmail.identity("m1")
    names = (("ana@corp.test", "Ana Duarte"), ("sales@corp.test", "Corp Sales"))
    assert found == Owner(
        "ana@corp.test", "Ana Duarte", frozenset({"ana@corp.test", "sales@corp.test"}), names
    )


async def test_an_owner_without_a_name_has_none(fake: FakeGoogle) -> None:
    """Gmail leaves the field out for an account whose name was never set."""
    entries = [{"sendAsEmail": "ana@corp.test", "isPrimary": True}, {"displayName": "nobody"}]
    fake.on("GET /gmail/v1/users/me/settings/sendAs", Answer(body={"sendAs": entries}))
    async with open_against(fake) as google:
        found = await google.gmail.identity("m1")
    assert found == Owner("ana@corp.test", "", frozenset({"ana@corp.test"}), (("ana@corp.test", ""),))


async def test_a_vacation_counts_only_while_it_lasts(fake: FakeGoogle) -> None:
    clock = StoryClock()
    begin, end = (str(int((clock.now() + timedelta(hours=h)).timestamp() * 1000)) for h in (1, 3))
    where = "GET /gmail/v1/users/me/settings/vacation"
    fake.on(where, Answer(body={"enableAutoReply": True, "startTime": begin, "endTime": end}))
    async with open_against(fake, clock=clock) as google:
        found = []
        for _ in range(3):
            found.append(await google.gmail.vacation_on("m1"))
            clock.pass_(hours=2)
        assert found == [False, True, False]
        fake.on(where, Answer(body={"enableAutoReply": True}))
        assert await google.gmail.vacation_on("m1")
        fake.on(where, Answer(body={}))
        assert not await google.gmail.vacation_on("m1")
