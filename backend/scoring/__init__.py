"""Running a model: checking its file, scoring in ONNX Runtime, the second reading. Needs numpy and onnxruntime, but
nothing that training needs."""

from __future__ import annotations

import os
from pathlib import Path

SHIPPED = Path(__file__).parent.parent / "models" / "pitchgate.onnx"
JUDGE_BESIDE = SHIPPED.with_name("second-reading.onnx")

# ONNX Runtime contains telemetry: on import it creates a device id and a database in the user's cache folder, to be
# sent to its vendor. Its function to disable that comes too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
