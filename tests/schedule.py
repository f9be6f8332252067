"""Who runs which file of tests: the last four workers have tests that wait for processes, the others those that
calculate. A worker collects its own kind alone: collecting everything takes as long as hundreds of tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

HERE = Path(__file__).parent
WAITERS = 4
WAITING = ("faults", "journeys", "desktop", "browser")
"""Folders whose tests wait for processes most of their time."""
FIRST = (
    "test_bad_days",
    "test_api_contract",
    "test_cluster",
    "test_small",
    "test_review_click",
    "test_window_screen",
    "test_addon_page",
    "test_deaths",
)
"""Files that take a minute and more. One of a single test brings its worker the next, so a short one follows."""
BUSY = ("growth", "web", "contract", "architecture", "sandbox")
"""Folders with long files among the others: what begins late is short, so that workers end together."""


def configure(node: WorkerController) -> None:
    """Say to a worker what it is for. One that takes the place of another takes all, as each of few workers does."""
    workers, number = node.workerinput["workercount"], int(node.gateway.id.removeprefix("gw"))
    if node.config.getvalue("dist") == "loadfile" and number < workers > WAITERS:
        node.workerinput["waits"] = number >= workers - WAITERS


def ignored(path: Path, config: pytest.Config) -> bool | None:
    """Whether the folder or file is for workers of the other kind."""
    waits = getattr(config, "workerinput", {}).get("waits")
    if waits is None or path == HERE or not path.is_relative_to(HERE):
        return None
    return (path.relative_to(HERE).parts[0] in WAITING) is not waits or None


def in_order(items: list[pytest.Item]) -> None:
    """Long files first; those with much to wait for in turn of all their folders: a desktop stands between others."""
    turns: dict[str, Iterator[int]] = defaultdict(count)
    places: dict[Path, tuple[int, int, int]] = {}
    for path in sorted({item.path for item in items}):
        folder = path.relative_to(HERE).parts[0]
        turn = next(turns[folder])
        if path.stem in FIRST:
            places[path] = (0, FIRST.index(path.stem), 0)
        elif folder in WAITING:
            places[path] = (1, turn, WAITING.index(folder))
        else:
            places[path] = (2, BUSY.index(folder) if folder in BUSY else len(BUSY), turn)
    items.sort(key=lambda item: places[item.path])


class EachItsOwn(LoadFileScheduling):  # type: ignore[misc]
    """A worker gets the next file of those that it has collected."""

    collection: list[str] | None

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        self.registered_collections[node] = list(collection)

    def schedule(self) -> None:
        if self.collection is None:
            self.collection = [*dict.fromkeys(chain(*self.registered_collections.values()))]
            for nodeid in self.collection:
                self.workqueue.setdefault(self._split_scope(nodeid), {})[nodeid] = False
        session: Any = self.config.pluginmanager.getplugin("dsession")
        session._session.testscollected = len(self.collection)
        for node in self.nodes:
            self._reschedule(node)

    def _reschedule(self, node: WorkerController) -> None:
        while not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
            own = set(map(self._split_scope, self.registered_collections[node]))
            scope = next((scope for scope in self.workqueue if scope in own), None)
            if scope is None:
                node.shutdown()
            else:
                self.workqueue.move_to_end(scope, last=False)
                self._assign_work_unit(node)
