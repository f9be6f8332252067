"""A card as a page shows it: roughly what Gmail draws, from the same JSON."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from markupsafe import Markup

_TAG = re.compile(r"(<br\s*/?>|</?[biu]>)")
KINDS = {"FILLED": "filled", "FILLED_TONAL": "filled", "BORDERLESS": "plain"}
ICONS = {"PERSON": "@", "CLOCK": "◔"}
"""Gmail's own pictures for these are not ours to copy."""


def marked(text: str) -> Markup:
    """The HTML subset of card texts; everything else in it is shown as it is written."""
    parts, open_tags = [], []
    for part in _TAG.split(text):
        name = part.strip("</> ")
        if not _TAG.fullmatch(part):
            parts.append(html.escape(html.unescape(part)))
        elif name == "br":
            parts.append("<br>")
        elif not part.startswith("</"):
            open_tags.append(name)
            parts.append(f"<{name}>")
        elif open_tags and open_tags[-1] == name:
            open_tags.pop()
            parts.append(f"</{name}>")
    parts += [f"</{name}>" for name in reversed(open_tags)]
    # Every character was escaped or is one of the few tags written here.
    return Markup("".join(parts))  # noqa: S704


def drawn(card: Mapping[str, Any] | None) -> dict[str, Any]:
    """The card for the template: sections of widgets, clicks numbered in the order of `host.clicks`."""
    if card is None:
        return {}
    numbers = count()
    # The numbering follows the order of the fields in the JSON, so every part is drawn in that order.
    parts: dict[str, Any] = {"name": card.get("name", ""), "header": card.get("header", {}), "sections": []}
    for field, value in card.items():
        if field == "sections":
            parts["sections"] = [_section(section, numbers) for section in value]
        elif field == "fixedFooter":
            parts["footer"] = [_button(button, numbers) for button in value.values()]
    return parts


def _section(section: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    return {
        "header": section.get("header", ""),
        "widgets": [_widget(widget, numbers) for widget in section["widgets"]],
    }


def _widget(widget: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    kind, inner = next((kind, inner) for kind, inner in widget.items() if isinstance(inner, Mapping))
    if kind == "decoratedText":
        icon = inner.get("startIcon", {}).get("knownIcon", "")
        # The click on the widget itself comes first, as in `host.clicks`.
        click = next(numbers) if "onClick" in inner else None
        return {
            "kind": "line",
            "top": inner.get("topLabel", ""),
            "text": marked(inner.get("text", "")),
            "bottom": inner.get("bottomLabel", ""),
            "icon": ICONS.get(icon, ""),
            "click": click,
            "button": _button(inner["button"], numbers) if "button" in inner else None,
        }
    if kind == "textParagraph":
        return {"kind": "paragraph", "text": marked(inner["text"])}
    if kind == "buttonList":
        return {"kind": "buttons", "buttons": [_button(button, numbers) for button in inner["buttons"]]}
    if kind == "selectionInput":
        return {"kind": "choice", **inner}
    return {"kind": "unknown", "name": kind}


def _button(button: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    click = button.get("onClick", {})
    return {
        "text": button.get("text", ""),
        "kind": KINDS.get(button.get("type", ""), "outlined"),
        "number": next(numbers),
        "url": click.get("openLink", {}).get("url", ""),
    }
