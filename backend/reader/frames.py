"""The protocol between the server and a reading process.

Requests are trusted, so they are pickled; the message's bytes follow. Answers come from a process that has read a
stranger's bytes, so they are JSON of limited size, validated by type: a process that a message has taken over can lie
about that message, but do nothing else.
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
class SecondReadingLimits:
    """The second reading: the encoder's file, the probabilities of a first reading (`least` to `below`) for which it is
    done, and the seconds of wall-clock time it may take."""

    file: str
    least: float
    below: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for one message: `seconds` of processor time, `memory` in bytes, and `timeout`, the seconds of
    wall-clock time allowed even on a busy machine. `keep_counts`: answers contain the counts of the model's terms.
    `second`: doubtful messages are read a second time."""

    seconds: float
    memory: int
    timeout: float
    keep_counts: bool = False
    second: SecondReadingLimits | None = None


@dataclass(frozen=True, slots=True)
class ModelData:
    """The content of a model file, so that processes started later use the same model even if the file is replaced.
    `digest` is the digest it must have, "" for any."""

    data: bytes = field(repr=False)
    name: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a process. The challenger's scores are only recorded."""

    champion: ModelData
    challenger: ModelData | None = None


def pack_request(work: str, raw: bytes, *arguments: object) -> tuple[bytes, bytes]:
    """A request as bytes: its head, and the message's bytes, which follow."""
    head = pickle.dumps((work, arguments))
    return REQUEST.pack(len(head), len(raw)) + head, raw


def read_request(stream: BinaryIO) -> tuple[str, tuple[object, ...], bytes] | None:
    """The next request, None at the end of the stream."""
    sizes = stream.read(REQUEST.size)
    if len(sizes) < REQUEST.size:
        return None
    head_size, raw_size = REQUEST.unpack(sizes)
    head, raw = stream.read(head_size), stream.read(raw_size)
    if len(head) < head_size or len(raw) < raw_size:
        return None
    work, arguments = _cached_head(head) if head_size < _MOST_CACHED else _read_head(head)
    return work, arguments, raw


def _read_head(head: bytes) -> tuple[str, tuple[object, ...]]:
    found: tuple[str, tuple[object, ...]] = pickle.loads(head)  # noqa: S301 - from the process that started this one
    return found


_cached_head = lru_cache(maxsize=200)(_read_head)
"""Heads repeat, because the owner is the same for many messages; only short ones are cached."""
_MOST_CACHED = 1_000


def pack_answer(value: Mapping[str, object]) -> bytes:
    """An answer as bytes."""
    body = _JSON.encode(value).encode()
    return ANSWER.pack(len(body)) + body


def _writer_for(kind: type) -> Callable[[Any], object]:
    """A function that turns values of a class into JSON values."""
    if is_dataclass(kind):
        defaults = tuple(
            (field.name, field.default if field.default_factory is MISSING else field.default_factory())
            for field in fields(kind)
        )
        # Default values are left out: writing and validating them would take time.
        return lambda value: {
            name: actual
            for name, default in defaults
            if (actual := getattr(value, name)) is not default and actual != default
        }
    if issubclass(kind, Set):
        return list
    if issubclass(kind, datetime):
        return datetime.isoformat
    raise TypeError(f"{kind.__name__} cannot be part of an answer")


_WRITERS: dict[type, Callable[[Any], object]] = {}


def _as_plain(value: object) -> object:
    kind = type(value)
    if kind not in _WRITERS:
        _WRITERS[kind] = _writer_for(kind)
    return _WRITERS[kind](value)


_JSON = json.JSONEncoder(default=_as_plain, check_circular=False, separators=(",", ":"))
