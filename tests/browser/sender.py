"""A sender's browser, and the app he visits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

from backend.web.app import create_app
from tests.web.fakes import TOKEN, World
from tests.web.serving import served

LINK = f"/c/{TOKEN}"
DESKTOP = {"width": 1180, "height": 860}
PHONE = {"width": 390, "height": 844}
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "dark-phone": {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True, "color_scheme": "dark"},
}


@contextmanager
def serving(around: World) -> Iterator[str]:
    with served(lambda _, stopping: create_app(around.services, stopping)) as address:
        yield address


@contextmanager
def visit(browser: Browser, **options: Any) -> Iterator[Page]:
    context = browser.new_context(**({"locale": "en-GB", "viewport": DESKTOP} | options))
    context.set_default_timeout(10_000)
    try:
        yield context.new_page()
    finally:
        context.close()
