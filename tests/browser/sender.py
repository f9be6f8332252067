"""A sender's browser, and the link they open in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from backend.pipeline.solve import Checks
from tests.web.service import proof_of_work, typed_codes
from tests.web.serving import Server, served_office

DESKTOP = {"width": 1180, "height": 860}
PHONE = {"width": 390, "height": 844}
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone-dark": {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True, "color_scheme": "dark"},
}


@contextmanager
def check_server(folder: Path, cost: int = 10, checks: Checks | None = None, **link: Any) -> Iterator[Server]:
    """An app where a sender has been asked. `cost`: iterations a step; `checks`: others than work. `link`: see
    `Office.link`."""
    with served_office(folder, checks=checks or Checks(proof_of_work(cost), typed_codes())) as server:
        server.do(server.office.link(**link))
        yield server


@contextmanager
def visit(browser: Browser, **options: Any) -> Iterator[Page]:
    context = browser.new_context(**({"locale": "en-GB", "viewport": DESKTOP} | options))
    context.set_default_timeout(30_000)
    try:
        yield context.new_page()
    finally:
        context.close()
