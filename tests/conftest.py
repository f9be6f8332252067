"""For every test: no network but loopback, no settings from outside, the same random choices in CI."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests import browsers, schedule
from tests.doubles import FixedClock, SeededTokens
from tests.guard import loopback_only

GUARD = str(Path(loopback_only.__file__).parent)
SHOTS = "PITCHGATE_SHOTS"  # where browser tests leave pictures: of the tests, not of the product
IN_CI = bool(os.environ.get("CI"))
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

_SLOW_MACHINE = [HealthCheck.too_slow]  # two shared cores: a slow example says nothing about the code
settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=60, database=None, suppress_health_check=_SLOW_MACHINE
)
settings.register_profile(
    "dev", deadline=None, max_examples=60, print_blob=True, suppress_health_check=_SLOW_MACHINE
)
settings.register_profile("long", deadline=None, max_examples=5_000, suppress_health_check=_SLOW_MACHINE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--linked` runs the tests that speak to a real Google account."""
    parser.addoption("--linked", action="store_true", help="run tests against a real Google account")


def pytest_configure(config: pytest.Config) -> None:
    """Once a process (each xdist worker is one): clean environment, network guard here and in children."""
    if config.getoption("--linked"):
        return
    for name in [name for name in os.environ if name.startswith("PITCHGATE_") and name != SHOTS]:
        del os.environ[name]
    os.environ["LC_ALL"] = "C.UTF-8"  # the command line speaks the language of the user who runs this
    descriptor, path = tempfile.mkstemp(prefix="loopback-only-", suffix=".log")
    os.close(descriptor)
    os.environ[loopback_only.LOG_VARIABLE] = path
    paths = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != GUARD]
    os.environ["PYTHONPATH"] = os.pathsep.join([GUARD, *paths])
    loopback_only.install()


def pytest_unconfigure() -> None:
    if path := os.environ.pop(loopback_only.LOG_VARIABLE, ""):
        Path(path).unlink(missing_ok=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: no garbage is looked for in it, neither now nor among the tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what cannot run here, saying what is missing. In CI and for root it is not skipped: it fails."""
    schedule.in_order(items)
    no_browser = not browsers.found() and not IN_CI and not AS_ROOT
    for item in items:
        if no_browser and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=browsers.MISSING))
        if item.get_closest_marker("linked") and not config.getoption("--linked"):
            item.add_marker(pytest.mark.skip(reason="needs a real Google account: --linked"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Where nothing is run (`make collected`), Hypothesis learns which characters there are, two seconds' work that it
    keeps in a file: or each worker would do it in its turn."""
    if session.config.option.collectonly:
        st.text().validate()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Of xdist: see `schedule`."""
    schedule.configure(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """As `--dist loadfile`, but for what a worker is for."""
    return schedule.EachItsOwn(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return schedule.ignored(collection_path, config)


@pytest.fixture(autouse=True)
def _stays_here(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test during which anything reached beyond this machine, even if the code shrugged it off."""
    yield
    if calls := take_outside_calls():
        pytest.fail("reached beyond this machine:\n" + "\n".join(calls))


def take_outside_calls() -> list[str]:
    """What the guard stopped since it was last asked, here and in children; one line each."""
    path = Path(os.environ.get(loopback_only.LOG_VARIABLE, os.devnull))
    if not path.is_file() or not path.stat().st_size:
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("", encoding="utf-8")
    return lines


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still until a test moves it."""
    return FixedClock()


@pytest.fixture
def tokens() -> SeededTokens:
    """Secrets and ids that are the same in every run."""
    return SeededTokens()
