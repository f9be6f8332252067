"""axe-core on a page as it stands: no violation that keeps people out."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")


def assert_no_serious(page: Page) -> None:
    """Fail for every violation that axe-core calls serious or critical, naming its rule and its elements.

    axe is put into the page by the debugger, so the page's own policy neither sees nor forbids it. Frames are
    looked into as well. Call it when the page is at rest: what comes later is not seen.
    """
    found = Axe().run(page).response["violations"]
    grave = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(f"    {node['target']}: {node['html'][:160]}" for node in violation["nodes"][:5])
        for violation in found
        if violation["impact"] in GRAVE
    ]
    assert not grave, f"axe-core on {page.url}:\n" + "\n".join(grave)
