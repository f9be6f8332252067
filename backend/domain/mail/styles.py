"""Whether an element's style makes its text visible, and how it is laid out. The functions never raise.

Style sheets and attributes are read, with inherited colours and sizes. Rules for narrow screens or print are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import NamedTuple

import tinycss2
import tinycss2.color4
from tinycss2.ast import Node

from backend.domain.mail.selectors import Selectors

MAX_SHEET = 60_000
"""Characters of a style sheet, or of the style of one element, that are read."""

MAX_CACHED = 1_000
"""Characters of a style that is kept, since mail repeats the same ones."""

_LONGEST = 300
"""Characters of a value that are read. Honest ones are shorter."""

_DEEPEST = 50
"""Brackets within brackets of a style that are read. The library raises on hundreds."""

_WIDTH = 800  # pixels, for media queries
_FAR = -300  # pixels: text moved further left or up is invisible
_FAINT = 0.12  # opacity: less is invisible
_SMALL = 3.0  # pixels: a smaller font is unreadable
_TOO_SMALL = 0.2  # zoom or scale: less makes letters of an ordinary size unreadable
_LEAST_CONTRAST = 1.3  # to the background; black on white has 21

_SINGLE = """
display visibility opacity filter mso-hide content-visibility direction unicode-bidi flex-direction flex-flow
color -webkit-text-fill-color background-color background-image font-size text-indent letter-spacing
line-height height width max-height max-width block-size inline-size overflow-y clip clip-path
position left top right bottom margin-left margin-top transform translate scale zoom
"""
# What may hide or move text, each with what it sets anew; a style without any of these is ignored.
_MAY_HIDE = dict.fromkeys(_SINGLE.split(), ()) | {
    "background": ("background-color", "background-image"),
    "font": ("font-size", "line-height"),
    "inset": ("left", "top", "right", "bottom"),
    "margin": ("margin-left", "margin-top"),
    "overflow": ("overflow-y",),
}
_MAY_HIDE_SOMETHING = re.compile("|".join([*_MAY_HIDE, r"\\"]), re.I)
_NEEDS_TOKENS = re.compile(r"[\\\"']|/\*")
_LEADING_ZEROS = re.compile(r"(?<![\w.#-])([-+]?)0{300,}(?=\d)")
_MANY_DIGITS = re.compile(r"(\d{300})\d+")
_CUSTOM = re.compile(r"(--[\w-]{1,50})\s*+:\s*+([^;{}\"'<>]{1,30})")
_VAR = re.compile(r"var\(\s*+(--[\w-]{1,50})\s*+(?:,([^()]{0,30}))?\)")
_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d{1,3})?)"
_LENGTH = re.compile(rf"{_NUMBER}(px|pt|em|rem|ex|ch|cm|mm|in|vw|vh|%)?", re.I)
_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "cm": 38.0, "mm": 3.8,
           "in": 96.0, "vw": 8.0, "vh": 6.0, "%": 8.0}  # fmt: skip
_SIZES = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0,
          "xx-large": 32.0, "smaller": 13.0, "larger": 19.0}  # fmt: skip
_MEDIA_WIDTH = re.compile(rf"(min|max)-(?:device-)?width\s*+:\s*+{_NUMBER}", re.I)
_OTHER_MEDIA = re.compile(r"\bprint\b|\bspeech\b|\bnot\b|prefers-color-scheme\s*+:\s*+dark", re.I)
_CLIPPED = re.compile(
    r"rect\(\s*0(?:px)?[\s,]+[01](?:px)?[\s,]+[01](?:px)?|inset\(\s*(?:50|100)%|circle\(\s*0|polygon\(\s*0"
)
_TRANSLATED = re.compile(r"translate(3d|x|y)?\(([^(),]*+),?([^(),]*+)", re.I)
_SCALED = re.compile(r"(?:scale(?:[xy]|3d)?|matrix(?:3d)?)\(\s*+0?(?:\.0\d*)?\s*+[,)]", re.I)
_FURTHEST = re.compile(
    r"-(?:\d{4,}|[3-9]\d\d)(?:\.\d+)?px|-\d{3,}(?:\.\d+)?(?:vw|vh|%)|-\d{2,}(?:\.\d+)?r?em", re.I
)
"""Lengths further left or up than the screen, anywhere in a value."""

_SELECTORS = re.compile(r"(?:[^,()]++|\([^()]{0,80}+\)|[()])++")
_BY_ATTRIBUTE = re.compile(r"\[\s*+([a-z][\w-]{0,30})", re.I)

Colour = tuple[float, float, float]
Declarations = Mapping[str, str]  # a style's values by property, all lower case
WHITE: Colour = (1.0, 1.0, 1.0)
BLACK: Colour = (0.0, 0.0, 0.0)
_LINK_COLOUR: Colour = (0.07, 0.33, 0.8)


class Style(NamedTuple):
    """How text looks in an element. `background` is its colour, None for a picture. `shown` follows `visibility`, which
    inner elements may change. `alpha` is the opacity of the letters' colour, `opacity` that of the element and those
    around it. `off_screen`: moved off the screen, clipped or scaled to nothing."""

    colour: Colour = BLACK
    background: Colour | None = WHITE
    size: float = 16.0
    shown: bool = True
    alpha: float = 1.0
    opacity: float = 1.0
    right_to_left: bool = False
    off_screen: bool = False

    @property
    def seen(self) -> bool:
        """Whether text of this style is visible."""
        if not self.shown or self.off_screen or self.size < _SMALL or min(self.alpha, self.opacity) < _FAINT:
            return False
        return self.background is None or _contrast(self.colour, self.background) >= _LEAST_CONTRAST


def with_values(html: str) -> str:
    """`html` with each `var(--name)` of its styles replaced by what the mail itself sets that property to."""
    if "var(" not in html:
        return html
    values = dict(_CUSTOM.findall(html))
    return _VAR.sub(lambda used: (values.get(used[1]) or used[2] or "").strip(), html)


def declarations_of(style: str) -> Declarations:
    """The declarations of a `style` attribute that may hide or move text, by property. The last one wins unless an
    earlier one is marked as important."""
    return _declared(style)[0]


def _declared(style: str) -> tuple[Declarations, Declarations]:
    return (_declared_often if len(style) < MAX_CACHED else _read_style)(style)


def _read_style(style: str) -> tuple[Declarations, Declarations]:
    """All declarations of a style that may hide or move text, and those of them that are marked as important."""
    if not _MAY_HIDE_SOMETHING.search(style):
        return {}, {}
    if _NEEDS_TOKENS.search(style):
        # The library resolves comments, escapes and strings; its output has none.
        style = tinycss2.serialize([one for one in _tokens(style) if one.type not in ("string", "url")])
    found: dict[str, str] = {}
    marked: dict[str, str] = {}
    for declaration in style.split(";"):
        name, colon, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip().lower()
        if not colon or name not in _MAY_HIDE:
            continue
        important = value.endswith(("!important", "! important"))
        among = marked if important else found
        among[name] = (value.rpartition("!")[0].strip() if important else value)[:_LONGEST]
        for other in _MAY_HIDE[name]:
            among.pop(other, None)
    return {**found, **marked}, marked


_declared_often = lru_cache(maxsize=4_000)(_read_style)


def _tokens(css: str) -> list[Node]:
    """The tokens of CSS without what the library raises on: brackets nested too deeply, numbers of 4,300 digits."""
    css = _MANY_DIGITS.sub(r"\1", _LEADING_ZEROS.sub(r"\1", css))
    tokens: list[Node] = tinycss2.parse_component_value_list(css, skip_comments=True)
    if sum(map(css.count, "([{")) > _DEEPEST:
        level = list(map(_inside, tokens))
        for _ in range(_DEEPEST):
            level = [_inside(token) for inner in level for token in inner]
        for inner in level:
            inner.clear()
    return tokens


def _inside(token: Node) -> list[Node]:
    """The tokens in brackets; none if it is a single one."""
    inner: list[Node] | None = getattr(token, "content", None) or getattr(token, "arguments", None)
    return inner or []


def style_in(
    parent: Style, tag: str, declarations: Declarations, attributes: Mapping[str, str | None]
) -> Style | None:
    """The style of text in an element within `parent`; None if nothing in it is ever shown."""
    if _never_shown(declarations):
        return None
    colour, background, size, shown, alpha, opacity, right_to_left, off_screen = parent
    value = (
        declarations.get("-webkit-text-fill-color") or declarations.get("color") or attributes.get("color")
    )
    if value:
        colour, alpha = _colour(value, colour)
    elif tag == "a":
        colour, alpha = _LINK_COLOUR, 1.0
    background = _background(declarations, attributes, background)
    if "font-size" in declarations or "font" in declarations:
        size = _size(declarations, size)
    if (visibility := declarations.get("visibility")) is not None:
        shown = visibility not in ("hidden", "collapse")
    if (value := declarations.get("opacity")) is not None:
        opacity *= _opacity(value)
    if "filter" in declarations and re.search(r"opacity\(\s*+0?(?:\.0\d*)?%?\s*+\)", declarations["filter"]):
        opacity = 0.0
    if (value := declarations.get("direction") or attributes.get("dir")) is not None:
        right_to_left = value.strip().lower() == "rtl"
    off_screen = off_screen or _is_off_screen(declarations)
    return Style(colour, background, size, shown, alpha, opacity, right_to_left, off_screen)


def _never_shown(declarations: Declarations) -> bool:
    return bool(declarations) and (
        declarations.get("display", "").startswith("none")
        or declarations.get("mso-hide") == "all"
        or declarations.get("content-visibility") == "hidden"
        or _has_no_size(declarations)
    )


def _has_no_size(declarations: Declarations) -> bool:
    """Whether it is a box of almost no size, by `max-height`, or by another size while what overflows is hidden."""
    if declarations.get("max-height", "") and _pixels(declarations["max-height"]) < 1:
        return True
    if declarations.get("overflow", declarations.get("overflow-y", "visible")).startswith("visible"):
        return False
    sizes = [declarations.get(name) for name in ("height", "width", "max-width", "block-size", "inline-size")]
    return _pixels(declarations.get("line-height", "")) < 0.1 or any(
        value is not None and _pixels(value) <= 2 for value in sizes
    )


def _is_off_screen(declarations: Declarations) -> bool:
    """Whether it is moved off the screen, clipped or scaled to nothing."""
    if not declarations:
        return False
    if _pixels(declarations.get("text-indent", "0")) < _FAR:
        return True
    if any(
        _FURTHEST.search(declarations.get(name, ""))
        for name in ("margin", "margin-left", "margin-top", "inset")
    ):
        return True
    if _pixels(declarations.get("letter-spacing", "0")) <= -6:
        return True
    if _CLIPPED.search(f"{declarations.get('clip', '')} {declarations.get('clip-path', '')}"):
        return True
    if declarations.get("position", "") in ("absolute", "fixed", "relative", "sticky"):
        edges = [_pixels(declarations.get(edge, "0")) for edge in ("left", "top", "right", "bottom")]
        if any(edge < _FAR or edge > 5_000 for edge in edges):
            return True
    moved = declarations.get("transform", "")
    if (shift := declarations.get("translate", "")) and abs(_pixels(shift)) > 700:
        return True
    if moved and (_SCALED.search(moved) or "rotatex(90" in moved or "rotatey(90" in moved):
        return True
    steps = [
        (0.0, _pixels(first, 0.0)) if axis == "y" else (_pixels(first, 0.0), _pixels(second, 0.0))
        for axis, first, second in _TRANSLATED.findall(moved)
    ]
    if any(abs(sum(along)) > 700 for along in zip(*steps, strict=True)):
        return True
    return any(_opacity(declarations.get(name, "1")) < _TOO_SMALL for name in ("zoom", "scale"))


def _size(declarations: Declarations, inherited: float) -> float:
    value = declarations.get("font-size") or declarations.get("font", "").partition("/")[0]
    if value in _SIZES:
        return _SIZES[value]
    found = list(_LENGTH.finditer(value))
    if not found:
        return inherited
    # In the short form `font`, which may begin with a weight, the last length is the size.
    size = found[0 if value.startswith(("min(", "clamp(")) else -1]
    number, unit = float(size[1]), (size[2] or "").lower()
    if unit in ("em", "%"):
        return inherited * (number if unit == "em" else number / 100)
    if not unit and number:
        return inherited
    return number * _PIXELS[unit]


def _pixels(value: str, other: float = 1_000.0) -> float:
    """A length in pixels; `other` for anything else, such as auto, which hides nothing."""
    match = _LENGTH.match(value.strip().removeprefix("calc("))
    return float(match[1]) * _PIXELS[(match[2] or "").lower()] if match else other


def _opacity(value: str) -> float:
    """An opacity, zoom or scale from 0 to 1; 1 if it is unreadable."""
    match = _LENGTH.match(value)
    if match is None:
        return 1.0
    share = float(match[1]) / (100 if match[2] == "%" else 1)
    return min(max(share, 0.0), 1.0)


def _background(
    declarations: Declarations, attributes: Mapping[str, str | None], background: Colour | None
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
        return background
    colour, alpha = _colour(value, background or WHITE)
    if alpha >= 0.99 or background is None:  # a colour over a picture hides it or not: they cannot be mixed
        return colour if alpha >= 0.5 else background
    red, green, blue = (c * alpha + g * (1 - alpha) for c, g in zip(colour, background, strict=True))
    return red, green, blue


@lru_cache(maxsize=2_000)
def _colour(value: str, fallback: Colour) -> tuple[Colour, float]:
    """(red, green, blue) from 0 to 1, and opacity; `fallback` if the value is no colour."""
    for word in (value, *value.split()[:6]):
        # In an attribute, the # of a hexadecimal colour may be missing.
        text = word if word.startswith("#") or not re.fullmatch(r"[0-9a-f]{6}", word) else f"#{word}"
        try:
            colour = tinycss2.color4.parse_color(text[:60])
            if colour is not None and colour != "currentcolor":
                return _in_srgb(colour), float(colour.alpha)
        except (ArithmeticError, ValueError):
            continue  # the library raises on some of what is no colour, and on the largest numbers
    return fallback, 1.0


def _in_srgb(colour: tinycss2.color4.Color) -> Colour:
    """Its red, green and blue. In spaces that the library does not turn into these, about the same lightness and
    brightness will do: only contrasts are computed."""
    if colour.space in ("hsl", "hwb"):
        colour = colour.to("srgb")
    elif colour.space in ("lab", "lch", "oklab", "oklch", "xyz-d50", "xyz-d65"):
        lightness = colour.to("lab").coordinates[0] / 100
        colour = tinycss2.color4.Color("srgb", (lightness, lightness, lightness), colour.alpha)
    # Not a number counts as 0, as in browsers.
    red, green, blue = (min(1.0, max(0.0, float(part or 0))) for part in colour.coordinates)
    return red, green, blue


@lru_cache(maxsize=4_000)
def _contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of WCAG, from 1 to 21."""
    luminances = sorted(_luminance(colour) + 0.05 for colour in (one, other))
    return luminances[1] / luminances[0]


def _luminance(colour: Colour) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# ---- The mail's style sheets


class Rule(NamedTuple):
    """One selector and its declarations. `weight` is its specificity, then its place: the highest one wins.
    `important`: those that win over the element's own style, too."""

    selector: str
    declarations: Declarations
    important: Declarations
    weight: tuple[int, int, int, int]


def named_attributes(sheet: str) -> frozenset[str]:
    """The attributes by which a style sheet's selectors choose elements, at most ten."""
    return frozenset(islice((found[1].lower() for found in _BY_ATTRIBUTE.finditer(sheet)), 10))


def rules(sheet: str) -> list[Rule]:
    """The rules of a style sheet that may change what is visible, the winning ones last."""
    if not _MAY_HIDE_SOMETHING.search(sheet):
        return []
    found: list[Rule] = []
    sheet = sheet[:MAX_SHEET].replace("<!--", " ").replace("-->", " ")
    for prelude, body in _blocks(_tokens(sheet)):
        declarations, important = _declared(body)
        for selector in _SELECTORS.findall(prelude) if declarations else ():
            weight = (*_specificity(selector), len(found))
            found.append(Rule(selector.strip(), declarations, important, weight))
    return sorted(found, key=lambda rule: rule.weight)


def declared_by_rules(selectors: Selectors, sheet: str) -> dict[int, Declarations]:
    """The declarations for the nodes of a selectolax tree that a style sheet selects, by the nodes' ids in memory. A
    node's own style overrides the sheet's rules; important ones override both."""
    found = rules(sheet)
    chosen: dict[int, list[int]] = {}
    style_of: dict[int, str] = {}
    for number, rule in reversed([*enumerate(found)]):  # the rules that win, before time is used up
        for node in selectors.chosen(rule.selector):
            if (node_id := node.mem_id) not in style_of:
                style_of[node_id], chosen[node_id] = node.attributes.get("style") or "", []
            chosen[node_id].append(number)

    @cache
    def by_sheet(numbers: tuple[int, ...]) -> tuple[Declarations, Declarations]:
        several = [found[number] for number in numbers]
        declared = {name: value for rule in several for name, value in rule.declarations.items()}
        return declared, {name: value for rule in several for name, value in rule.important.items()}

    by_rules: dict[int, Declarations] = {}
    for node_id, numbers in chosen.items():
        (declared, important), (own, own_important) = (
            by_sheet(tuple(numbers[::-1])),
            _declared(style_of[node_id]),
        )
        by_rules[node_id] = {**declared, **own, **important, **own_important}
    return by_rules


def _blocks(sheet: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """The selectors and declarations of a style sheet, as written, with those in rules that apply."""
    for node in tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True):
        if node.type == "qualified-rule":
            yield tinycss2.serialize(node.prelude), tinycss2.serialize(node.content)
        elif node.type == "at-rule" and node.content is not None:
            condition = tinycss2.serialize(node.prelude)
            if node.lower_at_keyword in ("supports", "layer", "container") or (
                node.lower_at_keyword == "media" and _applies(condition)
            ):
                yield from _blocks(node.content)


def _applies(condition: str) -> bool:
    """Whether a media query holds on an ordinary screen."""
    if _OTHER_MEDIA.search(condition):
        return False
    bounds = [(kind.lower(), float(number)) for kind, number in _MEDIA_WIDTH.findall(condition)]
    return all(number <= _WIDTH if kind == "min" else number >= _WIDTH for kind, number in bounds)


def _specificity(selector: str) -> tuple[int, int, int]:
    return (
        selector.count("#"),
        selector.count(".") + selector.count("[") + selector.count(":"),
        len(re.findall(r"(?:^|[\s>+~])[a-z]", selector, re.I)),
    )
