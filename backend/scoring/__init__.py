"""The model at work: audit, ONNX session, hot switch. Needs numpy and onnxruntime, nothing of training."""

from __future__ import annotations

import os
from pathlib import Path

SHIPPED = Path(__file__).parent.parent / "models" / "pitchgate.onnx"
JUDGE_BESIDE = SHIPPED.with_name("second-reading.onnx")

# ONNX Runtime has telemetry compiled in: as soon as it is imported it makes a device id and a database below the
# user's cache folder, to be sent to its maker. Its own function to switch that off comes too late for both.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
