"""The first run without script: how far it is, what would have been held, a correction, and the choice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain.errors import Gone
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.mailbox import Mode, Strictness
from backend.pipeline.first_run import MESSAGES
from tests.web.owner_pages import FORGED, Visit, letter
from tests.web.service import Office

PITCH = letter("sam@seller.test", "a pitchy letter", subject="Grow")
DOUBT = letter("di@doubt.test", "maybe a letter", subject="Perhaps")
PLAIN = letter("kim@friend.test", "a letter", subject="Lunch")


@pytest.fixture
async def ana(here: Office) -> Visit:
    """Ana, whose mailbox observes and has been read."""
    visit = await Visit.begin(here)
    await here.service.save_preferences("ana", {"mode": "observe"})
    await visit.indexed()
    return visit


async def shown(ana: Visit, *messages: object) -> str:
    """A preview of these messages, made as an owner makes it."""
    ana.deliver(*messages)
    await ana.get("/start")
    assert await ana.post("/start/preview") == "/start"
    await ana.worked()
    return await ana.get("/start")


async def test_a_new_mailbox_is_told_how_far_it_is(here: Office) -> None:
    visit = await Visit.begin(here)
    page = await visit.get("/start")
    assert "Your sent mail is being read once" in page
    assert "No preview has been made yet" in page
    await visit.post("/start/preview")
    page = await visit.get("/start")
    assert "It begins as soon as your sent mail is read" in page
    assert "data-poll" in page
    assert 'href="/start?mode=' in page  # without script: a link to look again
    await visit.indexed()
    await here.service.context.store.order_preview("ana", here.story.now)
    assert "Your inbox is being looked through" in await visit.get("/start")


async def test_what_would_have_been_held_with_its_reasons_and_nothing_moved(ana: Visit) -> None:
    page = await shown(ana, PLAIN, DOUBT, PITCH)
    assert "1 of your last 3 emails looks like a pitch" in page
    assert "Grow" in page
    assert "asks for a call or a meeting" in page
    assert "<b>97</b> Pitch" in page
    assert "Such mail stays in the inbox and only gets a label" in page
    assert "The other 2 stay in the inbox" in page
    assert "not enough like a pitch" in page
    assert "data-poll" not in page
    calls = ana.here.gmail.calls
    assert (calls["list_messages"], calls["fetch"], calls["relabel"], calls["send"]) == (1, 3, 0, 0)
    assert await ana.here.store.messages("ana") == ()  # no message of ours


async def test_mode_and_strictness_only_apply_other_thresholds(ana: Visit) -> None:
    await shown(ana, PLAIN, DOUBT, PITCH)
    before = ana.here.gmail.units
    page = await ana.get("/start?mode=challenge&strictness=strict")
    assert "2 of your last" in page
    assert "one sender would be answered with a link" in page
    assert "finds 2" in page
    page = await ana.get("/start?mode=quarantine&strictness=relaxed")
    assert "looks like a pitch" in page
    assert "nobody would be notified" in page
    assert ana.here.gmail.units == before
    assert (await ana.mailbox()).preferences.mode is Mode.OBSERVE  # looking chooses nothing
    await ana.get("/start?mode=nonsense&strictness=x")


async def test_not_sales_lets_the_sender_in_and_can_be_taken_back(ana: Visit) -> None:
    await shown(ana, PLAIN, PITCH)
    (pitch,) = [mail.gmail_id for mail in await ana.here.store.previews("ana") if mail.subject == "Grow"]
    where = await ana.post("/start/say", say=f"not_sales {pitch}", mode="quarantine", strictness="normal")
    page = await ana.get(where)
    assert "None of your last" in page
    assert "Marked as not a pitch" in page
    assert await ana.here.store.rules_of("ana", ["sam@seller.test"]) == {"sam@seller.test": RuleKind.ALLOW}
    where = await ana.post("/start/say", say=f"back {pitch}", mode="quarantine", strictness="normal")
    page = await ana.get(where)
    assert "Undone." in page
    assert "looks like a pitch" in page
    assert await ana.here.store.count_rules("ana") == 0


async def test_sales_blocks_the_sender_and_moves_nothing(ana: Visit) -> None:
    await shown(ana, PLAIN, PITCH)
    (plain,) = [mail.gmail_id for mail in await ana.here.store.previews("ana") if mail.subject == "Lunch"]
    page = await ana.get(await ana.post("/start/say", say=f"sales {plain}"))
    assert "2 of your last" in page
    assert "you block this sender" in page
    assert ana.here.gmail.calls["relabel"] == 0
    assert "INBOX" in ana.here.gmail.labels_of(plain)


async def test_a_word_about_nothing_changes_nothing(ana: Visit) -> None:
    await shown(ana, PITCH)
    for fields in ({"say": "sales zz"}, {"say": "maybe zz"}, {"say": "sales"}, {}):
        assert "done=lost" in await ana.post("/start/say", **fields)
    assert await ana.here.store.count_rules("ana") == 0


async def test_a_forged_sender_is_not_helped_by_the_owners_word(ana: Visit) -> None:
    page = await shown(ana, letter("sam@seller.test", "a pitchy letter", trust=FORGED))
    (mail,) = await ana.here.store.previews("ana")
    page = await ana.get(await ana.post("/start/say", say=f"not_sales {mail.gmail_id}"))
    assert "looks like a pitch" in page
    assert "could not confirm that this message really comes from its sender" in page


async def test_choosing_counts_from_now_on_and_leads_to_the_review_page(ana: Visit) -> None:
    await ana.get("/start")
    assert await ana.post("/start/choose", mode="quarantine", strictness="strict") == "/review"
    wishes = (await ana.mailbox()).preferences
    assert (wishes.mode, wishes.strictness) == (Mode.QUARANTINE, Strictness.STRICT)


async def test_people_he_knows_and_later_mail_of_a_held_sender(ana: Visit) -> None:
    await ana.here.store.learn("ana", frozenset({"sam@seller.test"}), "", ana.here.story.now)
    again = letter("sue@seller2.test", "maybe a letter", subject="Following up")
    page = await shown(ana, PITCH, letter("sue@seller2.test", "a pitchy letter"), again)
    assert "2 of your last" in page
    page = await ana.get("/start?mode=quarantine")
    assert "2 of your last" in page
    assert "reads like a pitch together with the sender’s earlier emails" in page
    assert "you know each other" in page


async def test_at_most_a_hundred_are_read_and_the_newest(ana: Visit) -> None:
    many = [letter(f"p{number}@x.test", "a letter", subject=f"No {number}") for number in range(MESSAGES + 5)]
    page = await shown(ana, *many)
    assert f"None of your last {MESSAGES} emails" in page
    assert f"No {MESSAGES + 4}" in page
    assert ana.here.gmail.calls["fetch"] == MESSAGES


async def test_a_hundred_mails_make_a_page_under_a_hundred_kilobytes(ana: Visit) -> None:
    half = MESSAGES // 2
    pitches = [letter(f"sender.number.{number}@seller.test", "a pitchy letter") for number in range(half)]
    letters = [letter(f"sender.number.{number}@friend.test", "a letter") for number in range(half)]
    await shown(
        ana, *(replace(mail, subject="A subject of quite usual length" * 2) for mail in pitches + letters)
    )
    assert len(ana.page.encode()) < 100_000


async def test_an_empty_inbox_and_mail_that_is_gone(ana: Visit) -> None:
    assert "Your inbox is empty" in await shown(ana)
    ana.deliver(PITCH, PLAIN)
    await ana.post("/start/preview")
    ana.here.gmail.trouble["fetch"] = Gone("It is gone.", reason="notFound")  # the first that is fetched
    await ana.worked()
    assert "One message could not be read." in await ana.get("/start")


async def test_hostile_mail_is_text(ana: Visit) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    await shown(ana, replace(letter("sam@seller.test", "a pitchy letter"), subject=evil))
    assert "<script>alert" not in ana.page
    assert "<img src=x" not in ana.page
    assert "&lt;script&gt;" in ana.page


async def test_another_owner_sees_and_changes_nothing(here: Office, ana: Visit) -> None:
    await shown(ana, PITCH)
    (mail,) = await here.store.previews("ana")
    eve = await Visit.begin(here, "eve")
    assert "Grow" not in await eve.get("/start")
    assert "done=lost" in await eve.post("/start/say", say=f"not_sales {mail.gmail_id}")
    assert await here.store.count_rules("ana") == 0
    for path in ("/start/preview", "/start/say", "/start/choose"):
        assert (await eve.browser.post(path, form={"csrf": ana.hidden("csrf")})).status_code == 403
        assert (await here.app.test_client().post(path, form={})).status_code == 401


async def test_it_speaks_the_browsers_language(ana: Visit) -> None:
    await shown(ana, PITCH)
    page = await ana.get("/start", **{"Accept-Language": "pt-BR,en;q=0.5"})
    assert '<html lang="pt-PT">' in page
    assert "das suas últimas" in page
    assert "pede uma chamada" in page or "reunião" in page


async def test_connecting_orders_the_preview_once_for_who_has_not_chosen(here: Office) -> None:
    browser = here.app.test_client()
    for mode, run in (("challenge", None), ("observe", 1), ("observe", 1)):
        await here.service.save_preferences("eve", {"mode": mode})
        page = await (await here.connect(browser, "eve")).get_data(as_text=True)
        assert ('href="/start"' in page) is (mode == "observe")
        found = await here.store.preview_run("eve")
        assert (found.run if found else None) == run


async def test_a_preview_does_not_wait_for_a_pause(ana: Visit) -> None:
    await ana.here.service.pause("ana", ana.here.service.context.clock.now() + timedelta(hours=1))
    assert "looks like a pitch" in await shown(ana, PITCH)
