"""Just enough of the protobuf wire format to look into an ONNX file before anything runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}


class Damaged(ValueError):
    """The bytes are no protobuf message."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: its number, wire type, and either a number or where its bytes lie."""

    number: int
    wire: int
    value: int
    start: int
    end: int


def run_of_numbers(number: int) -> re.Pattern[bytes]:
    """Matches a row of varint fields `number` (below 16): lists of tens of thousands are walked at once so."""
    return re.compile(rb"(?:" + re.escape(bytes([number << 3])) + rb"[\x80-\xff]{0,9}[\x00-\x7f])+")


def fields(
    data: bytes, start: int = 0, end: int | None = None, passed_over: re.Pattern[bytes] | None = None
) -> Iterator[Field]:
    """Fields of the message in data[start:end], in order, but for the runs in `passed_over`. Raises `Damaged`."""
    position, stop = start, len(data) if end is None else end
    while position < stop:
        if passed_over and (run := passed_over.match(data, position, stop)):
            position = run.end()
            continue
        key, position = _varint(data, position, stop)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise Damaged("field number 0")
        if wire == VARINT:
            value, position = _varint(data, position, stop)
            yield Field(number, wire, value, position, position)
            continue
        if wire == BYTES:
            size, position = _varint(data, position, stop)
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise Damaged(f"wire type {wire}")
        if position + size > stop:
            raise Damaged("a field reaches beyond its message")
        yield Field(number, wire, 0, position, position + size)
        position += size


def text(data: bytes, field: Field) -> str:
    """A string field. Raises `Damaged` if it is not UTF-8."""
    try:
        return data[field.start : field.end].decode()
    except UnicodeDecodeError as error:
        raise Damaged("a name that is not UTF-8") from error


def _varint(data: bytes, position: int, stop: int) -> tuple[int, int]:
    value = shift = 0
    while position < stop and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise Damaged("a number without an end")
