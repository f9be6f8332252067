"""Error codes of API, pages and commands."""

from __future__ import annotations

from backend.locale import catalogue
from backend.web.api.contract import STATUS
from backend.web.app import HTTP_CODES, TABLE
from tests.reference.tables import page


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
        """command prints title and remedy, in the reader's language, and ends with exit status 1 (2 for a wrong
        call). Logs and answers never quote a wrong value.""",
        """These codes have a status of their own. Any other has that of its class in `backend/domain/errors.py`:
        `Refused` 422, `NotFound` 404, `Expired` 410, `Conflict` 409. Titles are English; `{…}` are blanks.""",
        [
            f"- `{code}` ({', '.join(map(str, sorted(found)))})" + (f": {said[code]}" if code in said else "")
            for code, found in sorted(statuses.items())
        ],
    )
