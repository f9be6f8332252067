"""Paging, formats and history over HTTP."""

from __future__ import annotations

import base64
from itertools import chain
from typing import Any

import pytest

from tests.sandbox.discovery import validator
from tests.sandbox.gmail_client import Driver
from tests.sandbox_process import SandboxProcess


def pages(drive: Driver, resource: Any, key: str, **query: Any) -> list[list[str]]:
    """The ids of every page, followed by the client's own list_next."""
    found, request = [], resource.list(userId="me", **query)
    while request is not None:
        answer = drive(request)
        found.append([item["id"] for item in answer.get(key, [])])
        request = resource.list_next(request, answer)
    return found


def test_messages_come_newest_first_in_pages(google: SandboxProcess, ana: str, api: Driver) -> None:
    letters = [{"from": "p@x.test", "subject": f"s{n}", "internal_date": 10**12 + n} for n in range(25)]
    ids = [item["id"] for item in google.seed(ana, letters)]
    found = pages(api, api.users.messages(), "messages", maxResults=10)
    assert [len(page) for page in found] == [10, 10, 5]
    assert list(chain.from_iterable(found)) == ids[::-1]


def test_a_page_is_not_disturbed_by_new_mail(google: SandboxProcess, ana: str, api: Driver) -> None:
    google.seed(ana, [{"from": "p@x.test", "internal_date": 10**12 + n} for n in range(4)])
    messages = api.users.messages()
    first = api(messages.list(userId="me", maxResults=2))
    google.deliver(ana, "q@x.test")
    second = api(messages.list(userId="me", maxResults=2, pageToken=first["nextPageToken"]))
    ids = [item["id"] for item in first["messages"] + second["messages"]]
    assert len(set(ids)) == 4
    assert "nextPageToken" not in second


def test_labels_are_all_demanded_and_spam_is_hidden(google: SandboxProcess, ana: str, api: Driver) -> None:
    spam = google.deliver(ana, "a@x.test", spam=True)["id"]
    starred = google.deliver(ana, "b@x.test", labels=["INBOX", "STARRED"])["id"]
    inbox = google.deliver(ana, "c@x.test")["id"]
    messages = api.users.messages()
    assert pages(api, messages, "messages") == [[inbox, starred]]
    assert pages(api, messages, "messages", labelIds=["INBOX", "STARRED"]) == [[starred]]
    assert pages(api, messages, "messages", labelIds=["SPAM"]) == [[spam]]
    assert pages(api, messages, "messages", includeSpamTrash=True) == [[inbox, starred, spam]]
    assert "messages" not in api(messages.list(userId="me", labelIds=["TRASH"]))


def test_a_rare_label_among_many_messages(google: SandboxProcess, ana: str, api: Driver) -> None:
    rare = google.seed(ana, [{"from": "p@x.test", "labels": ["Rare"]} for _ in range(3)])
    google.seed(ana, [{"from": "p@x.test", "labels": ["INBOX"]} for _ in range(200)])
    label = google.mailbox(ana)["userLabels"]["Rare"]
    found = pages(api, api.users.messages(), "messages", labelIds=[label], maxResults=2)
    assert list(chain.from_iterable(found)) == [item["id"] for item in rare][::-1]


def test_finding_ones_own_sent_message_by_its_id(google: SandboxProcess, ana: str, api: Driver) -> None:
    sent = google.send(ana, "bo@ext.test", subject="Hi", message_id="own-1@corp.test")
    google.deliver(ana, "bo@ext.test", message_id="own-1@corp.test")
    query = "in:sent rfc822msgid:own-1@corp.test"
    assert pages(api, api.users.messages(), "messages", q=query) == [[sent["id"]]]


def test_history_over_http_with_empty_pages(google: SandboxProcess, ana: str, api: Driver) -> None:
    start = google.mailbox(ana)["historyId"]
    ids = [google.deliver(ana, "p@x.test")["id"] for _ in range(3)]
    google.settings(history_empty_pages=2)
    history, found, counts = api.users.history(), [], []
    request = history.list(userId="me", startHistoryId=start, maxResults=2)
    positions = set()
    while request is not None:
        answer = api(request)
        positions.add(answer["historyId"])
        counts.append(len(answer.get("history", [])))
        found += [item["message"]["id"] for r in answer.get("history", []) for item in r["messagesAdded"]]
        request = history.list_next(request, answer)
    assert found == ids
    assert counts == [0, 0, 2, 0, 0, 1]
    assert positions == {google.mailbox(ana)["historyId"]}


def test_history_without_change_is_only_a_position(google: SandboxProcess, ana: str, api: Driver) -> None:
    position = google.mailbox(ana)["historyId"]
    assert api(api.users.history().list(userId="me", startHistoryId=position)) == {"historyId": position}


def test_a_raised_floor_expires_old_starts(google: SandboxProcess, ana: str, api: Driver) -> None:
    start = google.mailbox(ana)["historyId"]
    google.deliver(ana, "p@x.test")
    floor = google.act("raise_history_floor", ana)["floor"]
    assert floor == google.mailbox(ana)["historyFloor"]
    answer = google.http.get(
        f"/gmail/v1/users/me/history?startHistoryId={start}",
        headers={"Authorization": f"Bearer {google.tokens(ana)['access_token']}"},
    )
    assert answer.status_code == 404
    api(api.users.history().list(userId="me", startHistoryId=floor))


def test_history_may_lag_behind_the_push(google: SandboxProcess, ana: str, api: Driver) -> None:
    start = google.mailbox(ana)["historyId"]
    google.settings(history_lag=30)
    google.deliver(ana, "p@x.test")
    assert "history" not in api(api.users.history().list(userId="me", startHistoryId=start))
    google.advance_clock(31)
    assert len(api(api.users.history().list(userId="me", startHistoryId=start))["history"]) == 1


@pytest.mark.parametrize(
    ("mode", "added", "moved"), [("added", True, False), ("all", True, True), ("none", False, False)]
)
def test_which_history_messages_carry_labels(
    google: SandboxProcess, ana: str, api: Driver, mode: str, added: bool, moved: bool
) -> None:
    google.settings(history_labels=mode)
    start = google.mailbox(ana)["historyId"]
    message_id = google.deliver(ana, "p@x.test")["id"]
    google.move_labels(ana, [message_id], add=["STARRED"])
    first, second = api(api.users.history().list(userId="me", startHistoryId=start))["history"]
    assert ("labelIds" in first["messagesAdded"][0]["message"]) is added
    assert ("labelIds" in second["labelsAdded"][0]["message"]) is moved
    assert second["labelsAdded"][0]["labelIds"] == ["STARRED"]


def test_raw_is_what_was_sent_under_the_stamps(google: SandboxProcess, ana: str, api: Driver) -> None:
    source = "From: bo@ext.test\r\nX-Odd: =?utf-8?q?=C3=A9?=\r\n\r\nbody =\r\n"
    message_id = google.deliver(ana, raw=source)["id"]
    got = api(api.users.messages().get(userId="me", id=message_id, format="raw"))["raw"]
    assert base64.urlsafe_b64decode(got).endswith(source.encode())


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "1", "threadId": "1", "surprise": 1},
        {"id": "1", "labelIds": []},
        {"id": "1", "historyId": 5},
        {"id": "1", "internalDate": "5.5"},
        {"id": "1", "raw": "a+b/"},
        {"id": 1},
    ],
)
def test_the_schema_check_itself_catches(wrong: dict[str, Any]) -> None:
    schema = validator("gmail.users.messages.get")
    assert schema is not None
    assert not schema.is_valid(wrong)
    assert schema.is_valid({"id": "1", "historyId": "5", "labelIds": ["INBOX"], "raw": "YQ=="})
