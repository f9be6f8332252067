"""The owner's browser, where Windows has no Edge WebView2: what it was sent to, in a real Chromium."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from playwright.sync_api import Page, sync_playwright

from tests import browsers
from tests.browser.conftest import PATIENCE


@contextlib.contextmanager
def shown(address: str) -> Iterator[Page]:
    """The page at `address`. Nothing asynchronous runs beside it."""
    with sync_playwright() as playwright:
        arguments = list(browsers.ARGUMENTS)
        chromium = playwright.chromium.launch(executable_path=browsers.chromium(), args=arguments)
        page = chromium.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        yield page
        chromium.close()
