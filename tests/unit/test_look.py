"""What every page's look keeps to: short motion, none where it is not wanted, and one mark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from tray_app import icons

ROOT = Path(__file__).parents[2]
STYLES = [*ROOT.glob("backend/*/static/*.css"), *ROOT.glob("tray_app/page/*.css")]
MARK = re.findall(r'\bd="(M7 [^"]+)"', (ROOT / "backend/web/static/mark.svg").read_text())
MOTION = re.compile(r"(?:transition|animation)[\w-]*:([^;}]*)")
LONGEST = 0.2


@pytest.mark.parametrize("style", STYLES, ids=lambda path: path.name)
def test_nothing_moves_for_more_than_a_fifth_of_a_second(style: Path) -> None:
    moves = MOTION.findall(style.read_text())
    seconds = [
        float(number) / (1000 if unit == "ms" else 1)
        for each in moves
        for number, unit in re.findall(r"([\d.]+)(ms|s)\b", each)
    ]
    assert all(each < LONGEST for each in seconds), moves


def test_nothing_moves_where_motion_is_not_wanted() -> None:
    shared = (ROOT / "backend/web/static/system.css").read_text()
    still = shared.partition("@media (prefers-reduced-motion: reduce)")[2].partition("@media")[0]
    assert "animation: none !important" in still
    assert "transition: none !important" in still
    webmail = (ROOT / "backend/sandbox/static/sandbox.css").read_text()
    before = webmail.partition("@media (prefers-reduced-motion: no-preference)")[0]
    assert MOTION.findall(before) == []


@pytest.mark.parametrize("place", ["backend/web/templates/live_lanes.html", "tray_app/page/review.html"])
def test_the_mark_is_the_same_wherever_it_is_drawn(place: str) -> None:
    drawn = (ROOT / place).read_text()
    assert MARK
    for path in MARK:
        assert path in drawn


def test_the_tray_draws_the_mark_of_the_pages() -> None:
    letter, posts = MARK
    assert [*icons.LETTER] == [(7, 11.5), (16, 18), (25, 11.5)]
    assert letter == "M7 11.5 16 18l9-6.5"
    drawn = re.findall(r"M([\d.]+) ([\d.]+)v([\d.]+)", posts)
    assert {(x, top, top + long) for x, top, long in (map(float, one) for one in drawn)} == {*icons.POSTS}
    assert f'stroke-width="{icons.STROKE}"' in (ROOT / "backend/web/static/mark.svg").read_text()


@pytest.mark.parametrize(("name", "size"), [("logo-128.png", 128), ("icon-192.png", 192)])
def test_cards_and_home_screens_show_the_mark_of_the_window(name: str, size: int) -> None:
    shown, window = (_on_white(each) for each in (_static(name), icons.mark(size)))
    apart = ImageStat.Stat(ImageChops.difference(shown, window)).mean
    assert max(apart) < 3, "edges only: another drawing is ten times as far"


def _static(name: str) -> Image.Image:
    return Image.open(ROOT / "backend/web/static" / name)


def _on_white(picture: Image.Image) -> Image.Image:
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    return white.convert("RGB")
