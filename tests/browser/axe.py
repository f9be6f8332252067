"""axe-core on a page as it stands: no violation, however small."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RUN = 'axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations)'
"""What else it found stays in the browser: carrying it over takes longer than finding it."""


def assert_accessible(page: Page) -> None:
    """Fail for every violation, naming its rule and its elements.

    axe is put into the page by the debugger, so the page's own policy neither sees nor forbids it. Frames are not
    looked into. Call it when the page is at rest: what comes later is not seen.
    """
    page.evaluate(AXE_SCRIPT)
    violations: list[dict[str, Any]] = page.evaluate(RUN)
    found = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(f"    {node['target']}: {node['html'][:160]}" for node in violation["nodes"][:5])
        for violation in violations
    ]
    assert not found, f"axe-core on {page.url}:\n" + "\n".join(found)
