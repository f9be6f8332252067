"""Checks cards against Google's limits, and draws them as HTML."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

# ---- Gmail's limits on cards
# They are checked on a card's JSON: by the local add-on host, which shows what is wrong, and by the tests, for every
# card of the server.


MOST_WIDGETS = 100
MOST_ACTIONS = 10
MOST_ITEMS = 100
MOST_COLUMNS = 2
MOST_BYTES = 32 * 1024
CLICKS = ("action", "openLink", "openDynamicLinkAction", "card", "overflowMenu")
WIDGETS = frozenset(
    {"textParagraph", "image", "decoratedText", "buttonList", "textInput", "selectionInput", "dateTimePicker"}
    | {"divider", "grid", "columns", "chipList", "carousel"}
)
ADDRESS_FIELDS = frozenset({"url", "imageUrl", "iconUrl", "imageUri", "function"})
COMMON_FIELDS = frozenset({"horizontalAlignment", "id", "visibility", "eventActions"})
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_ALLOWED_TAG = re.compile(r"</?(?:b|i|u|s|br|font|a)(?: [a-z]+=\"[^\"<>]*\")*\s*/?>")
_ENTITY = re.compile(r"&(?:[a-z]+|#[0-9]+|#x[0-9a-f]+);")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def card_problems(card: Mapping[str, Any]) -> list[str]:
    """What Gmail would refuse or cut off, in words; empty if nothing. `http` is allowed on loopback only."""
    found = list(_structure(card))
    _check_field("card", card, "card", found)
    size = len(json.dumps(card, ensure_ascii=False).encode())
    if size > MOST_BYTES:
        found.append(f"card: {size} bytes, at most {MOST_BYTES}")
    return found


def answer_problems(answer: Mapping[str, Any], *, clicked: bool) -> list[str]:
    """The same for a whole answer: to a trigger, or to a click (`clicked`)."""
    if "requesting_google_scopes" in answer or "basic_authorization_prompt" in answer:
        return list(_prompt(answer))
    if clicked and set(answer) - {"renderActions", "stateChanged"}:
        return [f"answer: {sorted(answer)} is no answer to a click"]
    root = answer.get("renderActions", {}) if clicked else answer
    action = root.get("action") if isinstance(root, Mapping) else None
    if not isinstance(action, Mapping) or set(root) != {"action"}:
        return ["answer: no action"]
    found = []
    for step in action.get("navigations", ()):
        if len(step) != 1 or not set(step) <= {"pushCard", "updateCard", "pop", "popToRoot", "popToCard"}:
            found.append(f"answer: {sorted(step)} is no navigation")
        for name in ("pushCard", "updateCard"):
            if name in step:
                found += card_problems(step[name])
    if not clicked and not action.get("navigations"):
        found.append("answer: nothing to show")
    return found


def cards_of(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every card in an answer."""
    action = answer.get("renderActions", answer).get("action", {})
    steps = action.get("navigations", ())
    return [step[name] for step in steps for name in ("pushCard", "updateCard") if name in step]


def _prompt(answer: Mapping[str, Any]) -> Iterator[str]:
    if len(answer) != 1:
        yield "answer: a prompt stands alone"
    scopes = answer.get("requesting_google_scopes")
    if scopes is not None and not scopes.get("scopes") and scopes.get("all_scopes") is not True:
        yield "answer: a prompt for no scope"
    prompt = answer.get("basic_authorization_prompt")
    if prompt is not None and (not prompt.get("resource") or not _is_https(prompt.get("authorization_url"))):
        yield "answer: an authorization prompt needs an HTTPS address and a resource"


def _structure(card: Mapping[str, Any]) -> Iterator[str]:
    sections = card.get("sections", [])
    for number, section in enumerate(sections):
        if not section.get("widgets"):
            yield f"card.sections[{number}]: no widget"
        if section.get("uncollapsibleWidgetsCount", 0) > len(section.get("widgets", ())):
            yield f"card.sections[{number}]: keeps more widgets open than it has"
    if not sections:
        yield "card: no section"
    widgets = sum(1 for _ in _widgets(card))
    if widgets > MOST_WIDGETS:
        yield f"card: {widgets} widgets, at most {MOST_WIDGETS}"
    if len(card.get("cardActions", ())) > MOST_ACTIONS:
        yield f"card: more than {MOST_ACTIONS} card actions"
    if "fixedFooter" in card and "primaryButton" not in card["fixedFooter"]:
        yield "card.fixedFooter: no primary button"
    if "header" in card and not card["header"].get("title"):
        yield "card.header: no title"


def _widgets(card: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for section in card.get("sections", ()):
        for widget in section.get("widgets", ()):
            yield widget
            for column in widget.get("columns", {}).get("columnItems", ()):
                yield from column.get("widgets", ())


def _check_field(name: str, value: Any, path: str, found: list[str]) -> None:
    """Check the value of the field `name`, and everything below it. It runs for every answer, so it must be fast."""
    if isinstance(value, list):
        for number, inner in enumerate(value):
            _check_field(name, inner, f"{path}[{number}]", found)
    elif isinstance(value, dict):
        if (check := CHECKS.get(name)) is not None:
            found += [f"{path}: {fault}" for fault in check(value)]
        for field, inner in value.items():
            if isinstance(inner, (dict, list)):
                _check_field(field, inner, f"{path}.{field}", found)
            elif field in ADDRESS_FIELDS and not _is_https(inner):
                found.append(f"{path}.{field}: {str(inner)[:80]!r} is no HTTPS address")
            elif field == "id" and not (isinstance(inner, str) and _ID.fullmatch(inner)):
                found.append(f"{path}.id: an id is 1 to 64 letters, digits and hyphens")


def _check_widget(value: Mapping[str, Any]) -> Iterator[str]:
    kinds = set(value) - COMMON_FIELDS
    if len(kinds) != 1 or not kinds <= WIDGETS:
        yield f"a widget is one thing, not {sorted(kinds)}"


def _check_click(value: Mapping[str, Any]) -> Iterator[str]:
    if len(value) != 1 or not set(value) <= set(CLICKS):
        yield f"a click does one thing, not {sorted(value)}"


def _check_decorated_text(value: Mapping[str, Any]) -> Iterator[str]:
    if not value.get("text") and "contentText" not in value:
        yield "no text"
    if sum(name in value for name in ("button", "switchControl", "endIcon")) > 1:
        yield "more than one of button, switch and end icon"
    yield from _check_markup(value.get("text", ""))


def _check_paragraph(value: Mapping[str, Any]) -> Iterator[str]:
    if not value.get("text"):
        yield "no text"
    yield from _check_markup(value.get("text", ""))


def _check_markup(text: str) -> Iterator[str]:
    rest = _ALLOWED_TAG.sub("", text)
    if "<" in rest or ">" in rest:
        yield "text with markup Gmail does not know, or not escaped"
    if "&" in _ENTITY.sub("", rest):
        yield "an ampersand that is not escaped"


def _check_button(value: Mapping[str, Any]) -> Iterator[str]:
    if not value.get("text") and "icon" not in value:
        yield "a button needs a text or an icon"
    if "onClick" not in value:
        yield "a button that does nothing"


def _check_action(value: Mapping[str, Any]) -> Iterator[str]:
    if not value.get("function"):
        yield "no function"
    for parameter in value.get("parameters", ()):
        if set(parameter) != {"key", "value"} or not all(isinstance(v, str) for v in parameter.values()):
            yield "a parameter is a key and a value, both text"


def _check_selection(value: Mapping[str, Any]) -> Iterator[str]:
    if len(value.get("items", ())) > MOST_ITEMS:
        yield f"more than {MOST_ITEMS} items"
    if not value.get("name"):
        yield "no name"


def _check_columns(value: Mapping[str, Any]) -> Iterator[str]:
    if not 1 <= len(value.get("columnItems", ())) <= MOST_COLUMNS:
        yield f"one to {MOST_COLUMNS} columns"


def _check_button_list(value: Mapping[str, Any]) -> Iterator[str]:
    if not value.get("buttons"):
        yield "no button"


def _is_https(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


CHECKS = {
    "widgets": _check_widget,
    "onClick": _check_click,
    "decoratedText": _check_decorated_text,
    "textParagraph": _check_paragraph,
    "buttons": _check_button,
    "button": _check_button,
    "primaryButton": _check_button,
    "secondaryButton": _check_button,
    "action": _check_action,
    "selectionInput": _check_selection,
    "columns": _check_columns,
    "buttonList": _check_button_list,
}
"""Name of a field → the check of its value."""


# ---- A card as HTML


_TAG = re.compile(r"(<br\s*/?>|</?[biu]>)")
KINDS = {"FILLED": "filled", "FILLED_TONAL": "filled", "BORDERLESS": "plain"}
ICONS = {"PERSON": "@", "CLOCK": "◔"}
"""Stand-ins for Gmail's own icons, which may not be copied."""


def marked(text: str) -> Markup:
    """A card's text as HTML: the tags that Gmail allows are kept, everything else is escaped."""
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
    """The card for the template: sections of widgets, clicks numbered in the order of `addon_host.clicks`."""
    if card is None:
        return {}
    numbers = count()
    # The numbering follows the order of the fields in the JSON, so every part is drawn in that order.
    parts: dict[str, Any] = {"name": card.get("name", ""), "header": card.get("header", {}), "sections": []}
    for field, value in card.items():
        if field == "sections":
            parts["sections"] = [
                {
                    "header": section.get("header", ""),
                    "widgets": [_widget(widget, numbers) for widget in section["widgets"]],
                }
                for section in value
            ]
        elif field == "fixedFooter":
            parts["footer"] = [_button(button, numbers) for button in value.values()]
    return parts


def _widget(widget: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    kind, inner = next((kind, inner) for kind, inner in widget.items() if isinstance(inner, Mapping))
    if kind == "decoratedText":
        icon = inner.get("startIcon", {}).get("knownIcon", "")
        # The click on the widget itself comes first, as in `addon_host.clicks`.
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
