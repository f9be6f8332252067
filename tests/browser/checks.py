"""What every page must pass: no violation of its own policy, names for controls, contrast, no sideways scroll."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from playwright.async_api import Page as AsyncPage
from playwright.sync_api import Locator, Page

from tests.browser.axe import assert_accessible
from tests.conftest import SHOTS

ENOUGH = ("desktop", "phone-dark", "de-phone-dark")
"""Of the looks of one page those that axe sees: each size and each light once. `look_over` sees every look."""

# For each visible text: its colour against the nearest painted background (WCAG 2 contrast).
CONTRAST = """
() => {
  const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility() || node.closest(".unseen, noscript")) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(parse(style.color)), light(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) poor.push(`${node.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""

# Controls and landmarks a screen reader needs.
STRUCTURE = """
() => {
  const wrong = [];
  for (const node of document.querySelectorAll("button, a, input:not([type=hidden]), [role=progressbar]")) {
    if (!node.checkVisibility()) continue;
    const named = (node.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id));
    const words = named.map((other) => other?.textContent.trim() || "").join("");
    if (!(node.getAttribute("aria-label") || words || node.textContent.trim() || node.labels?.length)) {
      wrong.push(`nameless: ${node.outerHTML.slice(0, 60)}`);
    }
    const box = node.getBoundingClientRect();
    if (node.tagName === "BUTTON" && (box.height < 24 || box.width < 24)) wrong.push("small target");
  }
  for (const image of document.images) if (!image.hasAttribute("alt")) wrong.push(`no alt: ${image.src}`);
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id is used twice");
  for (const node of document.querySelectorAll("[aria-describedby]")) {
    const told = node.getAttribute("aria-describedby").split(" ");
    if (!told.every((id) => document.getElementById(id))) wrong.push("describedby leads nowhere");
  }
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not exactly one h1");
  if (document.querySelectorAll("main").length !== 1) wrong.push("not exactly one main");
  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.title) wrong.push("no title");
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((node) => Number(node.tagName[1]));
  if (levels.some((level, at) => at && level > levels[at - 1] + 1)) wrong.push("a heading level is skipped");
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) wrong.push("scrolls sideways");
  const places = document.querySelector("nav.places");
  if (places && places.scrollWidth > places.clientWidth) wrong.push("a place is cut off");
  return wrong;
}
"""

# Bytes on the wire of the page and of all it needs but pictures, each address once: a page that watches asks again.
WEIGHT = """
() => performance.getEntries().filter((entry) => entry.encodedBodySize && entry.initiatorType !== "img")
  .filter(({ name }, at, all) => all.findIndex((other) => other.name === name) === at)
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)
"""


def watch_console(page: Page) -> list[str]:
    """Errors the page reports from now on; a violated policy is one of them."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    return problems


def look_over(page: Page, heaviest: int = 60_000) -> None:
    """Fail for anything a person with other eyes, other hands or a small screen would stumble over."""
    page.wait_for_load_state()  # after a form was sent the words may be there before their style sheet is
    poor: list[Any] = page.evaluate(CONTRAST)
    wrong: list[Any] = page.evaluate(STRUCTURE)
    weight: int = page.evaluate(WEIGHT)
    assert weight <= heaviest, f"{page.url} weighs {weight} bytes"
    assert poor == [], f"contrast on {page.url}: {poor}"
    assert wrong == [], f"structure of {page.url}: {wrong}"


def looks_right(page: Page, look: str, picture: Path, **options: Any) -> None:
    """All of it for a page in one of its looks, and its picture."""
    keep_picture(page, picture, **({"full_page": True} | options))
    look_over(page)
    if look in ENOUGH:
        assert_accessible(page)


def keep_picture(shown: Page | Locator, path: Path, **options: Any) -> None:
    """Keep how it looks, if a person asked for pictures: no test compares them."""
    if SHOTS in os.environ:
        shown.screenshot(path=path, **options)


async def keep_picture_async(shown: AsyncPage, path: Path, **options: Any) -> None:
    """The same for Playwright's other interface."""
    if SHOTS in os.environ:
        await shown.screenshot(path=path, **options)
