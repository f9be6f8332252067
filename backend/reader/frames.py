"""What goes between us and a reading process.

A request is trusted, so it is pickled; the message's bytes follow it as they are. An answer comes from a process that
has read a stranger's bytes, so it is JSON, bounded, and checked against its shape: a process that a message has taken
over can lie about that message, and do nothing else.
"""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Mapping, Set
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import BinaryIO

REQUEST = struct.Struct("<II")
ANSWER = struct.Struct("<I")
MAX_ANSWER = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may take: `seconds` of processor time, `memory` in bytes. `patience` is how long it may take by
    the clock, on a machine that is busy with other things. `keep_counts`: what the model counts in it is told."""

    seconds: float
    memory: int
    patience: float
    keep_counts: bool = False


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
    work, arguments = pickle.loads(head)  # noqa: S301 - from the process that started this one
    return work, arguments, raw


def answered(value: Mapping[str, object]) -> bytes:
    """An answer, ready to be written."""
    body = _JSON.encode(value).encode()
    return ANSWER.pack(len(body)) + body


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        # What is as it would be anyway is not said: it would be read and checked again at the other end.
        every = ((name, getattr(value, name), usual) for name, usual in _usual(type(value)))
        return {name: told for name, told, usual in every if told != usual}
    if isinstance(value, Set):
        return list(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no part of an answer")


@cache
def _usual(kind: type) -> tuple[tuple[str, object], ...]:
    """The fields of a class and their defaults."""
    return tuple(
        (field.name, field.default if field.default_factory is MISSING else field.default_factory())
        for field in fields(kind)
    )


_JSON = json.JSONEncoder(default=_plain, separators=(",", ":"))
