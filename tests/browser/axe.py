"""axe-core on a page as it stands: no violation, however small."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page as AsyncPage
from playwright.sync_api import Page

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


def _none(violations: list[dict[str, Any]], url: str) -> None:
    found = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(f"    {node['target']}: {node['html'][:160]}" for node in violation["nodes"][:5])
        for violation in violations
    ]
    assert not found, f"axe-core on {url}:\n" + "\n".join(found)
