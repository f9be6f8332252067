"""What the owner does in Gmail itself counts, and what we did there ourselves costs no call."""

from __future__ import annotations

import asyncio
import html
import re

import pytest

from backend.demo import people
from backend.demo.letters import letters
from backend.domain.mailbox.message import ALLOW, BLOCK, HELD
from tests.journeys.conftest import Journey, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _move(journey: Journey, gmail_id: str, add: list[str], remove: list[str]) -> None:
    data = {"ids": [gmail_id], "add": add, "remove": remove}
    await journey.stage.sandbox._call("POST", f"/sandbox/mailboxes/{journey.owner}/labels", data)


async def _press(journey: Journey, act: str, **about: object) -> None:
    """A button of Gmail's own."""
    await journey.stage.sandbox._call(
        "POST", f"/sandbox/mailboxes/{journey.owner}/act", {"act": act, **about}
    )


async def _page(journey: Journey, path: str) -> str:
    """A page of the owner's, in the browser they connected with."""
    async with journey.browser.get(f"{journey.stage.server_url}{path}") as answer:
        assert answer.status == 200
        return html.unescape(await answer.text())


async def _told(journey: Journey, gmail_id: str, words: str) -> str:
    """Wait until the owner's page about a message says so; the page."""

    async def look() -> str:
        await asyncio.sleep(0.3)
        page = await _page(journey, f"/review/mail/{gmail_id}")
        return page if words in page else ""

    return await until(look, f"the page says {words!r}")


async def _links(journey: Journey) -> list[str]:
    """The links the seller has got."""

    async def look() -> list[str]:
        await journey.seller.look(journey.stage.sandbox)
        return journey.seller.links

    return await until(look, "a link")


async def _check_page(journey: Journey, link: str) -> tuple[int, str]:
    async with journey.browser.get(link) as answer:
        return answer.status, html.unescape(await answer.text())


async def _named(journey: Journey) -> dict[str, str]:
    """Ids of the owner's labels by name."""
    found: dict[str, str] = (await journey.stage.sandbox._call("GET", f"/sandbox/mailboxes/{journey.owner}"))[
        "userLabels"
    ]
    return found


async def _fetches(journey: Journey) -> int:
    methods = (await journey.stage.sandbox.meter(journey.owner))["methods"]
    return int(methods.get("gmail.users.messages.get", {"calls": 0})["calls"])


@pytest.mark.parametrize(
    ("add", "remove"),
    [([], [HELD]), (["INBOX"], []), (["INBOX"], [HELD]), ([ALLOW], [])],
    ids=["Held taken off", "put into the inbox", "moved to the inbox", "labelled Allow"],
)
async def test_held_mail_the_owner_moves_is_let_in(walk: Journey, add: list[str], remove: list[str]) -> None:
    held = await walk.write(walk.pitch)
    await walk.settled(held, held=True)
    await walk.quiet()
    fetched = await _fetches(walk)
    await _move(walk, held, add, remove)
    labels = await walk.settled(held, held=False)
    assert HELD not in labels
    await walk.quiet()
    assert await _fetches(walk) == fetched  # neither her move nor our echo was read up

    again = await walk.write(walk.pitch, subject="Following up")
    await walk.quiet()
    allowed = ALLOW in add
    assert ("INBOX" in await walk.labels(again)) is allowed


async def test_a_block_label_keeps_the_sender_out(walk: Journey) -> None:
    customer = next(letter for letter in letters() if letter.kind == "customer")
    first = await walk.write(customer)

    async def read() -> bool:
        await walk.quiet()
        return "INBOX" in await walk.labels(first)

    await until(read, "the mail read")
    await _move(walk, first, [BLOCK], [])
    await walk.settled(first, held=True)
    second = await walk.write(customer, subject="My other order")
    await walk.settled(second, held=True)
    await walk.quiet()
    assert [mail for mail in await walk.stage.sandbox.outbox() if mail["sender"] == walk.owner] == []


async def test_a_release_while_the_hold_is_under_way_is_the_last_word(walk: Journey) -> None:
    messages = [await walk.write(walk.pitch, sender=f"P <p{n}@p{n}.example>") for n in range(6)]
    for gmail_id in messages:  # as soon as each is held
        await walk.settled(gmail_id, held=True)
        await _move(walk, gmail_id, ["INBOX"], [HELD])
        await asyncio.sleep(0.1)
    await walk.quiet()
    for gmail_id in messages:
        labels = await walk.labels(gmail_id)
        assert "INBOX" in labels
        assert HELD not in labels


async def test_what_the_owner_reports_as_spam_is_never_delivered_until_it_is_none(walk: Journey) -> None:
    pitch = await walk.write(walk.pitch)
    await walk.settled(pitch, held=True)
    (link,) = await _links(walk)
    await _press(walk, "spam", ids=[pitch])
    page = await _told(walk, pitch, "You reported it as spam")
    assert 'value="release' not in page
    status, words = await _check_page(walk, link)
    assert (status, "no longer needed" in words) == (410, True)
    assert await walk.seller.answer(walk.browser) == 1  # tells that nothing is left to be done
    await walk.quiet()
    assert {"SPAM"} == (await walk.labels(pitch)) & {"INBOX", "SPAM"}
    assert "You have blocked this address" in await _page(
        walk, f"/review/sender?address={walk.pitch.address}"
    )
    second = await walk.write(walk.pitch, subject="Following up")
    await walk.settled(second, held=True)

    await _press(walk, "not_spam", ids=[pitch])
    await walk.settled(pitch, held=False)
    await walk.quiet()
    third = await walk.write(walk.pitch, subject="Once more")
    labels = await walk.settled(third, held=True)
    assert HELD in labels
    assert "You have blocked this address" not in await _page(
        walk, f"/review/sender?address={walk.pitch.address}"
    )


async def test_what_is_in_the_bin_is_gone_for_its_sender_and_comes_back_as_it_was(walk: Journey) -> None:
    pitch = await walk.write(walk.pitch)
    await walk.settled(pitch, held=True)
    (link,) = await _links(walk)
    await _press(walk, "trash", ids=[pitch])
    await _told(walk, pitch, "You moved it to the bin")
    status, words = await _check_page(walk, link)
    assert (status, "Your message is gone" in words) == (410, True)
    await _move(walk, pitch, [], ["TRASH"])  # Gmail's Undo: it lies where it lay

    async def open_again() -> bool:
        return (await _check_page(walk, link))[0] == 200

    await until(open_again, "the link works again")
    assert await walk.seller.answer(walk.browser) == 1
    await walk.settled(pitch, held=False)


async def test_a_check_passed_just_before_the_bin_delivers_nothing(walk: Journey) -> None:
    pitch = await walk.write(walk.pitch)
    await walk.settled(pitch, held=True)
    await _links(walk)
    await walk.quiet()
    solving = asyncio.create_task(walk.seller.answer(walk.browser))
    await _press(walk, "trash", ids=[pitch])
    await solving
    await walk.quiet()
    assert {"TRASH"} == (await walk.labels(pitch)) & {"INBOX", "TRASH", "SPAM"}


async def test_our_labels_may_be_renamed_nested_and_deleted(walk: Journey) -> None:
    ids = await _named(walk)
    await _press(walk, "rename_label", label=HELD, to="Sales/Waiting")
    await _press(walk, "rename_label", label=ALLOW, to="Friends")
    await _press(walk, "delete_label", label="Pitchgate/Would be held")
    # A connection renews the labels as the watch does every day.
    await people.connect(walk.browser, walk.stage.server_url, walk.owner)

    async def made_again() -> bool:
        return "Pitchgate/Would be held" in await _named(walk)

    await until(made_again, "the deleted label is there again")
    now = await _named(walk)
    assert (now["Sales/Waiting"], now["Friends"]) == (ids[HELD], ids[ALLOW])
    assert not {HELD, ALLOW} & now.keys()

    pitch = await walk.write(walk.pitch)

    async def held() -> bool:
        return {"Sales/Waiting", "INBOX"} & await walk.labels(pitch) == {"Sales/Waiting"}

    await until(held, "held under the label's new name")
    await walk.quiet()
    await _move(walk, pitch, ["Friends"], [])
    await walk.settled(pitch, held=False)
    assert "Sales/Waiting" not in await walk.labels(pitch)

    await _press(walk, "delete_label", label="Sales/Waiting")
    other = await walk.write(walk.pitch, sender="P <p@other.example>")
    await walk.settled(other, held=True)  # Gmail's no to the id makes it again, at once


async def test_another_primary_address_is_the_same_mailbox(walk: Journey) -> None:
    new, mailboxes = f"new.{walk.owner}", await _mailboxes(walk)
    await _press(walk, "rename_address", to=new)
    # Pushes name nobody we know, until they sign in, or a sweep finds mail of which none told.
    await people.connect(walk.browser, walk.stage.server_url, new)
    pitch = (await walk.stage.sandbox._call("POST", "/sandbox/deliver", _letter(walk, walk.owner)))[
        "delivered"
    ][0]
    other = (
        await walk.stage.sandbox._call("POST", "/sandbox/deliver", _letter(walk, new, "sam@two.example"))
    )["delivered"][0]
    assert pitch["mailbox"] == other["mailbox"] == new

    async def held() -> bool:
        mails = await walk.stage.sandbox.messages(new)
        return {one["id"] for one in mails if HELD in one["labels"]} >= {pitch["id"], other["id"]}

    await until(held, "mail to either address held")

    async def answered() -> bool:
        outbox = await walk.stage.sandbox.outbox()
        return {to for mail in outbox for to in mail["recipients"]} >= {walk.pitch.address, "sam@two.example"}

    await until(answered, "both answered")
    assert new in await _page(walk, "/settings")
    assert await _mailboxes(walk) == mailboxes


async def _mailboxes(journey: Journey) -> str:
    async with journey.browser.get(f"{journey.stage.server_url}/metrics") as answer:
        found = re.search(r"^pitchgate_mailboxes \S+$", await answer.text(), re.MULTILINE)
    assert found is not None
    return found[0]


def _letter(journey: Journey, to: str, sender: str = "") -> dict[str, str]:
    pitch = journey.pitch
    return {"to": to, "from": sender or pitch.sender, "subject": pitch.subject, "text": pitch.text}
