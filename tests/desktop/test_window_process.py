"""The window's own process, without a window."""

from __future__ import annotations

import asyncio
import inspect
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tray_app.window import Api, _check_modern, _run
from tray_app.window_host import WindowProcess


@pytest.mark.parametrize(
    ("platform", "renderer", "modern"),
    [
        ("win32", "mshtml", False),
        ("win32", "edgechromium", True),
        ("linux", "gtkwebkit2", True),
        ("darwin", "wkwebview", True),
    ],
)
def test_internet_explorer_shows_no_page_of_ours(
    monkeypatch: pytest.MonkeyPatch, platform: str, renderer: str, modern: bool
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    webview = SimpleNamespace(initialize=lambda: SimpleNamespace(renderer=renderer))
    if modern:
        _check_modern(webview)
    else:
        with pytest.raises(RuntimeError, match="WebView2"):
            _check_modern(webview)


def test_what_pywebview_5_makes_a_javascript_function_of() -> None:
    """It takes our parameters' names as they are, and JavaScript allows no parameter named "do"."""
    assert list(inspect.signature(Api.ask).parameters) == ["self", "name", "args"]


def test_a_script_runs_where_pywebview_has_no_name_for_it() -> None:
    asked: list[tuple[str, ...]] = []
    old = SimpleNamespace(
        uid="master", gui=SimpleNamespace(evaluate_js=lambda *call: asked.append(call) or 5)
    )
    new = SimpleNamespace(uid="master", run_js=lambda *call: asked.append(call) or 6)
    assert (_run(old, "1"), _run(new, "2")) == (5, 6)
    assert asked == [("1", "master"), ("2",)]


LOST_TWICE = """
import sys
sys.stdin.readline()
for line in ('{"shown": true}', '{"lost": true}', '{"lost": true}'):
    print(line, flush=True)
"""


async def test_a_page_that_fails_twice_opens_one_list() -> None:
    """A click that nobody answers fails, and so does what the page then tries: a second list was a second window."""
    lost: list[str] = []
    closed = asyncio.Event()

    async def answer(name: str, args: dict[str, Any]) -> dict[str, Any]:
        return {}

    window = WindowProcess(
        answer,
        dict,
        lambda mode, url: None,
        closed.set,
        lambda: lost.append("lost"),
        (sys.executable, "-c", LOST_TWICE),
    )
    await window.open_page("http://127.0.0.1:9/review")
    await asyncio.wait_for(closed.wait(), 60)
    assert lost == ["lost"]
    await window.close()
