"""Measures the app on a virtual desktop; asserts nothing. `python -m tests.desktop.measure idle|scroll|page [SECONDS]`.

idle: processor time and memory of the app, connected and with nothing to do.
scroll: time a frame takes in the review window with 5,000 held senders, scrolled from end to end: the local list.
page: the same for the server's own page in that window, and the time from *Older* to the next page.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import httpx
import structlog

from tests.browser.review_fixture import fixture
from tests.desktop.fake_backend import FakeBackend
from tests.desktop.fake_mailbox import make_message
from tests.desktop.screen import Screen
from tests.desktop.tray import start_app
from tests.web.review_seed import fill
from tray_app.window import local_page

SCROLL = """
(() => {
  const at = document.scrollingElement, frames = [];
  let last = performance.now(), end = last + SPAN;
  const step = (now) => {
    frames.push(now - last); last = now;
    at.scrollTop = (1 - (end - now) / SPAN) * (at.scrollHeight - at.clientHeight);
    if (now < end) return requestAnimationFrame(step);
    frames.sort((a, b) => a - b);
    const q = (p) => Math.round(frames[Math.floor((frames.length - 1) * p)] * 10) / 10;
    document.title = JSON.stringify({frames: frames.length, p50: q(.5), p95: q(.95), p99: q(.99), max: q(1),
      cards: document.querySelectorAll('article, li.card').length});
  };
  requestAnimationFrame(step);
})()
"""

PAGE = """
import os, sys, threading, time, webview
url, script = sys.argv[1], open(sys.argv[2]).read()
window = webview.create_window("x", url=url, width=980, height=720)
def until(question):
    while window.run_js(question) is not True: time.sleep(0.005)
def work():
    window.events.loaded.wait()
    until("document.readyState === 'complete' && document.querySelectorAll('li.card').length === 15")
    time.sleep(1)
    window.run_js(script)
    time.sleep(SPAN + 3)
    print(window.run_js("document.title"), flush=True)
    turns = []
    for _ in range(30):
        begun = time.monotonic()
        window.run_js("window.before = true; document.querySelector('a[rel=next]').click()")
        until("!window.before && document.readyState === 'complete' && !!document.querySelector('li.card')")
        turns.append(1000 * (time.monotonic() - begun))
    turns.sort()
    print("next page, ms: median", round(turns[15]), "most", round(turns[-1]), flush=True)
    os._exit(0)
threading.Thread(target=work).start()
webview.start()
"""


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> dict[str, float]:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return {
        name: round(int(row.split()[1]) / 1024, 1)
        for row in rows
        for name in ("Rss", "Pss")
        if row.startswith(f"{name}:")
    }


def idle(seconds: float) -> None:
    backend = FakeBackend().start()
    for number in range(40):
        backend.mailbox.put(make_message(number))
    screen = Screen(Path(tempfile.mkdtemp()) / "d")
    try:
        app = start_app(screen, backend.url, backend.device_token())
        screen.until(lambda: backend.streams == 1, "the app")
        time.sleep(5)
        before, begun = cpu_seconds(app.pid), time.monotonic()
        time.sleep(seconds)
        used, passed = cpu_seconds(app.pid) - before, time.monotonic() - begun
        print(
            f"idle {passed:.0f} s: {used:.2f} s CPU = {100 * used / passed:.3f} % of a core; {memory_mb(app.pid)} MB"
        )
    finally:
        screen.close()
        backend.stop()


def scroll(seconds: float) -> None:
    """The page alone in its web view, filled as the tray would fill it."""
    screen = Screen(Path(tempfile.mkdtemp()) / "d", panel=False)
    held = [make_message(n) | {"told": "Looks like a pitch: asks for a call"} for n in range(5_000)]
    state = {
        "server": "",
        "signed_in": True,
        "connecting": False,
        "headline": "Active",
        "remedy": "",
        "online": True,
        "email": "",
        "as_of": None,
        "waiting": 0,
        "undo": None,
        "no_tray": "",
        "held": held,
        "passed": [],
    }
    script = SCROLL.replace("SPAN", str(int(seconds * 1000)))
    program = f"""
import json, sys, threading, time, webview
page, state, script = open(sys.argv[1]).read(), json.load(open(sys.argv[2])), open(sys.argv[3]).read()
window = webview.create_window("x", html=page, width=980, height=720)
def work():
    window.events.loaded.wait()
    begun = time.monotonic()
    window.run_js("window.pitchgate.show(" + json.dumps(state) + ")")
    while not window.evaluate_js("document.querySelectorAll('article').length") == 5000: time.sleep(0.02)
    print("filled in", round(time.monotonic() - begun, 2), "s", flush=True)
    time.sleep(1)
    window.run_js(script)
    time.sleep({seconds} + 3)
    print(window.evaluate_js("document.title"), flush=True)
    window.destroy()
threading.Thread(target=work).start()
webview.start()
"""
    try:
        for name, text in (("p.html", local_page()), ("s.json", json.dumps(state)), ("s.js", script)):
            (screen.folder / name).write_text(text)
        names = [str(screen.folder / name) for name in ("p.html", "s.json", "s.js")]
        print(screen.run(sys.executable, "-c", program, *names, seconds=seconds + 40))
        print(screen.logs() if os.environ.get("LOGS") else "")
    finally:
        screen.close()


def page(seconds: float) -> None:
    """The server's review page with 5,000 held senders, fifteen a page, as a ticket opens it in the window."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    folder = Path(tempfile.mkdtemp())
    screen = Screen(folder / "d", panel=False)
    try:
        with fixture(folder) as here:
            fill(folder / "web.sqlite3", 5_000, here.office.story.now, per_sender=1)
            headers = {"Authorization": f"Bearer {here.do(here.office.token())}"}
            url = httpx.post(f"{here.address}/api/v1/ticket", headers=headers).json()["url"]
            (screen.folder / "s.js").write_text(SCROLL.replace("SPAN", str(int(seconds * 1000))))
            program = PAGE.replace("SPAN", str(seconds))
            print(
                screen.run(
                    sys.executable, "-c", program, url, str(screen.folder / "s.js"), seconds=seconds + 60
                )
            )
            print(screen.logs() if os.environ.get("LOGS") else "")
    finally:
        screen.close()


if __name__ == "__main__":
    what, span = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0
    {"idle": idle, "scroll": scroll, "page": page}[what](span or (300 if what == "idle" else 10))
