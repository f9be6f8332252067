"""A desktop without a screen: Xvfb, a session bus, a panel that shows StatusNotifierItems, a notification daemon.

Real programs, real pointer and key events (XTEST), screenshots. Nothing outlives `close`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image, ImageGrab

T = TypeVar("T")
PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
  </property>
</channel>
"""
CLICK_AGAIN = 10.0
"""Seconds a menu may take to open."""
OPEN_AGAIN = 15.0
"""Seconds it may take to show a line."""
PATIENCE = 120.0
"""Seconds that anything may take on a busy machine before a test gives up; nobody waits so long for a pass."""
AIMING = 0.4
"""Seconds from seeing to pressing: pages take no press for 0.3 s where something has just come or moved."""
DUNST = "[global]\nwidth = 360\nfont = Sans 11\n"


@functools.cache
def missing() -> str:
    """What the desktop tests lack on this machine; "" if nothing."""
    programs = [p for p in ("Xvfb", "dbus-daemon", "xfce4-panel", "dunst") if not shutil.which(p)]
    check = (
        "import gi\n"
        "for n, v in (('Gtk','3.0'), ('AyatanaAppIndicator3','0.1'), ('WebKit2','4.1'),\n"
        "             ('Secret','1'), ('Atspi','2.0')):\n"
        "    gi.require_version(n, v)"
    )
    if subprocess.run([sys.executable, "-c", check], capture_output=True, check=False).returncode:
        programs.append("PyGObject with GTK, AyatanaAppIndicator3, WebKit2, Secret and Atspi")
    return ", ".join(programs)


class Screen:
    """One virtual desktop in `folder`. `panel` False: a desktop without a tray."""

    smallest = (120, 40)
    """No menu is smaller: width, height in pixels."""
    notifiers: tuple[str, ...] = ("dunst",)
    """Programs whose windows look like menus but are not."""

    def __init__(self, folder: Path, *, panel: bool = True, size: str = "1280x900x24") -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        for name in ("home", "log"):
            (folder / name).mkdir(mode=0o700, parents=True)
        # Sockets are made in there, and no socket's path may be longer than 107 bytes: without them a screen reader is
        # told by another way, which leaves texts out.
        self._runtime = tempfile.mkdtemp(prefix="pg-")
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
        self.environ = keep | {
            "HOME": str(folder / "home"),
            "XDG_CONFIG_HOME": str(folder / "home/.config"),
            "XDG_RUNTIME_DIR": self._runtime,
            "XDG_CURRENT_DESKTOP": "XFCE",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            # WebKit's own sandbox needs namespaces, which a container or root may not have
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
            "GTK_THEME": "Adwaita",
        }
        self._configure()
        try:
            self._start_server(size)
            self._start_bus()
            self._start_reader()
            if panel:
                self.start("xfce4-panel", "--disable-wm-check")
                self.until(lambda: self.owned("org.kde.StatusNotifierWatcher"), "the tray host")
            self._lasting = len(self._processes)
            self._start_notifier()
        except BaseException:
            self.close()
            raise

    def _configure(self) -> None:
        channel = self.folder / "home/.config/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml"
        channel.parent.mkdir(parents=True)
        channel.write_text(PANEL)
        (self.folder / "dunstrc").write_text(DUNST)

    def _start_server(self, size: str) -> None:
        read, write = os.pipe()
        self.start("Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp", fds=(write,))
        os.close(write)
        with os.fdopen(read) as numbers:
            number = numbers.readline().strip()
        assert number, "Xvfb did not start"
        self.display = f":{number}"
        self.environ["DISPLAY"] = self.display

    def _start_bus(self) -> None:
        read, write = os.pipe()
        self.start("dbus-daemon", "--session", "--nofork", f"--print-address={write}", fds=(write,))
        os.close(write)
        with os.fdopen(read) as addresses:
            self.environ["DBUS_SESSION_BUS_ADDRESS"] = addresses.readline().strip()

    def _start_notifier(self) -> None:
        self.start("dunst", "-config", str(self.folder / "dunstrc"))
        self.until(lambda: self.owned("org.freedesktop.Notifications"), "dunst")

    def _start_reader(self) -> None:
        command = (sys.executable, "-m", "tests.desktop.screen_reader")
        self._reader = self.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _told(self, question: str, *about: str) -> Any:
        """What the screen reader answers."""
        asked, answers = self._reader.stdin, self._reader.stdout
        assert asked is not None
        assert answers is not None
        asked.write(json.dumps((question, *about)).encode() + b"\n")
        asked.flush()
        line = answers.readline()
        assert line, f"the screen reader has ended\n{self.logs()}"
        return json.loads(line)

    def start(
        self,
        *command: str,
        fds: tuple[int, ...] = (),
        stdin: int | None = None,
        stdout: int | None = None,
        **environ: str,
    ) -> subprocess.Popen[bytes]:
        """A program on this desktop. Its output goes to a log file of its name."""
        log = (self.folder / "log" / f"{Path(command[0]).name}-{len(self._processes)}.txt").open("wb")
        with log:
            process = subprocess.Popen(
                command,
                env=self.environ | environ,
                pass_fds=fds,
                stdin=stdin,
                stdout=stdout or log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def run(self, *command: str, seconds: float = 60) -> str:
        """What a short program on this desktop prints; "" if it fails."""
        done = subprocess.run(
            command, env=self.environ, capture_output=True, text=True, timeout=seconds, check=False
        )
        return done.stdout if done.returncode == 0 else ""

    def owned(self, name: str) -> bool:
        """Whether somebody owns a name on the session bus."""
        return bool(self._told("owned", name))

    def call(self, name: str, path: str, method: str, *arguments: str) -> str:
        """A D-Bus call, by gdbus."""
        return self.run("gdbus", "call", "--session", "-d", name, "-o", path, "-m", method, *arguments)

    def until(self, true: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
        """Wait for it, at most `seconds`; returns it."""
        end = time.monotonic() + seconds
        while True:
            began = time.monotonic()
            if found := true():
                return found
            if time.monotonic() > end:
                with contextlib.suppress(Exception):  # there may be no screen yet
                    self.shot("gave-up")
                raise AssertionError(f"{what} did not come in {seconds:.0f} s\n{self.logs()}")
            # As long as a look took, what is waited for has the core to itself.
            time.sleep(max(0.05, time.monotonic() - began))

    def logs(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"--- {p.name}\n{p.read_text(errors='replace')[-1500:]}" for p in self._logs())

    def _logs(self) -> list[Path]:
        return sorted((self.folder / "log").glob("*.txt"))

    def picture(self) -> Image.Image:
        return ImageGrab.grab(xdisplay=self.display).convert("RGB")

    def shot(self, name: str) -> Path:
        """Keep a screenshot under PITCHGATE_SHOTS, or here."""
        folder = Path(os.environ.get("PITCHGATE_SHOTS") or self.folder / "shots")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        self.picture().save(path)
        return path

    def find(self, role: str, name: str) -> tuple[int, int, int, int] | None:
        """x, y, width, height on the screen of the widget of this role whose name begins so (AT-SPI)."""
        found = self._told("find", role, name)
        return tuple(found) if found else None

    def texts(self, role: str = "") -> list[str]:
        """What a screen reader would read of every showing widget (of a role)."""
        return list(self._told("texts", role))

    def focused(self) -> str:
        """The name of the widget that keys go to."""
        return str(self._told("focused"))

    def menu(self) -> list[dict[str, Any]]:
        """The tray menu as the panel gets it; empty while there is no icon."""
        return list(self._told("menu"))

    def menus_open(self) -> list[tuple[int, int, int, int]]:
        """x, y, width, height of the menus on the screen, the latest opened last."""
        from Xlib import X
        from Xlib.display import Display
        from Xlib.error import BadDrawable, BadWindow

        boxes = []
        with contextlib.closing(Display(self.display)) as display:
            for window in display.screen().root.query_tree().children:
                try:
                    about, box = window.get_attributes(), window.get_geometry()
                except (BadWindow, BadDrawable):
                    continue  # it was closed while we looked
                large = box.width > self.smallest[0] and box.height > self.smallest[1]
                menu = large and about.override_redirect
                whose = str(window.get_wm_class()).lower()
                if about.map_state == X.IsViewable and menu and not any(n in whose for n in self.notifiers):
                    boxes.append((box.x, box.y, box.width, box.height))
        return boxes

    def application(self, title: str) -> tuple[str, ...]:
        """The class of the window whose title begins so, as the task list reads it; () before there is one."""
        from Xlib.display import Display
        from Xlib.error import BadWindow

        with contextlib.closing(Display(self.display)) as display:
            for window in display.screen().root.query_tree().children:
                with contextlib.suppress(BadWindow):
                    if str(window.get_wm_name() or "").startswith(title):
                        return tuple(window.get_wm_class() or ())
        return ()

    def lines(self, box: tuple[int, int, int, int]) -> list[int]:
        """The middles (y) of the lines of text in an open menu, from its picture. Separators are no text."""
        left, top, width, height = box
        grey = self.picture().convert("L").crop((left + 26, top + 2, left + width - 26, top + height - 2))
        paper = max(range(256), key=grey.histogram().__getitem__)
        marked = []
        for y in range(grey.height):
            row = grey.crop((0, y, grey.width, y + 1)).tobytes()
            ink = sum(abs(value - paper) > 60 for value in row)
            marked.append(0 < ink < 0.9 * len(row))
        lines, start = [], None
        for y, on in enumerate([*marked, *[False] * 6]):
            if on and start is None:
                start = last = y
            elif on:
                last = y
            elif start is not None and y - last > 4:
                lines.append(top + 2 + (start + last) // 2)
                start = None
        return lines

    def choose(self, icon: tuple[int, int], *labels: str, button: int = 1) -> None:
        """Open the tray menu with the pointer, go down the items whose labels begin so, click the last."""
        self.until(lambda: self._chosen(icon, labels, button), f"{labels} in the menu")

    def _chosen(self, icon: tuple[int, int], labels: tuple[str, ...], button: int) -> bool:
        """One try. A menu that was changed while the panel opened it may never be drawn whole: it is closed again."""
        self._open_menu(icon, button)
        last = 0
        for depth in range(len(labels)):
            path, end = labels[: depth + 1], time.monotonic() + OPEN_AGAIN
            while (place := self._item(path)) is None:
                if time.monotonic() > end:
                    self.keys(*["Escape"] * len(labels))
                    return False
                time.sleep(0.05)
            x, y = place
            if depth:  # go in sideways first: leaving the parent's line downwards would close the sub-menu
                self.pointer(x - 20, last, press=False)
            self.pointer(x, y, press=depth == len(labels) - 1)
            last = y
        return True

    def _open_menu(self, icon: tuple[int, int], button: int) -> None:
        """Click, and again if no menu opens: a panel shows an icon before it has that icon's menu, and loses the
        click."""
        self.pointer(*icon, button=button)
        clicked = time.monotonic()

        def opened() -> bool:
            nonlocal clicked
            if self.menus_open():
                return True
            if time.monotonic() > clicked + CLICK_AGAIN:
                self.pointer(*icon, button=button)
                clicked = time.monotonic()
            return False

        self.until(opened, "a menu")

    def _item(self, labels: tuple[str, ...]) -> tuple[int, int] | None:
        """Where the item at the end of this path is on the screen; None while its menu is not open or not drawn.

        Labels and places are read together: the app may change a menu that is open, as when an undo runs out.
        """
        boxes, items = self.menus_open(), self.menu()
        for label in labels[:-1]:
            items = next((item["children"] for item in items if item["label"].startswith(label)), [])
        if len(boxes) < len(labels):
            return None
        box = boxes[len(labels) - 1]
        texts = [item["label"] for item in items if item["type"] != "separator"]
        lines = self.lines(box)
        at = next((i for i, text in enumerate(texts) if text.startswith(labels[-1])), None)
        return None if at is None or len(lines) != len(texts) else (box[0] + 60, lines[at])

    def click_on(self, role: str, name: str, *, press: bool = True) -> None:
        """Wait for a widget that stays where it is as long as a hand aims, move the pointer there and click."""

        def aimed() -> tuple[int, int, int, int] | None:
            box = self.find(role, name)
            if box is not None:
                time.sleep(AIMING)
            return box if box == self.find(role, name) else None

        box = self.until(aimed, f"{role} {name!r}")
        self.pointer(box[0] + min(box[2] // 2, 60), box[1] + box[3] // 2, press=press)

    def pointer(self, x: int, y: int, *, press: bool = True, button: int = 1) -> None:
        """Move the pointer as a hand does, in steps, and click."""
        from Xlib import X
        from Xlib.display import Display
        from Xlib.ext import xtest

        with contextlib.closing(Display(self.display)) as display:
            at = display.screen().root.query_pointer()
            for step in range(1, 9):
                here = (at.root_x + (x - at.root_x) * step // 8, at.root_y + (y - at.root_y) * step // 8)
                xtest.fake_input(display, X.MotionNotify, x=here[0], y=here[1])
                display.sync()
                time.sleep(0.01)
            if press:
                for kind in (X.ButtonPress, X.ButtonRelease):
                    xtest.fake_input(display, kind, button)
                    display.sync()
                    time.sleep(0.02)

    def keys(self, *names: str) -> None:
        """Press and release keys, by X keysym names."""
        from Xlib import XK, X
        from Xlib.display import Display
        from Xlib.ext import xtest

        with contextlib.closing(Display(self.display)) as display:
            for name in names:
                code = display.keysym_to_keycode(XK.string_to_keysym(name))
                shift = [display.keysym_to_keycode(XK.XK_Shift_L)] if name.isupper() else []
                for kind, codes in ((X.KeyPress, [*shift, code]), (X.KeyRelease, [code, *shift])):
                    for one in codes:
                        xtest.fake_input(display, kind, one)
                        display.sync()
                        time.sleep(0.02)

    def tab_to(self, name: str, most: int = 150) -> None:
        """Press Tab until a widget whose name begins so has the keyboard."""
        for _ in range(most):
            self.keys("Tab")
            if self.focused().startswith(name):
                return
        raise AssertionError(f"{most} times Tab did not lead to {name!r}")

    def clear(self) -> None:
        """End the programs and drop the notices and files of one test: the next finds a new user's desktop."""
        self._end(self._lasting)
        for name in ("tray", "home/.cache", "home/.local"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self._start_notifier()

    def close(self) -> None:
        self._end(0)
        shutil.rmtree(self._runtime, ignore_errors=True)

    def _end(self, kept: int) -> None:
        """End all but the first, last first."""
        for process in reversed(self._processes[kept:]):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(3)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        del self._processes[kept:]


if __name__ == "__main__":  # for requirements/setup.sh: says what is missing, and fails if anything is
    print(missing())
    sys.exit(bool(missing()))
