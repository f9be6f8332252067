"""Error codes of API, pages and commands, and the routes of the API."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quart import Quart

from backend.locale import catalogue
from backend.web.api import described
from backend.web.api.answers import STATUS
from backend.web.api.routes import blueprint
from backend.web.error_map import HTTP_CODES, TABLE
from tests.reference.tables import page, table

METHODS = ("get", "post", "put", "patch", "delete")


def errors() -> str:
    """Every public code with its status, and what it means."""
    statuses: dict[str, set[int]] = {}
    rows = [(row.code, row.status) for row in TABLE.values()]
    rows += [(code, status) for status, code in HTTP_CODES.items()]
    for code, status in [*STATUS.items(), *rows]:
        statuses.setdefault(code, set()).add(status)
    return page(
        "Error codes",
        "An error has a key, such as `out_of_range.pause`; its first part is its code, which is public and stable. The "
        'API answers `{"code", "title", "remedy", "field"}`, other routes `application/problem+json` or a page, and a '
        """command prints title and remedy and ends with exit status 1 (2 for a wrong call). Title and remedy are in
        the reader's language; logs and answers never quote a value that was wrong.""",
        "## Statuses of answers",
        """Any other code has the status of its class in `backend/domain/errors.py`: `Refused` 422, `NotFound` 404,
        `Expired` 410, `Conflict` 409.""",
        [
            f"- `{code}`: {', '.join(str(status) for status in sorted(found))}"
            for code, found in sorted(statuses.items())
        ],
        "## What they mean",
        "The title of each code, in English; `{…}` are blanks.",
        [f"- `{code}`: {said}" for code, said in _said()],
    )


def _said() -> Iterator[tuple[str, str]]:
    """Each code with the title of its shortest key that has one."""
    words = catalogue("en")
    keys = sorted(match[1] for name in words.ids if (match := re.fullmatch(r"error\.(.+)\.title", name)))
    codes: dict[str, str] = {}
    for key in sorted(keys, key=len):
        codes.setdefault(key.partition(".")[0], " ".join(words[f"error.{key}.title"].split()))
    return iter(sorted(codes.items()))


def routes() -> str:
    """Every route of the API, from its OpenAPI document."""
    app = Quart("reference")
    described.install(app)
    app.register_blueprint(blueprint)
    paths = described.document(app, "https://pitchgate.example")["paths"]
    rows = []
    for path in sorted(paths):
        for method in METHODS:
            if operation := paths[path].get(method):
                scopes = [
                    scope
                    for each in operation.get("security", [])
                    for names in each.values()
                    for scope in names
                ]
                answers = operation["responses"]
                done = next(status for status in sorted(answers) if status < "300")
                refused = [each["description"] for status, each in answers.items() if status >= "400"]
                codes = set(", ".join(refused).split(", "))
                rows.append(
                    (
                        f"`{method.upper()} {path}`",
                        operation.get("summary", ""),
                        ", ".join(scopes) or "no token",
                        done,
                        ", ".join(f"`{code}`" for code in sorted(codes - ALWAYS)),
                    )
                )
    return page(
        "The API's routes",
        """From `GET /api/v1/openapi.json`, which has the shapes too. What they mean, and the rules for every
        call: [the API](api.md).""",
        f"Every route may also refuse with {', '.join(f'`{code}`' for code in sorted(ALWAYS))}.",
        table(("route", "what it does", "scope", "status", "refuses with"), rows),
    )


ALWAYS = {*described.ALWAYS, *described.WITH_TOKEN}
