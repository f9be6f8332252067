"""The settings: each form changes what it holds, and can be undone; the pause; and the wording of the reply."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backend.domain.errors import Refused
from backend.domain.mailbox.mailbox import Mode, Preferences, Strictness
from backend.domain.mailbox.message import PolicyRow
from backend.web.owner.settings import NUMBERS, ROWS
from tests.web.owner_pages import Visit
from tests.web.service import Office

GOOD: dict[str, Any] = {
    "mode": "quarantine",
    "strictness": "strict",
    "of": ["left_alone", "rows"],
    "left_alone": ["CATEGORY_PROMOTIONS", "CATEGORY_UPDATES"],
    "rows": [row for row in ROWS if row is not PolicyRow.CREDIT],
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


async def test_a_form_with_many_fields_saves_all_of_them(ana: Visit) -> None:
    page = await ana.get(await ana.post("/settings", **GOOD))
    assert "Saved." in page
    wishes = (await ana.mailbox()).preferences
    assert (wishes.mode, wishes.strictness) == (Mode.QUARANTINE, Strictness.STRICT)
    assert wishes.left_alone == {"CATEGORY_PROMOTIONS", "CATEGORY_UPDATES"}
    assert wishes.rows_off == {PolicyRow.CREDIT}
    assert [getattr(wishes, name) for name in NUMBERS] == [5, 0, 7, 30]
    assert 'value="quarantine" aria-pressed="true"' in page
    assert 'value="credit" checked' not in page
    assert 'value="5"' in field_of(page, "credits_per_solve")


ONE = (
    ({"strictness": "relaxed"}, "Strictness: Relaxed"),
    ({"of": "rows"}, "Rules: 0"),
    ({"of": "left_alone", "left_alone": "CATEGORY_SOCIAL"}, "Mail that Gmail sorts: 1"),
    ({"retention_days": "60"}, "Days to keep decisions: 60"),
    ({"questions_a_week": "0"}, "Questions a week: 0"),
    ({"language": "fr", "zone": "Europe/Lisbon"}, "Digest in your inbox: 8:00 in Lisbon · French"),
)


@pytest.mark.parametrize(("fields", "said"), ONE)
async def test_one_line_is_saved_alone_and_undone(ana: Visit, fields: dict[str, Any], said: str) -> None:
    await ana.post("/settings", **GOOD)
    before = (await ana.mailbox()).preferences
    page = await ana.get(await ana.post("/settings", **fields))
    assert f"<p>{said}</p>" in page
    changed = {"rows_off" if name == "rows" else name for name in fields if name != "of"} | (
        {"rows_off"} if fields.get("of") == "rows" else set()
    )
    after = (await ana.mailbox()).preferences
    assert {each.name for each in dataclasses.fields(after) if different(before, after, each.name)} == changed
    page = await ana.get(await ana.post("/settings", **undo(ana)))
    assert "Undone." in page
    assert 'value="undone"' not in page  # what is undone offers nothing more
    assert (await ana.mailbox()).preferences == before


def different(one: Preferences, other: Preferences, name: str) -> bool:
    return bool(getattr(one, name) != getattr(other, name))


def undo(visit: Visit) -> dict[str, list[str]]:
    """The fields of the form that says Undo."""
    form = re.search(r'class="flash toast".*?</form>', visit.page, re.DOTALL)
    assert form
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form[0]):
        if name != "csrf":
            fields.setdefault(name, []).append(value)
    return fields


async def test_a_first_digest_comes_in_the_readers_morning_and_language(ana: Visit) -> None:
    ana.browser.set_cookie("localhost", "pitchgate-zone", "America/Sao_Paulo")
    before = (await ana.mailbox()).preferences
    page = await ana.get(await ana.post("/settings", digest="daily"), **{"Accept-Language": "pt"})
    wishes = (await ana.mailbox()).preferences
    assert (wishes.digest, wishes.zone, wishes.language) == ("daily", "America/Sao_Paulo", "en")
    assert "8:00 em São Paulo · Inglês" in page
    await ana.post("/settings", **undo(ana))
    assert (await ana.mailbox()).preferences == before


@pytest.mark.parametrize(
    "forged", ["mode=harsh", "x" * 4_000, "mode=%ff", "csrf=0&mode=observe", "&".join(["a=1"] * 59)]
)
async def test_a_forged_note_of_what_to_undo_does_no_more_than_a_form(ana: Visit, forged: str) -> None:
    ana.browser.set_cookie("localhost", "pitchgate-undo", forged, path="/settings")
    before = (await ana.mailbox()).preferences
    page = await ana.get("/settings?done=mode,<script>")
    assert "<script>" not in page
    assert (await ana.mailbox()).preferences == before


async def test_each_strictness_says_what_it_costs(ana: Visit) -> None:
    page = await ana.get("/settings")
    for held, caught in ((4, 61), (12, 72), (40, 83)):
        assert (
            f"Catches about {caught} of 100 pitches; about {held} of 1,000 ordinary emails from strangers"
            in page
        )


async def test_the_foot_says_which_release_serves(ana: Visit) -> None:
    assert f"Pitchgate {version('pitchgate')}</p>" in await ana.get("/settings")


async def test_each_wrong_field_is_named_and_nothing_is_saved(ana: Visit) -> None:
    before = (await ana.mailbox()).preferences
    wrong = GOOD | {
        "credits_per_solve": "21",
        "retention_days": "soon",
        "mode": "harsh",
        "left_alone": ["SPAM"],
    }
    page = await ana.post("/settings", 422, **wrong)
    assert (await ana.mailbox()).preferences == before
    assert "Not saved: please correct the marked field." in page
    for name, kept in (("credits_per_solve", "21"), ("retention_days", "soon")):
        field = field_of(page, name)
        assert 'aria-invalid="true"' in field
        assert f'aria-describedby="{name}-hint {name}-error"' in field
        assert f'value="{kept}"' in field
    assert 'id="credits_per_solve-error">This must be a whole number from 1 to 20.' in page
    assert 'id="mode-error">Choose one of these.' in page
    assert 'id="left_alone-error"' in page
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
    async def until() -> datetime | None:
        return (await ana.mailbox()).preferences.paused_until

    ana.browser.set_cookie("localhost", "pitchgate-zone", "Pacific/Auckland")
    now = ana.here.service.context.clock.now()
    here = now.astimezone(ZoneInfo("Pacific/Auckland"))
    tomorrow = (here + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
    for wish, end in (("hour", now + timedelta(hours=1)), ("day", tomorrow)):
        page = await ana.get(await ana.post("/settings/pause", until=wish))
        assert "Paused until" in page
        assert await until() == end
    last, back = here.date() + timedelta(days=30), undo(ana)
    await ana.post("/settings/pause", until="date", day=here.date().isoformat())
    assert await until() == tomorrow.replace(hour=0)  # the end of the day as the reader counts it
    await ana.post("/settings/pause", until="date", day=last.isoformat())
    await ana.post("/settings/pause", **back)
    assert await until() == now + timedelta(hours=1)
    assert "Active again." in await ana.get(await ana.post("/settings/pause", until="resume"))
    assert await until() is None
    await ana.post("/settings/pause", **undo(ana))
    assert await until() == now + timedelta(hours=1)


@pytest.mark.parametrize(
    "at", ["", "soon", "2020-01-01T00:00+00:00", "2999-01-01T00:00+00:00", "2026-12-01T00:00"]
)
async def test_undoing_leads_to_no_pause_that_could_not_have_been(ana: Visit, at: str) -> None:
    await ana.post("/settings/pause", until="restore", at=at)
    assert (await ana.mailbox()).preferences.paused_until is None


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
    [("de-AT", "Allgemein"), ("fr", "Général"), ("es", "General"), ("pt-BR,en;q=0.5", "Geral")],
)
async def test_the_browser_chooses_the_language(ana: Visit, language: str, words: str) -> None:
    assert f"<h1>{words}</h1>" in await ana.get("/settings", **{"Accept-Language": language})
