"""The window's own process, without a window."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from tray_app.window import _check_modern


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
