"""Draws the tray icon: our mark, a letter behind a gate, on a tile. The states differ in shape as well as in colour.

The tiles contrast at least 3:1 with white and with dark panels (a test checks it), so they are lighter than the mark
of the pages. Everything is drawn large and scaled down once, so that strokes stay clear at 16 px.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from tray_app.state import Icon

Colour = tuple[int, int, int, int]
GRID = 64
SCALE = 8
WHITE = (255, 255, 255, 255)
GATE = (159, 224, 208, 255)
CLEAR = (0, 0, 0, 0)
BADGE = (200, 80, 0, 255)
MARK = (31, 95, 91, 255)
LETTER = ((7, 11.5), (16, 18), (25, 11.5))
POSTS = ((7, 10.5, 22.5), (25, 10.5, 22.5), (12, 20, 22.5), (16, 22, 22.5), (20, 20, 22.5))
"""The mark in the units of `mark.svg`, 32 to a side: the letter's flap; x, top and bottom of the gate's posts."""
STROKE = 2.4
BOLD = (3.0, 1.06)
"""Width of a stroke and size for the tray, so that it is clear in 16 px."""
TILES: dict[Icon, Colour] = {
    Icon.ACTIVE: (14, 136, 126, 255),
    Icon.NEW_HELD: (14, 136, 126, 255),
    Icon.PAUSED: (112, 122, 136, 255),
    Icon.OFFLINE: (112, 122, 136, 255),
    Icon.ATTENTION: (216, 58, 58, 255),
}


@lru_cache(maxsize=64)
def draw(icon: Icon, badge: int = 0, size: int = GRID) -> Image.Image:
    """The icon as an RGBA image of `size` × `size` pixels; `badge` is a count, 0 for none."""
    glyphs = {Icon.PAUSED: _pause_bars, Icon.ATTENTION: _exclamation_mark, Icon.OFFLINE: _crossed_gate}
    return _drawn(TILES[icon], glyphs.get(icon, lambda pen, _: _gate(pen, *BOLD)), badge, size)


def mark(size: int) -> Image.Image:
    """The icon of the program, for menus of programs and their windows: as on the pages."""
    return _drawn(MARK, lambda pen, _: _gate(pen, STROKE), 0, size)


def _drawn(
    tile: Colour, glyph: Callable[[ImageDraw.ImageDraw, Colour], None], badge: int, size: int
) -> Image.Image:
    image = Image.new("RGBA", (GRID * SCALE, GRID * SCALE), CLEAR)
    pen = ImageDraw.Draw(image)
    _box(pen, 0, 0, GRID, GRID, radius=16, fill=tile)
    glyph(pen, tile)
    if badge:
        _badge(pen, badge)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _gate(pen: ImageDraw.ImageDraw, width: float, zoom: float = 1.0) -> None:
    def place(x: float, y: float) -> tuple[float, float]:
        return GRID / 2 + (2 * x - GRID / 2) * zoom, GRID / 2 + (2 * y - GRID / 2) * zoom

    half = width  # of the mark's units, each is two of the pen's
    for start, end in pairwise(LETTER):
        _line(pen, place(*start), place(*end), WHITE, 2 * half)
    for x, y in (place(*corner) for corner in LETTER):
        pen.ellipse(_at(x - half, y - half, x + half, y + half), fill=WHITE)
    for at, top, bottom in POSTS:
        (x, low), (_, high) = place(at, top), place(at, bottom)
        _box(pen, x - half, low - half, x + half, high + half, radius=half, fill=GATE)


def _crossed_gate(pen: ImageDraw.ImageDraw, tile: Colour) -> None:
    _gate(pen, *BOLD)
    _line(pen, (13, 54), (53, 11), tile, 15)
    _line(pen, (13, 54), (53, 11), WHITE, 7)


def _pause_bars(pen: ImageDraw.ImageDraw, tile: Colour) -> None:
    _box(pen, 17, 15, 28, 49, radius=3, fill=WHITE)
    _box(pen, 36, 15, 47, 49, radius=3, fill=WHITE)


def _exclamation_mark(pen: ImageDraw.ImageDraw, tile: Colour) -> None:
    _box(pen, 27, 11, 37, 38, radius=4, fill=WHITE)
    _box(pen, 27, 43, 37, 53, radius=5, fill=WHITE)


def _badge(pen: ImageDraw.ImageDraw, count: int) -> None:
    """A count of 1 to 9, else a plus sign, with a transparent rim around it."""
    left, top, right, bottom = 24, 24, 64, 64
    pen.ellipse(_at(left - 3, top - 3, right + 3, bottom + 3), fill=CLEAR)
    pen.ellipse(_at(left, top, right, bottom), fill=BADGE)
    text = str(count) if count < 10 else "+"
    font = ImageFont.load_default(size=34 * SCALE)
    middle = ((left + right) * SCALE / 2, (top + bottom) * SCALE / 2)
    pen.text(middle, text, font=font, fill=WHITE, anchor="mm", stroke_width=SCALE, stroke_fill=WHITE)


def _at(*numbers: float) -> tuple[float, ...]:
    return tuple(number * SCALE for number in numbers)


def _box(
    pen: ImageDraw.ImageDraw,
    left: float,
    top: float,
    right: float,
    bottom: float,
    *,
    radius: float,
    fill: Colour | None = None,
    outline: Colour | None = None,
    width: float = 0,
) -> None:
    pen.rounded_rectangle(
        _at(left, top, right, bottom), radius * SCALE, fill=fill, outline=outline, width=round(width * SCALE)
    )


def _line(
    pen: ImageDraw.ImageDraw,
    start: tuple[float, float],
    end: tuple[float, float],
    ink: Colour,
    width: float,
) -> None:
    pen.line((*_at(*start), *_at(*end)), fill=ink, width=round(width * SCALE))
