"""Turns a good input into a bad one: bytes, text and JSON, by a few changes drawn from a seeded generator."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Json = Any

LARGEST = 400_000
"""Bytes of an input, at most."""

PIECES: tuple[bytes, ...] = (
    b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"\r", b"\n", b"\r\n\r\n", b"\t", b" ",
    b"(", b")", b"[", b"]", b"<", b">", b'"', b"'", b"\\", b";", b",", b":", b"=", b"@", b"&", b"#", b"%", b"{{", b"}}",
    b"=?utf-8?b?", b"=?x?q?=", b"?=", b"=?utf-7?q?+?=", b"--", b"--b\n", b"--b--\n", b"boundary=b", b"charset=",
    b"charset*0*=utf-16''", b"filename*1*=%ff", b"Content-Type: multipart/mixed; boundary=b\n\n",
    b"Content-Type: message/rfc822\n\n", b"Content-Type: text/html\n\n", b"Content-Transfer-Encoding: base64\n\n",
    b"Content-Transfer-Encoding: x-uuencode\n\n", b"begin 644 a\n", b"From: a@b.test\n", b"Re: ", b"> ", b">", b"- ",
    b"on 1 May a@b.test:", b" wrote:", b"https://a.test/?utm_=1", b"$ 1,000k", b"+49 30 1234567", b"50 %", b"10:30 am",
    b"<b>", b"</b>", b"<p>", b"<a href=", b"<table>", b"<td>", b"<!--", b"-->", b"<style>", b"<svg>", b"<div hidden>",
    b" style='", b"color:oklch(1 0 0)", b"transform:translate(", b"left:-9", b"!important;", b"@media(", b"px", b"/**/",
    b"&#99999999999;", b"&#x110000;", b"dkim=pass header.i=@b.test", b"dmarc=pass", b"mx.google.com;",
    b"\xc3\xbc.test",
    b"by mx.google.com", b"xn--", b"9" * 30, b"-1", b"1e999", b"NaN", b"null", b"{", b"}", b'{"a":', b"\\ud800",
    b"\\u0000",
    b"../", b"eyJ", b".", b"AAAA", b"we help ", b"no thanks ", b"quick call ", b"verify your message ",
)  # fmt: skip

VALUES: tuple[Json, ...] = (
    None, True, False, 0, -1, 2**63, 2**70, 10**400, 1e308, float("inf"), float("nan"), "", "\0", "\ud800", "\u202e",
    "x" * 5_000, "9" * 25, "=" * 99, "1", "-0", "2026-01-01T00:00:00+00:00", "9999-12-31T23:59:59-23:59", "a@b.test",
    "msg-f:18446744073709551616", [], {}, [[]], {"": {}}, [None], ["x"] * 300,
)  # fmt: skip


def spoiled(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """`data` after one to six changes; `others` are inputs that parts are taken from."""
    changed = data
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        changed = random.choice(_CHANGES)(changed, others, random)[:LARGEST]
    return changed


def spoiled_json(value: Json, random: Random) -> Json:
    """`value` with one to four of its nodes replaced, repeated or taken out."""
    for _ in range(random.choice((1, 1, 2, 4))):
        value = _in_json(value, random, 0)
    return value


def written(value: Json) -> bytes:
    """JSON as a stranger may write it: halves of characters and NaN included."""
    return json.dumps(value).encode()


def _in_json(value: Json, random: Random, depth: int) -> Json:
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        rest = {name: item for name, item in value.items() if name != key}
        if random.random() < 0.1:
            return rest
        return rest | {key: _in_json(value[key], random, depth + 1)}
    if isinstance(value, list) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        if random.random() < 0.1:
            return value * random.randrange(4)
        return [*value[:at], _in_json(value[at], random, depth + 1), *value[at + 1 :]]
    if isinstance(value, str) and random.random() < 0.5:
        return spoiled(value.encode("utf-8", "replace"), (), random).decode("utf-8", "surrogateescape")
    if random.random() < 0.05:
        deep: Json = "deep"
        for _ in range(random.randrange(600)):
            deep = [deep] if random.random() < 0.5 else {"a": deep}
        return deep
    return random.choice(VALUES)


def _span(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((1, 4, 30, 400)))


def _flip(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _insert(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(PIECES) + data[at:]


def _insert_many(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(PIECES) * _often(random) + data[at:]


def _repeat(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[start:end] * _often(random) + data[end:]


def _cut(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[end:]


def _splice(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    other = random.choice(others) if others else data
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


def _swap_lines(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    lines = data.split(b"\n")
    a, b = random.randrange(len(lines)), random.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


def _often(random: Random) -> int:
    """Mostly a few, at times as many as fit."""
    return random.choice((2, 3, 10, 100, 100, 1_000) if random.random() < 0.99 else (20_000, 100_000))


_CHANGES: tuple[Callable[[bytes, Sequence[bytes], Random], bytes], ...] = (
    _flip, _flip, _insert, _insert, _insert, _insert_many, _repeat, _repeat, _cut, _cut, _splice, _swap_lines,
)  # fmt: skip
