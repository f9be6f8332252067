"""A model file: may it be loaded (size, operators, digest: checked before anything is built of it), and its vocabulary,
packed."""

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

# ---- Vocabulary as one text
# Terms by number, kept as one text: tens of thousands of small strings would cost many times their length.


_SHARED = 33  # the first printable character after the blank stands for a shared beginning of no letters
_MOST_SHARED = 90


def _alike(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def packed_terms(terms: Sequence[str]) -> str:
    """Terms in a row, each without the letters it begins with like the one before: half the size where they are sorted.

    The first character of each line says how many letters those are.
    """
    lines, before = [], ""
    for term in terms:
        shared = min(_MOST_SHARED, sum(1 for _ in takewhile(_alike, zip(before, term, strict=False))))
        lines.append(chr(_SHARED + shared) + term[shared:])
        before = term
    return "\n".join(lines)


def unpacked_terms(text: str) -> str:
    """The terms of `packed`, one a line. Raises `ValueError` for a text that was made otherwise."""
    terms, before = [], ""
    for line in text.split("\n"):
        shared = ord(line[0]) - _SHARED if line else -1
        if not 0 <= shared <= len(before):
            raise ValueError("a term of the vocabulary shares more than the one before has")
        before = before[:shared] + line[1:]
        terms.append(before)
    return "\n".join(terms)


class Vocabulary:
    """Reads like a tuple of str. Terms hold no line break."""

    def __init__(self, joined: str) -> None:
        self._text = joined.encode()
        breaks = np.flatnonzero(np.frombuffer(self._text, np.uint8) == ord("\n"))
        # Where one ends and the next begins. An array of Python's: one of numpy's takes six times as long for a number.
        self._breaks = array("i", [-1, *breaks.tolist(), len(self._text)])

    def __len__(self) -> int:
        return len(self._breaks) - 1

    def __iter__(self) -> Iterator[str]:
        return iter(self._text.decode().split("\n"))

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError(number)
        return self._text[self._breaks[number] + 1 : self._breaks[number + 1]].decode()


# ---- The terms counted in a text
# The terms a model counted in a text: packed small, and laid out as a text again that counts the same. The graph sees
# nothing of a text but how often each term that it knows is there: a word, or two words in a row. Any text with the
# same counts gets the same score, to the bit; one is made of words that the model never saw beside each other.


APART = "zqxjkvzq"
"""A word that no vocabulary has: it keeps its neighbours from being counted together."""


_BASE64 = "."
"""What is packed begins so. Older counts are in base 85, without such a sign: that takes Python sixty times as long."""


def packed_counts(terms: Sequence[int], often: Sequence[int]) -> str:
    """Terms by number, ascending, and how often each was counted: the numbers in their order, each as often as it is
    there, and of each its distance from the one before. UTF-8 writes small distances in a byte."""
    steps = [
        chr(term - before) if times == 1 else chr(term - before) + "\0" * (times - 1)
        for term, before, times in zip(terms, chain((0,), terms), often, strict=False)
    ]
    return _BASE64 + b64encode("".join(steps).encode("utf-8", "surrogatepass")).decode()


def unpacked_counts(counts: str) -> Counter[int]:
    """How often each term is there. Raises `ValueError` for what `packed` did not make."""
    steps = b64decode(counts[1:], validate=True) if counts.startswith(_BASE64) else b85decode(counts)
    return Counter(accumulate(map(ord, steps.decode("utf-8", "surrogatepass"))))


def laid_out(counts: Mapping[str, int]) -> str:
    """A text in which the terms are counted as in `counts` and no other known term is.

    Words are places and pairs are ways between them. `APART` is a place too: as many ways lead from it to a word, and
    from the word to it, as the word is said beyond its pairs. A walk that goes each way once (Hierholzer's) is the
    text.
    """
    behind: defaultdict[str, list[str]] = defaultdict(list)
    before: Counter[str] = Counter()
    for term, often in sorted(counts.items()):
        one, _, two = term.partition(" ")
        before[one] += 0
        if two:
            behind[one] += [two] * often
            before[two] += often
    for word, ended in sorted(before.items()):
        begun = len(behind[word])
        said = counts.get(word, begun + ended)
        behind[word] += [APART] * (said - begun)
        behind[APART] += [word] * (said - ended)
    trail, text = [APART], list[str]()
    while trail:
        if left := behind[trail[-1]]:
            trail.append(left.pop())
        else:
            text.append(trail.pop())
    return " ".join(reversed(text))


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


@dataclass(frozen=True)
class FileKind:
    """What a file of one kind may be: its format, its size, the opsets and operators in it."""

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
com.microsoft:BiasGelu com.microsoft:MultiHeadAttention com.microsoft:SkipLayerNormalization
"""
_OPSETS = {"": 21, "ai.onnx.ml": 3, "com.microsoft": 1}
MODEL = FileKind(FORMAT, MAX_BYTES, _OPSETS, frozenset(_OF_MODEL.split()))
JUDGE = FileKind("judge-1", 200_000, {"": 21}, frozenset(_OF_JUDGE.split()))
"""What judges by both readings: beside the model, see `second_reading`."""
ENCODER = FileKind("encoder-1", 60_000_000, {"": 21, "com.microsoft": 1}, frozenset(_OF_ENCODER.split()))
"""What reads a second time: made by `encoder_file`."""
_INTS = run_of_numbers(8)
T = TypeVar("T")


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
    costs: Mapping[Strictness, StrictnessCost]
    vocabulary: Vocabulary
    metadata: Mapping[str, str]


def read_model(path: Path, read_here: bool = True) -> tuple[bytes, ModelFacts]:
    """The bytes and facts of a model file that this program may serve; not `read_here`: one that another release may
    have served. Raises `ModelRefused`."""
    data = read_file(path, MODEL)
    return data, (admit if read_here else audit)(data, path)


def read_file(path: Path, kind: FileKind) -> bytes:
    """The bytes of a file that may be of this kind. Raises `ModelRefused`."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # a pipe would be waited for, a device may never end
            raise ModelRefused("model.no_file", path=path)
        if about.st_size > kind.most:
            raise ModelRefused("model.large", path=path, most=kind.most)
        with path.open("rb") as file:
            return file.read(kind.most + 1)
    except OSError as error:
        raise ModelRefused("model.unread", path=path, why=error.strerror or error) from error


def admit(data: bytes, path: Path = Path("model.onnx")) -> ModelFacts:
    """`audit`, and whether this program's lexicon and preparation are the model's. Raises `ModelRefused`."""
    facts = audit(data, path)
    if facts.reading != reading_digest():
        raise ModelRefused("model.lexicon", path=path)
    return facts


def audit(data: bytes, path: Path = Path("model.onnx")) -> ModelFacts:
    """Check `data` from the outside in. Raises `ModelRefused`; `path` is only for the message."""
    return checked(data, MODEL, _facts, path)


def checked(data: bytes, kind: FileKind, facts: Callable[[Mapping[str, str]], T], path: Path) -> T:
    """`facts` of the metadata of a file of this kind, checked from the outside in. Raises `ModelRefused`."""
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


def _check_graph(data: bytes, kind: FileKind, path: Path) -> None:
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
    if opsets != kind.opsets:
        raise ModelRefused("model.opsets", path=path, used=opsets, allowed=dict(kind.opsets))
    if len(graphs) != 1:
        raise ModelRefused("model.graph", path=path)
    for entry in fields(data, graphs[0].start, graphs[0].end):
        if entry.number == 1:
            _check_node(data, entry, kind.operators, path)
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


def _check_node(data: bytes, node: Field, operators: Set[str], path: Path) -> None:
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
    if name not in operators:
        raise ModelRefused("model.operator", path=path, name=name)
    for attribute in attributes:
        parts = list(fields(data, attribute.start, attribute.end, _INTS))
        if any(f.number in (6, 11) for f in parts):
            raise ModelRefused("model.subgraph", path=path, name=name)
        label = next((text(data, f) for f in parts if f.number == 1), "")
        if label == "tokenexp" and next((text(data, f) for f in parts if f.number == 4), "") != TOKEN_PATTERN:
            raise ModelRefused("model.tokens", path=path)


def thresholds_of(metadata: Mapping[str, str]) -> dict[Strictness, Thresholds]:
    """Those a file was published with. Raises `KeyError`, `TypeError` or `ValueError`."""
    limits = json.loads(metadata["thresholds"])
    strict = float(limits[Strictness.STRICT.value]["hold"])
    ways = {strictness: limits[strictness.value] for strictness in Strictness}
    return {
        strictness: Thresholds(float(own["clear"]), float(own["hold"]), float(own["challenge"]), strict)
        for strictness, own in ways.items()
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
