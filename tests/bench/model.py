"""The served model against the pickled scikit-learn pipeline that it was exported from, in one run.

    python -m tests.bench.model [--messages N] [--rounds N]

Both score the same prepared texts of the corpus, each in a process of its own, in turns. Measured:

p50, p99   one message a call, in µs; each message's best of three passes, so that the machine's other work
           does not count; percentiles are over messages
rate1, 2   messages a second with one thread and with two, one message a call
load       from the first import of either runtime to the first score, in ms; Python, numpy and the preparation of
           texts, which both need, are there before
memory     MB of the whole process, nothing taken off, once it has scored everything: what it holds for itself alone
           (RssAnon of /proc/self/status), which nobody else can use and the system cannot drop
resident   MB of the whole process with the pages of program files it has touched (VmRSS): those of onnxruntime are
           shared by all processes that use it and dropped when memory is short
added      MB of `resident` that the first score adds to a process that has Python, numpy and the preparation of
           texts
empty      MB of `resident` with onnxruntime and a session of one addition instead of our model: what no model of
           ours could go below

Texts are read one at a time, so that the corpus itself is in neither figure.

The median of the rounds counts. The last line is one JSON object: how many times better the served model is
(for the four sizes: its share of the pipeline's), the largest difference between their probabilities, and what a
second reading adds (tests/bench/second_reading.py).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PASSES = 3
SERVED, PICKLED, EMPTY = "served", "pickled", "empty"


def main() -> None:
    """Train, export, and let the two processes take turns."""
    options = _options()
    if options.child:
        _child(options.child, Path(options.model), Path(options.texts))
        return
    from tests.bench.second_reading import if_installed  # not in a child, whose memory counts

    with tempfile.TemporaryDirectory() as folder:
        models = _models(Path(folder), options.messages)
        found: dict[str, list[dict[str, Any]]] = {SERVED: [], PICKLED: [], EMPTY: []}
        for number in range(options.rounds):
            for kind in (SERVED, PICKLED, EMPTY):
                found[kind].append(_run(kind, models[kind], models["texts"]))
                print(f"round {number + 1}, {kind}: {_line(found[kind][-1])}", flush=True)
        again = asyncio.run(if_installed(Path(folder), options.messages))
    print(json.dumps({**_ratios(found), "second_reading": again}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=(SERVED, PICKLED, EMPTY), help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--texts", help=argparse.SUPPRESS)
    return parser.parse_args()


def _models(folder: Path, messages: int) -> dict[str, Path]:
    """The pipeline pickled, the very same exported, and every n-th text of the corpus."""
    from model_export.evaluation import evaluate, summary
    from model_export.publish import build, publish
    from model_export.rows import corpus
    from model_export.training import train

    rows = corpus()
    trained = train(rows, progress=lambda step: print(f"training, {step}", flush=True))
    names = {SERVED: "model.onnx", PICKLED: "model.pickle", EMPTY: "empty.onnx", "texts": "texts.txt"}
    paths = {kind: folder / name for kind, name in names.items()}
    publish(build(trained, rows, summary(evaluate(trained))), trained, rows, paths[SERVED])
    paths[PICKLED].write_bytes(pickle.dumps(trained.model))
    paths[EMPTY].write_bytes(_one_addition())
    step = max(1, len(rows) // messages)
    paths["texts"].write_text("\n".join(row.text for row in rows[::step]), encoding="utf-8")
    return paths


def _one_addition() -> bytes:
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("a", "b")]
    graph = helper.make_graph([helper.make_node("Add", ["a", "a"], ["b"])], "empty", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    data: bytes = model.SerializeToString()
    return data


def _run(kind: str, model: Path, texts: Path) -> dict[str, Any]:
    options = ["--child", kind, "--model", str(model), "--texts", str(texts)]
    command = [sys.executable, "-m", "tests.bench.model", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _child(kind: str, model: Path, path: Path) -> None:
    import numpy as np

    import backend.domain.reading.model_text

    del np, backend
    base = _size("VmRSS")
    if kind == EMPTY:
        _empty(model)
        print(json.dumps({"resident": _size("VmRSS"), "memory": _size("RssAnon")}))
        return
    began = time.perf_counter()
    score = _served(model) if kind == SERVED else _pickled(model)
    score("f_language_en quick question")
    load = (time.perf_counter() - began) * 1e3
    added = _size("VmRSS") - base
    with path.open(encoding="utf-8") as texts:
        scores, best = zip(*(_best(score, text) for text in texts), strict=True)
    result = {"load": load, "added": added, "resident": _size("VmRSS"), "memory": _size("RssAnon")}
    ranked = sorted(best)
    result |= {"p50": ranked[len(ranked) // 2] * 1e6, "p99": ranked[int(len(ranked) * 0.99)] * 1e6}
    lines = path.read_text(encoding="utf-8").split("\n")
    result |= {"rate1": _rate(score, lines, 1), "rate2": _rate(score, lines, 2)}
    print(json.dumps({**result, "scores": scores, "sklearn": "sklearn" in sys.modules}))


def _empty(path: Path) -> None:
    import numpy as np
    import onnxruntime as ort

    session = ort.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    session.run(None, {"a": np.ones(1, np.float32)})


def _served(path: Path) -> Callable[[str], float]:
    from backend.scoring.session import ModelSession

    session = ModelSession.open(path)
    # As much as the pipeline is asked for. `score` also keeps a trace for the log of decisions; `make bench` counts it.
    return lambda text: session.score_alone(text).probability


def _pickled(path: Path) -> Callable[[str], float]:
    model = pickle.loads(path.read_bytes())
    return lambda text: float(model.predict_proba([text])[0, 1])


def _best(score: Callable[[str], float], text: str) -> tuple[float, float]:
    """(score, seconds of the fastest pass)."""
    times = []
    for _ in range(PASSES):
        began = time.perf_counter()
        found = score(text)
        times.append(time.perf_counter() - began)
    return found, min(times)


def _rate(score: Callable[[str], float], texts: list[str], threads: int) -> float:
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        for _ in pool.map(
            lambda part: [score(text) for text in part], [texts[i::threads] for i in range(threads)]
        ):
            pass
        return len(texts) / (time.perf_counter() - began)


def _size(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _line(result: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:,.1f}" for name, value in result.items() if isinstance(value, float))


def _ratios(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    middle = {
        kind: {
            name: statistics.median(r[name] for r in runs)
            for name in runs[0]
            if isinstance(runs[0][name], float)
        }
        for kind, runs in found.items()
    }
    ours, theirs = middle[SERVED], middle[PICKLED]
    pairs = zip(found[SERVED][0]["scores"], found[PICKLED][0]["scores"], strict=True)
    return {
        "p50": round(theirs["p50"] / ours["p50"], 2),
        "p99": round(theirs["p99"] / ours["p99"], 2),
        "rate1": round(ours["rate1"] / theirs["rate1"], 2),
        "rate2": round(ours["rate2"] / theirs["rate2"], 2),
        "load": round(theirs["load"] / ours["load"], 2),
        "memory": round(ours["memory"] / theirs["memory"], 3),
        "resident": round(ours["resident"] / theirs["resident"], 3),
        "added": round(ours["added"] / theirs["added"], 3),
        "empty": round(middle[EMPTY]["resident"] / theirs["resident"], 3),
        "largest_difference": max(abs(a - b) for a, b in pairs),
        "served_imports_sklearn": found[SERVED][0]["sklearn"],
        "served": {name: round(value, 1) for name, value in ours.items()},
        "pickled": {name: round(value, 1) for name, value in theirs.items()},
    }


if __name__ == "__main__":
    main()
