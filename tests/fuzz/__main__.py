"""python -m tests.fuzz --count 1000000 --seed 1: what strangers can send, spoiled at random. Its last line is JSON.

Each input has a number, and `--only NUMBER` tries that one alone. No input may raise what is not declared, or
take more than `HANG` seconds of processor time; memory must not grow with their number.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import resource
import sys
import time
import traceback
from collections import Counter
from dataclasses import asdict, dataclass, field
from random import Random

import structlog

from tests.fuzz.targets import TARGETS

HANG = 0.5
_PAGE = resource.getpagesize()


@dataclass
class Report:
    """What happened. `slow` and `crashes` name inputs by number; sizes are MB of resident memory."""

    count: int = 0
    seed: int = 0
    processor_seconds: float = 0.0
    inputs: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    slowest: dict[str, float] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """No crash, no hang, and the last third of the run needed no more memory than the second, but for 20 MB."""
        third = len(self.memory) // 3
        flat = third == 0 or max(self.memory[-third:]) <= max(self.memory[third : 2 * third]) + 20
        return not self.crashes and not self.slow and flat


def run(count: int, seed: int, only: int | None = None, hang: float = HANG) -> Report:
    """Try inputs 0 to `count`, or `only` one."""
    report = Report(count=count, seed=seed)
    names, shares = list(TARGETS), [target.share for target in TARGETS.values()]
    for target in TARGETS.values():  # whatever is loaded or compiled once belongs to no input
        target.take(target.make(Random(seed)))
    gc.collect()
    gc.freeze()  # as the reading process does: or inputs would pay for what lies in memory for the test
    for number in range(count) if only is None else (only,):
        random = Random(f"{seed}.{number}")
        name = random.choices(names, shares)[0]
        report.inputs[name] += 1
        made = TARGETS[name].make(random)
        began = time.thread_time()
        try:
            TARGETS[name].take(made)
        except Exception as error:  # whatever it is, it is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            if len(report.crashes) < 50:
                report.crashes.append(
                    f"{number} {name}: {type(error).__name__} at {where.name}:{where.lineno}"
                )
        took = time.thread_time() - began
        report.processor_seconds += took
        report.slowest[name] = max(report.slowest.get(name, 0.0), round(took, 3))
        if took > hang and len(report.slow) < 50:
            report.slow.append(f"{number} {name}: {took:.2f} s")
        if number % max(1, count // 30) == 0:
            report.memory.append(_resident())
    return report


def _resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * _PAGE // 1_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    report = run(chosen.count, chosen.seed, chosen.only)
    for line in (*report.crashes, *report.slow):
        print(line)
    print(json.dumps({"good": report.good, **asdict(report), "inputs": dict(report.inputs)}))
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
