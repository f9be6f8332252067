"""The real client drives every method of the sandbox, and every answer fits Google's published schema."""

from __future__ import annotations

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
    assert (part["body"]["size"], "data" in part["body"]) == (9, False)


def changing(drive: Driver, google: SandboxProcess, ana: str) -> None:
    message_id = google.deliver(ana, "p@x.test", subject="s")["id"]
    body = {"removeLabelIds": ["INBOX", "UNREAD"]}
    changed = drive(drive.users.messages().modify(userId="me", id=message_id, body=body))
    assert changed["labelIds"] == ["CATEGORY_PERSONAL"]


def writing(drive: Driver, google: SandboxProcess, ana: str) -> None:
    messages = drive.users.messages()
    sent = drive(messages.send(userId="me", body={"raw": raw()}))
    assert sent["labelIds"] == ["SENT"]
    old = raw(subject="Old", Date="Mon, 2 Mar 2020 10:00:00 +0000")
    put_in = drive(messages.insert(userId="me", body={"raw": old, "labelIds": ["INBOX"]}))
    (placed,) = [item for item in google.messages(ana) if item["id"] == put_in["id"]]
    assert placed["internalDate"] > 1_583_143_200_000, "dated by receipt, not by its own header"


def labelling(drive: Driver, google: SandboxProcess, ana: str) -> None:
    labels = drive.users.labels()
    hidden = {"name": "AI/Needs reply", "labelListVisibility": "labelHide"}
    made = drive(labels.create(userId="me", body=hidden))
    assert made["labelListVisibility"] == "labelHide"
    assert made["id"] in [label["id"] for label in drive(labels.list(userId="me"))["labels"]]


def conversing(drive: Driver, google: SandboxProcess, ana: str) -> None:
    first = google.deliver(ana, "Bo <bo@ext.test>", subject="Lunch", message_id="lunch@ext.test")
    google.deliver(ana, "Bo <bo@ext.test>", subject="Re: Lunch", in_reply_to="lunch@ext.test")
    thread = drive(drive.users.threads().get(userId="me", id=first["threadId"], format="metadata"))
    assert len(thread["messages"]) == 2


def setting(drive: Driver, google: SandboxProcess, ana: str) -> None:
    settings = drive.users.settings()
    google.add_alias(ana, f"sales-{ana}")
    addresses = [alias["sendAsEmail"] for alias in drive(settings.sendAs().list(userId="me"))["sendAs"]]
    assert addresses == [ana, f"sales-{ana}"]
    assert drive(settings.filters().list(userId="me")) == {}
    assert drive(settings.getVacation(userId="me"))["enableAutoReply"] is False


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
