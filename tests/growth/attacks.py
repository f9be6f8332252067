"""Texts made to cost time: from the parse tree of a pattern, and of what an email can be full of.

A pattern takes too long where it may read the same stretch again and again: so each of its repeats is given a long run
of what it repeats, after what must stand before it, and with an end that does not fit.
"""

from __future__ import annotations

import re
import re._constants as c
import re._parser as parser
import string
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

LONG = 30
"""Repeats of fewer are left alone: they multiply nothing."""

ENDS = ("\x00", "")
_ALPHABET = " \t\n.,:;-_@<>()[]\"'=/?%$" + "a1A" + string.ascii_lowercase + "ü"
_CLASSES = {
    c.CATEGORY_DIGIT: "1", c.CATEGORY_NOT_DIGIT: "a", c.CATEGORY_SPACE: " ", c.CATEGORY_NOT_SPACE: "a",
    c.CATEGORY_WORD: "a", c.CATEGORY_NOT_WORD: "-",
}  # fmt: skip
_REPEATS = (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT)

Text = Callable[[int], str]


@cache
def of_pattern(pattern: re.Pattern[Any]) -> dict[str, Text]:
    """Name to a function from a length to a text of about that length."""
    raw = pattern.pattern
    source = raw.decode("latin-1") if isinstance(raw, bytes) else raw
    items = list(parser.parse(source, pattern.flags & ~re.UNICODE & ~re.DEBUG))
    found: dict[str, Text] = {}
    wholes = list(dict.fromkeys(_example(items, choice) for choice in range(_branches(items))))
    for whole in (w for w in wholes if w):
        for near in dict.fromkeys((whole, whole[:-1], whole[1:])):
            if near:
                found[f"{near!r} again and again"] = _repeated("", near, "\x00")
                found[f"{near!r} on many lines"] = _repeated("", near + "\n", "\x00")
    for before, body in [*_repeats(items, "", 0), *_repeats(items, "", 1)]:
        pumps = _pumps(body, pattern.flags)
        for pump in pumps:
            for end in ENDS:
                found[f"{before!r}, {pump!r} …, {end!r}"] = _repeated(before, pump, end)
            line = before + pump * (300 // len(pump)) + "\x00\n"
            found[f"{before!r}, {pump!r} 300 long, on many lines"] = _repeated("", line, "")
        found.update(_mixed(before, pumps))
    return found


def _mixed(before: str, pumps: Sequence[str]) -> Iterator[tuple[str, Text]]:
    """Two runs one after the other, for repeats that overlap."""
    for first, second in pairwise(pumps):
        yield f"{before!r}, {first!r} … {second!r} …", _twice(before, first, second)


def _repeated(before: str, unit: str, end: str) -> Text:
    return lambda n: before + unit * max(1, (n - len(before) - len(end)) // len(unit)) + end


def _twice(before: str, first: str, second: str) -> Text:
    return lambda n: before + first * (n // 2 // len(first)) + second * (n // 2 // len(second)) + "\x00"


def _repeats(items: Sequence[Any], before: str, choice: int) -> Iterator[tuple[str, Sequence[Any]]]:
    """(what must stand before it, what it repeats) of each long repeat."""
    for op, value in items:
        if op in _REPEATS:
            _, most, body = value
            if most is c.MAXREPEAT or most >= LONG:
                yield before, list(body)
            yield from _repeats(body, before, choice)
        elif op is c.BRANCH:
            for branch in value[1]:
                yield from _repeats(branch, before, choice)
        elif inner := _inner(op, value):
            yield from _repeats(inner, before, choice)
        before += _example([(op, value)], choice)


def _inner(op: Any, value: Any) -> Sequence[Any]:
    if op is c.SUBPATTERN:
        return list(value[3])
    if op is c.ATOMIC_GROUP:
        return list(value)
    if op in (c.ASSERT, c.ASSERT_NOT):
        return list(value[1])
    return ()


def _pumps(body: Sequence[Any], flags: int) -> list[str]:
    """Short texts the repeated part takes, at most six: an example, and single characters of each kind."""
    found = [example for choice in range(4) if (example := _example(body, choice))]
    if len(body) == 1 and body[0][0] in (c.IN, c.NOT_LITERAL, c.ANY, c.LITERAL):
        found += [char for char in _ALPHABET if _takes(body[0], char, flags)]
    return list(dict.fromkeys(found))[:6]


def _takes(item: tuple[Any, Any], char: str, flags: int) -> bool:
    op, value = item
    if op is c.LITERAL:
        return ord(char) == value
    if op is c.NOT_LITERAL:
        return ord(char) != value
    if op is c.ANY:
        return char != "\n" or bool(flags & re.DOTALL)
    negated = value[0][0] is c.NEGATE
    return any(_in(part, char) for part in value[negated:]) != negated


def _in(part: tuple[Any, Any], char: str) -> bool:
    op, value = part
    if op is c.LITERAL:
        return ord(char) == value
    if op is c.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    return re.fullmatch({c.CATEGORY_DIGIT: r"\d", c.CATEGORY_NOT_DIGIT: r"\D", c.CATEGORY_SPACE: r"\s",
                         c.CATEGORY_NOT_SPACE: r"\S", c.CATEGORY_WORD: r"\w", c.CATEGORY_NOT_WORD: r"\W"}[value],
                        char) is not None  # fmt: skip


def _branches(items: Sequence[Any]) -> int:
    """How many ways of filling in are tried: as many as the widest branch has, at most 40."""
    widest = 1
    for op, value in items:
        if op is c.BRANCH:
            widest = max(widest, len(value[1]), *(_branches(branch) for branch in value[1]))
        elif op in _REPEATS:
            widest = max(widest, _branches(value[2]))
        else:
            widest = max(widest, _branches(_inner(op, value)))
    return min(40, widest)


def _example(items: Sequence[Any], choice: int) -> str:
    """A text that fits, but for what is asserted around it; `choice` picks among alternatives."""
    out = []
    for op, value in items:
        if op is c.LITERAL:
            out.append(chr(value))
        elif op is c.ANY:
            out.append(" a"[choice % 2])  # a blank, so that a word may end before it
        elif op is c.NOT_LITERAL:
            out.append("a" if value != ord("a") else "b")
        elif op is c.IN:
            fitting = [char for char in _ALPHABET if _takes((op, value), char, 0)]
            first = next(
                (v if o is c.LITERAL else v[0] for o, v in value if o in (c.LITERAL, c.RANGE)), ord("a")
            )
            out.append(fitting[choice % len(fitting)] if fitting else chr(first))
        elif op is c.CATEGORY:
            out.append(_CLASSES[value])
        elif op is c.BRANCH:
            out.append(_example(value[1][choice % len(value[1])], choice))
        elif op in _REPEATS:
            out.append(_example(value[2], choice) * max(value[0], 1))
        elif op in (c.SUBPATTERN, c.ATOMIC_GROUP):
            out.append(_example(_inner(op, value), choice))
    return "".join(out)


_TAGS = (
    "b",
    "font",
    "a",
    "p",
    "div",
    "span",
    "li",
    "dd",
    "td",
    "table",
    "select",
    "option",
    "svg",
    "template",
    "x-y",
)


def _opened_again(tag: str) -> Text:
    return lambda n: (
        "<div>" + "".join(f"<{tag} id={i}>" for i in range(n // 30)) + "</div>" + "<p>x" * (n // 8)
    )


_RULES = (".b ~ .a ~ .a", ".b div div div .a", "p:has(~ .b)", "p:nth-child(2):nth-last-of-type(3)")
_ELEMENTS = ("<p class=a>", "<div class=a>" * 40 + "</div>" * 40, f"<p class='{'a ' * 1_900}'>")


def _styled(unit: str) -> Text:
    return lambda n: "<style>p{" + unit * (n // 2 // len(unit)) + "}</style>" + "<p>x" * (n // 8)


def _parts(n: int) -> str:
    """Parts within parts, and in the innermost a line a letter."""
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n" for i in range(n // 200))
    return head + "\n" + "a\n" * max(0, (n - len(head)) // 2)


def of_mail() -> dict[str, Text]:
    """What an email can be full of, whatever the rules for it are."""
    units = (
        " ", "\n", "\r", "\t", "a", "A", "1", "ü", "\u0130", "\ud800", "\x00", "\u200b", "a ", "1 ", "a\n", "> ",
        ">\n", ">> a\n", "(", ")", "()", "((a)", "[", "]", "<", ">", "<>", "{", "{{", '"', '""', "'", "\\", "\\\\",
        '\\"', ",", ";", ":", ".", "-", "--\n", "_", "@", "@a", "a@", "a@b.test ", "a@b.test, ", '"a" <a@b.test>, ',
        "a,", "a.", "a-", "a;", "<a@b>", "<a", "=?", "=?=", "?=", "=?utf-8?q?a?=", "=?utf-8?q?a?= ",
        "=?utf-8?b?YQ==?=", "=?x?b?", "=?u?q?=C3?= =?u?q?=BC?= ", "a: b\n", "a:\n b\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n", "--b\n", "--b--\n", "boundary=b ",
        "Content-Type: message/rfc822\n\n", "Content-Disposition: attachment; filename=a\n\n", ';a="',
        "; a*0*=x''%41", "Subject: a\n", "charset=", "=41", "=\n", "begin 644 a\n", "<!--", "-->", "<!-- -->", "&",
        "&amp", "&#1", "</", "<a ", "<a href='", '<a b="<', "<p a", "<p style='display", "<b></p>", "<a></p>",
        "<i></b>", "<table><tr><td>", "<ul><li>", "<li><dd>", "https://a.test ", "www.a ", "$1 ", "50 %", "10:30 ",
        "+49 30 1234567 ", "on 1 a@b.test:\n", "we help ", "quick call ", "a wrote:\n", "Re: ", "From: a\nDate: b\n",
        "[[", "{\"a\":", "0", "9",
    )  # fmt: skip
    found: dict[str, Text] = {f"{unit!r} again and again": _repeated("", unit, "") for unit in units}
    found |= {f"{unit!r} and an end": _repeated("", unit, "\x00x") for unit in units if len(unit) < 3}
    for tag in _TAGS:
        found[f"<{tag}> nested"] = _repeated("", f"<{tag}>", "x")
        found[f"<{tag}> nested, each with text"] = _repeated("", f"<{tag}>x", "")
        found[f"<{tag}> left open before paragraphs"] = _opened_again(tag)
        found[f"</{tag}> never opened"] = _repeated("<div><a>", f"</{tag}>", "x")
        found[f"<{tag}> closed by another"] = _repeated("", f"<{tag}><p>x</{tag}>", "")
    found |= {
        f"{unit!r} many times in a style of many paragraphs": _styled(unit)
        for unit in ("left:1px;", "left1:1;", "transform:" + "scale(1) " * 30, "font:" + "1px " * 80)
    }
    for rule in _RULES:
        for unit in _ELEMENTS:
            found[f"{rule!r} before many {unit[:20]!r}"] = _repeated(
                f"<style>{rule}{{left:1px}}</style>", unit, "x"
            )
    found["rules before long attributes"] = lambda n: (
        f"<style>{''.join(f'.b{i}{{left:1px}}' for i in range(n // 50))}</style>"
        + _ELEMENTS[2] * (n // 4_000)
    )
    found["attributes of one tag"] = lambda n: "<p " + " ".join(f"a{i}" for i in range(n // 7)) + ">x"
    found["attributes of one body"] = lambda n: "".join(f"<body a{i}>" for i in range(n // 12))
    found["properties of one result"] = _repeated("x;dkim=pass ", "header.i=@a.test ", "")
    found["parts within parts"] = _parts
    found["one long word"] = lambda n: "x" * n
    found["all different words"] = lambda n: " ".join(f"w{i:x}" for i in range(n // 5))
    found["all different addresses"] = lambda n: ", ".join(f"a{i}@b{i}.test" for i in range(n // 16))
    found["all different fields"] = lambda n: "\n".join(f"X-{i}: {i}" for i in range(n // 10)) + "\n\nx"
    return found
