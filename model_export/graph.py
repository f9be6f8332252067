"""The model's ONNX graph: from raw text to the probability and the contributions of terms."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType, StringTensorType

from model_export.learner import BLOCKS, Block, PitchModel

# ---- Puts nodes and constants into the container that skl2onnx makes a graph of.


OPSET = {"": 21, "ai.onnx.ml": 3, "com.microsoft": 1}


class Emitter:
    """Names each tensor by its role, so that every build gives the same graph."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def constant(self, name: str, values: Any, kind: int) -> str:
        """Add an initializer; returns its name."""
        array = np.asarray(values)
        self._container.add_initializer(name, kind, list(array.shape), array.ravel().tolist())
        return name

    def node(self, op: str, inputs: list[str], outputs: str | list[str], **attributes: Any) -> None:
        """Add a node, named after its first output."""
        names = [outputs] if isinstance(outputs, str) else outputs
        version = OPSET[attributes.get("op_domain", "")]
        self._container.add_node(op, inputs, names, name=f"n_{names[0]}", op_version=version, **attributes)


# ---- skl2onnx converter of `PitchModel`: a sparse graph, raw text in, probability and per-term shares and
# counts out. The stock conversion of tf-idf builds a dense row per message and differs from scikit-learn on
# most real mail (tokeniser, sublinear tf, pruned bigrams). This one looks up only the terms that occur and
# keeps scikit-learn's order of operations in double precision.


WORD = r"[\p{L}\p{N}_]{2,}"  # RE2's spelling of the learner's token pattern
IR_VERSION = 10
OUTPUTS = ("probability", "logit", "row", "term", "share", "count")


def to_onnx(model: PitchModel) -> ModelProto:
    """The graph, without metadata. The same fitted parameters give the same bytes."""
    update_registered_converter(PitchModel, "PitchModel", _shapes, _convert, parser=_outputs, overwrite=True)
    converted: ModelProto = convert_sklearn(
        model, name="pitchgate", initial_types=[("text", StringTensorType([None]))], target_opset=OPSET
    )
    return _settled(converted)


def _settled(model: ModelProto) -> ModelProto:
    """Remove what varies between runs: the order of opset imports, producer, doc strings."""
    imports = [helper.make_opsetid(domain, OPSET[domain]) for domain in sorted(OPSET)]
    del model.opset_import[:]
    model.opset_import.extend(imports)
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string, model.domain = "pitchgate", "", "", ""
    model.graph.name, model.graph.doc_string = "pitchgate", ""
    # Without this declaration onnx's shape inference crashes at a LabelEncoder behind the Tokenizer.
    token = [i.output[0] for i in model.graph.node if i.op_type == "Tokenizer"]
    declared = {v.name for v in model.graph.value_info}
    model.graph.value_info.extend(
        helper.make_tensor_value_info(name, TensorProto.STRING, ["B", "T"])
        for name in token
        if name not in declared
    )
    return model


def _outputs(scope: Any, model: PitchModel, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
    """Declare six outputs instead of a classifier's usual two; `row` and `term` say whose each share and count is."""
    del custom_parsers
    operator = scope.declare_local_operator("PitchModel", model)
    operator.inputs = inputs
    for name in OUTPUTS:
        kind = Int64TensorType if name in ("row", "term", "count") else DoubleTensorType
        operator.outputs.append(scope.declare_local_variable(name, kind([None])))
    return list(operator.outputs)


def _shapes(operator: Any) -> None:
    """skl2onnx requires this function, although the output types are declared with the outputs."""


def _convert(scope: Any, operator: Any, container: Any) -> None:
    del scope
    model: PitchModel = operator.raw_operator
    for vectorizer, block in zip(model.vectorizers, BLOCKS, strict=True):
        _check(vectorizer, block)
    terms = model.terms()
    sizes = [len(vectorizer.vocabulary) for vectorizer in model.vectorizers]
    emit = Emitter(container)
    _constants(emit)
    _terms(emit, operator.inputs[0].full_name, terms)
    _counts(emit)
    blocks = np.repeat(np.arange(len(BLOCKS)), sizes)
    _unit_length(emit, np.concatenate([v.idf_ for v in model.vectorizers]), blocks)
    _margins(emit, model.coef_, model.intercept_)
    _trust(emit, model.params.brevity, model.longest_)
    _weighed(emit, model)
    _probability(emit, model.offset_)
    for ours, output in zip(
        ("p", "logit_", "row_", "fid", "contrib", "often"), operator.outputs, strict=True
    ):
        emit.node("Identity", [ours], output.full_name)


def _check(vectorizer: Any, block: Block) -> None:
    names = (
        "analyzer",
        "ngram_range",
        "norm",
        "use_idf",
        "sublinear_tf",
        "binary",
        "lowercase",
        "stop_words",
        "strip_accents",
    )
    settings = tuple(getattr(vectorizer, name) for name in names)
    if settings != ("word", (1, block.longest), "l2", True, True, False, False, None, None):
        raise ValueError(f"this graph does not cover a vectorizer set to {settings}")


def _constants(emit: Emitter) -> None:
    for name, value in (("i0", 0), ("i1", 1)):
        emit.constant(name, np.int64(value), TensorProto.INT64)
    for name, value in (("s0", 0), ("s1", 1), ("sm1", -1), ("smax", 2**62)):
        emit.constant(name, [value], TensorProto.INT64)
    emit.constant("one", np.float64(1), TensorProto.DOUBLE)


def _terms(emit: Emitter, text: str, terms: list[str]) -> None:
    """Unigram and bigram ids of the tokens, [row, position]; the number of terms marks an unknown one. No vocabulary
    contains a bigram across two blocks, so the blocks share one token sequence."""
    size = len(terms)
    tokens = sorted({token for term in terms for token in term.split(" ")})
    number = {token: i for i, token in enumerate(tokens)}
    missing = len(tokens)
    unigrams = np.full(missing + 1, size, np.int64)
    keys, values = [], []
    for index, term in enumerate(terms):
        words = term.split(" ")
        if len(words) == 1:
            unigrams[number[term]] = index
        else:
            keys.append(number[words[0]] * (missing + 1) + number[words[1]])
            values.append(index)
    emit.constant("unigram", unigrams, TensorProto.INT32)
    emit.constant("base", np.int64(missing + 1), TensorProto.INT64)
    emit.constant("V", np.int64(size), TensorProto.INT64)
    emit.constant("V1", np.int64(size + 1), TensorProto.INT64)
    emit.node(
        "Tokenizer",
        [text],
        "tok",
        op_domain="com.microsoft",
        pad_value="",
        mark=0,
        mincharnum=1,
        tokenexp=WORD,
    )
    emit.node("LabelEncoder", ["tok"], "tid", op_domain="ai.onnx.ml", keys_strings=tokens,
              values_int64s=list(range(missing)), default_int64=missing)  # fmt: skip
    emit.node("Gather", ["unigram", "tid"], "u32")
    emit.node("Cast", ["u32"], "u", to=TensorProto.INT64)
    emit.node("Slice", ["tid", "s0", "sm1", "s1"], "left")
    emit.node("Slice", ["tid", "s1", "smax", "s1"], "right")
    emit.node("Mul", ["left", "base"], "left2")
    emit.node("Add", ["left2", "right"], "key")
    emit.node("LabelEncoder", ["key"], "bi", op_domain="ai.onnx.ml", keys_int64s=keys or [-1],
              values_int64s=values or [size], default_int64=size)  # fmt: skip
    emit.node("Concat", ["u", "bi"], "ids", axis=1)


def _counts(emit: Emitter) -> None:
    """How often each term occurs in each row: unknown ones are dropped, the rest are sorted unique keys
    row*(V+1)+term."""
    emit.node("Shape", ["ids"], "rows1", start=0, end=1)
    emit.node("Squeeze", ["rows1"], "rows")
    emit.node("Range", ["i0", "rows", "i1"], "r0")
    emit.node("Mul", ["r0", "V1"], "r1")
    emit.node("Unsqueeze", ["r1", "s1"], "r2")
    emit.node("Add", ["ids", "r2"], "k2")
    emit.node("Less", ["ids", "V"], "known2")
    emit.node("Reshape", ["known2", "sm1"], "known")
    emit.node("Compress", ["k2", "known"], "k")  # without an axis: laid out in one row
    # The unused outputs are named: skl2onnx takes two empty names for a cycle.
    emit.node("Unique", ["k"], ["uk", "unused_i", "unused_v", "often"], sorted=1)
    emit.node("Div", ["uk", "V1"], "row_")
    emit.node("Mul", ["row_", "V1"], "rowkey")
    emit.node("Sub", ["uk", "rowkey"], "fid")


def _unit_length(emit: Emitter, idf: Any, blocks: Any) -> None:
    """(1 + log count) * idf, each row's part in each block scaled to unit length."""
    emit.constant("idf16", np.append(idf, 0.0), TensorProto.FLOAT16)
    emit.constant("block", np.append(blocks, 0), TensorProto.UINT8)
    emit.constant("blocks", np.int64(len(BLOCKS)), TensorProto.INT64)
    emit.constant("blocks1", [len(BLOCKS)], TensorProto.INT64)
    emit.node("Cast", ["often"], "tf", to=TensorProto.DOUBLE)
    emit.node("Log", ["tf"], "logtf")
    emit.node("Add", ["logtf", "one"], "stf")
    emit.node("Gather", ["idf16", "fid"], "idf_f")
    emit.node("Cast", ["idf_f"], "idf_d", to=TensorProto.DOUBLE)
    emit.node("Mul", ["stf", "idf_d"], "x")
    emit.node("Mul", ["x", "x"], "xx")
    emit.node("Gather", ["block", "fid"], "blk8")
    emit.node("Cast", ["blk8"], "blk", to=TensorProto.INT64)
    emit.node("Mul", ["row_", "blocks"], "cell0")
    emit.node("Add", ["cell0", "blk"], "cell")
    emit.node("Mul", ["rows1", "blocks1"], "cells1")
    zero = helper.make_tensor("value", TensorProto.DOUBLE, [1], [0.0])
    emit.node("ConstantOfShape", ["cells1"], "zero_cells", value=zero)
    emit.node("ScatterElements", ["zero_cells", "cell", "xx"], "squares", axis=0, reduction="add")
    emit.node("Sqrt", ["squares"], "norms")
    emit.node("Gather", ["norms", "cell"], "norm")  # no cell that is asked for is empty
    emit.node("Div", ["x", "norm"], "unit")


def _margins(emit: Emitter, coef: Any, intercept: Any) -> None:
    """Each term's part in each margin, [term, margin], and the margins, [row, margin]."""
    emit.constant("coef16", np.vstack([coef, np.zeros((1, coef.shape[1]))]), TensorProto.FLOAT16)
    emit.constant("bias", intercept, TensorProto.DOUBLE)
    emit.constant("margins1", [coef.shape[1]], TensorProto.INT64)
    emit.node("Gather", ["coef16", "fid"], "coef_f")
    emit.node("Cast", ["coef_f"], "coef_d", to=TensorProto.DOUBLE)
    emit.node("Unsqueeze", ["unit", "s1"], "unit2")
    emit.node("Mul", ["unit2", "coef_d"], "parts")
    emit.node("Concat", ["rows1", "margins1"], "shape2", axis=0)
    zero = helper.make_tensor("value", TensorProto.DOUBLE, [1], [0.0])
    emit.node("ConstantOfShape", ["shape2"], "zeros2", value=zero)
    emit.node("Unsqueeze", ["row_", "s1"], "row2")
    emit.node("ScatterND", ["zeros2", "row2", "parts"], "sums", reduction="add")
    emit.node("Add", ["sums", "bias"], "margins")


def _trust(emit: Emitter, brevity: float, longest: float) -> None:
    """How much the evidence of a row counts, from the number n of distinct terms of its first block: n / (n + brevity)
    * longest / max(n, longest)."""
    emit.constant("longest", np.float64(longest), TensorProto.DOUBLE)
    emit.constant("brevity", np.float64(brevity), TensorProto.DOUBLE)
    emit.node("Less", ["blk", "i1"], "first")
    emit.node("Cast", ["first"], "first_d", to=TensorProto.DOUBLE)
    zero = helper.make_tensor("value", TensorProto.DOUBLE, [1], [0.0])
    emit.node("ConstantOfShape", ["rows1"], "zero_rows", value=zero)
    emit.node("ScatterElements", ["zero_rows", "row_", "first_d"], "told", axis=0, reduction="add")
    emit.node("Add", ["told", "brevity"], "told_more")
    emit.node("Div", ["told", "told_more"], "trust_short")
    emit.node("Max", ["told", "longest"], "told_least")
    emit.node("Div", ["longest", "told_least"], "trust_long")
    emit.node("Mul", ["trust_short", "trust_long"], "trust")


def _weighed(emit: Emitter, model: PitchModel) -> None:
    """The soft minimum of the first margins and the soft maximum of the rest, weighted, [row, 1]; and the derivative of
    this sum by each margin (`pulls`), [row, margin]. The weights include the calibrator's slope, because each operator
    less saves a hundredth of a run."""
    ordinary, count, balance = model.ordinary_classes_, model.coef_.shape[1], model.params.balance
    sides = [("low", 0, ordinary, -1.0, (1.0 - balance) * model.slope_)]
    if count > ordinary:
        sides.append(("high", ordinary, count, 1.0, balance * model.slope_))
    for name, start, end, sign, weight in sides:
        emit.constant(f"{name}_start", [start], TensorProto.INT64)
        emit.constant(f"{name}_end", [end], TensorProto.INT64)
        emit.constant(f"{name}_weight", np.float64(weight), TensorProto.DOUBLE)
        emit.constant(f"{name}_signed_weight", np.float64(sign * weight), TensorProto.DOUBLE)
        emit.node("Slice", ["margins", f"{name}_start", f"{name}_end", "s1"], f"{name}_margins")
        emit.node("Neg" if sign < 0 else "Identity", [f"{name}_margins"], f"{name}_signed")
        emit.node("Exp", [f"{name}_signed"], f"{name}_odds")
        emit.node("ReduceSum", [f"{name}_odds", "s1"], f"{name}_sum", keepdims=1)
        emit.node("Log", [f"{name}_sum"], f"{name}_log")
        emit.node("Mul", [f"{name}_log", f"{name}_signed_weight"], f"{name}_part")
        emit.node("Div", [f"{name}_weight", f"{name}_sum"], f"{name}_share")
        emit.node("Mul", [f"{name}_odds", f"{name}_share"], f"{name}_pulls")
    if count > ordinary:
        emit.node("Add", ["low_part", "high_part"], "raw")
        emit.node("Concat", ["low_pulls", "high_pulls"], "pulls", axis=1)
    else:
        emit.node("Identity", ["low_part"], "raw")
        emit.node("Identity", ["low_pulls"], "pulls")


def _probability(emit: Emitter, offset: float) -> None:
    """logit = raw * trust + offset. A term's share is its parts, weighted by the derivatives of the margins."""
    emit.constant("offset", np.float64(offset), TensorProto.DOUBLE)
    emit.node("Unsqueeze", ["trust", "s1"], "trust2")
    emit.node("Mul", ["raw", "trust2"], "trusted2")
    emit.node("Squeeze", ["trusted2", "s1"], "trusted")
    emit.node("Add", ["trusted", "offset"], "logit_")
    emit.node("Neg", ["logit_"], "minus")
    emit.node("Exp", ["minus"], "e")
    emit.node("Add", ["e", "one"], "e1")
    emit.node("Div", ["one", "e1"], "p")
    emit.node("Mul", ["pulls", "trust2"], "trusted_pulls")
    emit.node("Gather", ["trusted_pulls", "row_"], "pull_f")
    emit.node("Mul", ["parts", "pull_f"], "pulled")
    emit.node("ReduceSum", ["pulled", "s1"], "contrib", keepdims=0)
