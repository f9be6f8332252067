"""Error codes of API, pages and commands, and the routes of the API."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from quart import Quart

import backend
from backend.locale import catalogue
from backend.web.api import described
from backend.web.api.answers import STATUS
from backend.web.api.routes import blueprint
from backend.web.error_map import HTTP_CODES, TABLE
from tests.reference.tables import page

ANSWERING = ("captcha", "domain", "gmail", "pipeline", "reader", "transactions", "web")
"""The packages whose errors an answer can carry; a command's are printed with what to do."""

SHOWN = ("captcha_", "connect_", "link_", "note_", "rule_", "rules_", "too_many_rules")
"""What a page says in a whole sentence where it happens."""

METHODS = ("get", "post", "put", "patch", "delete")


def errors() -> str:
    """Every public code with its status, and what it means."""
    statuses: dict[str, set[int]] = {}
    said = dict(_said())
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
        """These are the codes that answers carry, but for those a page explains by itself; in brackets the status; other codes have that of their class in
        `backend/domain/errors.py`: `Refused` 422, `NotFound` 404, `Expired` 410, `Conflict` 409. Titles are
        English; `{…}` are blanks.""",
        [
            f"- `{code}`{_bracket(statuses.get(code, ()))}: {said[code]}"
            if code in said
            else f"- `{code}`{_bracket(statuses[code])}"
            for code in sorted({*said, *statuses})
        ],
    )


def _bracket(statuses: Collection[int]) -> str:
    return f" ({', '.join(map(str, sorted(statuses)))})" if statuses else ""


def _said() -> Iterator[tuple[str, str]]:
    """Each code that an answer can carry, with the title of its shortest key."""
    words = catalogue("en")
    keys = sorted(match[1] for name in words.ids if (match := re.fullmatch(r"error\.(.+)\.title", name)))
    folder = Path(backend.__file__).parent
    sources = "".join(
        path.read_text() for name in ANSWERING for path in sorted((folder / name).rglob("*.py"))
    )
    codes: dict[str, str] = {}
    for key in sorted(keys, key=len):
        if f'"{key}"' in sources and not key.startswith(SHOWN):
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
                facts = [
                    ", ".join(scopes) or "no token",
                    done,
                    *(f"`{code}`" for code in sorted(codes - ALWAYS)),
                ]
                rows.append(
                    f"- `{method.upper()} {path}` ({', '.join(facts)}): {operation.get('summary', '')}"
                )
    return page(
        "The API's routes",
        """From `GET /api/v1/openapi.json`, which has the shapes too: in brackets the scope, the status, and what
        each may refuse with. Rules for every call: [the API](api.md).""",
        f"Every route may also refuse with {', '.join(f'`{code}`' for code in sorted(ALWAYS))}.",
        rows,
    )


ALWAYS = {*described.ALWAYS, *described.WITH_TOKEN}
