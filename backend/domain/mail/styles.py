"""Whether an element's style makes its text visible, and how it is laid out. The functions never raise.

Style sheets and attributes are read, with inherited colours and sizes. Rules for narrow screens or print are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import tinycss2
import tinycss2.color4

MAX_SHEET = 60_000
"""Characters of a style sheet that are read."""

MAX_RULES = 300
"""Rules that may change what is visible. Each is looked for once in the whole tree."""

_WIDTH = 800
_FAR = -300
_FAINT = 0.12
_SMALL = 3.0
_ALIKE = 1.3
"""The contrast to the background below which letters are invisible (black on white has 21)."""

# What may hide or move text; a style without any of these is ignored.
_TELLING = re.compile(
    r"display|visib|opacity|color|font|background|position|left|top|right|margin|indent|clip|height|width|transform"
    r"|direction|bidi|flex|hide|filter|zoom|scale|content|overflow|\\",
    re.I,
)
_ODD = re.compile(r"[\\\"'(]|/\*")
_LENGTH = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))(px|pt|em|rem|ex|ch|cm|mm|in|vw|vh|%)?", re.I)
_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "cm": 38.0, "mm": 3.8,
           "in": 96.0, "vw": 8.0, "vh": 6.0, "%": 8.0}  # fmt: skip
_SIZES = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0,
          "xx-large": 32.0, "smaller": 13.0, "larger": 19.0}  # fmt: skip
_MEDIA_WIDTH = re.compile(r"(min|max)-(?:device-)?width\s*+:\s*+([\d.]+)", re.I)
_ELSEWHERE = re.compile(r"\bprint\b|\bspeech\b|\bnot\b|prefers-color-scheme\s*+:\s*+dark", re.I)
_CUT = re.compile(
    r"rect\(\s*0(?:px)?[\s,]+[01](?:px)?[\s,]+[01](?:px)?|inset\(\s*(?:50|100)%|circle\(\s*0|polygon\(\s*0"
)
_MOVED = re.compile(r"translate[3xy]?d?\(\s*+(-?[\d.]+)(px|%|em|vw)?(?:\s*+,\s*+(-?[\d.]+))?", re.I)
_SCALED = re.compile(r"scale[xy]?\(\s*+0?(?:\.0\d*)?\s*+[,)]", re.I)

Colour = tuple[float, float, float]
Declared = Mapping[str, str]
WHITE: Colour = (1.0, 1.0, 1.0)
BLACK: Colour = (0.0, 0.0, 0.0)
_LINK: Colour = (0.07, 0.33, 0.8)


class Style(NamedTuple):
    """How text looks in an element. `ground` is its background colour, None over a picture. `shown` follows
    `visibility`, which inner elements may change. `tint` is the opacity of the letters, `clear` that of the element.
    `leftward`: it is laid out from right to left. `away`: it is outside the screen, cut off or scaled to nothing."""

    colour: Colour = BLACK
    ground: Colour | None = WHITE
    size: float = 16.0
    shown: bool = True
    tint: float = 1.0
    clear: float = 1.0
    leftward: bool = False
    away: bool = False

    @property
    def seen(self) -> bool:
        """Whether text of this style is visible."""
        if not self.shown or self.away or self.size < _SMALL or min(self.tint, self.clear) < _FAINT:
            return False
        return self.ground is None or _contrast(self.colour, self.ground) >= _ALIKE


@lru_cache(maxsize=4_000)
def declarations_of(style: str) -> Declared:
    """The declarations of a `style` attribute that may hide or move text, by property. The last one wins unless an
    earlier one is marked as important."""
    if not _TELLING.search(style):
        return {}
    if _ODD.search(style) and ("\\" in style or "/*" in style or '"' in style or "'" in style):
        # The library resolves comments, escapes and strings; its output has none.
        tokens = tinycss2.parse_component_value_list(style, skip_comments=True)
        style = tinycss2.serialize([token for token in tokens if token.type not in ("string", "url")])
    found: dict[str, str] = {}
    important_names = set()
    for declaration in style.split(";"):
        name, colon, value = declaration.partition(":")
        if not colon or not _TELLING.search(name):
            continue
        name, value = name.strip().lower(), value.strip().lower()
        important = value.endswith(("!important", "! important"))
        if important:
            value = value.rpartition("!")[0].strip()
            important_names.add(name)
        if important or name not in important_names:
            found[name] = value
    return found


def style_in(
    parent: Style, tag: str, declarations: Declared, attributes: Mapping[str, str | None]
) -> Style | None:
    """The style of text in an element within `parent`; None if nothing in it is ever shown."""
    if _gone(declarations):
        return None
    colour, ground, size, shown, tint, clear, leftward, away = parent
    value = (
        declarations.get("-webkit-text-fill-color") or declarations.get("color") or attributes.get("color")
    )
    if value:
        colour, tint = _colour(value, colour)
    elif tag == "a":
        colour, tint = _LINK, 1.0
    ground = _ground(declarations, attributes, ground)
    if "font-size" in declarations or "font" in declarations:
        size = _size(declarations, size)
    if (visibility := declarations.get("visibility")) is not None:
        shown = visibility not in ("hidden", "collapse")
    if (opacity := declarations.get("opacity")) is not None:
        clear *= _share(opacity)
    if "filter" in declarations and re.search(r"opacity\(\s*+0?(?:\.0\d*)?%?\s*+\)", declarations["filter"]):
        clear = 0.0
    if (value := declarations.get("direction") or attributes.get("dir")) is not None:
        leftward = value.strip().lower() == "rtl"
    away = away or _away(declarations)
    return Style(colour, ground, size, shown, tint, clear, leftward, away)


def _gone(declarations: Declared) -> bool:
    return bool(declarations) and (
        declarations.get("display", "").startswith("none")
        or declarations.get("mso-hide") == "all"
        or declarations.get("content-visibility") == "hidden"
        or _flat(declarations)
    )


def _flat(declarations: Declared) -> bool:
    """Whether it is a box without height or width that hides what overflows."""
    if declarations.get("max-height", "") and _pixels(declarations["max-height"]) < 1:
        return True
    if "hidden" not in declarations.get("overflow", declarations.get("overflow-y", "")):
        return False
    sizes = [declarations.get(name) for name in ("height", "width", "max-width")]
    return any(value is not None and _pixels(value) <= 2 for value in sizes)


def _away(declarations: Declared) -> bool:
    """Whether it is moved off the screen, cut off or scaled to nothing."""
    if not declarations:
        return False
    if _pixels(declarations.get("text-indent", "0")) < _FAR:
        return True
    if any(_pixels(declarations.get(side, "0")) < _FAR for side in ("margin-left", "margin-top", "margin")):
        return True
    if _CUT.search(f"{declarations.get('clip', '')} {declarations.get('clip-path', '')}"):
        return True
    if declarations.get("position", "") in ("absolute", "fixed", "relative", "sticky"):
        edges = [_pixels(declarations.get(edge, "0")) for edge in ("left", "top", "right", "bottom")]
        if any(edge < _FAR or edge > 5_000 for edge in edges):
            return True
    moved = declarations.get("transform", "")
    if moved and (_SCALED.search(moved) or "rotatex(90" in moved or "rotatey(90" in moved):
        return True
    if match := _MOVED.search(moved):
        by = [
            float(step or 0) * _PIXELS.get((match[2] or "px").lower(), 1.0) for step in (match[1], match[3])
        ]
        return any(abs(step) > 700 for step in by)
    return declarations.get("zoom", "1") in ("0", "0.0", "0%") or declarations.get("scale", "1") in (
        "0",
        "0%",
    )


def _size(declarations: Declared, inherited: float) -> float:
    value = declarations.get("font-size") or declarations.get("font", "").partition("/")[0]
    if value in _SIZES:
        return _SIZES[value]
    found = list(_LENGTH.finditer(value))
    if not found:
        return inherited
    # In the short form `font`, which may begin with a weight, the last length is the size.
    number, unit = float(found[-1][1]), (found[-1][2] or "").lower()
    if unit in ("em", "%"):
        return inherited * (number if unit == "em" else number / 100)
    if not unit and number:
        return inherited
    return number * _PIXELS[unit]


def _pixels(value: str) -> float:
    match = _LENGTH.match(value.strip())
    return float(match[1][:9]) * _PIXELS[(match[2] or "").lower()] if match else 1_000.0


def _share(value: str) -> float:
    match = _LENGTH.match(value)
    if match is None:
        return 1.0
    share = float(match[1][:9]) / (100 if match[2] == "%" else 1)
    return min(max(share, 0.0), 1.0)


def _ground(
    declarations: Declared, attributes: Mapping[str, str | None], ground: Colour | None
) -> Colour | None:
    value = (
        declarations.get("background-color") or declarations.get("background") or attributes.get("bgcolor")
    )
    picture = "url(" in declarations.get("background", "") or "gradient(" in declarations.get(
        "background", ""
    )
    if picture or declarations.get("background-image", "none") != "none" or attributes.get("background"):
        return None
    if not value:
        return ground
    colour, alpha = _colour(value, ground or WHITE)
    if alpha >= 0.99 or ground is None:
        return colour if alpha >= 0.5 else ground
    red, green, blue = (c * alpha + g * (1 - alpha) for c, g in zip(colour, ground, strict=True))
    return red, green, blue


@lru_cache(maxsize=2_000)
def _colour(value: str, instead: Colour) -> tuple[Colour, float]:
    """(red, green, blue) from 0 to 1, and opacity; `instead` if the value is no colour."""
    for word in (value, *value.split()[:6]):
        text = word if word.startswith("#") or not re.fullmatch(r"[0-9a-f]{6}", word) else f"#{word}"
        colour = tinycss2.color4.parse_color(text[:60])
        if colour == "currentcolor":
            continue
        if colour is not None:
            red, green, blue = (float(part or 0) for part in colour.to("srgb").coordinates)
            return (red, green, blue), float(colour.alpha)
    return instead, 1.0


@lru_cache(maxsize=4_000)
def _contrast(one: Colour, other: Colour) -> float:
    lights = sorted(_light(colour) + 0.05 for colour in (one, other))
    return lights[1] / lights[0]


def _light(colour: Colour) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in
              (min(max(c, 0.0), 1.0) for c in colour)]  # fmt: skip
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# ---- The mail's style sheets


class Rule(NamedTuple):
    """One selector and its declarations. Of several rules for an element the one with the highest `weight` wins."""

    selector: str
    declarations: Declared
    weight: tuple[int, int, int, int]


def rules(sheet: str) -> list[Rule]:
    """The rules of a style sheet that may change what is visible, the winning ones last."""
    if not _TELLING.search(sheet):
        return []
    found: list[Rule] = []
    for prelude, body in _blocks(sheet[:MAX_SHEET]):
        if declarations := declarations_of(body):
            for selector in prelude.split(","):
                if len(found) < MAX_RULES:
                    found.append(Rule(selector.strip(), declarations, (*_specific(selector), len(found))))
    return sorted(found, key=lambda rule: rule.weight)


def _blocks(sheet: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    sheet = sheet.replace("<!--", " ").replace("-->", " ")
    for node in tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True):
        if node.type == "qualified-rule":
            yield tinycss2.serialize(node.prelude), tinycss2.serialize(node.content)
        elif node.type == "at-rule" and node.content is not None and depth < 3:
            condition = tinycss2.serialize(node.prelude)
            if node.lower_at_keyword in ("supports", "layer") or (
                node.lower_at_keyword == "media" and _holds(condition)
            ):
                yield from _blocks(tinycss2.serialize(node.content), depth + 1)


def _holds(condition: str) -> bool:
    """Whether a media query holds on an ordinary screen."""
    if _ELSEWHERE.search(condition):
        return False
    bounds = [(kind.lower(), float(number[:9])) for kind, number in _MEDIA_WIDTH.findall(condition)]
    return all(number <= _WIDTH if kind == "min" else number >= _WIDTH for kind, number in bounds)


def _specific(selector: str) -> tuple[int, int, int]:
    return (
        selector.count("#"),
        selector.count(".") + selector.count("[") + selector.count(":"),
        len(re.findall(r"(?:^|[\s>+~])[a-z]", selector, re.I)),
    )
