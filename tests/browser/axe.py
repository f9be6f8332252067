"""axe-core on a page as it stands: no violation, however small."""

from __future__ import annotations

import re
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page as AsyncPage
from playwright.sync_api import Page, Route

RUN = 'axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations)'
"""What else it found stays in the browser: carrying it over takes longer than finding it."""


def assert_accessible(page: Page) -> None:
    """Fail for every violation, naming its rule and its elements.

    axe is put into the page by the debugger, so the page's own policy neither sees nor forbids it. Frames are not
    looked into. Call it when the page is at rest: what comes later is not seen.
    """
    page.evaluate(AXE_SCRIPT)
    _none(page.evaluate(RUN), page.url)


async def assert_accessible_async(page: AsyncPage) -> None:
    """The same of a page that is driven asynchronously."""
    await page.evaluate(AXE_SCRIPT)
    _none(await page.evaluate(RUN), page.url)


def assert_accessible_without_scripts(page: Page) -> None:
    """The same of a page whose browser runs no scripts: its twin is looked at, for axe is a script itself.

    The twin has the page's HTML at the page's address, in a window of the same size: `<noscript>` is laid open, the
    page's own scripts are taken out, and a style sheet that asks whether scripts run is answered no.
    """
    head, end, body = page.content().partition("</head>")
    head = re.sub(
        r"<noscript\b.*?</noscript>|<meta[^>]*http-equiv=\"?refresh[^>]*>", "", head, flags=re.S | re.I
    )
    body = re.sub(r"<(/?)noscript\b[^>]*>", r"<\1div>", body)
    html = re.sub(r"<script\b.*?</script>", "", head + end + body, flags=re.S)

    def answer(route: Route) -> None:
        if route.request.is_navigation_request():
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif ".css" in route.request.url:
            sheet = route.fetch()
            asked = (
                sheet.text().replace("(scripting: enabled)", "not all").replace("(scripting: none)", "all")
            )
            route.fulfill(response=sheet, body=asked)
        else:
            route.continue_()

    assert page.context.browser
    twin = page.context.browser.new_page(viewport=page.viewport_size)
    try:
        twin.route("**/*", answer)
        twin.goto(page.url.partition("#")[0])
        assert_accessible(twin)
    finally:
        twin.close()


def _none(violations: list[dict[str, Any]], url: str) -> None:
    found = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(f"    {node['target']}: {node['html'][:160]}" for node in violation["nodes"][:5])
        for violation in violations
    ]
    assert not found, f"axe-core on {url}:\n" + "\n".join(found)
