"""The part of the Gmail contract that needs nothing but an account: the sandbox keeps it, and so must Google.

A suite inherits the class and brings two fixtures: `story`, an `Account`, and `google`, our adapter open on it as
mailbox m1. Nothing here expects an empty mailbox, and what Google's index shows late is waited for.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, Protocol

import pytest

from backend.domain.errors import Gone, HistoryGone
from backend.gmail.arrivals import read_message
from backend.gmail.client import Google
from backend.ports.gmail import OutgoingMail

PATIENCE = 45.0


class Account(Protocol):
    """A mailbox and the few things an outsider may do to it."""

    @property
    def address(self) -> str:
        """The mailbox's own address."""
        ...

    @property
    def correspondent(self) -> str:
        """Where answers may be sent."""
        ...

    def deliver(self, **letter: Any) -> str:
        """A mail comes into the inbox (sender, subject, text, html, message_id); its gmail id."""
        ...


async def shown(look: Callable[[], Awaitable[bool]]) -> bool:
    """Whether `look` becomes true before patience ends: indexes lag."""
    end = time.monotonic() + PATIENCE
    while not await look():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.5)
    return True


class PortableContract:
    """`backend.ports.gmail.Gmail` on any account."""

    async def test_the_profile_tells_the_address_and_moves_on(self, story: Account, google: Google) -> None:
        before = await google.gmail.profile("m1")
        assert before.email == story.address
        story.deliver()

        async def moved() -> bool:
            return int((await google.gmail.profile("m1")).history_id) > int(before.history_id)

        assert await shown(moved)

    async def test_history_tells_what_came_and_what_was_moved(self, story: Account, google: Google) -> None:
        start = (await google.gmail.profile("m1")).history_id
        gmail_id = story.deliver()
        await google.gmail.relabel("m1", gmail_id, frozenset({"STARRED"}), frozenset({"INBOX"}))
        seen: dict[str, set[str]] = {"added": set(), "on": set(), "off": set()}

        async def told() -> bool:
            page_token = ""
            for _ in range(20):
                page = await google.gmail.history("m1", start, page_token)
                seen["added"] |= {one.gmail_id for one in page.added}
                for change in page.relabelled:
                    if change.gmail_id == gmail_id:
                        seen["on"] |= change.added
                        seen["off"] |= change.removed
                page_token = page.next_page
                if not page_token:
                    break
            return gmail_id in seen["added"] and "STARRED" in seen["on"] and "INBOX" in seen["off"]

        assert await shown(told), seen

    async def test_a_cursor_from_long_ago_is_gone(self, story: Account, google: Google) -> None:
        with pytest.raises(HistoryGone):
            await google.gmail.history("m1", "1")

    async def test_lists_come_in_pages_newest_first(self, story: Account, google: Google) -> None:
        word = f"w{secrets.token_hex(6)}"
        ids = [story.deliver(subject=f"{word} {n}") for n in range(3)]
        found: list[str] = []

        async def listed() -> bool:
            first = await google.gmail.list_messages("m1", f"subject:{word}", limit=2)
            rest = await google.gmail.list_messages("m1", f"subject:{word}", page=first.next_page, limit=2)
            found[:] = [gmail_id for gmail_id, _ in first.ids + rest.ids]
            return len(found) == 3

        assert await shown(listed)
        assert sorted(found) == sorted(ids)

    async def test_a_message_comes_with_texts_labels_and_time(self, story: Account, google: Google) -> None:
        gmail_id = story.deliver(
            sender="Bö Öst <bo@ext.test>", subject="Grüße", text="Hällo", html="<p>Hällo</p>"
        )
        arrival = read_message((await google.gmail.fetch("m1", gmail_id)).raw)
        message = arrival.message
        assert (message.sender.address, message.sender.name) == ("bo@ext.test", "Bö Öst")
        assert message.subject == "Grüße"
        assert message.text.strip() == "Hällo"
        assert "Hällo" in (message.html or "")
        assert "INBOX" in arrival.labels
        assert abs(arrival.received_at - datetime.now(UTC)) < timedelta(minutes=5)

    async def test_labels_can_be_had_alone(self, story: Account, google: Google) -> None:
        assert "INBOX" in await google.gmail.labels_on("m1", story.deliver())

    async def test_what_is_not_there_is_gone(self, story: Account, google: Google) -> None:
        absent = f"1{int(story.deliver(), 16) ^ 0xABC:015x}"[-16:]
        with pytest.raises(Gone):
            await google.gmail.fetch("m1", absent)

    async def test_labels_are_made_once_and_put_on_in_one_call(self, story: Account, google: Google) -> None:
        ids = await google.gmail.ensure_labels("m1")
        assert ids.complete
        assert await google.gmail.ensure_labels("m1") == ids
        gmail_id = story.deliver()
        for _ in range(2):
            now = await google.gmail.relabel("m1", gmail_id, frozenset({ids.held}), frozenset({"INBOX"}))
            assert ids.held in now
            assert "INBOX" not in now

        async def listed() -> bool:
            page = await google.gmail.list_messages("m1", "in:anywhere", label=ids.held)
            return gmail_id in {one for one, _ in page.ids}

        assert await shown(listed)

    async def test_an_answer_lands_in_its_thread_and_is_found_again(
        self, story: Account, google: Google
    ) -> None:
        mark = secrets.token_hex(8)
        gmail_id = story.deliver(message_id=f"<offer-{mark}@ext.test>")
        thread = read_message((await google.gmail.fetch("m1", gmail_id)).raw).thread_id
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = story.address, story.correspondent, "Re: An offer"
        mail["Message-ID"] = f"<ours-{mark}@{story.address.rpartition('@')[2]}>"
        mail["In-Reply-To"] = mail["References"] = f"<offer-{mark}@ext.test>"
        mail["X-Pitchgate-Challenge"] = mark
        mail.set_content("Please confirm.")
        sent = await google.gmail.send("m1", mail.as_bytes(), thread)
        assert read_message((await google.gmail.fetch("m1", sent)).raw).thread_id == thread

        ours = OutgoingMail(str(mail["Message-ID"]), thread, mark, story.correspondent, datetime.now(UTC))

        async def found() -> bool:
            return await google.gmail.find_sent("m1", ours) == sent

        async def found_without_id_and_thread() -> bool:
            return await google.gmail.find_sent("m1", replace(ours, message_id="", thread_id="")) == sent

        assert await shown(found)
        assert await shown(found_without_id_and_thread)
        never = replace(ours, message_id="<never@ext.test>", marker="never")
        assert await google.gmail.find_sent("m1", never) == ""

    async def test_the_owners_addresses_and_responder_are_known(self, story: Account, google: Google) -> None:
        owner = await google.gmail.identity("m1")
        assert story.address == owner.email
        assert story.address in owner.aliases
        assert await google.gmail.vacation_on("m1") in (True, False)
