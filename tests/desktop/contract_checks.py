"""The checks of docs/reference/api.md. A test module binds them to a server with a `subject` and a `client` fixture."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.desktop import contract
from tests.desktop.contract import Subject, fits, refused
from tests.desktop.document import Document


def new_key() -> str:
    return secrets.token_urlsafe(18)


class TestContract:
    """`client` is an `httpx.AsyncClient` with the base URL of `/api/v1/` and a device token."""

    async def test_status_has_an_etag(self, client: httpx.AsyncClient, subject: Subject) -> None:
        answer = await client.get("status")
        fits(answer, contract.STATUS)
        again = await client.get("status", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        await subject.hold(1, "Hello")
        changed = await client.get("status", headers={"If-None-Match": answer.headers["ETag"]})
        assert fits(changed, contract.STATUS)["held"] == {"messages": 1, "senders": 1}

    async def test_held_comes_in_pages_newest_first(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        ids = [await subject.hold(number, f"Subject {number}") for number in range(1, 6)]
        found: list[str] = []
        cursor, pages = "", 0
        while True:
            page = fits(await client.get("held", params={"limit": 2, "cursor": cursor}), contract.HELD)
            assert page["total"] == 5
            found += [message["gmail_id"] for sender in page["senders"] for message in sender["messages"]]
            cursor, pages = page["cursor"], pages + 1
            if not cursor:
                break
        assert (found, pages) == (ids[::-1], 3)

    async def test_search_disregards_case(self, client: httpx.AsyncClient, subject: Subject) -> None:
        wanted = await subject.hold(1, "Grow your pipeline")
        await subject.hold(2, "Lunch?")
        page = fits(await client.get("held", params={"q": "PIPEline"}), contract.HELD)
        assert [m["gmail_id"] for s in page["senders"] for m in s["messages"]] == [wanted]
        assert page["total"] == 1

    async def test_messages_by_placement(self, client: httpx.AsyncClient, subject: Subject) -> None:
        gmail_id = await subject.hold(1, "Hello")
        held = fits(await client.get("messages", params={"placement": "held"}), contract.MESSAGES)
        assert [m["gmail_id"] for m in held["messages"]] == [gmail_id]
        inbox = fits(await client.get("messages", params={"placement": "inbox"}), contract.MESSAGES)
        assert inbox["messages"] == []
        everything = fits(await client.get("messages"), contract.MESSAGES)
        assert len(everything["messages"]) == 1

    async def test_a_preview_is_plain_text(self, client: httpx.AsyncClient, subject: Subject) -> None:
        gmail_id = await subject.hold(1, "Hello")
        assert fits(await client.get(f"messages/{gmail_id}/preview"), contract.PREVIEW)["text"]
        refused(await client.get("messages/nosuchmessage/preview"), 404, "not_found")

    async def test_only_what_is_asked_can_be_answered(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        assert fits(await client.get("questions"), contract.QUESTIONS)["messages"] == []
        refused(await client.put("questions/nosuchmessage", json={"answer": "yes"}), 404, "not_found")
        refused(
            await client.put("questions/nosuchmessage", json={"answer": "maybe"}),
            *(422, "out_of_range", "answer"),
        )

    async def test_a_correction_applies_once_and_is_undone(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        gmail_id, key = await subject.hold(1, "Hello"), new_key()
        body = {"key": key, "gmail_id": gmail_id, "decision": "release"}
        first = fits(await client.post("corrections", json=body), contract.CORRECTED)
        assert first["moved"] == [gmail_id]
        assert fits(await client.post("corrections", json=body), contract.CORRECTED) == first
        other = body | {"decision": "block"}
        refused(await client.post("corrections", json=other), 409, "key_reused")
        assert fits(await client.get("held"), contract.HELD)["total"] == 0
        for _ in range(2):
            assert fits(await client.post(f"corrections/{key}/undo"), contract.UNDONE)["moved"] == [gmail_id]
        assert fits(await client.get("held"), contract.HELD)["total"] == 1

    async def test_a_release_is_about_one_message_and_an_allow_about_its_sender(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        first, second, third = [await subject.hold(1, f"Subject {n}") for n in range(3)]
        body = {"key": new_key(), "gmail_id": third, "decision": "release"}
        assert fits(await client.post("corrections", json=body), contract.CORRECTED)["moved"] == [third]
        (sender,) = fits(await client.get("held"), contract.HELD)["senders"]
        assert (sender["count"], [m["gmail_id"] for m in sender["messages"]]) == (2, [second, first])
        body = {"key": new_key(), "gmail_id": second, "decision": "allow"}
        moved = fits(await client.post("corrections", json=body), contract.CORRECTED)["moved"]
        assert set(moved) == {first, second}
        assert fits(await client.get("held"), contract.HELD)["total"] == 0

    async def test_a_block_settles_all_of_its_sender_and_moves_none(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        _, second = [await subject.hold(1, f"Subject {n}") for n in range(2)]
        other = await subject.hold(2, "Somebody else")
        body = {"key": new_key(), "gmail_id": second, "decision": "block"}
        assert fits(await client.post("corrections", json=body), contract.CORRECTED)["moved"] == []
        (sender,) = fits(await client.get("held"), contract.HELD)["senders"]
        assert [m["gmail_id"] for m in sender["messages"]] == [other]

    async def test_block_takes_it_off_the_list_but_not_into_the_inbox(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        body = {"key": new_key(), "gmail_id": await subject.hold(1, "Hello"), "decision": "block"}
        fits(await client.post("corrections", json=body), contract.CORRECTED)
        assert fits(await client.get("held"), contract.HELD)["total"] == 0
        (message,) = fits(await client.get("messages"), contract.MESSAGES)["messages"]
        assert (message["placement"], message["decided_by"]) == ("held", "owner")

    async def test_keeping_held_takes_what_is_older_of_a_sender_off_the_list_too(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        first, second, third = [await subject.hold(1, f"Subject {n}") for n in range(3)]
        body = {"key": new_key(), "gmail_id": second, "decision": "keep"}
        assert fits(await client.post("corrections", json=body), contract.CORRECTED)["moved"] == []
        (sender,) = fits(await client.get("held"), contract.HELD)["senders"]
        assert [m["gmail_id"] for m in sender["messages"]] == [third]
        told = fits(await client.get("messages"), contract.MESSAGES)["messages"]
        assert {m["gmail_id"]: (m["placement"], m["decided_by"]) for m in told} == {
            first: ("held", "kept"),
            second: ("held", "kept"),
            third: ("held", ""),
        }
        fits(await client.post(f"corrections/{body['key']}/undo"), contract.UNDONE)
        (sender,) = fits(await client.get("held"), contract.HELD)["senders"]
        assert sender["count"] == 3

    @pytest.mark.parametrize(
        ("change", "status", "code", "field"),
        [
            ({"key": "short"}, 422, "malformed", "key"),
            ({"key": "spaces are not allowed"}, 422, "malformed", "key"),
            ({"decision": "destroy"}, 422, "malformed", "decision"),
            ({"gmail_id": "nosuchmessage"}, 404, "not_found", ""),
        ],
    )
    async def test_wrong_corrections_change_nothing(
        self,
        client: httpx.AsyncClient,
        subject: Subject,
        change: dict[str, str],
        status: int,
        code: str,
        field: str,
    ) -> None:
        body = {"key": new_key(), "gmail_id": await subject.hold(1, "Hello"), "decision": "release"}
        refused(await client.post("corrections", json=body | change), status, code, field)
        assert fits(await client.get("held"), contract.HELD)["total"] == 1

    async def test_an_unknown_undo_is_not_found(self, client: httpx.AsyncClient, subject: Subject) -> None:
        refused(await client.post(f"corrections/{new_key()}/undo"), 404, "not_found")

    async def test_preferences_change_together_or_not_at_all(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        answer = await client.patch("preferences", json={"strictness": "strict"})
        assert (
            fits(answer, contract.shape(preferences={"type": "object"}))["preferences"]["strictness"]
            == "strict"
        )
        refused(
            await client.patch("preferences", json={"strictness": "brutal"}),
            422,
            "out_of_range",
            "strictness",
        )
        refused(
            await client.patch("preferences", json={"strictness": "relaxed", "colour": "blue"}),
            *(422, "unknown_field", "colour"),
        )
        status = fits(await client.get("status"), contract.STATUS)
        assert status["preferences"]["strictness"] == "strict"

    async def test_pause_and_resume(self, client: httpx.AsyncClient, subject: Subject) -> None:
        until = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
        paused = contract.shape(paused_until=contract.MAYBE_TIME)
        fits(await client.post("pause", json={"until": until.isoformat()}), paused)
        status = fits(await client.get("status"), contract.STATUS)
        assert datetime.fromisoformat(status["preferences"]["paused_until"]) == until
        assert fits(await client.post("pause", json={"until": None}), paused)["paused_until"] is None
        for wrong in (datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(days=60)):
            body = {"until": wrong.isoformat()}
            refused(await client.post("pause", json=body), 422, "out_of_range", "until")

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic eDp5", "bearer"])
    async def test_without_a_token_nothing_is_told(
        self, client: httpx.AsyncClient, subject: Subject, header: str
    ) -> None:
        for path in ("status", "held", "messages", "events", "devices"):
            refused(await client.get(path, headers={"Authorization": header}), 401, "unauthenticated")
        answer = await client.post("corrections", json={}, headers={"Authorization": header})
        refused(answer, 401, "unauthenticated")

    async def test_devices_are_listed_and_revoked(self, client: httpx.AsyncClient, subject: Subject) -> None:
        other = await subject.device_token()
        devices = fits(await client.get("devices"), contract.DEVICES)["devices"]
        assert sorted(device["current"] for device in devices) == [False, True]
        theirs = next(device for device in devices if not device["current"])
        assert (await client.delete(f"devices/{theirs['device_id']}")).status_code == 204
        refused(await client.delete(f"devices/{theirs['device_id']}"), 404, "not_found")
        answer = await client.get("status", headers={"Authorization": f"Bearer {other}"})
        refused(answer, 401, "unauthenticated")
        assert (await client.delete("devices/current")).status_code == 204
        refused(await client.get("status"), 401, "unauthenticated")

    async def test_a_ticket_is_for_this_server_and_works_once(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        for page in ("review", "settings", "questions"):
            ticket = fits(await client.post("ticket", json={"page": page}), contract.TICKET)
            assert ticket["url"].startswith(subject.url + "/")
            async with httpx.AsyncClient(follow_redirects=True) as browser:
                assert (await browser.get(ticket["url"])).status_code == 200
            async with httpx.AsyncClient(follow_redirects=True) as stranger:
                assert (await stranger.get(ticket["url"])).status_code in (401, 403, 410)
        refused(await client.post("ticket", json={"page": "attic"}), 422, "malformed", "page")

    async def test_events_come_as_they_happen_and_resume(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        before = fits(await client.get("status"), contract.STATUS)["event"]
        gmail_id = await subject.hold(1, "Hello")
        body = {"key": new_key(), "gmail_id": gmail_id, "decision": "release"}
        async with client.stream("GET", "events", headers={"Last-Event-ID": before}) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert answer.headers["Pitchgate-Api"] == "1"
            events = read_events(answer)
            first, name, data = await next_named(events, "held")
            assert (name, data["gmail_id"]) == ("held", gmail_id)
            fits(await client.post("corrections", json=body), contract.CORRECTED)
            second, _, data = await next_named(events, "moved")
            assert data == {"gmail_id": gmail_id, "placement": "inbox", "decided_by": "owner"}
        assert int(first) < int(second)
        async with client.stream("GET", "events", headers={"Last-Event-ID": first}) as answer:
            again, _, data = await next_named(read_events(answer), "moved")
            assert (again, data["gmail_id"]) == (second, gmail_id)

    async def test_what_the_stream_tells_is_as_the_document_says(
        self, client: httpx.AsyncClient, subject: Subject, document: Document
    ) -> None:
        before = fits(await client.get("status"), contract.STATUS)["event"]
        body = {"key": new_key(), "gmail_id": await subject.hold(1, "Hello"), "decision": "allow"}
        fits(await client.post("corrections", json=body), contract.CORRECTED)
        fits(await client.patch("preferences", json={"strictness": "strict"}), {"type": "object"})
        async with client.stream("GET", "events", headers={"Last-Event-ID": before}) as answer:
            events = read_events(answer)
            for name in ("held", "moved", "status"):
                document.event(name, (await next_named(events, name))[2])

    async def test_a_revoked_token_ends_the_stream(self, client: httpx.AsyncClient, subject: Subject) -> None:
        async with client.stream("GET", "events") as answer:
            lines = answer.aiter_lines()
            await anext(lines)
            await client.delete("devices/current")
            async with asyncio.timeout(10):
                async for _ in lines:
                    pass

    async def test_a_code_is_exchanged_once_with_its_verifier(
        self, client: httpx.AsyncClient, subject: Subject
    ) -> None:
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        target = "http://127.0.0.1:9/back"
        back = await subject.code(target, challenge, "st4te")
        assert back.startswith(target)
        query = parse_qs(urlsplit(back).query)
        assert query["state"] == ["st4te"]
        body = {"code": query["code"][0], "verifier": verifier}
        async with httpx.AsyncClient(base_url=client.base_url, event_hooks=client.event_hooks) as stranger:
            token = fits(await stranger.post("device/token", json=body), contract.TOKEN)
            assert set(token["scopes"]) == {"read", "correct", "settings", "devices"}
            refused(await stranger.post("device/token", json=body), 410, "code_expired", "code")
            wrong = body | {"code": "x" * 22}
            refused(await stranger.post("device/token", json=wrong), 422, "code_wrong", "code")
        answer = await client.get("status", headers={"Authorization": f"Bearer {token['token']}"})
        assert fits(answer, contract.STATUS)["email"] == token["email"]

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "http://evil.example:80/",
            "http://127.0.0.1/",
            "http://127.0.0.1@evil.example:1/",
        ],
    )
    async def test_only_loopback_is_redirected_to(
        self, client: httpx.AsyncClient, subject: Subject, target: str
    ) -> None:
        query = {
            "redirect_uri": target,
            "code_challenge": "x" * 43,
            "code_challenge_method": "S256",
            "state": "s",
            "name": "x",
        }
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"{subject.url}/connect/device", params=query)
        assert answer.status_code in (400, 422)
        assert "Location" not in answer.headers


async def read_events(answer: httpx.Response) -> AsyncIterator[tuple[str, str, dict[str, object]]]:
    """(id, event, data) of a stream, by a reader of its own."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif not line and "data" in fields:
            yield fields.get("id", ""), fields.get("event", "message"), json.loads(fields["data"])
            fields = {}


async def next_named(
    events: AsyncIterator[tuple[str, str, dict[str, object]]], name: str
) -> tuple[str, str, dict[str, object]]:
    """The next event of this name, within ten seconds."""
    async with asyncio.timeout(10):
        async for event in events:
            if event[1] == name:
                return event
    raise AssertionError(f"the stream ended without {name}")
