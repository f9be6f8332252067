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
    """Every public code with its status, and what is said of each error that has it."""
    return page(
        "Error codes",
        "An error has a key, such as `out_of_range.pause`; its first part is its code, which is public and stable. The "
        'API answers `{"code", "title", "remedy", "field"}`, other routes `application/problem+json` or a page, and a '
        """command prints title and remedy and ends with exit status 1 (2 for a wrong call). The words below
        are the English ones; `{…}` are blanks. Logs and answers never quote a value that was wrong.""",
        "## Statuses of the API",
        table(("code", "status"), [(f"`{code}`", str(status)) for code, status in STATUS.items()]),
        "## Statuses of other routes",
        """What our own errors become, by their class in `backend/domain/errors.py`; a refusal (422, 404, 410,
        409) has the code of its key.""",
        table(
            ("class", "status", "code"),
            [(f"`{kind.__name__}`", str(row.status), f"`{row.code}`") for kind, row in TABLE.items()],
        ),
        "What HTTP itself refuses:",
        table(("status", "code"), [(str(status), f"`{code}`") for status, code in HTTP_CODES.items()]),
        "## What is said",
        table(("key", "what happened", "what to do"), _said()),
    )


def _said() -> Iterator[tuple[str, str, str]]:
    words = catalogue("en")
    keys = {match[1] for name in words.ids if (match := re.fullmatch(r"error\.(.+)\.(?:title|remedy)", name))}
    for key in sorted(keys):
        parts = [f"error.{key}.{part}" for part in ("title", "remedy")]
        title, remedy = (words[part] if part in words.ids else "" for part in parts)
        yield f"`{key}`", title, remedy


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
