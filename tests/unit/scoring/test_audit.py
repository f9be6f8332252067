"""Model files that must not be run, each refused with what to do."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
import pytest
from onnx import helper

from backend.scoring import SHIPPED
from backend.scoring.model_file import (
    MAX_BYTES,
    Damaged,
    ModelRefused,
    Vocabulary,
    audit,
    digest_of,
    packed_terms,
    protobuf_fields,
    read_model,
    unpacked_terms,
)
from tests.doubles import in_english

DATA = SHIPPED.read_bytes()


def signed(model: onnx.ModelProto, **changes: str) -> bytes:
    """`model` with changed metadata and a digest that fits: only what was changed can be the reason."""
    metadata = {entry.key: entry.value for entry in model.metadata_props} | changes | {"digest": "0" * 64}
    del model.metadata_props[:]
    helper.set_model_props(model, metadata)
    data: bytes = model.SerializeToString(deterministic=True)
    place = data.rfind(b"0" * 64)
    return data[:place] + digest_of(data, place, place + 64).encode() + data[place + 64 :]


@pytest.fixture
def model() -> onnx.ModelProto:
    return onnx.load_from_string(DATA)


def refusal(data: bytes) -> str:
    with pytest.raises(ModelRefused) as caught:
        audit(data)
    assert "pitchgate-model export" in in_english(caught.value)
    return in_english(caught.value)


def test_the_shipped_model_passes_and_so_does_a_copy_signed_again(model: onnx.ModelProto):
    assert audit(DATA).version == audit(signed(model)).version


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.1, 0.33, 0.5, 0.77, 0.9, 0.9999])
def test_one_flipped_byte_anywhere(share: float):
    place = int(share * (len(DATA) - 1))
    flipped = DATA[:place] + bytes([DATA[place] ^ 0x10]) + DATA[place + 1 :]
    assert refusal(flipped)


def test_a_flipped_byte_in_the_digest_itself():
    place = DATA.index(audit(DATA).digest.encode())
    flipped = DATA[:place] + (b"0" if DATA[place : place + 1] != b"0" else b"1") + DATA[place + 1 :]
    assert "digest" in refusal(flipped)


@pytest.mark.parametrize("cut", [0, 1, 1000, len(DATA) - 1])
def test_a_file_cut_short(cut: int):
    assert refusal(DATA[:cut])


def test_another_format_number(model: onnx.ModelProto):
    assert "format number 4" in refusal(signed(model, format="4"))


def test_an_operator_that_is_not_allowed(model: onnx.ModelProto):
    node = next(n for n in model.graph.node if n.op_type == "Sqrt")
    node.op_type = "Erf"
    assert "operator Erf" in refusal(signed(model))


def test_an_operator_of_another_domain(model: onnx.ModelProto):
    model.graph.node[0].domain = "evil.example"
    assert "evil.example" in refusal(signed(model))


def test_a_hidden_sub_graph(model: onnx.ModelProto):
    inner = helper.make_graph([], "inner", [], [])
    next(n for n in model.graph.node if n.op_type == "Sqrt").attribute.append(
        helper.make_attribute("body", inner)
    )
    assert "sub-graph" in refusal(signed(model))


def test_data_outside_the_file(model: onnx.ModelProto):
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    assert "outside the file" in refusal(signed(model))


def test_another_way_to_split_words(model: onnx.ModelProto):
    node = next(n for n in model.graph.node if n.op_type == "Tokenizer")
    next(a for a in node.attribute if a.name == "tokenexp").s = b"[a-z]+"
    assert "splits words" in refusal(signed(model))


def test_another_operator_set(model: onnx.ModelProto):
    model.opset_import[0].version = 20
    assert "operator sets" in refusal(signed(model))


def test_a_model_of_another_lexicon_or_preparation_is_not_served(model: onnx.ModelProto, tmp_path: Path):
    path = tmp_path / "model.onnx"
    path.write_bytes(signed(model, reading="1" * 64))
    assert audit(path.read_bytes(), path).reading == "1" * 64  # sound in itself: `compare` may look at it
    with pytest.raises(ModelRefused, match="lexicon"):
        read_model(path)


def test_unusable_thresholds(model: onnx.ModelProto):
    assert "metadata" in refusal(signed(model, thresholds="{}"))
    assert "metadata" in refusal(signed(model, thresholds="no json"))


def test_too_large_or_not_there(tmp_path: Path):
    assert "larger" in refusal(b"x" * (MAX_BYTES + 1))
    with pytest.raises(ModelRefused, match="unread"):
        read_model(tmp_path / "none.onnx")


def test_a_model_of_somebody_else(model: onnx.ModelProto):
    del model.metadata_props[:]
    assert "no digest" in refusal(model.SerializeToString())


@pytest.mark.parametrize("data", [b"\x00", b"\x0a\xff", b"\x0b", b"\xff" * 12, b"\x0a\x05ab"])
def test_bytes_that_are_no_protobuf(data: bytes):
    with pytest.raises(Damaged):
        list(protobuf_fields(data))


@pytest.mark.parametrize("text", ["", "zz", "!one\n", "!one\n%four", "!a\n\n"])
def test_a_vocabulary_packed_wrongly_is_refused(text: str, model: onnx.ModelProto):
    assert "metadata" in refusal(signed(model, vocabulary=text))


def test_the_vocabulary_reads_like_a_tuple():
    terms = ["one", "one o", "zwei", "zwei drei", "čtyři", ""]
    found = Vocabulary(unpacked_terms(packed_terms(terms)))
    assert list(found) == terms
    with pytest.raises(IndexError):
        found[6]


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path):
    pipe = tmp_path / "pipe.onnx"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path):
        with pytest.raises(ModelRefused, match="no_file"):
            read_model(path)
