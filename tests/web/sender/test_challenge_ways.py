"""Other ways past the page of a challenge: a typed code, a code behind the work, another company's check."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from html import unescape
from pathlib import Path
from typing import Any, Protocol

import pytest

from backend.captcha.vendors import VENDORS
from backend.demo.people import solve
from backend.domain.errors import TryLater
from backend.pipeline.solve import Checks
from backend.ports.system import CaptchaKind
from tests.web.service import LINK, Client, Office, office
from tests.web.ways import DIGITS, ToldCheck, with_codes

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = {"Accept": "application/json"}


class Opened(Protocol):
    """Opens an app with these checks, where a sender has an open link."""

    async def __call__(self, checks: Checks, **link: Any) -> Office: ...


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    async with AsyncExitStack() as stack:

        async def open_(checks: Checks, **link: Any) -> Office:
            here = await stack.enter_async_context(office(tmp_path, checks=checks))
            await here.link(**link)
            return here

        yield open_


def ticket_in(page: str) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    assert found, "no code on the page"
    return unescape(found[1])


async def look(client: Client, by: str = "code") -> str:
    answer = await client.get(f"{LINK}?by={by}", headers=BROWSER)
    assert answer.status_code == 200
    return await answer.get_data(as_text=True)


async def type_in(client: Client, ticket: str, typed: str, **more: str) -> tuple[int, str]:
    answer = await client.post(LINK, form={"ticket": ticket, "typed": typed} | more, headers=BROWSER)
    return answer.status_code, await answer.get_data(as_text=True)


@pytest.mark.parametrize("first", ["work", "code"])
async def test_typed_digits_alone_let_in_after_a_wait_and_the_page_says_so_before_and_after(
    opened: Opened,
    first: str,
) -> None:
    here = await opened(with_codes(first=first), solved=1)
    client = here.app.test_client()
    before = await look(client)
    assert "a wait of 20 minutes follows" in before

    status, page = await type_in(client, ticket_in(before), "777 777")

    assert status == 200
    assert "Your message will be delivered" in page
    assert "delivered automatically in about 20 minutes, at 09:50 UTC" in unescape(page)
    assert await here.solves() == 1, "not yet"
    here.clock.advance(11.5 * 60)
    for by in ("", "code"):
        later = await look(client, by)
        assert "in about 9 minutes, at 09:50 UTC" in unescape(later)
        assert 'name="ticket"' not in later, "there is nothing more to type"
        assert ('id="start"' in later) is (first == "work"), "who would rather work may"


async def test_work_during_the_wait_delivers_though_the_time_of_the_link_is_over(opened: Opened) -> None:
    here = await opened(with_codes())
    client = here.app.test_client()
    here.clock.advance(days=13, hours=23, minutes=50)
    status, _ = await type_in(client, ticket_in(await look(client)), DIGITS)
    assert status == 200
    here.clock.advance(minutes=11)  # past the end of the link, and the wait of twenty minutes is still on

    task = await (await client.get(f"{LINK}/task")).get_json()
    answer = await client.post(LINK, form={"payload": solve(task)}, headers=BROWSER)

    text = await answer.get_data(as_text=True)
    assert await here.solves() == 1
    assert (answer.status_code, "is on its way" in text) == (200, True)
    assert f'action="{LINK}/note"' not in text, "no note is taken any more"


async def test_a_script_is_told_when_its_mail_will_be_let_in(opened: Opened) -> None:
    client = (await opened(with_codes())).app.test_client()
    ticket = ticket_in(await look(client))

    for _ in range(2):  # the second is the same wait
        answer = await client.post(LINK, form={"ticket": ticket, "typed": DIGITS}, headers=SCRIPT)
        assert answer.status_code == 202
        assert await answer.get_json() == {"delivers_at": "2026-03-02T09:40:00+00:00"}


async def test_the_page_without_javascript_has_a_code_where_the_work_would_be(opened: Opened) -> None:
    page = await look((await opened(with_codes())).app.test_client(), by="")

    plain = "".join(re.findall(r"<noscript>(.*?)</noscript>", page, re.DOTALL))
    assert 'name="ticket"' in plain
    assert "<img " in plain
    assert "<audio controls" in plain
    assert 'alt="' in plain
    assert DIGITS not in page


async def test_a_wrong_answer_brings_the_same_code_back_and_the_fourth_another(opened: Opened) -> None:
    here = await opened(with_codes())
    client = here.app.test_client()
    ticket = ticket_in(await look(client))

    for _ in range(3):
        status, page = await type_in(client, ticket, "999999")
        assert status == 422
        assert "Those digits are not right" in page
        assert 'aria-invalid="true"' in page
        assert ticket_in(page) == ticket
    status, page = await type_in(client, ticket, DIGITS)

    assert status == 422, "right, but one try too late"
    assert "Here are new ones" in page
    assert ticket_in(page) != ticket
    assert await here.solves() == 0


async def test_another_code_is_there_for_the_asking(opened: Opened) -> None:
    client = (await opened(with_codes())).app.test_client()
    ticket = ticket_in(await look(client))

    status, page = await type_in(client, ticket, "", other="1")

    assert status == 200
    assert ticket_in(page) != ticket
    assert "Please try again" not in page


async def test_a_code_that_is_too_old_says_so_and_a_new_one_is_there(opened: Opened) -> None:
    here = await opened(with_codes())
    client = here.app.test_client()
    ticket = ticket_in(await look(client))
    here.clock.advance(901)

    status, page = await type_in(client, ticket, DIGITS)

    assert status == 422
    assert "out of date" in page
    assert ticket_in(page) != ticket


@pytest.mark.parametrize("ticket", ["x", "gAAAAA" * 30, "<script>alert(1)</script>", "é"])
async def test_a_made_up_ticket_is_refused_kindly(opened: Opened, ticket: str) -> None:
    client = (await opened(with_codes())).app.test_client()

    status, page = await type_in(client, ticket, DIGITS)

    assert status == 422
    assert "<script>alert" not in page
    for path in ("code.png", "code.wav"):
        answer = await client.get(f"{LINK}/{path}", query_string={"t": ticket}, headers=BROWSER)
        assert answer.status_code == 422


async def test_one_code_lets_in_once(opened: Opened) -> None:
    here = await opened(with_codes())
    client = here.app.test_client()
    ticket = ticket_in(await look(client))
    await type_in(client, ticket, DIGITS)
    here.clock.advance(minutes=11)
    await here.duties()
    assert await here.solves() == 1, "the wait was over"
    await here.more()

    status, page = await type_in(client, ticket, DIGITS)

    assert status == 422
    assert 'role="alert"' in page
    assert await here.solves() == 1


async def test_picture_and_sound_are_what_they_say(opened: Opened) -> None:
    client = (await opened(with_codes())).app.test_client()
    ticket = ticket_in(await look(client))

    picture = await client.get(f"{LINK}/code.png", query_string={"t": ticket})
    sound = await client.get(f"{LINK}/code.wav", query_string={"t": ticket})
    part = await client.get(f"{LINK}/code.wav", query_string={"t": ticket}, headers={"Range": "bytes=0-43"})

    assert picture.content_type == "image/png"
    assert (await picture.get_data()).startswith(b"\x89PNG")
    assert sound.content_type == "audio/wav"
    whole = await sound.get_data()
    with wave.open(io.BytesIO(whole)) as heard:
        assert heard.getnframes() > 8 * 8_000
    assert part.status_code == 206
    assert await part.get_data() == whole[:44]
    assert picture.headers["Cache-Control"] == sound.headers["Cache-Control"] == "no-store"


async def test_the_page_may_play_sound_and_no_other_may(opened: Opened) -> None:
    client = (await opened(with_codes())).app.test_client()

    assert "media-src 'self'" in (await client.get(LINK)).headers["Content-Security-Policy"]
    assert "media-src" not in (await client.get("/")).headers["Content-Security-Policy"]


async def test_after_some_solves_work_alone_is_not_enough(opened: Opened) -> None:
    here = await opened(with_codes(code_after=2), solved=2)
    client = here.app.test_client()
    assert "You will then be asked to type a few digits" in await look(client, by="")
    payload = solve(await (await client.get(f"{LINK}/task")).get_json())

    step = await client.post(LINK, form={"payload": payload}, headers=BROWSER)

    page = await step.get_data(as_text=True)
    assert "One more step" in page
    assert await here.solves() == 2, "not yet"
    assert 'id="note"' not in page, "leaving this page for a line would throw the work away"
    status, again = await type_in(client, ticket_in(page), "9", after="1")
    assert status == 422
    assert "One more step" in again
    status, done = await type_in(client, ticket_in(page), DIGITS, after="1")
    assert (status, await here.solves()) == (200, 3)
    assert "Your message is on its way" in done


async def test_a_script_is_told_that_a_code_is_due(opened: Opened) -> None:
    here = await opened(with_codes(code_after=0))
    client = here.app.test_client()
    payload = solve(await (await client.get(f"{LINK}/task")).get_json())

    answer = await client.post(LINK, form={"payload": payload}, headers=SCRIPT)

    assert answer.status_code == 202
    ticket = (await answer.get_json())["ticket"]
    wrong = await client.post(LINK, form={"ticket": ticket, "typed": "1"}, headers=SCRIPT)
    assert (wrong.status_code, (await wrong.get_json())["code"]) == (422, "captcha_code_wrong")
    right = await client.post(LINK, form={"ticket": ticket, "typed": DIGITS}, headers=SCRIPT)
    assert await right.get_json() == {"released": 1, "balance": 2, "waiting": 0}


async def test_where_the_code_is_the_check_there_is_no_work_to_do(opened: Opened) -> None:
    here = await opened(with_codes(first="code"))
    client = here.app.test_client()
    page = await look(client, by="")

    assert "<script" not in page
    assert "automatic check" not in page
    status, page = await type_in(client, ticket_in(page), DIGITS)
    assert status == 200
    assert "Your message will be delivered" in page


async def test_only_a_start_of_their_own_is_noted_as_one(client: Client, here: Office) -> None:
    await here.link()
    for _ in range(3):
        await client.get(LINK)
        await client.get(f"{LINK}/task")
    assert await here.begun() == 0

    assert (await client.post(f"{LINK}/task")).status_code == 200
    assert await here.begun() == 1


FOREIGN = [CaptchaKind.TURNSTILE, CaptchaKind.HCAPTCHA, CaptchaKind.RECAPTCHA]


@pytest.mark.parametrize("kind", FOREIGN)
async def test_a_companys_check_is_on_the_page_with_its_sources_and_no_others(
    opened: Opened, kind: CaptchaKind
) -> None:
    here = await opened(ToldCheck(kind).checks)
    client = here.app.test_client()
    answer = await client.get(LINK, headers=BROWSER)
    page, policy = await answer.get_data(as_text=True), answer.headers["Content-Security-Policy"]

    widget = VENDORS[kind].widget("site-key-1")
    assert f'<script src="{widget.script}" async defer>' in page
    assert 'data-sitekey="site-key-1"' in page
    assert f'class="{widget.css_class}"' in page
    assert widget.vendor in page
    assert 'name="ticket"' not in page, "no way around it"
    assert 'name="ticket"' not in await look(client), "not even by asking"
    assert "unsafe" not in policy
    hosts = set(re.findall(r"https://[^ ;]+", policy))
    assert hosts == {source for sources in widget.sources.values() for source in sources}
    elsewhere = (await client.get("/")).headers["Content-Security-Policy"]
    assert not [host for host in hosts if host in elsewhere]


@pytest.mark.parametrize("kind", FOREIGN)
async def test_the_companys_field_is_what_counts(opened: Opened, kind: CaptchaKind) -> None:
    check = ToldCheck(kind)
    here = await opened(check.checks)

    answer = await here.app.test_client().post(
        LINK, form={VENDORS[kind].field: "token-1", "payload": "other"}, headers=BROWSER
    )

    assert answer.status_code == 200
    assert check.given == ["token-1"]
    assert await here.solves() == 1


async def test_a_company_that_cannot_tell_means_come_back_and_never_a_pass(opened: Opened) -> None:
    here = await opened(
        ToldCheck(
            CaptchaKind.TURNSTILE, TryLater("It could not tell.", reason="turnstile: unreachable")
        ).checks
    )
    client = here.app.test_client()

    page = await client.post(LINK, form={"cf-turnstile-response": "x"}, headers=BROWSER)
    script = await client.post(LINK, form={"cf-turnstile-response": "x"}, headers=SCRIPT)

    assert page.status_code == script.status_code == 503
    text = await page.get_data(as_text=True)
    assert "Nothing is lost" in text
    assert 'class="cf-turnstile"' in text
    assert await here.solves() == 0


async def test_a_companys_token_counts_once_and_its_check_comes_back(opened: Opened) -> None:
    here = await opened(ToldCheck(CaptchaKind.HCAPTCHA).checks, waiting=4)
    client = here.app.test_client()

    first = await client.post(LINK, form={"h-captcha-response": "x"}, headers=BROWSER)
    again = await client.post(LINK, form={"h-captcha-response": "x"}, headers=BROWSER)

    assert (first.status_code, again.status_code) == (200, 422)
    page = await again.get_data(as_text=True)
    assert "used already" in page
    assert 'class="h-captcha"' in page
    assert await here.solves() == 1
