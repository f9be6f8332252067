"""Building blocks of cards. Everything that comes out of a mail goes through `shown`."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

Json = dict[str, Any]
MOST_TEXT = 200


def shown(text: str, most: int = MOST_TEXT) -> str:
    """Text of a mail, made harmless: one line, no control or direction marks, cut, and escaped for the HTML subset."""
    plain = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    plain = " ".join(plain.split())
    if len(plain) > most:
        plain = plain[: most - 1].rstrip() + "…"
    return html.escape(plain, quote=True)


def escaped(text: str, **values: object) -> str:
    """Our own words, with values that are ours too; escaped, since they may hold an ampersand."""
    return html.escape(text.format(**values), quote=False)


def card(name: str, title: str, subtitle: str, sections: Iterable[Json | None], **more: Any) -> Json:
    """A card; sections that are None are left out."""
    header = {"title": title} | ({"subtitle": subtitle} if subtitle else {})
    kept = [part for part in sections if part]
    for filled in list(_filled(kept))[1:]:  # one on a card: the first
        filled["type"] = "OUTLINED"
    return {"name": name, "header": header, "sections": kept, **more}


def _filled(sections: list[Json]) -> Iterator[Json]:
    for widget in (widget for part in sections for widget in part["widgets"]):
        rows = widget.get("buttonList", {}).get("buttons", [])
        yield from (button for button in rows if button["type"] == "FILLED")


def section(widgets: Iterable[Json | None], header: str = "", **more: Any) -> Json | None:
    """A section, or None if nothing is left in it."""
    kept = [widget for widget in widgets if widget]
    if not kept:
        return None
    return ({"header": header} if header else {}) | {"widgets": kept, **more}


def line(
    text: str,
    top: str = "",
    bottom: str = "",
    icon: str = "",
    button: Json | None = None,
    click: Json | None = None,
) -> Json:
    """A text with small print above and below; `click` is what happens anywhere else than on its button."""
    inner: Json = {"text": text, "wrapText": True}
    inner |= {"topLabel": top} if top else {}
    inner |= {"bottomLabel": bottom} if bottom else {}
    inner |= {"startIcon": {"knownIcon": icon}} if icon else {}
    inner |= {"button": button} if button else {}
    inner |= {"onClick": click} if click else {}
    return {"decoratedText": inner}


def paragraph(text: str) -> Json:
    """A paragraph."""
    return {"textParagraph": {"text": text}}


def buttons(found: Iterable[Json | None]) -> Json | None:
    """A row of buttons, or None without any."""
    kept = [button for button in found if button]
    return {"buttonList": {"buttons": kept}} if kept else None


def button(text: str, function: str, parameters: Mapping[str, str], kind: str = "OUTLINED") -> Json:
    """A button that posts to us."""
    return {"text": text, "type": kind, "onClick": posting(function, parameters)}


def posting(function: str, parameters: Mapping[str, str]) -> Json:
    """A click that posts to us."""
    action = {
        "function": function,
        "parameters": [{"key": key, "value": value} for key, value in parameters.items()],
        "loadIndicator": "SPINNER",
    }
    return {"action": action}


def link(text: str, url: str, kind: str = "OUTLINED") -> Json:
    """A button that opens a page of ours."""
    return {"text": text, "type": kind, "onClick": {"openLink": {"url": url, "onClose": "RELOAD"}}}


def choice(name: str, label: str, items: Iterable[tuple[str, str]], chosen: str) -> Json:
    """Radio buttons."""
    return _selection("RADIO_BUTTON", name, label, items, {chosen})


def ticks(name: str, label: str, items: Iterable[tuple[str, str]], chosen: Set[str]) -> Json:
    """Checkboxes. A form in which none is ticked does not name them."""
    return _selection("CHECK_BOX", name, label, items, chosen)


def _selection(kind: str, name: str, label: str, items: Iterable[tuple[str, str]], chosen: Set[str]) -> Json:
    listed = [{"text": text, "value": value, "selected": value in chosen} for text, value in items]
    return {"selectionInput": {"name": name, "label": label, "type": kind, "items": listed}}
