"""Puts nodes and constants into the container that skl2onnx makes a graph of."""

from __future__ import annotations

from typing import Any

import numpy as np

OPSET = {"": 21, "ai.onnx.ml": 3, "com.microsoft": 1}


class Emitter:
    """Names every tensor by its role, so that the graph is the same each time it is built."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def constant(self, name: str, values: Any, kind: int) -> str:
        """An initializer; its name."""
        array = np.asarray(values)
        self._container.add_initializer(name, kind, list(array.shape), array.ravel().tolist())
        return name

    def node(self, op: str, inputs: list[str], outputs: str | list[str], **attributes: Any) -> None:
        """One node, named after its first output."""
        names = [outputs] if isinstance(outputs, str) else outputs
        version = OPSET[attributes.get("op_domain", "")]
        self._container.add_node(op, inputs, names, name=f"n_{names[0]}", op_version=version, **attributes)
