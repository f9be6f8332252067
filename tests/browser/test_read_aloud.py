"""What a screen reader goes through, by Chromium's own accessibility tree: names, roles and their order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.review_fixture import Fixture, fixture, visit
from tests.browser.sender import check_server
from tests.web.service import LINK

pytestmark = pytest.mark.browser

LANDMARKS = ("banner", "main", "contentinfo", "search")
"""Roles that are announced without a name."""

NAMED = (
    *(
        "link",
        "button",
        "checkbox",
        "searchbox",
        "spinbutton",
        "heading",
        "navigation",
        "list",
        "region",
        "group",
    ),
    *("image", "term", "DisclosureTriangle", "DisclosureTriangleGrouped"),
)
STATES = ("level", "checked", "pressed")

TOP = """
    link Skip to the content
    banner
      link Pitchgate
      navigation Pages
        link Held
        link Insights
        link Settings
      fold Signed in as ana@corp.test
"""
REVIEW = """
    main
      heading 2 emails held for your review (level 1)
      navigation Lists
        link Held 2
        link Released
        link Not held
        link All
      search
        searchbox Search sender, name, subject and note
        button Search
        fold Filters
      checkbox Select all (checked false)
      list Held mail
        checkbox Grow your pipeline carla@vendor.test (checked false)
        link Grow your pipeline
        button Release Grow your pipeline carla@vendor.test
        button Block carla@vendor.test
        fold More for Carla Vendor
        checkbox An older offer ann@vendor.test (checked false)
        link An older offer
        button Release An older offer ann@vendor.test
        button Block ann@vendor.test
        fold More for Ann Vendor
"""
OPENED = """
        heading Ann Vendor ann@vendor.test (level 2)
        region Text of the email An older offer ann@vendor.test
        heading Looks like a pitch (level 3)
        heading Looks ordinary (level 3)
        link All about this sender
        button Release An older offer
        button Allow sender ann@vendor.test
        button Keep held ann@vendor.test
        button Block sender ann@vendor.test
        fold More for ann@vendor.test
"""
SENDER = """
    main
      link Back to the list
      heading Carla Vendor (level 1)
      button Allow sender carla@vendor.test
      button Block sender carla@vendor.test
      fold More for carla@vendor.test
      heading 1 email, on 2 Mar (level 2)
      heading 1 email held (level 2)
      fold Grow your pipeline
      button Release Grow your pipeline
      heading Credits: 0 (level 2)
      spinbutton How many
      button Add
      button Remove
      heading What happened (level 2)
"""
EMAIL = """
    main
      link Back to the list
      heading Grow your pipeline (level 1)
      heading Carla Vendor carla@vendor.test (level 2)
      region Text of the email Grow your pipeline carla@vendor.test
      heading Looks like a pitch (level 3)
      heading Looks ordinary (level 3)
      link All about this sender
      button Release Grow your pipeline
      button Allow sender carla@vendor.test
      button Keep held carla@vendor.test
      button Block sender carla@vendor.test
      fold More for carla@vendor.test
"""
SETTINGS = """
    main
      navigation Parts of the settings
        link General
        link Allowed and blocked
        link Reply
        link Notifications
        link Devices
        link Your data
        link Disconnect
      heading General (level 1)
      heading What happens to a pitch (level 2)
      group What happens to a pitch
        button Label only (pressed false)
        button Hold (pressed false)
        button Hold and reply (pressed true)
      heading Strictness (level 2)
      link Preview on your inbox
      group Strictness
        button Relaxed (pressed false)
        button Normal (pressed true)
        button Strict (pressed false)
      heading Digest in your inbox (level 2)
      group Digest in your inbox
        button Off (pressed true)
        button Daily (pressed false)
        button Weekly (pressed false)
      heading Pause (level 2)
      fold Pick a day
      group Pause
        button 1 hour
        button Until tomorrow
      fold Advanced Gmail tabs, rules, limits, how long decisions are kept. Open
        heading Advanced (level 2)
"""
CHECK = """
    banner
    main
      heading Your message is waiting (level 1)
      term Subject
      button Start the check
      link Type a few digits instead and wait 10 minutes
      fold Know Corp Sales? Add a note
        heading Know Corp Sales? Add a note (level 2)
      fold Why is it waiting?
        heading Why is it waiting? (level 2)
      fold What happens after the check?
        heading What happens after the check? (level 2)
      fold Report abuse
        heading Report abuse (level 2)
    contentinfo
      link What is Pitchgate?
      link Privacy
"""
LIVE = """
    banner
      link Pitchgate
    main
      heading 1 email so far: 0 in the inbox, 1 held, 0 delivered (level 1)
      image New emails reach the gate. In the inbox: 0. Held: 1. Delivered: 0.
      heading Latest (level 2)
"""


def aloud(page: Page) -> str:
    """The landmarks of a page and all with a name that can be used or jumped to, indented as they lie in each other."""
    found = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    nodes = {node["nodeId"]: node for node in found}
    lines: list[str] = []

    def go(node: dict[str, Any], depth: int) -> None:
        role, name = (node.get(key, {}).get("value", "") for key in ("role", "name"))
        tells = not node["ignored"] and (role in LANDMARKS or (role in NAMED and name != ""))
        if tells:
            states = {one["name"]: one["value"].get("value") for one in node.get("properties", ())}
            told = [f"{key} {states[key]}" for key in STATES if states.get(key) not in (None, "")]
            kind = "fold" if role.startswith("Disclosure") else role
            lines.append(f"{'  ' * depth}{kind} {name}".rstrip() + "".join(f" ({each})" for each in told))
        for child in node.get("childIds", ()):
            go(nodes[child], depth + tells)

    go(found[0], 0)
    return "\n".join(lines)


def written(*parts: str) -> str:
    """The parts of a page as `aloud` writes them."""
    return dedent("".join(part.rstrip() for part in parts)).strip()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fixture]:
    with fixture(tmp_path_factory.mktemp("aloud")) as opened:
        opened.hold("m1", "ann@vendor.test", name="Ann Vendor", subject="An older offer")
        opened.challenge("m2", "carla@vendor.test", name="Carla Vendor", note="We met in Lisbon.")
        yield opened


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/review", REVIEW),
        ("/review/sender?address=carla@vendor.test", SENDER),
        ("/review/mail/m2", EMAIL),
        ("/settings", SETTINGS),
    ],
)
def test_an_owners_pages(here: Fixture, browser: Browser, path: str, expected: str) -> None:
    with visit(here, browser, path) as page:
        assert aloud(page) == written(TOP, expected)


def test_an_email_opened_in_the_list_follows_its_row(here: Fixture, browser: Browser) -> None:
    with visit(here, browser) as page:
        page.get_by_role("link", name="An older offer").click()
        expect(page.locator(".panel")).to_be_visible()
        assert aloud(page) == written(TOP, REVIEW, OPENED)


@pytest.mark.parametrize(("path", "expected"), [(LINK, CHECK), ("/live", LIVE)])
def test_a_senders_page_and_the_live_page(browser: Browser, tmp_path: Path, path: str, expected: str) -> None:
    with check_server(tmp_path) as here:
        page = browser.new_page(locale="en-GB")
        page.route("**/live/events", lambda route: route.abort())  # the page is not drawn again meanwhile
        page.goto(here.address + path)
        expect(page.get_by_role("link", name="Reload")).to_have_count(0)
        assert aloud(page) == written(expected)
        page.close()
