"""Model files: checks of a file before it is loaded (size, digest, operators), its compressed vocabulary, and packed
term counts."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from array import array
from base64 import b64decode, b64encode, b85decode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate, chain, takewhile
from pathlib import Path
from typing import TypeVar

import numpy as np

from backend.domain.errors import PitchgateError
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.model_text import reading_digest
from backend.domain.reading.score import StrictnessCost, Thresholds

# ---- The vocabulary
# Kept as one text, because tens of thousands of small strings would need many times the memory.


_SHARED = 33  # "!", the first printable character after the space, stands for zero shared letters
_MOST_SHARED = 90


def _equal(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def packed_terms(terms: Sequence[str]) -> str:
    """The terms as lines, each without the letters at its beginning that it shares with the term before. The first
    character of a line says how many those are. Sorted terms need half the size."""
    lines, before = [], ""
    for term in terms:
        shared = min(_MOST_SHARED, sum(1 for _ in takewhile(_equal, zip(before, term, strict=False))))
        lines.append(chr(_SHARED + shared) + term[shared:])
        before = term
    return "\n".join(lines)


def unpacked_terms(text: str) -> str:
    """Inverse of `packed_terms`, with one term on each line. Raises `ValueError` for other texts."""
    terms, before = [], ""
    for line in text.split("\n"):
        shared = ord(line[0]) - _SHARED if line else -1
        if not 0 <= shared <= len(before):
            raise ValueError("a term of the vocabulary shares more than the one before has")
        before = before[:shared] + line[1:]
        terms.append(before)
    return "\n".join(terms)


class Vocabulary:
    """The terms by number, like a tuple of str. `joined` has one term on each line."""

    def __init__(self, joined: str) -> None:
        self._text = joined.encode()
        breaks = np.flatnonzero(np.frombuffer(self._text, np.uint8) == ord("\n"))
        # Where terms end. A Python array, because reading a single number from a numpy array takes six times as long.
        self._breaks = array("i", [-1, *breaks.tolist(), len(self._text)])

    def __len__(self) -> int:
        return len(self._breaks) - 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._text.decode().split("\n"))

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError(number)
        return self._text[self._breaks[number] + 1 : self._breaks[number + 1]].decode()


# ---- The counts of a model's terms in a text
# The model sees only how often each known term (a word, or two words in a row) occurs in a text. So texts with the same
# counts get exactly the same score, and the counts are enough to score a message again.


SEPARATOR = "zqxjkvzq"
"""A word that no vocabulary has. It separates words, so that they do not count as a pair."""


_BASE64 = "."
"""Marks packed counts in base 64. Older ones are in base 85, which takes Python sixty times as long."""


def packed_counts(terms: Sequence[int], often: Sequence[int]) -> str:
    """Pack the numbers of terms, ascending, and how `often` each occurs. Each term is repeated so often; each number is
    written as its difference from the one before, as a character. UTF-8 needs one byte for small differences."""
    steps = [
        chr(term - before) if times == 1 else chr(term - before) + "\0" * (times - 1)
        for term, before, times in zip(terms, chain((0,), terms), often, strict=False)
    ]
    return _BASE64 + b64encode("".join(steps).encode("utf-8", "surrogatepass")).decode()


def unpacked_counts(counts: str) -> Counter[int]:
    """Inverse of `packed_counts`: term number → count. Raises `ValueError` for other texts."""
    steps = b64decode(counts[1:], validate=True) if counts.startswith(_BASE64) else b85decode(counts)
    return Counter(accumulate(map(ord, steps.decode("utf-8", "surrogatepass"))))


def text_with_counts(counts: Mapping[str, int]) -> str:
    """A text in which known terms occur exactly as often as in `counts`.

    In a graph, words are nodes and pairs are edges. `SEPARATOR` is a node too: it has the edges to and from
    a word that its pairs lack. A walk along each edge once (Hierholzer's algorithm) is the text.
    """
    edges: defaultdict[str, list[str]] = defaultdict(list)
    incoming: Counter[str] = Counter()
    for term, often in sorted(counts.items()):
        first, _, second = term.partition(" ")
        incoming[first] += 0
        if second:
            edges[first] += [second] * often
            incoming[second] += often
    for word, pairs_in in sorted(incoming.items()):
        pairs_out = len(edges[word])
        total = counts.get(word, pairs_out + pairs_in)
        edges[word] += [SEPARATOR] * (total - pairs_out)
        edges[SEPARATOR] += [word] * (total - pairs_in)
    trail, text = [SEPARATOR], list[str]()
    while trail:
        if left := edges[trail[-1]]:
            trail.append(left.pop())
        else:
            text.append(trail.pop())
    return " ".join(reversed(text))


# ---- Reading protobuf


VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}


class Damaged(ValueError):
    """The bytes are not a valid protobuf message."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: its number, its wire type, and its value if it is a varint, otherwise where its bytes
    are."""

    number: int
    wire: int
    value: int
    start: int
    end: int


def varint_run(number: int) -> re.Pattern[bytes]:
    """A pattern for a run of varint fields `number` (below 16), to skip lists of tens of thousands at once."""
    return re.compile(rb"(?:" + re.escape(bytes([number << 3])) + rb"[\x80-\xff]{0,9}[\x00-\x7f])+")


def protobuf_fields(
    data: bytes, start: int = 0, end: int | None = None, skip: re.Pattern[bytes] | None = None
) -> Iterator[Field]:
    """The fields of the message in data[start:end], in order, without runs that match `skip`. Raises `Damaged`."""
    position, stop = start, len(data) if end is None else end
    while position < stop:
        if skip and (run := skip.match(data, position, stop)):
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


def string_field(data: bytes, field: Field) -> str:
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


# ---- Checks before a file is run
# They look at the bytes, before ONNX Runtime builds a session. The file contains its own SHA-256 (computed with zeros
# in its place), so a damaged copy is noticed without a second file. Operators, opsets and the tokeniser's pattern must
# be those this code knows; nothing may refer to other files or hide a sub-graph. Field numbers: see onnx.proto.


FORMAT = "3"
MAX_BYTES = 5_000_000
TOKEN_PATTERN = r"[\p{L}\p{N}_]{2,}"  # noqa: S105 - a pattern, not a secret


@dataclass(frozen=True)
class FileKind:
    """What is allowed in one kind of file: its format, at `most` so many bytes, opsets and operators."""

    format: str
    most: int
    opsets: Mapping[str, int]
    operators: frozenset[str]


_OF_MODEL = """
Add Cast Compress Concat ConstantOfShape Div Exp Gather Identity Less Log Max Mul Neg Range ReduceSum
Reshape ScatterElements ScatterND Shape Slice Sqrt Squeeze Sub Unique Unsqueeze ai.onnx.ml:LabelEncoder
com.microsoft:Tokenizer
"""
_OF_JUDGE = "Add Clip Div Exp Identity Log Mul Neg ReduceSum Sub Unsqueeze"
_OF_ENCODER = """
Add BitShift BitwiseAnd Cast Concat DequantizeLinear Expand Gather LayerNormalization MatMulInteger Max Mul Neg
QuantizeLinear ReduceMax ReduceMean ReduceMin Reshape Shape Slice Split Squeeze Sub Unsqueeze
com.microsoft:BiasGelu com.microsoft:MultiHeadAttention
"""
_OPSETS = {"": 21, "ai.onnx.ml": 3, "com.microsoft": 1}
MODEL = FileKind(FORMAT, MAX_BYTES, _OPSETS, frozenset(_OF_MODEL.split()))
JUDGE = FileKind("judge-1", 200_000, {"": 21}, frozenset(_OF_JUDGE.split()))
"""The small model that makes one score of the first reading and the second (`second_reading`)."""
ENCODER = FileKind("encoder-1", 60_000_000, {"": 21, "com.microsoft": 1}, frozenset(_OF_ENCODER.split()))
"""The language model of the second reading: see `encoder_file`."""
_INTS = varint_run(8)
T = TypeVar("T")


class ModelRefused(PitchgateError):
    """The file must not be used."""


@dataclass(frozen=True)
class ModelFacts:
    """The metadata of a checked file. `digest` is its SHA-256, computed with zeros in its place; `reading` is the
    digest of the lexicon and the text preparation it was trained with; `metadata` has everything but the vocabulary."""

    version: str
    digest: str
    corpus: str
    reading: str
    thresholds: Mapping[Strictness, Thresholds]
    costs: Mapping[Strictness, StrictnessCost]
    vocabulary: Vocabulary
    metadata: Mapping[str, str]


def read_model(path: Path, read_here: bool = True) -> tuple[bytes, ModelFacts]:
    """The bytes and facts of a model file. With `read_here`, it must fit this release's text preparation; without,
    models of other releases are accepted too. Raises `ModelRefused`."""
    data = read_file(path, MODEL)
    return data, (admit if read_here else audit)(data, path)


def read_file(path: Path, kind: FileKind) -> bytes:
    """The bytes of a regular file that is not too large for its kind. Raises `ModelRefused`."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # reading a pipe would block, and a device may never end
            raise ModelRefused("model.no_file", path=path)
        if about.st_size > kind.most:
            raise ModelRefused("model.large", path=path, most=kind.most)
        with path.open("rb") as file:
            return file.read(kind.most + 1)
    except OSError as error:
        raise ModelRefused("model.unread", path=path, why=error.strerror or error) from error


def admit(data: bytes, path: Path = Path("model.onnx")) -> ModelFacts:
    """`audit`, and a check that this release's lexicon and text preparation are the model's. Raises `ModelRefused`."""
    facts = audit(data, path)
    if facts.reading != reading_digest():
        raise ModelRefused("model.lexicon", path=path)
    return facts


def audit(data: bytes, path: Path = Path("model.onnx")) -> ModelFacts:
    """Check a model file. Raises `ModelRefused`; `path` is only for its message."""
    return checked(data, MODEL, _facts, path)


def checked(data: bytes, kind: FileKind, facts: Callable[[Mapping[str, str]], T], path: Path) -> T:
    """Check a file of this kind: size, metadata, digest, format, graph. Returns `facts` of its metadata. Raises
    `ModelRefused`."""
    if len(data) > kind.most:
        raise ModelRefused("model.large", path=path, most=kind.most)
    try:
        metadata, place = _metadata(data)
        _check_digest(data, metadata, place, path)
        if metadata.get("format") != kind.format:
            wrong = metadata.get("format", "none")
            raise ModelRefused("model.format", path=path, format=wrong, known=kind.format)
        _check_graph(data, kind, path)
        return facts(metadata)
    except Damaged as error:
        raise ModelRefused("model.damaged", path=path, why=error) from error
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRefused("model.metadata", path=path, why=error) from error


def digest_of(data: bytes, start: int, end: int) -> str:
    """SHA-256 of `data` with the digit "0" in all of data[start:end]."""
    view = memoryview(data)
    digest = hashlib.sha256(view[:start])
    digest.update(b"0" * (end - start))
    digest.update(view[end:])
    return digest.hexdigest()


def _metadata(data: bytes) -> tuple[dict[str, str], tuple[int, int]]:
    """The metadata entries, and the place of the digest."""
    found: dict[str, str] = {}
    place = (0, 0)
    for entry in protobuf_fields(data):
        if entry.number != 14:  # metadata_props
            continue
        parts = {f.number: f for f in protobuf_fields(data, entry.start, entry.end)}
        if set(parts) != {1, 2}:
            raise Damaged("a metadata entry without key or value")
        key = string_field(data, parts[1])
        if key in found:
            raise Damaged(f"metadata {key} occurs twice")
        found[key] = string_field(data, parts[2])
        if key == "digest":
            place = (parts[2].start, parts[2].end)
    return found, place


def _check_digest(data: bytes, metadata: Mapping[str, str], place: tuple[int, int], path: Path) -> None:
    stated = metadata.get("digest", "")
    if len(stated) != 64:
        raise ModelRefused("model.no_digest", path=path)
    if digest_of(data, *place) != stated:
        raise ModelRefused("model.digest", path=path)


def _check_graph(data: bytes, kind: FileKind, path: Path) -> None:
    opsets: dict[str, int] = {}
    graphs: list[Field] = []
    for entry in protobuf_fields(data):
        if entry.number == 7:  # graph
            graphs.append(entry)
        elif entry.number == 8:  # opset_import
            domain, version = _opset(data, entry)
            opsets[domain] = version
        elif entry.number in (20, 25):  # training_info, functions
            raise ModelRefused("model.functions", path=path)
    if opsets != kind.opsets:
        raise ModelRefused("model.opsets", path=path, used=opsets, allowed=dict(kind.opsets))
    if len(graphs) != 1:
        raise ModelRefused("model.graph", path=path)
    for entry in protobuf_fields(data, graphs[0].start, graphs[0].end):
        if entry.number == 1:  # node
            _check_node(data, entry, kind.operators, path)
        elif entry.number == 5 and any(
            f.number in (13, 14) for f in protobuf_fields(data, entry.start, entry.end)
        ):
            raise ModelRefused("model.outside", path=path)
        elif entry.number == 15:  # sparse_initializer
            raise ModelRefused("model.sparse", path=path)


def _opset(data: bytes, entry: Field) -> tuple[str, int]:
    domain, version = "", 0
    for part in protobuf_fields(data, entry.start, entry.end):
        if part.number == 1:
            domain = string_field(data, part)
        elif part.number == 2:
            version = part.value
    return domain, version


def _check_node(data: bytes, node: Field, operators: Set[str], path: Path) -> None:
    op = domain = ""
    attributes: list[Field] = []
    for part in protobuf_fields(data, node.start, node.end):
        if part.number == 4:
            op = string_field(data, part)
        elif part.number == 7:
            domain = string_field(data, part)
        elif part.number == 5:
            attributes.append(part)
    name = f"{domain}:{op}" if domain else op
    if name not in operators:
        raise ModelRefused("model.operator", path=path, name=name)
    for attribute in attributes:
        parts = list(protobuf_fields(data, attribute.start, attribute.end, _INTS))
        if any(f.number in (6, 11) for f in parts):  # g, graphs
            raise ModelRefused("model.subgraph", path=path, name=name)
        label = next((string_field(data, f) for f in parts if f.number == 1), "")
        if (
            label == "tokenexp"
            and next((string_field(data, f) for f in parts if f.number == 4), "") != TOKEN_PATTERN
        ):
            raise ModelRefused("model.tokens", path=path)


def thresholds_of(metadata: Mapping[str, str]) -> dict[Strictness, Thresholds]:
    """The thresholds in a file's metadata; each also names the strictest `hold`. Raises `KeyError`, `TypeError` or
    `ValueError`."""
    limits = json.loads(metadata["thresholds"])
    strict = float(limits[Strictness.STRICT.value]["hold"])
    by_strictness = {strictness: limits[strictness.value] for strictness in Strictness}
    return {
        strictness: Thresholds(float(own["clear"]), float(own["hold"]), float(own["challenge"]), strict)
        for strictness, own in by_strictness.items()
    }


def _facts(metadata: Mapping[str, str]) -> ModelFacts:
    held = json.loads(metadata["metrics"])["held"]
    return ModelFacts(
        version=metadata["version"],
        digest=metadata["digest"],
        corpus=metadata["corpus"],
        reading=metadata["reading"],
        thresholds=thresholds_of(metadata),
        costs={
            s: StrictnessCost(
                round(1000 * float(held[s.value]["strangers"])), round(100 * float(held[s.value]["pitches"]))
            )
            for s in Strictness
        },
        vocabulary=Vocabulary(unpacked_terms(metadata["vocabulary"])),
        metadata={name: value for name, value in metadata.items() if name != "vocabulary"},
    )
