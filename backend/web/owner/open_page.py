"""A page for somebody who has not signed in: in the language of their browser, without an owner's menu."""

from __future__ import annotations

from typing import Any

from quart import Response

from backend.web.owner.page import words
from backend.web.pages import page


async def open_page(template: str, status: int = 200, *, section: str, **values: Any) -> Response:
    """The rendered page. `section` names its texts; the template gets them as `t`."""
    t = words(section)
    response = await page(template, status, t=t, language=t.tag, **values)
    response.headers["Vary"] = "Accept-Language"
    return response
