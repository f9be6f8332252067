"""The icons, looked at as numbers: they stand out from light and dark bars, and from one another."""

from __future__ import annotations

import itertools

import pytest
from PIL import Image, ImageChops

from tray_app.icons import BADGE, TILES, draw
from tray_app.state import Icon

LIGHT, DARK = (246, 246, 246), (32, 32, 36)
STATES = [(icon, 3 if icon is Icon.NEW_HELD else 0) for icon in Icon]


def luminance(colour: tuple[int, ...]) -> float:
    parts = [
        c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour[:3]
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("bar", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("icon", list(Icon))
def test_the_tile_stands_out_from_the_bar(icon: Icon, bar: tuple[int, int, int]) -> None:
    assert contrast(TILES[icon], bar) >= 3.0


@pytest.mark.parametrize("icon", list(Icon))
def test_the_glyph_stands_out_from_the_tile(icon: Icon) -> None:
    assert contrast((255, 255, 255), TILES[icon]) >= 3.0
    assert contrast((255, 255, 255), BADGE) >= 3.0


@pytest.mark.parametrize("size", [16, 22, 64])
def test_states_differ_without_colour_too(size: int) -> None:
    """In shades of grey on a light bar, any two states differ in many pixels: shape tells them apart."""
    shades = {}
    for icon, badge in STATES:
        ground = Image.new("RGBA", (size, size), (*LIGHT, 255))
        ground.alpha_composite(draw(icon, badge, size))
        shades[icon] = ground.convert("L")
    for one, other in itertools.combinations(Icon, 2):
        difference = ImageChops.difference(shades[one], shades[other]).tobytes()
        assert sum(value > 40 for value in difference) >= size * size * 0.06, (one, other)


@pytest.mark.parametrize(("icon", "badge"), STATES)
def test_nothing_is_drawn_over_the_edge_and_all_of_it_is_used(icon: Icon, badge: int) -> None:
    image = draw(icon, badge, 64)
    assert image.mode == "RGBA"
    assert image.size == (64, 64)
    box = image.getbbox()
    assert box is not None
    assert box[0] <= 2
    assert box[2] >= 62


def test_the_badge_counts_to_nine_and_then_says_more() -> None:
    nine, ten, eleven = (draw(Icon.NEW_HELD, count, 64).tobytes() for count in (9, 10, 11))
    assert nine != ten == eleven
