"""The settings: all or nothing, each wrong field named, the pause, and the wording of the answer."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import pytest

from backend.domain.errors import Refused
from backend.domain.mailbox.mailbox import Mode, Preferences, Strictness
from backend.domain.mailbox.message import RowName
from backend.domain.reading.topics import Topic
from backend.web.owner.settings import NUMBERS, ROWS
from tests.web.owner_pages import Visit
from tests.web.service import Office

GOOD: dict[str, Any] = {
    "mode": "quarantine",
    "strictness": "strict",
    "left_alone": ["CATEGORY_PROMOTIONS", "CATEGORY_UPDATES"],
    "welcome": ["candidates"],
    "rows": [row for row in ROWS if row is not RowName.CREDIT],
    "credits_per_solve": "5",
    "daily_challenges": "0",
    "domain_challenges": "7",
    "retention_days": "30",
    "questions_a_week": "5",
}


@pytest.fixture
async def ana(here: Office) -> Visit:
    """Ana at her settings."""
    visit = await Visit.begin(here)
    await visit.get("/settings")
    return visit


def field_of(page: str, name: str) -> str:
    found = re.search(rf'<input id="{name}"[^>]*>', page)
    assert found
    return found[0]


@pytest.mark.parametrize(("name", "limits"), NUMBERS.items())
def test_the_form_asks_for_what_the_preferences_demand(name: str, limits: tuple[int, int]) -> None:
    low, high = limits
    for number in limits:
        assert getattr(Preferences().changed(**{name: number}), name) == number
    for number in (low - 1, high + 1):
        with pytest.raises(Refused):
            Preferences().changed(**{name: number})


async def test_everything_is_saved_at_once_and_shown(ana: Visit) -> None:
    page = await ana.get(await ana.post("/settings", **GOOD))
    assert "Saved." in page
    wishes = (await ana.mailbox()).preferences
    assert (wishes.mode, wishes.strictness) == (Mode.QUARANTINE, Strictness.STRICT)
    assert wishes.left_alone == {"CATEGORY_PROMOTIONS", "CATEGORY_UPDATES"}
    assert wishes.rows_off == {RowName.CREDIT}
    assert wishes.welcome == {Topic.CANDIDATES}
    assert [getattr(wishes, name) for name in NUMBERS] == [5, 0, 7, 30]
    assert 'value="quarantine" checked' in page
    assert 'value="credit" checked' not in page
    assert 'value="candidates" checked' in page
    assert 'value="goods" checked' not in page
    assert 'value="5"' in field_of(page, "credits_per_solve")


async def test_each_strictness_says_what_it_costs(ana: Visit) -> None:
    page = await ana.get("/settings")
    for held, caught in ((4, 61), (12, 72), (40, 83)):
        assert f"from strangers, about {held} are held; of 100 pitches, about {caught} are caught" in page


async def test_the_foot_says_which_release_serves(ana: Visit) -> None:
    assert f"Pitchgate {version('pitchgate')}</p>" in await ana.get("/settings")


async def test_each_wrong_field_is_named_and_nothing_is_saved(ana: Visit) -> None:
    before = (await ana.mailbox()).preferences
    wrong = GOOD | {
        "credits_per_solve": "21",
        "retention_days": "soon",
        "mode": "harsh",
        "left_alone": ["SPAM"],
        "welcome": ["everything"],
    }
    page = await ana.post("/settings", 422, **wrong)
    assert (await ana.mailbox()).preferences == before
    assert "Nothing was saved yet" in page
    for name, kept in (("credits_per_solve", "21"), ("retention_days", "soon")):
        field = field_of(page, name)
        assert 'aria-invalid="true"' in field
        assert f'aria-describedby="{name}-hint {name}-error"' in field
        assert f'value="{kept}"' in field
    assert 'id="credits_per_solve-error">This must be a whole number from 1 to 20.' in page
    assert 'id="mode-error">Choose one of these.' in page
    assert 'id="left_alone-error"' in page
    assert 'id="welcome-error"' in page
    assert "aria-invalid" not in field_of(page, "domain_challenges")  # what is right stays as it was sent
    assert 'value="7"' in field_of(page, "domain_challenges")


@pytest.mark.parametrize("number", ["", "-1", "1.5", "٣", "1e2", "9" * 40, "<script>"])
async def test_what_is_no_number_is_refused_with_its_field(ana: Visit, number: str) -> None:
    page = await ana.post("/settings", 422, **(GOOD | {"daily_challenges": number}))
    assert 'id="daily_challenges-error"' in page
    assert "<script>" not in ana.page


async def test_what_this_page_does_not_show_stays(ana: Visit) -> None:
    await ana.here.service.save_preferences(
        "ana", {"left_alone": ["CATEGORY_PERSONAL"], "wording": {"de": "Servus"}}
    )
    await ana.post("/settings", **GOOD)
    wishes = (await ana.mailbox()).preferences
    assert "CATEGORY_PERSONAL" in wishes.left_alone
    assert dict(wishes.wording) == {"de": "Servus"}


async def test_pausing_and_going_on(ana: Visit) -> None:
    now = ana.here.service.context.clock.now()
    for wish, life in (("hour", timedelta(hours=1)), ("day", timedelta(days=1))):
        page = await ana.get(await ana.post("/settings/pause", until=wish))
        assert "Paused until" in page
        assert (await ana.mailbox()).preferences.paused_until == now + life
    assert "Active again." in await ana.get(await ana.post("/settings/pause", until="resume"))
    assert (await ana.mailbox()).preferences.paused_until is None
    today = now.date()
    await ana.post("/settings/pause", until="date", day=today.isoformat())
    until = (await ana.mailbox()).preferences.paused_until
    assert until is not None
    assert until.date() == today + timedelta(days=1)
    await ana.post("/settings/pause", until="date", day=(today + timedelta(days=30)).isoformat())


@pytest.mark.parametrize("day", ["", "soon", "2020-01-01", "2999-01-01", "9999-12-31", "0001-01-01"])
async def test_a_pause_to_no_such_day_is_refused_at_its_field(ana: Visit, day: str) -> None:
    page = await ana.post("/settings/pause", 422, until="date", day=day)
    assert 'aria-describedby="day-error"' in field_of(page, "day")
    assert (await ana.mailbox()).preferences.paused_until is None


async def test_the_wording_is_looked_at_first_and_then_saved(ana: Visit) -> None:
    page = await ana.get("/settings/wording?language=de")
    assert 'lang="de"' in page
    own = "Ich lese Post von Fremden nur,\nwenn sie kurz anklopfen. <b>"
    page = await ana.post("/settings/wording", 200, language="de", text=own, do="preview")
    assert "not saved yet" in page
    assert page.count("wenn sie kurz anklopfen. <b>") == 2  # in the field, and where the sender would see it
    assert "<b>" not in ana.page
    assert (await ana.mailbox()).preferences.wording == ()
    page = await ana.get(await ana.post("/settings/wording", language="de", text=own, do="save"))
    assert "Saved." in page
    await ana.post("/settings/wording", language="fr", text="Bonjour", do="save")
    assert dict((await ana.mailbox()).preferences.wording) == {"de": own, "fr": "Bonjour"}
    await ana.post("/settings/wording", language="de", text="  ", do="save")
    assert dict((await ana.mailbox()).preferences.wording) == {"fr": "Bonjour"}


async def test_a_wording_that_is_too_long_is_kept_in_the_form(ana: Visit) -> None:
    page = await ana.post("/settings/wording", 422, language="en", text="é" * 2_001, do="save")
    assert "longer than 2,000 characters" in page
    assert "é" * 2_001 in page
    await ana.post("/settings/wording", 422, language="xx", text="a", do="save")
    assert (await ana.mailbox()).preferences.wording == ()


async def test_strangers_and_foreign_forms_change_nothing(here: Office, ana: Visit) -> None:
    before = (await ana.mailbox()).preferences
    eve = await Visit.begin(here, "eve")
    await eve.get("/settings")
    for path in ("/settings", "/settings/pause", "/settings/wording"):
        assert (await here.app.test_client().get(path.replace("/pause", ""))).status_code == 401
        assert (await here.app.test_client().post(path, form=GOOD)).status_code == 401
        await ana.post(path, 403, csrf=eve.hidden("csrf"), **GOOD)
    await eve.post("/settings", **GOOD)
    assert (await ana.mailbox()).preferences == before


@pytest.mark.parametrize(
    ("language", "words"),
    [("de-AT", "Einstellungen"), ("fr", "Réglages"), ("es", "Ajustes"), ("pt-BR,en;q=0.5", "Definições")],
)
async def test_the_browser_chooses_the_language(ana: Visit, language: str, words: str) -> None:
    assert f"<h1>{words}</h1>" in await ana.get("/settings", **{"Accept-Language": language})
