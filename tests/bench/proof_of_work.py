"""What the check costs a native solver on one core, per price: `proof_of_work.c`, compiled here, on real tasks.

Run by `make bench-work`. Each task's answer is checked by the server's own code, so a solver that is wrong shows.
"""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.captcha.own_tasks import MAX_FACTOR, STEPS, ProofOfWork
from backend.domain.challenge import BASE_COST

SOURCE = Path(__file__).with_suffix(".c")
TASKS = 12
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Solved:
    """What one task took: steps tried, milliseconds of one core, and which SHA it was."""

    steps: int
    milliseconds: float
    how: str


def compiled(folder: Path) -> Path:
    """The solver, for this machine's processor. Raises `RuntimeError` without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError("There is no C compiler here: install gcc.")
    program = folder / "solver"
    flags = ["-O3", "-march=native"]
    if platform.machine() == "x86_64":
        # The SHA instructions are old ones: among AVX the processor stalls at each (70 times slower here).
        flags.append("-mno-avx")
    subprocess.run([compiler, *flags, "-o", program, SOURCE], check=True)
    return program


def solve(program: Path, captcha: ProofOfWork, task: dict[str, Any]) -> Solved:
    """Solve one task and have the answer checked."""
    parameters = task["parameters"]
    arguments = [parameters[name] for name in ("nonce", "salt", "keyPrefix")]
    limits = [str(parameters["cost"]), str(parameters["data"]["ceiling"])]
    result = subprocess.run([program, *arguments, *limits], check=True, capture_output=True, text=True).stdout
    counter, nanoseconds, how = result.strip().split(" ", 2)
    password = bytes.fromhex(arguments[0]) + int(counter).to_bytes(4, "big")
    key = hashlib.pbkdf2_hmac(
        "sha256", password, bytes.fromhex(arguments[1]), parameters["cost"], parameters["keyLength"]
    )
    answer = {"challenge": task, "solution": {"counter": int(counter), "derivedKey": key.hex()}}
    payload = base64.b64encode(json.dumps(answer).encode()).decode()
    captcha.check(payload, "bench", parameters["data"]["factor"], NOW)
    return Solved(int(counter) + 1, int(nanoseconds) / 1e6, how)


def main() -> int:
    """Print milliseconds of one core for each price."""
    captcha = ProofOfWork("a secret of sufficient length", BASE_COST, 3_600.0)
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(Path(folder))
        solved = [solve(program, captcha, captcha.task("bench", 1, NOW)) for _ in range(TASKS)]
    a_step = sum(one.milliseconds for one in solved) / sum(one.steps for one in solved)
    print(f"{solved[0].how}: {a_step:.3f} ms of one core a step of {BASE_COST} iterations ({TASKS} tasks)")
    factor = 1
    while factor <= MAX_FACTOR:
        most = STEPS * factor * a_step
        print(f"price {factor:2}: {most / 2:9,.0f} ms on average, {most:9,.0f} ms at most")
        factor *= 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
