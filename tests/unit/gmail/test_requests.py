"""The library builds the requests; none of them may leave for another host than the one set."""

from __future__ import annotations

import base64
import inspect
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from backend.gmail.executor import GmailCall, Priority, Requests, _call
from backend.gmail.quota import NEW_PRICES

ROOT = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def requests() -> Requests:
    return Requests(ROOT)


def every_call(requests: Requests) -> list[GmailCall]:
    return [
        requests.profile(),
        requests.watch("projects/p/topics/t"),
        requests.stop(),
        requests.history("1", "p"),
        requests.list_messages("in:sent", "p", 10),
        requests.message("a1"),
        requests.message_labels("a1"),
        requests.message_headers("a1", ["From"]),
        requests.thread_headers("a1", ["From"]),
        requests.modify("a1", ["X"], ["INBOX"]),
        requests.send(b"x", "a1"),
        requests.insert(b"x", ["INBOX"]),
        requests.labels(),
        requests.create_label("n"),
        requests.send_as(),
        requests.vacation(),
        requests.filters(),
    ]


def test_every_request_stays_at_the_address_set_and_has_its_price(requests: Requests) -> None:
    calls = every_call(requests)
    builders = [
        name for name, _ in inspect.getmembers(Requests, inspect.isfunction) if not name.startswith("_")
    ]
    assert len(calls) == len(builders), "a new request belongs into this test"
    for call in calls:
        assert call.url.startswith(f"{ROOT}/gmail/v1/users/me/"), call.method
        assert call.method in NEW_PRICES
        assert "authorization" not in call.headers
        assert "gzip" in call.headers["user-agent"]


def test_history_asks_for_all_four_kinds_of_change_in_the_largest_pages(requests: Requests) -> None:
    query = parse_qs(urlsplit(requests.history("884213", "").url).query)
    assert query["historyTypes"] == ["messageAdded", "messageDeleted", "labelAdded", "labelRemoved"]
    assert query["startHistoryId"] == ["884213"]
    assert query["maxResults"] == ["500"]
    assert "pageToken" not in query


def test_an_id_cannot_lead_out_of_its_place_in_the_path(requests: Requests) -> None:
    assert "/messages/..%2F..%2Fx%3Fy?" in requests.message("../../x?y").url


def test_a_mail_travels_as_base64url_with_its_thread(requests: Requests) -> None:
    call = requests.send(b"\xff\xfe>>>", "a1")
    body = json.loads(call.body or b"")
    assert base64.urlsafe_b64decode(body["raw"]) == b"\xff\xfe>>>"
    assert body["threadId"] == "a1"
    assert "threadId" not in json.loads(requests.send(b"x", "").body or b"")


def test_what_makes_a_second_mail_when_done_twice_is_known(requests: Requests) -> None:
    found = {call.method for call in every_call(requests) if call.is_send}
    assert found == {"gmail.users.messages.send", "gmail.users.messages.insert"}


def test_a_long_address_travels_as_a_form(requests: Requests) -> None:
    call = requests.list_messages("from:" + "a" * 3_000, "", 10)
    assert call.verb == "POST"
    assert call.headers["x-http-method-override"] == "GET"
    assert "?" not in call.url
    assert parse_qs((call.body or b"").decode())["q"] == ["from:" + "a" * 3_000]


@pytest.mark.parametrize("word", ["18c2f3a4b5d6e7f8", "a/b", "ä ö?&=#%2F", "..", "a+b~c"])
def test_what_is_built_once_is_what_the_library_builds_each_time(requests: Requests, word: str) -> None:
    messages = requests._messages
    built = _call(messages.get(userId="me", id=word, format="full"), Priority.MAIL)
    assert requests.message(word) == built
    body = {"addLabelIds": ["Label_7"], "removeLabelIds": ["INBOX", word]}
    moved = _call(messages.modify(userId="me", id=word, body=body))
    assert requests.modify(word, ["Label_7"], ["INBOX", word]) == moved


def test_a_first_page_of_history_is_what_the_library_builds(requests: Requests) -> None:
    assert requests.history("884213", "") == requests._history_page("884213", "")
