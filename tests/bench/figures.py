"""What the store's measurement counted, and what is made of it: medians and ratios of rounds side by side."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Run:
    """What one round of a measure did. `cpu` is this process's, all threads; a server's is not in it."""

    done: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """A second."""
        return self.done / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of this process's CPU for each."""
        return 1e6 * self.cpu / self.done


class Measured(Protocol):
    """One database at one size with its rounds by measure."""

    kind: str
    rows: int
    runs: dict[str, list[Run]]


def medians(
    benches: Sequence[Measured], what: Callable[[Run], float]
) -> dict[str, dict[str, dict[str, int]]]:
    """Median of each: database → measure → size."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for bench in benches:
        for name, runs in bench.runs.items():
            sizes = found.setdefault(bench.kind, {}).setdefault(name, {})
            sizes[str(bench.rows)] = round(statistics.median(what(run) for run in runs))
    return found


def ratios(benches: Sequence[Measured], what: Callable[[Run], float]) -> dict[str, dict[str, float]]:
    """The largest size over the smallest: median over the rounds, in each of which they ran side by side."""
    found: dict[str, dict[str, float]] = {}
    for kind in dict.fromkeys(bench.kind for bench in benches):
        sizes = sorted((bench for bench in benches if bench.kind == kind), key=lambda bench: bench.rows)
        small, large = sizes[0].runs, sizes[-1].runs
        for name in small:
            pairs = zip(small[name], large[name], strict=True)
            ratio = statistics.median(what(high) / what(low) for low, high in pairs)
            found.setdefault(kind, {})[name] = round(ratio, 3)
    return found
