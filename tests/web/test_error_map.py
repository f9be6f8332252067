"""Every error of the domain has an answer, and no answer says more than it may."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from quart import Quart

from backend.domain import errors
from backend.domain.errors import PitchgateError, Refused
from backend.web.app import TABLE, answer_for
from tests.web.service import Client, unopened

SECRET = "password=hunter2"


def tree(root: type[PitchgateError] = PitchgateError) -> Iterator[type[PitchgateError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


@pytest.fixture
def app() -> Quart:
    return unopened().app


def raising(app: Quart, error: Exception) -> Client:
    """A client of the app with a route at /broken that fails like this."""

    @app.get("/broken")
    async def broken() -> None:
        raise error

    return app.test_client()


def test_the_table_names_every_error_of_the_tree() -> None:
    everything = set(tree())
    defined = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, PitchgateError) and kind.__module__ == errors.__name__
    }
    assert len(defined) >= 14
    assert everything == defined, "walking the tree finds them all"
    assert set(TABLE) == defined


@pytest.mark.parametrize("kind", list(tree()))
async def test_each_is_answered_with_its_status_for_people_and_for_machines(
    app: Quart, kind: type[PitchgateError]
) -> None:
    client = raising(app, kind("a_code"))
    row = TABLE[kind]

    page = await client.get("/broken", headers={"Accept": "text/html"})
    problem = await client.get("/broken", headers={"Accept": "application/json"})

    assert page.status_code == problem.status_code == row.status
    assert "<h1>" in await page.get_data(as_text=True)
    body = await problem.get_json()
    assert body["status"] == row.status
    assert body["code"] == ("a_code" if issubclass(kind, Refused) and row.own_words else row.code)
    assert body["title"]


@pytest.mark.parametrize("kind", [kind for kind in tree() if not TABLE[kind].own_words])
async def test_the_words_of_an_inner_error_stay_inside(app: Quart, kind: type[PitchgateError]) -> None:
    client = raising(app, kind(SECRET))

    for accept in ("text/html", "application/json"):
        answer = await client.get("/broken", headers={"Accept": accept})
        assert SECRET not in await answer.get_data(as_text=True)


async def test_a_wrong_field_is_named(app: Quart) -> None:
    client = raising(app, Refused("out_of_range", field="credits"))

    answer = await client.get("/broken", headers={"Accept": "application/json"})

    assert await answer.get_json() == {
        "status": 422,
        "code": "out_of_range",
        "title": "This value is out of range.",
        "field": "credits",
    }


def test_a_new_kind_of_error_is_answered_like_its_parent() -> None:
    class Fresh(errors.Expired):
        pass

    assert answer_for(Fresh("ticket_expired")).status == 410
    assert answer_for(Fresh("ticket_expired")).code == "ticket_expired"


async def test_what_does_not_exist_is_told_in_the_callers_language_and_form(
    client: Client,
) -> None:
    page = await client.get("/nope", headers={"Accept": "text/html", "Accept-Language": "de"})
    other = await client.get("/review/decide", headers={"Accept": "text/html"})
    problem = await client.get("/nope")

    shown = await page.get_data(as_text=True)
    assert "Hier ist nichts" in shown
    assert '<a href="/">Zur Startseite</a>' in shown
    assert '<a href="/review">Back to the list</a>' in await other.get_data(as_text=True)
    assert (await problem.get_json())["code"] == "not_found"
    assert problem.content_type == "application/problem+json"
