"""The real client drives every method of the sandbox, and every answer fits Google's published schema."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from backend.sandbox.faults import price
from backend.sandbox.gmail.dispatch import TABLE
from tests.sandbox.discovery import methods
from tests.sandbox.gmail_client import Driver, raw
from tests.sandbox_process import SETTINGS_BASIC, TOPIC, SandboxProcess

FULL = "https://mail.google.com/"
MIXED = [{"filename": "offer.pdf", "content_type": "application/pdf", "base64": "JVBERi0xLjQK"}]


def test_every_method_answers_the_real_client(google: SandboxProcess, ana: str) -> None:
    token = google.tokens(ana, FULL, SETTINGS_BASIC)["access_token"]
    with Driver(google.url, token) as driver:
        for story in STORIES:
            story(driver, google, ana)
        assert driver.driven == set(TABLE.methods)


@pytest.mark.parametrize("method", TABLE.methods.values(), ids=lambda method: method.id)
def test_verb_path_scopes_and_parameters_are_googles(method: Any) -> None:
    theirs = methods()[method.id]
    assert method.verb == theirs["httpMethod"]
    assert f"gmail/v1/users/{{userId}}/{method.path}" == theirs["path"]
    assert method.scopes == set(theirs["scopes"])
    query = {name for name, what in theirs["parameters"].items() if what["location"] == "query"}
    assert method.parameters <= query


@pytest.mark.parametrize("prices", ["new", "old"])
def test_every_method_has_a_price(prices: str) -> None:
    assert all(price(method_id, prices) > 0 for method_id in TABLE.methods)


def mailbox_wide(drive: Driver, google: SandboxProcess, ana: str) -> None:
    watched = drive(drive.users.watch(userId="me", body={"topicName": TOPIC, "labelIds": ["INBOX"]}))
    google.deliver(ana, "Bo <bo@ext.test>", subject="Form", text="the form")
    profile = drive(drive.users.getProfile(userId="me"))
    assert profile["emailAddress"] == ana
    changes = drive(drive.users.history().list(userId="me", startHistoryId=watched["historyId"]))
    assert changes["historyId"] == profile["historyId"]
    assert "INBOX" in changes["history"][0]["messagesAdded"][0]["message"]["labelIds"]
    drive(drive.users.stop(userId="me"))


def reading(drive: Driver, google: SandboxProcess, ana: str) -> None:
    google.deliver(
        ana, "Bo <bo@ext.test>", subject="Offer", text="see file", html="<p>see file</p>", attachments=MIXED
    )
    users = drive.users
    listed = drive(users.messages().list(userId="me", q="has:attachment", maxResults=1))
    message_id = listed["messages"][0]["id"]
    for form in ("minimal", "metadata", "raw"):
        drive(users.messages().get(userId="me", id=message_id, format=form))
    full = drive(users.messages().get(userId="me", id=message_id))
    part = next(part for part in full["payload"]["parts"] if part["filename"] == "offer.pdf")
    attachment = users.messages().attachments()
    got = drive(attachment.get(userId="me", messageId=message_id, id=part["body"]["attachmentId"]))
    assert base64.urlsafe_b64decode(got["data"]) == b"%PDF-1.4\n"


def changing(drive: Driver, google: SandboxProcess, ana: str) -> None:
    messages = drive.users.messages()
    ids = [google.deliver(ana, f"p{n}@x.test", subject=f"s{n}")["id"] for n in range(3)]
    changed = drive(messages.modify(userId="me", id=ids[0], body={"removeLabelIds": ["INBOX", "UNREAD"]}))
    assert changed["labelIds"] == ["CATEGORY_PERSONAL"]
    drive(messages.batchModify(userId="me", body={"ids": ids, "addLabelIds": ["STARRED"]}))
    assert "TRASH" in drive(messages.trash(userId="me", id=ids[0]))["labelIds"]
    assert "TRASH" not in drive(messages.untrash(userId="me", id=ids[0]))["labelIds"]
    drive(messages.delete(userId="me", id=ids[0]))
    drive(messages.batchDelete(userId="me", body={"ids": ids[1:]}))
    assert google.mailbox(ana)["labelCounts"].get("STARRED") is None


def writing(drive: Driver, google: SandboxProcess, ana: str) -> None:
    messages = drive.users.messages()
    sent = drive(messages.send(userId="me", body={"raw": raw()}))
    assert sent["labelIds"] == ["SENT"]
    old = raw(subject="Old", Date="Mon, 2 Mar 2020 10:00:00 +0000")
    put_in = drive(messages.insert(userId="me", body={"raw": old, "labelIds": ["INBOX"]}))
    by_header = messages.insert(userId="me", body={"raw": old}, internalDateSource="dateHeader")
    taken = drive(by_header)
    dates = {item["id"]: item["internalDate"] for item in google.messages(ana)}
    assert dates[taken["id"]] == 1_583_143_200_000 < dates[put_in["id"]]


def labelling(drive: Driver, google: SandboxProcess, ana: str) -> None:
    labels = drive.users.labels()
    color = {"textColor": "#ffffff", "backgroundColor": "#16a766"}
    made = drive(labels.create(userId="me", body={"name": "AI/Needs reply", "color": color}))
    renamed = drive(labels.update(userId="me", id=made["id"], body={"id": made["id"], "name": "AI/Done"}))
    assert renamed["name"] == "AI/Done"
    assert made["id"] in [label["id"] for label in drive(labels.list(userId="me"))["labels"]]
    assert drive(labels.get(userId="me", id="INBOX"))["messagesTotal"] > 0
    drive(labels.delete(userId="me", id=made["id"]))


def conversing(drive: Driver, google: SandboxProcess, ana: str) -> None:
    first = google.deliver(ana, "Bo <bo@ext.test>", subject="Lunch", message_id="lunch@ext.test")
    google.deliver(ana, "Bo <bo@ext.test>", subject="Re: Lunch", in_reply_to="lunch@ext.test")
    threads, thread_id = drive.users.threads(), first["threadId"]
    listed = drive(threads.list(userId="me", q="subject:lunch"))
    assert [thread["id"] for thread in listed["threads"]] == [thread_id]
    assert len(drive(threads.get(userId="me", id=thread_id, format="metadata"))["messages"]) == 2
    body = {"addLabelIds": ["STARRED"], "removeLabelIds": ["INBOX"]}
    drive(threads.modify(userId="me", id=thread_id, body=body))
    drive(threads.trash(userId="me", id=thread_id))
    drive(threads.untrash(userId="me", id=thread_id))
    drive(threads.delete(userId="me", id=thread_id))


def setting(drive: Driver, google: SandboxProcess, ana: str) -> None:
    settings = drive.users.settings()
    google.add_alias(ana, f"sales-{ana}")
    addresses = [alias["sendAsEmail"] for alias in drive(settings.sendAs().list(userId="me"))["sendAs"]]
    assert addresses == [ana, f"sales-{ana}"]
    assert drive(settings.sendAs().get(userId="me", sendAsEmail=ana))["isPrimary"] is True
    assert drive(settings.filters().list(userId="me")) == {}
    assert drive(settings.getVacation(userId="me"))["enableAutoReply"] is False
    away = {"enableAutoReply": True, "responseSubject": "Away", "startTime": "1796131200000"}
    assert drive(settings.updateVacation(userId="me", body=away))["startTime"] == "1796131200000"
    drive(settings.updateVacation(userId="me", body={"enableAutoReply": False}))


Story = Callable[[Driver, SandboxProcess, str], None]
STORIES: list[Story] = [
    mailbox_wide,
    reading,
    changing,
    writing,
    labelling,
    conversing,
    setting,
]
