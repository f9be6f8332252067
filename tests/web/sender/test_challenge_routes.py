"""The sender's side of a challenge, over HTTP: look, solve, and every way it can be refused."""

from __future__ import annotations

import re
from html import unescape

import pytest
from markupsafe import escape
from quart import Quart

from backend.demo.people import solve
from backend.domain.errors import AccessLost
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import Preferences
from backend.locale import LANGUAGES, catalogue
from backend.pipeline.solve import open_challenge
from tests.web.service import LINK, TOKEN, Client, Office

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = {"Accept": "application/json"}


async def solved(client: Client) -> str:
    return solve(await (await client.get(f"{LINK}/task")).get_json())


async def test_a_sender_reads_why_it_waits_solves_and_is_told_what_they_have(
    client: Client, here: Office
) -> None:
    await here.link()
    page = await (await client.get(LINK, headers=BROWSER)).get_data(as_text=True)
    assert "Corp Sales" in page  # as the sender knows them
    assert "Grow your pipeline by 300 %" in page

    answer = await client.post(LINK, form={"payload": await solved(client)}, headers=BROWSER)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Your message is on its way" in page
    assert '<b class="figure">2</b>' in page
    assert await here.solves() == 1


async def test_where_no_script_runs_the_page_says_what_happens_there(client: Client, here: Office) -> None:
    await here.link()
    page = await (await client.get(LINK, headers=BROWSER)).get_data(as_text=True)
    assert "<noscript>Type six digits; your message is delivered 10 minutes later.</noscript>" in page
    assert '<span id="start-note" data-start hidden>' in page  # the script shows it with its button


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (0, "None of your messages are being held"),
        (1, "It goes to Corp Sales’s inbox, unread."),
        (3, "3 of your messages go to Corp Sales’s inbox, unread."),
    ],
)
async def test_the_success_page_counts_what_was_let_in(
    client: Client, here: Office, waiting: int, words: str
) -> None:
    # A message nobody vouches for is no mail of its sender's: none of theirs waits then.
    await here.link(waiting=waiting or 1, authenticated=waiting > 0)

    answer = await client.post(LINK, form={"payload": await solved(client)}, headers=BROWSER)

    assert words in await answer.get_data(as_text=True)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("waiting", [1, 3])
async def test_while_access_is_lost_nothing_is_said_to_be_on_its_way(
    client: Client, here: Office, waiting: int, language: str
) -> None:
    await here.link(waiting=waiting)
    await here.store.lose_link("ana", AccessLost.GRANT, here.story.now, here.story.now)
    owner = (await open_challenge(here.context, TOKEN)).owner

    headers = BROWSER | {"Accept-Language": language}
    answer = await client.post(LINK, form={"payload": await solved(client)}, headers=headers)

    page = unescape(await answer.get_data(as_text=True))
    words = catalogue(language).section("check")
    said = words["accepted_one" if waiting == 1 else "accepted_many"].format(owner=owner, count=waiting)
    assert said in page
    assert words["accepted" if waiting == 1 else "accepted_several"] in page
    for key in ("done", "done_several"):
        assert f">{words[key]}<" not in page


async def test_the_success_page_names_what_it_delivered_and_nothing_else(
    client: Client, here: Office
) -> None:
    await here.link(subject="First <b>offer</b>")
    for subject in ("Second offer", "Third offer", "Fourth offer"):
        await here.more(subject=subject)
    await here.more("else@pitch.test", subject="Somebody else's offer")

    answer = await client.post(LINK, form={"payload": await solved(client)}, headers=BROWSER)

    page = await answer.get_data(as_text=True)
    named = ["First &lt;b&gt;offer&lt;/b&gt;", "Second offer", "Third offer"]
    assert re.findall("<dd><bdi>(.*)</bdi></dd>", page) == named
    assert "Fourth offer" not in page
    assert "Somebody else" not in page
    assert f'action="{LINK}/note"' in page, "a note to what still waits"
    assert "too long" not in page


async def test_of_many_delivered_the_success_page_names_ten(client: Client, here: Office) -> None:
    await here.link(waiting=12)
    await here.store.save_preferences("ana", Preferences(credits_per_solve=20), here.story.now)

    answer = await client.post(LINK, form={"payload": await solved(client)}, headers=BROWSER)

    page = await answer.get_data(as_text=True)
    assert page.count("<dd><bdi>") == 10
    assert "and 2 more" in page


async def test_a_script_gets_numbers_and_no_ids(client: Client, here: Office) -> None:
    await here.link()
    answer = await client.post(LINK, form={"payload": await solved(client)}, headers=SCRIPT)

    assert await answer.get_json() == {"released": 1, "balance": 2, "waiting": 0}


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (1, "One message of yours is being held. This check delivers it."),
        (3, "3 of your messages are being held. This check delivers all of them."),
        (5, "5 of your messages are being held. This check delivers 3 of them, the oldest first."),
    ],
)
async def test_before_the_check_the_page_says_how_many_wait_and_how_many_it_lets_in(
    client: Client, here: Office, waiting: int, words: str
) -> None:
    await here.link(waiting=waiting)

    page = await (await client.get(LINK)).get_data(as_text=True)

    assert words in page
    assert "this same link to have it delivered until 16 March 2026" in page


@pytest.mark.parametrize(
    ("still", "words"),
    [
        (1, "One more of your messages is being held. The same link delivers it"),
        (5, "5 more of your messages are being held. The same link delivers the next 3"),
        (2, "2 more of your messages are being held. The same link delivers the next 2"),
    ],
)
async def test_after_the_check_it_says_how_many_still_wait_and_leads_to_the_next(
    client: Client, here: Office, still: int, words: str
) -> None:
    await here.link(waiting=3 + still)

    page = await (await client.post(LINK, form={"payload": await solved(client)}, headers=BROWSER)).get_data(
        as_text=True
    )

    assert words in page.replace("\n", " ")
    assert f'href="{LINK}"' in page
    assert "You can close this page" not in page


async def test_a_script_is_told_how_many_still_wait(client: Client, here: Office) -> None:
    await here.link(waiting=7)

    answer = await client.post(LINK, form={"payload": await solved(client)}, headers=SCRIPT)

    assert (await answer.get_json())["waiting"] == 4


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", [LINK, f"{LINK}/task"])
async def test_looking_changes_nothing(client: Client, here: Office, path: str, method: str) -> None:
    before = await here.link()

    for _ in range(3):
        assert (await client.open(path, method=method)).status_code == 200

    assert await here.challenge() == before
    assert await here.begun() == 0


async def test_an_answer_in_the_address_is_not_taken(client: Client, here: Office) -> None:
    await here.link()
    payload = await solved(client)

    await client.get(LINK, query_string={"payload": payload})
    answer = await client.post(LINK, query_string={"payload": payload}, headers=SCRIPT)

    assert (await answer.get_json())["code"] == "captcha_malformed"
    assert await here.solves() == 0


async def test_a_used_link_says_so(client: Client, here: Office) -> None:
    await here.link()
    payload = await solved(client)
    await client.post(LINK, form={"payload": payload}, headers=BROWSER)

    for answer in (
        await client.get(LINK, headers=BROWSER),
        await client.post(LINK, form={"payload": payload}, headers=BROWSER),
        await client.get(f"{LINK}/task", headers=BROWSER),
    ):
        assert answer.status_code == 410
        assert "This link has been used" in await answer.get_data(as_text=True)
    assert await here.solves() == 1


async def close(here: Office, code: str) -> None:
    """What really ends a link with this code."""
    challenge = await here.link()
    if code == "link_expired":
        here.clock.advance(days=14)
    elif code == "link_used":
        await here.story.solve_id(challenge.id, token=TOKEN)
    else:
        decision = Decision.RELEASE if code == "link_released" else Decision.BLOCK
        await here.story.decide("ana", challenge.gmail_id, decision)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("link_expired", "This link has expired"),
        ("link_used", "This link has been used"),
        ("link_released", "Your message was delivered"),
        ("link_voided", "This link is no longer needed"),
    ],
)
async def test_every_closed_link_has_a_friendly_page(
    client: Client, here: Office, code: str, words: str
) -> None:
    await close(here, code)
    for language in LANGUAGES:
        fields = await client.get(LINK, headers=BROWSER | {"Accept-Language": language})
        page = await fields.get_data(as_text=True)
        assert fields.status_code == 410
        assert f'<html lang="{catalogue(language).tag}">' in page
        assert escape(catalogue(language)[f"error.{code}.title"]) in page
        assert escape(catalogue(language)[f"error.{code}.remedy"]) in page

    page = await client.get(LINK, headers=BROWSER)
    task = await client.get(f"{LINK}/task", headers=SCRIPT)

    assert page.status_code == task.status_code == 410
    assert words in await page.get_data(as_text=True)
    problem = await task.get_json()
    assert problem["code"] == code
    assert task.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "token", ["B" * 32, "short", "%00", "..%2f..", "<script>alert(1)</script>", "x" * 4_000]
)
async def test_a_tampered_link_is_a_friendly_404(client: Client, token: str) -> None:
    for answer in (
        await client.get(f"/c/{token}", headers=BROWSER),
        await client.post(f"/c/{token}", form={"payload": "x"}, headers=BROWSER),
    ):
        page = await answer.get_data(as_text=True)
        assert answer.status_code == 404
        assert "<script>alert" not in page
        assert "<h1>" in page


@pytest.mark.parametrize(
    "form", [{}, {"payload": ""}, {"payload": "garbage"}, {"other": "x"}, {"payload": "x" * 20_000}]
)
async def test_a_bad_answer_brings_the_page_back_with_the_reason(
    client: Client, here: Office, form: dict[str, str]
) -> None:
    await here.link()
    answer = await client.post(LINK, form=form, headers=BROWSER)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "The answer could not be read" in page
    assert 'role="alert"' in page
    assert 'id="start"' in page, "they can try again at once"
    assert await here.solves() == 0


async def test_an_answer_to_another_links_task_is_refused(client: Client, here: Office) -> None:
    await here.link()
    await here.link("C" * 32, "kim@reach.example")
    payload = await solved(client)

    answer = await client.post("/c/" + "C" * 32, form={"payload": payload}, headers=SCRIPT)

    assert answer.status_code == 422
    assert (await answer.get_json())["code"] == "captcha_wrong"


async def test_a_replayed_answer_is_refused(client: Client, here: Office) -> None:
    await here.link(waiting=4)
    payload = await solved(client)
    await client.post(LINK, form={"payload": payload})
    assert (await here.challenge()).waiting == 1, "the link is open for it"

    answer = await client.post(LINK, form={"payload": payload}, headers=BROWSER)

    assert answer.status_code == 422
    assert 'role="alert"' in await answer.get_data(as_text=True)
    assert await here.solves() == 1
    assert (await here.challenge()).waiting == 1


async def test_the_price_is_told_when_it_has_risen(client: Client, here: Office) -> None:
    await here.link(solved=2)

    page = await (await client.get(LINK, headers=BROWSER)).get_data(as_text=True)
    task = await (await client.get(f"{LINK}/task")).get_json()

    assert "about 4 times as long" in page
    assert task["parameters"]["data"]["factor"] == 4


@pytest.mark.parametrize(
    ("header", "mail", "lang", "title"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "en", "de", "Ihre Nachricht wartet"),
        ("fr", "en", "fr", "Votre message est en attente"),
        ("es-MX", "en", "es", "Su mensaje está en espera"),
        ("pt-BR", "en", "pt-PT", "A sua mensagem está em espera"),
        ("pt", "en", "pt-PT", "A sua mensagem está em espera"),
        ("pt-BR,en;q=0.9", "en", "pt-PT", "A sua mensagem está em espera"),
        ("de;q=0,fr;q=0.1", "en", "fr", "Votre message est en attente"),
        ("ja,ko", "en", "en-GB", "Your message is waiting"),
        ("", "de", "de", "Ihre Nachricht wartet"),
        ("ja", "xx", "en-GB", "Your message is waiting"),
    ],
)
async def test_the_browser_chooses_the_language_then_the_mail(
    client: Client, here: Office, header: str, mail: str, lang: str, title: str
) -> None:
    await here.link(language=mail)

    answer = await client.get(LINK, headers={"Accept-Language": header} if header else {})

    page = await answer.get_data(as_text=True)
    assert f'<html lang="{lang}">' in page
    assert title in page
    assert "Accept-Language" in answer.headers["Vary"]


async def test_hostile_words_of_a_mail_stay_words(client: Client, here: Office) -> None:
    nasty = '"><img src=x onerror=alert(1)>{owner.__class__}'
    await here.story.mailbox("ana", called=nasty)
    await here.link(sender=nasty, subject=nasty)

    page = await (await client.get(LINK, headers=BROWSER)).get_data(as_text=True)
    answer = await client.post(LINK, form={"payload": await solved(client)}, headers=BROWSER)
    done = await answer.get_data(as_text=True)

    for text in (page, done):
        assert "<img src=x" not in text
        assert "<class" not in text


async def test_the_page_holds_no_inline_script_or_style(client: Client, here: Office) -> None:
    await here.link()
    page = await (await client.get(LINK, headers=BROWSER)).get_data(as_text=True)

    assert " style=" not in page
    assert "<style" not in page
    assert not re.search(r"<[^>]*\son\w+\s*=", page), "no event handler attributes"
    assert page.count("<script") == page.count("<script src=") == 1
    assert "<noscript>" in page


async def test_one_link_can_only_be_tried_so_often_from_wherever(app: Quart, here: Office) -> None:
    await here.link()
    statuses = []
    for number in range(32):
        scope = {"client": (f"198.51.100.{number}", 4000)}
        answer = await app.test_client().post(
            LINK, form={"payload": "guess"}, headers=BROWSER, scope_base=scope
        )
        statuses.append(answer.status_code)

    assert statuses[:30] == [422] * 30
    assert statuses[30:] == [429] * 2
    page = await answer.get_data(as_text=True)
    assert "Too many requests" in page
    assert int(answer.headers["Retry-After"]) > 0


async def test_abuse_is_reported_by_a_button_and_only_so_often(client: Client, here: Office) -> None:
    await here.link()
    for _ in range(3):
        answer = await client.post(f"{LINK}/abuse", headers={"Accept": "text/html"})
        assert answer.status_code == 200
        assert "has been notified" in await answer.get_data(as_text=True)
    assert (await client.post(f"{LINK}/abuse", headers={"Accept": "text/html"})).status_code == 429


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_the_reply_is_stands_on_a_page_that_needs_no_link(
    client: Client, here: Office, language: str
) -> None:
    check = await client.get(LINK, headers=BROWSER | {"Accept-Language": language})
    assert 'href="/explained"' in await check.get_data(as_text=True)
    answer = await client.get("/explained", headers=BROWSER | {"Accept-Language": language})
    page = unescape(await answer.get_data(as_text=True))
    words = catalogue(language).section("check")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert f'lang="{words.catalogue.tag}"' in page
    assert words["explained_h"] in page
    assert words["explained_host"].format(host=here.context.settings.public_url.partition("//")[2]) in page
    assert words["abuse"] in page
    assert words["explained_kept"] in page
    assert words["explained_object"].format(privacy=words["privacy"]) in page
    assert "{" not in page
