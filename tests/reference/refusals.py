"""Error codes of API, pages and commands, and the routes of the API."""

from __future__ import annotations

from quart import Quart

from backend.locale import catalogue
from backend.web.api import described
from backend.web.api.authentication import STATUS
from backend.web.api.routes import blueprint
from backend.web.error_map import HTTP_CODES, TABLE
from tests.reference.tables import page

METHODS = ("get", "post", "put", "patch", "delete")


def errors() -> str:
    """The public codes with a status of their own, and what the others get."""
    words = catalogue("en")
    statuses: dict[str, set[int]] = {}
    rows = [(row.code, row.status) for row in TABLE.values()]
    rows += [(code, status) for status, code in HTTP_CODES.items()]
    for code, status in [*STATUS.items(), *rows]:
        statuses.setdefault(code, set()).add(status)
    said = {code: words[name] for code in statuses if (name := f"error.{code}.title") in words.ids}
    return page(
        "Error codes",
        "An error has a key, such as `out_of_range.pause`; its first part is its code, which is public and stable. The "
        'API answers `{"code", "title", "remedy", "field"}`, other routes `application/problem+json` or a page, and a '
        """command prints title and remedy and ends with exit status 1 (2 for a wrong call). Title and remedy say in
        the reader's language what happened and what to do; logs and answers never quote a value that was wrong.""",
        """These codes have a status of their own. Any other has that of its class in `backend/domain/errors.py`:
        `Refused` 422, `NotFound` 404, `Expired` 410, `Conflict` 409. Titles are English; `{…}` are blanks.""",
        [
            f"- `{code}` ({', '.join(map(str, sorted(found)))})" + (f": {said[code]}" if code in said else "")
            for code, found in sorted(statuses.items())
        ],
    )


def routes() -> str:
    """Every route of the API, from its OpenAPI document."""
    app = Quart("reference")
    described.register_openapi(app)
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
