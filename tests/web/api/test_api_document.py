"""openapi.json: a valid document in which every route of the API stands, and nothing that leads elsewhere."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import ValidationError
from openapi_spec_validator import validate
from quart import Quart

from backend.transactions.records import Scope
from backend.web.api.contract import STATUS
from tests.desktop.document import Document
from tests.web.service import Client, Office

PATH = "/api/v1/openapi.json"
MESSAGE = {
    **dict.fromkeys(("gmail_id", "thread_id", "sender", "sender_name", "domain", "subject"), "x"),
    **dict.fromkeys(("outcome", "row", "cause", "model", "decided_by"), ""),
    **dict.fromkeys(("received_at", "decided_at"), None),
    "changed_at": "2026-01-31T08:00:00+00:00",
    "placement": "held",
    "score": 0.5,
    "told": "",
    "reasons": [],
    "guards": [],
}


@pytest.fixture
async def document(client: Client) -> dict[str, Any]:
    answer = await client.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["Pitchgate-Api"] == "1"
    return dict(await answer.get_json())


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(m, path): one for path, all_ in document["paths"].items() for m, one in all_.items()}


def test_it_is_a_valid_document(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_route_of_the_api_stands_in_it_and_no_other(app: Quart, document: dict[str, Any]) -> None:
    routes = {
        (method.lower(), re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert len(routes) == 16
    assert set(operations(document)) == routes


def test_every_route_asks_for_a_token_and_one_scope_but_two(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["device"] == {"type": "http", "scheme": "bearer"}
    scopes = {where: one["security"] for where, one in operations(document).items()}
    assert {path for (_, path), found in scopes.items() if not found} == {PATH, "/api/v1/device/token"}
    for found in scopes.values():
        assert all(scope in set(Scope) for one in found for scope in one["device"])


def test_every_refusal_is_told_of_with_its_codes(document: dict[str, Any]) -> None:
    fields = {
        (code, int(status))
        for one in operations(document).values()
        for status, answer in one["responses"].items()
        if int(status) >= 400
        for code in answer["description"].split(", ")
    }
    assert fields == set(STATUS.items()) - {("wrong_method", 405)}, "a wrong method is no operation"


async def test_who_has_it_is_told_so(client: Client) -> None:
    first = await client.get(PATH)
    again = await client.get(PATH, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, await again.get_data()) == (304, b"")


@pytest.mark.parametrize("path", ["/docs", "/redocs", "/scalar", "/openapi.json", "/api/v1/docs"])
async def test_no_page_is_served_that_loads_scripts_from_elsewhere(client: Client, path: str) -> None:
    assert (await client.get(path)).status_code == 404


def test_it_names_this_server_and_no_other(here: Office, document: dict[str, Any]) -> None:
    assert document.pop("servers") == [{"url": here.settings.public_url}]
    assert "://" not in json.dumps(document)


def test_every_shape_in_it_is_used(document: dict[str, Any]) -> None:
    shapes = document["components"].pop("schemas")
    used: set[str] = set()
    found = {"a route": json.dumps(document)}
    while found:
        named = {name for text in found.values() for name in re.findall(r"#/components/schemas/(\w+)", text)}
        found = {name: json.dumps(shapes[name]) for name in named - used}
        used |= named
    assert used == set(shapes)


def test_the_judge_is_strict(document: dict[str, Any]) -> None:
    judge = Document(document)
    judge.event("held", MESSAGE)
    for wrong in ({"score": 1.5}, {"placement": "attic"}, {"changed_at": "yesterday"}, {"subject": None}):
        with pytest.raises(ValidationError):
            judge.event("held", MESSAGE | wrong)
    with pytest.raises(ValidationError):
        judge.event("held", {name: value for name, value in MESSAGE.items() if name != "sender"})
