"""What goes between us and a reading process.

A request is trusted, so it is pickled; the message's bytes follow it as they are. An answer comes from a process that
has read a stranger's bytes, so it is JSON, bounded, and checked against its shape: a process that a message has taken
over can lie about that message, and do nothing else.
"""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable, Mapping, Set
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO

REQUEST = struct.Struct("<II")
ANSWER = struct.Struct("<I")
MAX_ANSWER = 1_000_000


@dataclass(frozen=True, slots=True)
class Second:
    """A second reading: the encoder's file, between which probabilities of a first reading it is done, and how many
    seconds it may take by the clock."""

    file: str
    least: float
    below: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may take: `seconds` of processor time, `memory` in bytes. `patience` is how long it may take by
    the clock, on a machine that is busy with other things. `keep_counts`: what the model counts in it comes too.
    `second`: where the first reading is in doubt, there is another."""

    seconds: float
    memory: int
    patience: float
    keep_counts: bool = False
    second: Second | None = None


@dataclass(frozen=True, slots=True)
class ModelData:
    """A model file as it was read: a process that is started later must not find another one in its place. `digest` is
    what its own must be, "" where any will do."""

    data: bytes = field(repr=False)
    name: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Models:
    """What a process reads with. Nothing follows from the scores of a challenger."""

    champion: ModelData
    challenger: ModelData | None = None


def packed(work: str, raw: bytes, *arguments: object) -> tuple[bytes, bytes]:
    """A request: its head, and the bytes that follow."""
    head = pickle.dumps((work, arguments))
    return REQUEST.pack(len(head), len(raw)) + head, raw


def read_request(stream: BinaryIO) -> tuple[str, tuple[object, ...], bytes] | None:
    """The next request, None at the end of the stream."""
    sizes = stream.read(REQUEST.size)
    if len(sizes) < REQUEST.size:
        return None
    of_head, of_raw = REQUEST.unpack(sizes)
    head, raw = stream.read(of_head), stream.read(of_raw)
    if len(head) < of_head or len(raw) < of_raw:
        return None
    work, arguments = _known_head(head) if of_head < _MOST_KNOWN else _read_head(head)
    return work, arguments, raw


def _read_head(head: bytes) -> tuple[str, tuple[object, ...]]:
    found: tuple[str, tuple[object, ...]] = pickle.loads(head)  # noqa: S301 - from the process that started this one
    return found


_known_head = lru_cache(maxsize=200)(_read_head)
"""The owner of one message is that of many."""
_MOST_KNOWN = 1_000


def answered(value: Mapping[str, object]) -> bytes:
    """An answer, ready to be written."""
    body = _JSON.encode(value).encode()
    return ANSWER.pack(len(body)) + body


def _plainly(kind: type) -> Callable[[Any], object]:
    """How values of a class are written."""
    if is_dataclass(kind):
        usual = tuple(
            (field.name, field.default if field.default_factory is MISSING else field.default_factory())
            for field in fields(kind)
        )
        # What is as it would be anyway is not said: it would be read and checked again at the other end.
        return lambda value: {
            name: said
            for name, default in usual
            if (said := getattr(value, name)) is not default and said != default
        }
    if issubclass(kind, Set):
        return list
    if issubclass(kind, datetime):
        return datetime.isoformat
    raise TypeError(f"{kind.__name__} is no part of an answer")


_HOW: dict[type, Callable[[Any], object]] = {}


def _plain(value: object) -> object:
    kind = type(value)
    if kind not in _HOW:
        _HOW[kind] = _plainly(kind)
    return _HOW[kind](value)


_JSON = json.JSONEncoder(default=_plain, check_circular=False, separators=(",", ":"))
