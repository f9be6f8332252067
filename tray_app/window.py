"""The review window itself, as a process: `python -m tray_app.window`, started and spoken to by the tray.

The first line on standard input says what to show: the server's page, or our local page with a list. pywebview owns
the main thread; one thread reads the tray's lines. When standard input ends, so does the window.
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

from tray_app.autostart import APPLICATION, ICON
from tray_app.words import catalogue, language, section, t

SIZE = (980, 720)
ANSWER_PATIENCE = 30.0
NO_PAGE = "document.doctype === null"
"""True of the bare text WebKit shows where no page came, and of a proxy's own "bad gateway". Where a web view's own
text is a whole document (Edge), nothing is noticed: *Review…* in the menu leads to the list there too."""


class Pipe:
    """Lines to and from the tray. `ask` may be called from any thread but the reader's."""

    def __init__(self, reads: IO[bytes], writes: IO[bytes]) -> None:
        self._reads = reads
        self._writes = writes
        self._numbers = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._writing = threading.Lock()

    def read(self) -> dict[str, Any] | None:
        """The next line that is no answer; None at the end."""
        for line in self._reads:
            message: dict[str, Any] = json.loads(line)
            waiting = self._waiting.pop(message.get("id", 0), None)
            if waiting is not None:
                waiting.put(message["answer"])
            elif "id" not in message:
                return message
        return None

    def say(self, line: dict[str, Any]) -> None:
        """Send one line."""
        with self._writing:
            self._writes.write(json.dumps(line).encode() + b"\n")
            self._writes.flush()

    def ask(self, do: str, args: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        number = next(self._numbers)
        answered: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._waiting[number] = answered
        self.say({"id": number, "do": do, "args": args})
        try:
            return answered.get(timeout=ANSWER_PATIENCE)
        except queue.Empty:
            self._waiting.pop(number, None)
            return {
                "error": {
                    "title": t("error.silent"),
                    "remedy": t("error.silent_remedy"),
                }
            }


class Api:
    """What our local page may call. pywebview runs it on threads of its own."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def ask(self, name: str, args: dict[str, Any] | None = None) -> dict[str, Any]:
        """Pass a request on to the tray. In pywebview 5 a parameter must not be named by a word of JavaScript's."""
        return self._pipe.ask(str(name), dict(args or {}))


def local_page(*, in_browser: bool = False) -> str:
    """Our page as one text: its own style and script, and a policy that lets nothing else in. `in_browser` it brings
    what speaks to the app there (`tray_app.window_host`); in a window that is pywebview's, which needs eval."""
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
    # In a script element nothing but "<" could end it.
    text = text.replace("{{WORDS}}", json.dumps(dict(words)).replace("<", "\\u003c"))
    text = text.replace("{{PLURAL}}", catalogue(language()).plural)
    return text.replace("{{LANGUAGE}}", language()).replace("{{NONCE}}", nonce)


def main() -> int:
    """Show what the first line says until it is closed. Exit code 3: there is no web view here."""
    pipe = Pipe(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # nothing but our lines may reach the tray
    first = pipe.read()
    if first is None:
        return 0
    try:
        be_named()
        import webview

        _check_modern(webview)
        window = _window(webview, first, pipe)
        window.events.shown += _say_shown(pipe)
        if first["mode"] == "page":
            window.events.loaded += _say_lost(pipe, window)
        threading.Thread(target=_follow, args=(pipe, window), daemon=True).start()
        webview.start(private_mode=True)
    except Exception as error:  # whatever a toolkit raises where it cannot work
        sys.stderr.write(f"Pitchgate's window could not be shown: {error}\n")
        return 3
    return 0


def be_named() -> None:
    """On Linux, tell which entry of the applications menu the window belongs to: the task list shows its name and icon.

    The toolkit takes its application's id (WM_CLASS) from the first argument, once it is imported.
    """
    if not str(sys.platform).startswith("linux"):
        return
    sys.argv[0] = APPLICATION
    import gi

    gi.require_version("Gtk", "3.0")
    from gi.repository import Gtk

    Gtk.Window.set_default_icon_name(ICON)


def _check_modern(webview: Any) -> None:
    """Without Edge WebView2 pywebview takes Internet Explorer's engine, which shows our pages wrongly."""
    if str(sys.platform) == "win32" and webview.initialize().renderer == "mshtml":
        raise RuntimeError("Edge WebView2 is not installed")


def _say_shown(pipe: Pipe) -> Any:
    def shown() -> None:
        pipe.say({"shown": True})

    return shown


def _say_lost(pipe: Pipe, window: Any) -> Any:
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
    """The value of a script that no page's content policy forbids. pywebview 5, Debian 13's, has no name for that."""
    if hasattr(window, "run_js"):
        return window.run_js(script)
    return window.gui.evaluate_js(script, window.uid)


def _follow(pipe: Pipe, window: Any) -> None:
    """Do what the tray says until it stops speaking."""
    window.events.shown.wait()
    while (piece := pipe.read()) is not None:
        if "push" in piece:
            _run(window, f"window.pitchgate && window.pitchgate.show({json.dumps(piece['push'])})")
        elif piece.get("front"):
            window.restore()
            window.show()
    window.destroy()


def run() -> None:
    """Be the window, and end with it."""
    # Not through sys.exit: a web view's threads must not keep a closed window's process alive.
    code = main()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
