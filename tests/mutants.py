"""python -m tests.mutants --seed 1 --count 200 [--under backend/domain/policy]: what the nearest tests notice.

A mutant is the program with one comparison, condition, operator or constant changed, in a copy of the tree. The unit
tests that mirror its folder are collected once. Each mutant is a process forked from there: it changes what is loaded
(and the file, for processes that tests start) and runs the tests that were seen to run that function, the quickest
first, to the first that fails. The last line is JSON.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

UNDER = ("backend/domain", "backend/pipeline", "backend/gmail", "backend/captcha", "backend/reader")
IN_COPY = "MUTANTS_IN_COPY"
SECONDS = 15  # of processor time, for the tests of one mutant: what takes longer to notice is not noticed
PAIRS = "Lt LtE, Gt GtE, Eq NotEq, In NotIn, Is IsNot, And Or, Add Sub, Mult FloorDiv, BitOr BitAnd"
OTHER = {one: pair[one == pair[0]] for pair in map(str.split, PAIRS.split(",")) for one in pair}


@dataclass(frozen=True, eq=False)
class Mutant:
    """One change to a node of the file's tree; `at` says to which of its signs."""

    path: Path
    tree: ast.Module
    node: Any
    at: int

    def __str__(self) -> str:
        where = f"{self.path}:{self.node.lineno}"
        return f"{where} {ast.unparse(getattr(self.node, 'test', self.node))[:70]!r} ({self.at + 1})"

    def start(self) -> str:
        """Where the innermost function around it begins; for what runs at import, just the file."""
        around = [
            min([one.lineno, *(mark.lineno for mark in one.decorator_list)])
            for one in ast.walk(self.tree)
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            and one.body[0].lineno <= self.node.lineno <= (one.end_lineno or 0)
        ]
        return f"{self.path}:{max(around)}:" if around else f"{self.path}:"

    def change(self) -> None:
        """Make the change, in the tree."""
        match self.node:
            case ast.Compare(ops=signs):
                signs[self.at] = getattr(ast, OTHER[type(signs[self.at]).__name__])()
            case ast.Constant(value=value):
                self.node.value = not value if isinstance(value, bool) else value + 1
            case ast.If() | ast.IfExp() | ast.While():
                self.node.test = ast.UnaryOp(ast.Not(), self.node.test)
            case _:
                self.node.op = getattr(ast, OTHER[type(self.node.op).__name__])()
        ast.fix_missing_locations(self.tree)


def mutants(path: Path) -> Iterator[Mutant]:
    """Every change of a file, but of what does nothing at run time and of what decorators promise."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aside = [getattr(node, name, None) for node in ast.walk(tree) for name in ("annotation", "returns")]
    aside += [mark for node in ast.walk(tree) for mark in getattr(node, "decorator_list", ())]
    left = {id(one) for part in aside if part is not None for one in ast.walk(part)}
    for node in ast.walk(tree):
        if id(node) not in left:
            yield from (Mutant(path, tree, node, at) for at in range(_changes(node)))


def _changes(node: Any) -> int:
    if isinstance(node, ast.Compare):
        return len(node.ops)
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        return ast.unparse(node.test) != "TYPE_CHECKING"
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float)
    return type(getattr(node, "op", None)).__name__ in OTHER


def sample(under: list[str], seed: int, count: int) -> list[Mutant]:
    """As many of each folder, where it has as many."""
    folders = dict[Path, list[Mutant]]()
    for path in sorted({path for place in under for path in Path(place).rglob("*.py")}):
        folders.setdefault(path.parent, []).extend(mutants(path))
    share = -(-count // len(folders))
    drawn = {
        at: Random(f"{seed} {at}").sample(found, min(share, len(found))) for at, found in folders.items()
    }
    return [mutant for found in drawn.values() for mutant in found]


def nearest(mutant: Mutant) -> Path:
    """The folder of the unit tests that mirror the file's."""
    return Path("tests/unit").absolute() / mutant.path.parent.relative_to("backend")


def apply(mutant: Mutant) -> None:
    """Change the module that is loaded: the statement, and those after it that are made of what it names."""
    body = mutant.tree.body
    first = next(at for at, part in enumerate(body) if any(one is mutant.node for one in ast.walk(part)))
    mutant.change()
    mutant.path.write_text(ast.unparse(mutant.tree), encoding="utf-8")
    module = sys.modules.get(".".join(mutant.path.with_suffix("").parts).removesuffix(".__init__"))
    if module is None:  # only processes that tests start import it
        return
    space, changed = dict(vars(module)), set[str]()
    for at, part in enumerate(body[first:]):
        if at and not changed & {one.id for one in ast.walk(part) if isinstance(one, ast.Name)}:
            continue
        before = dict(space)
        exec(compile(ast.Module([part], []), str(mutant.path), "exec"), space)
        for name, value in list(space.items()):
            old = before.get(name)
            if value is not old and _graft(old, value):
                space[name] = old
            elif value is not old:
                changed.add(name)
                for other in [one for one in sys.modules.values() if isinstance(one, ModuleType)]:
                    if vars(other).get(name) is old:
                        setattr(other, name, value)


def _graft(old: Any, new: Any) -> bool:
    """Give a function or class that others hold what the changed one does; False for what is a plain value."""
    old, new = _bare(old), _bare(new)
    if isinstance(old, FunctionType) and isinstance(new, FunctionType):
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            setattr(old, name, getattr(new, name))
    elif isinstance(old, type) and isinstance(new, type):
        for name in vars(old).keys() & vars(new).keys():
            if not _graft(vars(old)[name], vars(new)[name]) and isinstance(vars(new)[name], int | float):
                setattr(old, name, vars(new)[name])
    else:
        return False
    return True


def _bare(value: Any) -> Any:
    inner = [getattr(value, name, None) for name in ("fget", "__func__", "func", "__wrapped__")]
    return next((one for one in inner if isinstance(one, FunctionType)), value)


class Loop:
    """In place of pytest's: once all tests, watched; then each mutant with those that ran it."""

    def __init__(self, sampled: list[Mutant]) -> None:
        self.sampled = sampled
        self.ends: dict[Mutant, bool] = {}
        self.seen: dict[str, tuple[float, list[str]]] = {}
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.longreprtext

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed or _fails(lambda: self._watch(session.items)):
            print("They fail as the program is:", Path("child.log").read_text())
            raise session.Failed
        self.seen = json.loads(Path("seen.json").read_text())
        for mutant in self.sampled:
            source = mutant.path.read_text(encoding="utf-8")
            self.ends[mutant] = _fails(lambda now=mutant: self._try(now, session.items))
            mutant.path.write_text(source, encoding="utf-8")
            print("noticed " if self.ends[mutant] else "survived", mutant, flush=True)
        return True

    def _watch(self, items: list[pytest.Item]) -> bool:
        """Run all as they are, and write down how long each took and which functions it ran."""
        ran: dict[int, CodeType] = {}

        def trace(frame: FrameType, _event: str, _value: object) -> None:
            ran[id(frame.f_code)] = frame.f_code

        seen = Path("seen.json").absolute()
        start = f"{seen.parent}/backend"
        for item in items:
            ran.clear()
            threading.settrace(trace)
            sys.settrace(trace)
            began = time.process_time()
            self._run(item)
            took = time.process_time() - began
            sys.settrace(None)
            ours = {(code.co_filename, code.co_firstlineno) for code in ran.values()}
            self.seen[item.nodeid] = took, [f"{name}:{at}:" for name, at in ours if name.startswith(start)]
        print(self.failed, flush=True)
        seen.write_text(json.dumps(self.seen))
        return bool(self.failed)

    def _try(self, mutant: Mutant, items: list[pytest.Item]) -> bool:
        """With the tests that ran the function, or what else is in the file; all, where only their processes do."""
        here = [(*self.seen[item.nodeid], item) for item in items if item.path.parent == nearest(mutant)]
        start, spent = f"{Path.cwd()}/{mutant.start()}", 0.0
        near = [seen for seen in here if any(place.startswith(start) for place in seen[1])] or here
        apply(mutant)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 4 * SECONDS, -1))
        for took, _, item in sorted(near, key=lambda seen: seen[0]):
            spent += took
            if not self.failed and spent <= SECONDS:
                self._run(item)
        return bool(self.failed)

    def _run(self, item: pytest.Item) -> None:
        item.config.pluginmanager.set_blocked("terminalreporter")
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)


def _fails(work: Callable[[], bool]) -> bool:
    """Whether it fails, or hangs, in a process of its own."""
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        signal.alarm(100 * SECONDS)
        with contextlib.suppress(BaseException), open("child.log", "w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            os._exit(work())
        os._exit(1)
    status = os.waitpid(child, 0)[1]
    with contextlib.suppress(ProcessLookupError):  # what it started
        os.killpg(child, signal.SIGKILL)
    return status != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--under", action="append", help=f"folders; without it {', '.join(UNDER)}")
    chosen = parser.parse_args()
    if not os.environ.get(IN_COPY):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("backend", "model_export", "tests"):
                shutil.copytree(name, f"{folder}/{name}")
            shutil.copy("pyproject.toml", folder)
            here = {
                "PYTHONPATH": folder,
                "HYPOTHESIS_PROFILE": "ci",
                "PYTHONDONTWRITEBYTECODE": "1",
                IN_COPY: "1",
            }
            again = [sys.executable, "-m", "tests.mutants", *sys.argv[1:]]
            return subprocess.run(again, cwd=folder, env=os.environ | here, check=False).returncode
    loop = Loop(sample(chosen.under or UNDER, chosen.seed, chosen.count))
    near = sorted({str(test) for one in loop.sampled for test in nearest(one).glob("test_*.py")})
    code = pytest.main(["-qq", "-p", "no:cacheprovider", *near], plugins=[loop])
    tried = Counter(mutant.path.parent for mutant in loop.ends)
    noticed = Counter(mutant.path.parent for mutant, end in loop.ends.items() if end)
    for folder, count in tried.items():
        print(f"{folder!s:28} {noticed[folder]:3} of {count:3}")
    print(json.dumps({"seed": chosen.seed, "tried": tried.total(), "noticed": noticed.total()}))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
