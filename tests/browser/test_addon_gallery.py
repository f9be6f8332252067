"""Every card there is, drawn as the host page draws it, in every language: fits, is readable, is said in full.

No server: the pages are put together here from the host's own template and style.
"""

from __future__ import annotations

import os
from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup
from playwright.sync_api import Browser, Page, Route

import backend.sandbox
from backend.locale import LANGUAGES
from backend.sandbox.addon_cards import drawn
from backend.web.pages import card_words
from tests.browser.axe import assert_accessible
from tests.browser.checks import keep_picture, look_over, watch_console
from tests.browser.test_addon_page import LOOKS
from tests.web.addon.gallery import GROUPS

pytestmark = pytest.mark.browser

SANDBOX = Path(backend.sandbox.__file__).parent
ADDRESS = "http://127.0.0.1/gallery"
PAGE = """
{% extends "page.html" %}
{% block head %}<link rel="stylesheet" href="/sandbox-static/addon.css">
<style>
  main { columns: 19rem; column-gap: 1rem; padding: 1rem; }
  h1 { column-span: all; }
  aside { min-height: 0; border: 1px solid var(--line); break-inside: avoid; margin-bottom: 1rem; }
</style>{% endblock %}
{% block body %}<main id="main"><h1>{{ group }} {{ language }}</h1>
{% for name, card in cards.items() %}<aside aria-label="{{ name }}"><p class="note">{{ name }}</p>
{% include "addon_card.html" %}</aside>{% endfor %}
{% for toast in toasts %}<aside aria-label="toast {{ loop.index }}"><p class="toast">{{ toast }}</p></aside>{% endfor %}
</main>{% endblock %}
"""
# Texts Gmail gives one line, and whatever sticks out of its card. A sender's own words may be cut.
CUT = """
() => [...document.querySelectorAll(".addon-card h2, .addon-card .one, .addon-card button, .addon-card a")]
  .filter((node) => node.scrollWidth > node.clientWidth + 1
    || node.getBoundingClientRect().right > node.closest("aside").getBoundingClientRect().right)
  .map((node) => node.textContent.trim().slice(0, 60))
"""


def rendered(group: str, language: str) -> str:
    folder = jinja2.FileSystemLoader(SANDBOX / "templates")
    pages = jinja2.Environment(loader=folder, autoescape=True)
    words = card_words(language)
    return pages.from_string(PAGE).render(
        group=group,
        language=language,
        cards={name: drawn(card) for name, card in GROUPS[group](language).items()},
        toasts=[words[key].format(count=2) for key in words if key.startswith("did_")],
        mailbox={"address": "ana@corp.test"},
        back=Markup("/"),
    )


def show(page: Page, group: str, language: str) -> None:
    def answer(route: Route) -> None:
        path = route.request.url.removeprefix("http://127.0.0.1")
        if path == "/gallery":
            route.fulfill(body=rendered(group, language), content_type="text/html; charset=utf-8")
        else:
            route.fulfill(path=SANDBOX / "static" / path.rpartition("/")[2])

    page.unroute_all()
    page.route("**/*", answer)
    page.goto(ADDRESS)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_card_fits_in_every_language(browser: Browser, group: str, language: str, shots: Path) -> None:
    for look in LOOKS if language == "en" else ("phone",):
        page = browser.new_context(**LOOKS[look]).new_page()
        problems = watch_console(page)
        show(page, group, language)
        look_over(page, heaviest=150_000)  # all the cards at once, as no server sends them
        if language == "en" and look != "desktop":
            assert_accessible(page)
        assert page.evaluate(CUT) == []
        assert problems == []
        if "PITCHGATE_SHOTS" in os.environ:  # ten thousand pixels of it: only if somebody looks
            page.set_viewport_size({"width": 1280, "height": 900})
            keep_picture(page, shots / f"gallery-{group}-{language}-{look}.png", full_page=True)
        page.context.close()
