"""The review window's process, `python -m tray_app.window`, started by the tray.

Tray and window exchange JSON lines over standard input and output. The first says what to show: the server's page or
our local page. pywebview owns the main thread; another reads the tray's lines and closes the window at their end.
"""

from __future__ import annotations

import html
import itertools
import json
import os
import queue
import secrets
import sys
import threading
from importlib.resources import files
from typing import IO, Any

from tray_app import APPLICATION, ICON
from tray_app.words import catalogue, language, section, t

SIZE = (980, 720)
ANSWER_PATIENCE = 30.0
NO_PAGE = "document.doctype === null"
"""Script that is true when the server's page did not load: WebKit then shows bare text, and so do some proxies. Edge
shows a whole document: this stays false, and the owner opens the local page with *Review…*."""


class Pipe:
    """JSON lines to and from the tray. `ask` may be called from any thread but the one that calls `read`."""

    def __init__(self, reads: IO[bytes], writes: IO[bytes]) -> None:
        self._reads = reads
        self._writes = writes
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._writing = threading.Lock()

    def read(self) -> dict[str, Any] | None:
        """The next line that is not the answer to an `ask`; None at the end. Answers go to their callers."""
        for line in self._reads:
            message: dict[str, Any] = json.loads(line)
            answers = self._answers.pop(message.get("id", 0), None)
            if answers is not None:
                answers.put(message["answer"])
            elif "id" not in message:
                return message
        return None

    def say(self, line: dict[str, Any]) -> None:
        """Send one line."""
        with self._writing:
            self._writes.write(json.dumps(line).encode() + b"\n")
            self._writes.flush()

    def ask(self, do: str, args: dict[str, Any]) -> dict[str, Any]:
        """Send the request `do` with `args` and wait for its answer."""
        number = next(self._numbers)
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._answers[number] = answers
        self.say({"id": number, "do": do, "args": args})
        try:
            return answers.get(timeout=ANSWER_PATIENCE)
        except queue.Empty:
            self._answers.pop(number, None)
            return {
                "error": {
                    "title": t("error.silent"),
                    "remedy": t("error.silent_remedy"),
                }
            }


class Api:
    """The functions our local page may call. pywebview calls them on its own threads."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def ask(self, name: str, args: dict[str, Any] | None = None) -> dict[str, Any]:
        """Pass a request to the tray. pywebview 5 allows no parameter named like a JavaScript keyword (`do`)."""
        return self._pipe.ask(str(name), dict(args or {}))


def local_page(*, in_browser: bool = False) -> str:
    """Our local page as one HTML text, with its style, script and a content policy that allows nothing else. With
    `in_browser` it includes the script that calls the app over HTTP (`tray_app.window_host`); in a window pywebview
    provides that, and needs eval."""
    folder = files("tray_app") / "page"
    nonce = secrets.token_urlsafe(16)
    text = (folder / "review.html").read_text(encoding="utf-8")
    silent = {"title": t("error.silent"), "remedy": t("error.silent_remedy")}
    bridge = (folder / "bridge.js").read_text(encoding="utf-8") if in_browser else ""
    text = text.replace("{{BRIDGE}}", bridge.replace("{{SILENT}}", json.dumps({"error": silent})))
    text = text.replace("{{MORE}}", "; connect-src 'self'" if in_browser else " 'unsafe-eval'")
    for token, name in (("{{STYLE}}", "review.css"), ("{{SCRIPT}}", "review.js")):
        text = text.replace(token, (folder / name).read_text(encoding="utf-8"))
    words = section("page")
    for key, forms in words.items():
        text = text.replace(f"{{{{t:{key}}}}}", html.escape(forms[0]))
    # Escape "<", the only character that could end a script element.
    text = text.replace("{{WORDS}}", json.dumps(dict(words)).replace("<", "\\u003c"))
    text = text.replace("{{PLURAL}}", catalogue(language()).plural)
    return text.replace("{{LANGUAGE}}", language()).replace("{{NONCE}}", nonce)


def main() -> int:
    """Show the window until it is closed; returns the exit code, 3 if it cannot be shown."""
    pipe = Pipe(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # libraries' prints go to standard error: only our lines may reach the tray
    first = pipe.read()
    if first is None:
        return 0
    try:
        set_window_identity()
        import webview

        _check_modern(webview)
        window = _window(webview, first, pipe)
        window.events.shown += _report_shown(pipe)
        if first["mode"] == "page":
            window.events.loaded += _report_no_page(pipe, window)
        threading.Thread(target=_follow, args=(pipe, window), daemon=True).start()
        webview.start(private_mode=True)
    except Exception as error:  # whatever a toolkit raises where it cannot work
        sys.stderr.write(f"Pitchgate's window could not be shown: {error}\n")
        return 3
    return 0


def set_window_identity() -> None:
    """On Linux, link the window to our entry in the applications menu, so that the task list shows its name and icon.

    GTK takes the application's id (WM_CLASS) from the first argument when it is imported.
    """
    if not str(sys.platform).startswith("linux"):
        return
    sys.argv[0] = APPLICATION
    import gi

    gi.require_version("Gtk", "3.0")
    from gi.repository import Gtk

    Gtk.Window.set_default_icon_name(ICON)


def _check_modern(webview: Any) -> None:
    """Raise where pywebview would use Internet Explorer's engine, which shows our pages wrongly."""
    if str(sys.platform) == "win32" and webview.initialize().renderer == "mshtml":
        raise RuntimeError("Edge WebView2 is not installed")


def _report_shown(pipe: Pipe) -> Any:
    def shown() -> None:
        pipe.say({"shown": True})

    return shown


def _report_no_page(pipe: Pipe, window: Any) -> Any:
    def loaded() -> None:
        if _run(window, NO_PAGE) is True:
            pipe.say({"lost": True})

    return loaded


def _window(webview: Any, first: dict[str, Any], pipe: Pipe) -> Any:
    width, height = SIZE
    common = {"width": width, "height": height, "min_size": (360, 320), "text_select": True}
    if first["mode"] == "page":
        return webview.create_window(t("page.title"), url=first["url"], **common)
    return webview.create_window(t("page.title"), html=local_page(), js_api=Api(pipe), **common)


def _run(window: Any, script: str) -> Any:
    """The value of a script, run regardless of the page's content policy. pywebview 5 (Debian 13) lacks `run_js`."""
    if hasattr(window, "run_js"):
        return window.run_js(script)
    return window.gui.evaluate_js(script, window.uid)


def _follow(pipe: Pipe, window: Any) -> None:
    """Carry out the tray's lines; close the window when they end."""
    window.events.shown.wait()
    while (message := pipe.read()) is not None:
        if "push" in message:
            _run(window, f"window.pitchgate && window.pitchgate.show({json.dumps(message['push'])})")
        elif message.get("front"):
            window.restore()
            window.show()
    window.destroy()


def run() -> None:
    """Run the window and exit with its code."""
    # Not through sys.exit: a web view's threads must not keep a closed window's process alive.
    code = main()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
