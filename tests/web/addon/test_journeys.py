"""A held mail is opened, its card read, and decided about: real processes, real tokens, real labels.

One stage serves all stories that do not disturb one another; each has a sender of its own.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from backend.demo.letters import OWNER, Letter, letters
from backend.demo.people import connect
from tests.journeys.conftest import Journey, usual, walk
from tests.web.addon.host import EMAIL, EXECUTE, OPEN_MESSAGE, AddonHost

pytestmark = pytest.mark.asyncio(loop_scope="module")

__all__ = ["usual", "walk"]

KINDS = {letter.kind: letter for letter in letters()}
NUMBERS = count(1)


@pytest.fixture
def told(usual: Journey) -> Journey:
    return usual


def stranger(told: Journey) -> Letter:
    """A pitch from a sender nobody has met before."""
    return replace(told.pitch, sender=f"Sam Okafor <sam@pitchworks{next(NUMBERS)}.example>")


async def held(told: Journey, letter: Letter | None = None) -> str:
    """A pitch that has come and is held. Gmail's labels move a moment before our row says so."""
    gmail_id = await told.write(letter or stranger(told))
    await told.settled(gmail_id, held=True)
    await told.quiet()
    return gmail_id


async def test_released_from_the_card_the_mail_is_back_and_undo_holds_it_again(told: Journey) -> None:
    pitch = stranger(told)
    gmail_id, gmail = await held(told, pitch), AddonHost(told)

    await gmail.open(gmail_id)
    assert gmail.panel["card"]["header"]["title"] == "Held"
    assert gmail.panel["card"]["header"]["subtitle"] == "99 Pitch"
    assert pitch.address in gmail.text
    assert gmail.buttons[0] == "Release"

    await gmail.click("Release")
    assert gmail.panel["toast"] == "Released. It goes back to the inbox."
    assert gmail.panel["stale"] is True
    assert gmail.panel["card"]["header"]["title"] == "On its way back to the inbox"
    assert gmail.panel["depth"] == 1  # the card is renewed, not put on top
    labels = await told.settled(gmail_id, held=False)
    assert "UNREAD" in labels

    await gmail.click("Undo")
    assert gmail.panel["toast"] == "Undone."
    await told.settled(gmail_id, held=True)
    await told.quiet()
    await gmail.open(gmail_id)
    assert "Release" in gmail.buttons
    assert "Undo" not in gmail.buttons


async def test_always_let_in_and_block_make_rules_that_the_next_mail_meets(told: Journey) -> None:
    pitch = stranger(told)
    first, gmail = await held(told, pitch), AddonHost(told)
    await gmail.open(first)
    await gmail.click("Allow sender")
    assert "You have allowed this address" in gmail.text
    assert "Allow sender" not in gmail.buttons
    await told.settled(first, held=False)
    second = await told.write(pitch, subject="Another offer for you")
    await told.quiet()
    assert "INBOX" in await told.labels(second)

    await gmail.open(second)
    assert "You have allowed this sender." in gmail.text
    await gmail.click("Block sender")
    assert "You have blocked this address" in gmail.text
    await told.settled(second, held=True)
    third = await told.write(pitch, subject="A last offer for you")
    await told.settled(third, held=True)
    await gmail.open(third)
    assert "You have blocked this sender or their domain." in gmail.text


async def test_what_slipped_through_is_held_after_all_and_a_credit_is_given(told: Journey) -> None:
    gmail_id, gmail = await told.write(KINDS["customer"]), AddonHost(told)
    await told.quiet()
    await gmail.open(gmail_id)
    assert gmail.panel["card"]["header"]["title"] == "In the inbox"
    await gmail.click("Add a credit")
    assert gmail.panel["toast"] == "One credit added. Credits now: 1"
    await gmail.replay()
    assert gmail.panel["toast"] == "One credit added. Credits now: 1"
    await gmail.click("Mark as a pitch")
    await told.settled(gmail_id, held=True)


async def test_a_click_sent_again_changes_nothing_even_after_the_owner_changed_his_mind(
    told: Journey,
) -> None:
    gmail_id, gmail = await held(told), AddonHost(told)
    await gmail.open(gmail_id)
    await gmail.click("Release")
    await told.settled(gmail_id, held=False)
    await gmail.replay()
    await told.quiet()
    assert "INBOX" in await told.labels(gmail_id)
    await gmail.click("Block sender")
    await told.settled(gmail_id, held=True)
    await gmail.replay()
    await told.quiet()
    assert "Pitchgate/Held" in await told.labels(gmail_id)


async def test_a_known_message_costs_no_gmail_call_an_unknown_one_costs_one(told: Journey) -> None:
    known, gmail = await held(told), AddonHost(told)
    await told.quiet()
    before = await told.stage.sandbox.meter(OWNER)
    for form in ("msg-f", "hex"):
        await gmail.open(known, id_form=form, platform="WEB" if form == "msg-f" else "ANDROID")
        assert gmail.panel["card"]["header"]["title"] == "Held"
    assert await told.stage.sandbox.meter(OWNER) == before

    old = await seeded(
        told, "Grow your pipeline", "We help firms like yours book 30 meetings a month. Shall we talk?"
    )
    before = await told.stage.sandbox.meter(OWNER)
    await gmail.open(old)
    assert "It was judged just now and stays where it is." in gmail.text
    after = await told.stage.sandbox.meter(OWNER)
    assert after["calls"] == before["calls"] + 1
    assert after["units"] == before["units"] + 20
    await gmail.open(old)
    assert "judged just now" not in gmail.text
    await told.quiet()
    assert (await told.stage.sandbox.meter(OWNER))["calls"] == after["calls"]
    assert "Pitchgate/Held" not in await told.labels(old)
    await gmail.click("Mark as a pitch")
    await told.settled(old, held=True)


async def test_an_id_gmail_does_not_give_out_is_told_plainly(told: Journey) -> None:
    gmail = AddonHost(told)
    await gmail.open("msg-a:r-7001")
    assert "Gmail does not have this message any more." in gmail.text
    await gmail.open("0123456789abcdef")
    assert "Gmail does not have this message any more." in gmail.text


async def test_not_connected_yet_leads_to_our_page(told: Journey) -> None:
    other = AddonHost(told, told.pitch.address)
    for ask in (other.open(), other.open("19a3c0ffee000001"), other.open(page="settings")):
        await ask
        assert other.panel["prompt"] == {
            "connect": f"{told.stage.server_url}/connect",
            "resource": "Pitchgate",
        }


async def test_missing_consent_is_asked_for_and_the_call_repeated(told: Journey) -> None:
    gmail_id, gmail = await held(told), AddonHost(told)
    await gmail.grant(EXECUTE)
    await gmail.open()
    assert gmail.panel["prompt"] == {"scopes": [EMAIL]}
    await gmail.consent()
    assert "Active" in gmail.text
    await gmail.open(gmail_id)
    assert gmail.panel["prompt"] == {"scopes": [OPEN_MESSAGE]}
    await gmail.consent()
    assert gmail.panel["card"]["header"]["title"] == "Held"


async def test_home_pause_and_settings(walk: Journey) -> None:
    gmail_id, gmail = await held(walk), AddonHost(walk, walk.owner)
    await gmail.open()
    assert "1 email held" in gmail.text
    await gmail.click("Pause for 1 hour")
    assert gmail.panel["toast"] == "Paused."
    assert "Resume" in gmail.buttons
    await gmail.click("Resume")
    assert "Pause for 1 hour" in gmail.buttons
    await gmail.open(page="settings")
    await gmail.click("Save", inputs={"mode": ["quarantine"], "strictness": ["strict"], "digest": ["daily"]})
    assert gmail.panel["toast"] == "Saved."
    chosen = [item for item in _items(gmail.panel["card"]) if item["selected"]]
    assert [item["value"] for item in chosen] == ["quarantine", "strict", "daily"]
    await gmail.open()
    await gmail.click("Release")
    assert "Nothing is held." in gmail.text
    await walk.settled(gmail_id, held=False)


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        ({"stranger": "system"}, "a stranger signed Google's token"),
        ({"stranger": "user"}, "a stranger signed the owner's token"),
        ({"no_header": True}, "no token at all"),
        ({"system": {"iat": 1_000, "exp": 4_600}}, "an expired token of Google's"),
        ({"user": {"iat": 1_000, "exp": 4_600}}, "an expired token of the owner's"),
        ({"system": {"aud": "https://gate.test/addon/home"}}, "meant for another server"),
        ({"system": {"aud": ""}}, "meant for nobody"),
        (
            {"user": {"aud": "another-addon.apps.googleusercontent.com"}},
            "the owner's token for another add-on",
        ),
        (
            {"system": {"email": "service-1@gcp-sa-gsuiteaddons.iam.gserviceaccount.com"}},
            "another project's add-on",
        ),
        ({"system": {"email_verified": False}}, "an address nobody verified"),
        ({"system": {"iss": "https://accounts.evil.test"}}, "another issuer"),
        ({"user": {"sub": None}}, "nobody's token"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_forged_tokens_are_refused_alike(told: Journey, forge: dict[str, object], why: str) -> None:
    gmail = AddonHost(told)
    await gmail.open(forge=forge)
    assert gmail.panel["status"] == 401
    assert gmail.panel["answer"] == {"code": "unauthenticated"}


async def test_one_owner_never_reaches_anothers_mail(told: Journey) -> None:
    gmail_id = await held(told)
    other = AddonHost(told, told.pitch.address)
    await other.open(gmail_id)  # their own token, Ana's message: nothing is connected for them
    assert "connect" in other.panel["prompt"]
    # A token for one endpoint is no token for another.
    gmail = AddonHost(told)
    await gmail.open(gmail_id, forge={"system": {"aud": f"{told.stage.server_url}/addon/home"}})
    assert gmail.panel["status"] == 401


async def test_two_connected_owners_are_apart(told: Journey) -> None:
    bea = "bea@second.example"
    await told.stage.sandbox.create(bea, "Bea Ruiz")
    await connect(told.stage.http, told.stage.server_url, bea)
    await told.quiet()
    gmail_id, other = await held(told), AddonHost(told, bea)
    await other.open(gmail_id)
    assert "Gmail does not have this message any more." in other.text
    assert "Pitchworks" not in other.text

    gmail = AddonHost(told)
    await gmail.open(gmail_id)
    async with told.stage.http.get(f"{told.stage.sandbox.url}/sandbox/mailboxes/{bea}") as answer:
        told_of_bea = await answer.json()
    await gmail.click(
        "Release", forge={"user": {"sub": told_of_bea["sub"]}}
    )  # Ana's card, clicked with Bea's token
    assert gmail.panel["toast"] == "Pitchgate does not know this message yet. Look again in a moment."
    await told.quiet()
    assert "Pitchgate/Held" in await told.labels(gmail_id)


async def test_a_whole_domain_is_blocked_and_let_in_again(told: Journey) -> None:
    first, gmail = await held(told), AddonHost(told)
    await gmail.open(first)
    await gmail.click("Block domain")
    assert gmail.panel["toast"] == "Blocked. This domain’s emails are held from now on."
    assert "The whole domain is blocked" in gmail.text
    assert "Block domain" not in gmail.buttons
    await gmail.click("Undo")
    assert "The whole domain is blocked" not in gmail.text
    await gmail.click("Allow domain")
    await told.settled(first, held=False)
    assert "The whole domain is allowed" in gmail.text


async def test_no_token_of_an_event_is_kept(told: Journey) -> None:
    gmail_id, gmail = await held(told), AddonHost(told)
    await gmail.open(gmail_id)
    await gmail.click("Release")
    await told.quiet()
    kept = b"".join(path.read_bytes() for path in told.stage.options.folder.rglob("*") if path.is_file())
    assert b"card-" in kept  # the decision is there
    for trace in (b"ya29.sandbox-", b"AKwx-", b"eyJhbGciOiJSUzI1NiIs"):
        assert trace not in kept


async def seeded(told: Journey, subject: str, text: str) -> str:
    """A message from before the mailbox was connected."""
    letter = {"from": "Rob <rob@older.example>", "subject": subject, "text": text, "labels": ["INBOX"]}
    letter |= {"internal_date": 1_700_000_000_000}  # type: ignore[dict-item]
    url = f"{told.stage.sandbox.url}/sandbox/mailboxes/{OWNER}/messages"
    async with told.stage.http.post(url, json={"messages": [letter], "quiet": True}) as answer:
        body = await answer.json()
        assert answer.status == 200, body
        return str(body["ids"][0]["id"])


def _items(card: dict[str, object]) -> list[dict[str, object]]:
    sections: list[dict[str, list[dict[str, dict[str, list[dict[str, object]]]]]]] = card["sections"]  # type: ignore[assignment]
    return [
        item
        for section in sections
        for widget in section["widgets"]
        if "selectionInput" in widget
        for item in widget["selectionInput"]["items"]
    ]
