"""May this model file be loaded? Size, operators, digest: checked before anything is built of it."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.domain.errors import PitchgateError
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Cost, Thresholds
from backend.domain.reading.wording import reading_digest
from backend.scoring.vocabulary import Vocabulary, unpacked_terms

# ---- Reading protobuf


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


# ---- May this model file run?
# Is this file a model we are willing to run? Decided from its bytes, before a session is built. The file carries its
# own SHA-256 (taken with the place of the digest zeroed), so a damaged copy is seen without a second file. Operators,
# opsets and the tokeniser's pattern must be the ones this code knows; nothing may point outside the file or hide a
# sub-graph.


FORMAT = "3"
MAX_BYTES = 5_000_000
TOKEN_PATTERN = r"[\p{L}\p{N}_]{2,}"  # noqa: S105 - a pattern, not a secret
OPSETS: Mapping[str, int] = {"": 21, "ai.onnx.ml": 3, "com.microsoft": 1}
_OPERATOR_NAMES = """
Add Cast Compress Concat ConstantOfShape Div Exp Gather Identity Less Log Max Mul Neg Range ReduceSum
Reshape ScatterElements ScatterND Shape Slice Sqrt Squeeze Sub Unique Unsqueeze ai.onnx.ml:LabelEncoder
com.microsoft:Tokenizer
"""
OPERATORS = frozenset(_OPERATOR_NAMES.split())
_INTS = run_of_numbers(8)


class ModelRefused(PitchgateError):
    """The model file must not be used."""


@dataclass(frozen=True)
class ModelFacts:
    """What an audited file says of itself. `digest` is its SHA-256 with the digest's own place zeroed; `metadata`
    leaves out the vocabulary;
    `reading` names the lexicon and the preparation it was trained with."""

    version: str
    digest: str
    corpus: str
    reading: str
    thresholds: Mapping[Strictness, Thresholds]
    costs: Mapping[Strictness, Cost]
    vocabulary: Vocabulary
    metadata: Mapping[str, str]


def read_model(path: Path) -> tuple[bytes, ModelFacts]:
    """The bytes and facts of a model file that this program may serve. Raises `ModelRefused`."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # a pipe would be waited for, a device may never end
            raise ModelRefused("model.no_file", path=path)
        if about.st_size > MAX_BYTES:
            raise ModelRefused("model.large", path=path, most=MAX_BYTES)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelRefused("model.unread", path=path, why=error.strerror or error) from error
    return data, admit(data, path)


def admit(data: bytes, path: Path = Path("model.onnx")) -> ModelFacts:
    """`audit`, and whether this program's lexicon and preparation are the model's. Raises `ModelRefused`."""
    facts = audit(data, path)
    if facts.reading != reading_digest():
        raise ModelRefused("model.lexicon", path=path)
    return facts


def audit(data: bytes, path: Path = Path("model.onnx")) -> ModelFacts:
    """Check `data` from the outside in. Raises `ModelRefused`; `path` is only for the message."""
    if len(data) > MAX_BYTES:
        raise ModelRefused("model.large", path=path, most=MAX_BYTES)
    try:
        metadata, place = _metadata(data)
        _check_digest(data, metadata, place, path)
        if metadata.get("format") != FORMAT:
            wrong = metadata.get("format", "none")
            raise ModelRefused("model.format", path=path, format=wrong, known=FORMAT)
        _check_graph(data, path)
        return _facts(metadata)
    except Damaged as error:
        raise ModelRefused("model.damaged", path=path, why=error) from error
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRefused("model.metadata", path=path, why=error) from error


def digest_of(data: bytes, start: int, end: int) -> str:
    """SHA-256 of `data` with data[start:end] taken as zeros."""
    view = memoryview(data)
    digest = hashlib.sha256(view[:start])
    digest.update(b"0" * (end - start))
    digest.update(view[end:])
    return digest.hexdigest()


def _metadata(data: bytes) -> tuple[dict[str, str], tuple[int, int]]:
    """Metadata entries and where the digest's value lies."""
    found: dict[str, str] = {}
    place = (0, 0)
    for entry in fields(data):
        if entry.number != 14:
            continue
        parts = {f.number: f for f in fields(data, entry.start, entry.end)}
        if set(parts) != {1, 2}:
            raise Damaged("a metadata entry without key or value")
        key = text(data, parts[1])
        if key in found:
            raise Damaged(f"metadata {key} stands there twice")
        found[key] = text(data, parts[2])
        if key == "digest":
            place = (parts[2].start, parts[2].end)
    return found, place


def _check_digest(data: bytes, metadata: Mapping[str, str], place: tuple[int, int], path: Path) -> None:
    stated = metadata.get("digest", "")
    if len(stated) != 64:
        raise ModelRefused("model.no_digest", path=path)
    if digest_of(data, *place) != stated:
        raise ModelRefused("model.digest", path=path)


def _check_graph(data: bytes, path: Path) -> None:
    opsets: dict[str, int] = {}
    graphs: list[Field] = []
    for entry in fields(data):
        if entry.number == 7:
            graphs.append(entry)
        elif entry.number == 8:
            domain, version = _opset(data, entry)
            opsets[domain] = version
        elif entry.number in (20, 25):
            raise ModelRefused("model.functions", path=path)
    if opsets != dict(OPSETS):
        raise ModelRefused("model.opsets", path=path, used=opsets, allowed=dict(OPSETS))
    if len(graphs) != 1:
        raise ModelRefused("model.graph", path=path)
    for entry in fields(data, graphs[0].start, graphs[0].end):
        if entry.number == 1:
            _check_node(data, entry, path)
        elif entry.number == 5 and any(f.number in (13, 14) for f in fields(data, entry.start, entry.end)):
            raise ModelRefused("model.outside", path=path)
        elif entry.number == 15:
            raise ModelRefused("model.sparse", path=path)


def _opset(data: bytes, entry: Field) -> tuple[str, int]:
    domain, version = "", 0
    for part in fields(data, entry.start, entry.end):
        if part.number == 1:
            domain = text(data, part)
        elif part.number == 2:
            version = part.value
    return domain, version


def _check_node(data: bytes, node: Field, path: Path) -> None:
    op = domain = ""
    attributes: list[Field] = []
    for part in fields(data, node.start, node.end):
        if part.number == 4:
            op = text(data, part)
        elif part.number == 7:
            domain = text(data, part)
        elif part.number == 5:
            attributes.append(part)
    name = f"{domain}:{op}" if domain else op
    if name not in OPERATORS:
        raise ModelRefused("model.operator", path=path, name=name)
    for attribute in attributes:
        parts = list(fields(data, attribute.start, attribute.end, _INTS))
        if any(f.number in (6, 11) for f in parts):
            raise ModelRefused("model.subgraph", path=path, name=name)
        label = next((text(data, f) for f in parts if f.number == 1), "")
        if label == "tokenexp" and next((text(data, f) for f in parts if f.number == 4), "") != TOKEN_PATTERN:
            raise ModelRefused("model.tokens", path=path)


def _limits(limits: Mapping[str, Mapping[str, float]], strictness: Strictness) -> Thresholds:
    own, strict = limits[strictness.value], limits[Strictness.STRICT.value]["hold"]
    return Thresholds(float(own["clear"]), float(own["hold"]), float(own["challenge"]), float(strict))


def _facts(metadata: Mapping[str, str]) -> ModelFacts:
    limits, held = json.loads(metadata["thresholds"]), json.loads(metadata["metrics"])["held"]
    return ModelFacts(
        version=metadata["version"],
        digest=metadata["digest"],
        corpus=metadata["corpus"],
        reading=metadata["reading"],
        thresholds={s: _limits(limits, s) for s in Strictness},
        costs={
            s: Cost(
                round(1000 * float(held[s.value]["strangers"])), round(100 * float(held[s.value]["pitches"]))
            )
            for s in Strictness
        },
        vocabulary=Vocabulary(unpacked_terms(metadata["vocabulary"])),
        metadata={name: value for name, value in metadata.items() if name != "vocabulary"},
    )
