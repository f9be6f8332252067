"""The model at work: audit, ONNX session, hot switch. Needs numpy and onnxruntime, nothing of training."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).parent.parent / "models" / "pitchgate.onnx"
