"""The insights page, as a browser without script gets it."""

from __future__ import annotations

import re

import pytest

from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import Outcome
from backend.domain.watching.trial import StrictnessOffer
from backend.locale import catalogue
from backend.web.owner.insights import bar_lengths, bars_up_and_down
from tests.web.service import Office


async def seen(here: Office, mailbox_id: str = "ana", language: str = "en") -> str:
    answer = await (await here.browser(mailbox_id)).get("/insights", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return str(await answer.get_data(as_text=True))


async def test_a_stranger_is_asked_to_sign_in(here: Office) -> None:
    assert (await here.app.test_client().get("/insights")).status_code == 401


async def test_a_new_owner_is_told_that_there_is_nothing_yet(here: Office) -> None:
    assert "Nothing has been held yet" in await seen(here)


async def test_the_figures_and_how_they_were_reckoned(here: Office) -> None:
    for number in range(4):
        await here.story.receive("ana", f"m{number}", Outcome.CHALLENGE, f"bo@pitch{number}.test")
    await here.story.decide("ana", "m0", Decision.RELEASE)
    await here.story.decide("ana", "m1", Decision.KEEP)

    page = await seen(here)

    assert "You have not been asked about any email yet." in page
    assert '3\u00a0held, 1\u00a0delivered <span class="quiet">since Monday</span>' in page
    assert "4 pitches came in." in page
    assert "A usual week" not in page  # one week is no custom
    assert "Right 1 time" not in page  # two answers prove nothing
    assert "You have reviewed 2 held emails. Once you have reviewed 10" in page
    assert "Review 2 held emails" in page
    assert "bo@pitch3.test" in page
    assert "Released by you: 1." in page  # one of the four that were sent
    assert '<polygon class="f1" points="0.0,0.0 58.2,0.0 58.2,100.0' in page
    assert 'style="' not in page


async def test_it_says_who_left_the_check_alone_and_whose_link_still_works(here: Office) -> None:
    await here.story.receive("ana", "m1", Outcome.CHALLENGE, "expired@pitch.test")
    asked = await here.story.receive("ana", "m2", Outcome.CHALLENGE, "passed@pitch.test")
    assert asked is not None
    await here.story.work()
    await here.story.solve(asked)
    await here.story.work()
    here.story.pass_time(days=20)
    await here.story.receive("ana", "m3", Outcome.CHALLENGE, "open@pitch.test")
    await here.story.receive("ana", "m4", Outcome.HOLD, "unasked@pitch.test")
    await here.story.work()
    here.clock.advance(days=20)

    page = await seen(here)
    said = dict(re.findall(r">(\w+)@pitch.test<.*?said\">([^<]*)<", page, re.S))
    assert re.fullmatch(r"Link open until \d+ [A-Z][a-z]+", said.pop("open"))
    assert said == {"expired": "Never took the check", "passed": "1 delivered", "unasked": ""}


async def test_a_sender_who_was_blocked_on_this_page_is_said_to_be_blocked(here: Office) -> None:
    await here.story.receive("ana", "m1", Outcome.HOLD)
    assert ">Blocked<" not in await seen(here)
    await here.story.decide("ana", "m1", Decision.BLOCK)
    await here.story.receive("ana", "m2", Outcome.HOLD)

    page = await seen(here)

    assert ">Blocked<" in page
    assert 'value="block ' not in page


async def test_from_ten_answers_on_it_says_how_often_it_was_right(here: Office) -> None:
    for number in range(12):
        await here.story.receive("ana", f"m{number}", Outcome.HOLD, f"bo@pitch{number}.test")
    for number in range(10):
        word = Decision.RELEASE if number == 3 else Decision.KEEP
        await here.story.decide("ana", f"m{number}", word)
    page = await seen(here)
    assert "Right 9 times out of 10" in page
    assert (
        "You reviewed 10 held emails and released 1 of them. Not counted: 2 you have not reviewed and 0"
        in page
    )
    assert "Once you have reviewed 10" not in page


async def test_a_degree_that_is_proven_better_is_offered(
    here: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.story.receive("ana", "m1", Outcome.HOLD, "bo@pitch.test")
    here.story.pass_time(days=7)
    await here.store.draw_questions("ana", here.story.now)
    assert "would also have held" not in await seen(here)

    monkeypatch.setattr(
        "backend.pipeline.review.better_strictness",
        lambda *_: StrictnessOffer(Strictness.STRICT, True, 14, 1, 17, 26),
    )
    page = await seen(here)
    assert "Would “Strict” suit you better?" in page
    assert "“Strict” would also have held:" in page
    assert "<b>14</b> of 17 <span>pitches" in page
    assert "<b>1</b> of 26 <span>ordinary" in page
    assert 'name="strictness" value="strict"' in page


async def test_a_sender_cannot_write_the_page(here: Office) -> None:
    await here.story.receive("ana", "m1", Outcome.HOLD, '"<script>alert(1)</script>"@pitch.test')

    page = await seen(here)

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


async def test_nothing_of_another_owner_shows(here: Office) -> None:
    await here.story.receive("ana", "m1", Outcome.HOLD)

    assert "pitch.test" not in await seen(here, "eve")


async def test_the_owner_is_told_how_their_mail_has_changed_and_since_when(here: Office) -> None:
    for week in range(11):
        await here.story.a_week(30, polish=3 if week < 9 else 20)
        if week == 8:
            await here.store.count_weeks("ana", here.story.now)
            assert "has changed" not in await seen(here)
    await here.store.count_weeks("ana", here.story.now)
    here.clock.advance(weeks=11)

    assert "Your mail has changed since May: more of it is in Polish." in await seen(here)
    assert "Ihre Post hat sich seit Mai verändert: Mehr davon ist auf Polnisch." in await seen(
        here, language="de"
    )
    assert "has changed" not in await seen(here, "eve")


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "Einblicke"), ("fr", "Bilan"), ("es", "Balance"), ("pt-BR,en;q=0.4", "Balanço")],
)
async def test_the_browser_chooses_the_language(here: Office, language: str, words: str) -> None:
    await here.story.receive("ana", "m1", Outcome.HOLD)
    page = await seen(here, language=language)

    assert f"<h1>{words}</h1>" in page
    assert f'<html lang="{catalogue(language[:2]).tag}">' in page


def test_the_bars_fill_the_drawing_both_ways_and_none_leaves_it() -> None:
    bars = bars_up_and_down([(4, 1), (0, 0), (2, 2)], width=90.0, height=120.0)

    assert [(bar.up, bar.down) for bar in bars] == [(80.0, 20.0), (0.0, 0.0), (40.0, 40.0)]
    assert bars[-1].x + bars[-1].width <= 90.0
    assert bars_up_and_down([], 90.0, 100.0) == ()
    assert bar_lengths([0, 5, 10], 20.0) == (0.0, 10.0, 20.0)
    assert bar_lengths([], 20.0) == ()
