"""What is on a desktop, as a screen reader and a panel see it: a program of its own.

It reads questions, a JSON list a line, and answers each in a line of JSON: ["find", ROLE, NAME], ["texts", ROLE],
["focused"], ["menu"], ["owned", NAME]; see the functions of these names. It stays as long as the desktop does, for a
program that loses its last reader while a key is on its way dies in GTK 3.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

DEEPEST = 40
WATCHER = ("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher")
PROPERTIES = "org.freedesktop.DBus.Properties"
GONE = (GLib.Error, AttributeError)
"""It went away while we looked."""


def children(widget: Any) -> Iterator[Any]:
    """One by one: a list may have thousands."""
    for i in range(widget.get_child_count()):
        if child := widget.get_child_at_index(i):
            yield child


def showing(widget: Any) -> bool:
    return bool(widget.get_state_set().contains(Atspi.StateType.SHOWING))


def find(widget: Any, role: str, name: str, depth: int = 0) -> list[int] | None:
    """x, y, width and height of the first showing widget of this role whose name begins so."""
    if depth > DEEPEST:
        return None
    with contextlib.suppress(*GONE):
        if widget.get_role_name() == role and (widget.get_name() or "").startswith(name):
            box = widget.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
            if box.width > 0 and box.height > 0 and box.x >= 0 and showing(widget):
                return [box.x, box.y, box.width, box.height]
        for child in children(widget):
            if found := find(child, role, name, depth + 1):
                return found
    return None


def focused(widget: Any, depth: int = 0) -> str:
    """The name of the widget that keys go to."""
    if depth > DEEPEST:
        return ""
    with contextlib.suppress(*GONE):
        states = widget.get_state_set()
        for child in list(children(widget)):
            if found := focused(child, depth + 1):
                return found
        return (widget.get_name() or "") if states.contains(Atspi.StateType.FOCUSED) else ""
    return ""


def texts(widget: Any, role: str, depth: int = 0) -> list[str]:
    """Names and texts of all showing widgets of this role, or with "" of any, in reading order."""
    found: list[str] = []
    if depth > DEEPEST:
        return found
    with contextlib.suppress(*GONE):
        if (depth < 2 or showing(widget)) and role in ("", widget.get_role_name()):
            text = widget.get_text_iface()
            found += [widget.get_name() or "", Atspi.Text.get_text(text, 0, -1) if text else ""]
        for child in children(widget):
            found += texts(child, role, depth + 1)
    return [line for line in found if line]


def menu() -> list[dict[str, Any]]:
    """The tray menu as the panel gets it: label, type, enabled, checked, children. Empty while there is no icon."""
    with contextlib.suppress(GLib.Error):
        (items,) = call(*WATCHER, PROPERTIES, "Get", "(ss)", WATCHER[0], "RegisteredStatusNotifierItems")
        for item in items:
            if item.endswith("/pitchgate"):
                name, _, path = item.partition("/")
                icon = "org.kde.StatusNotifierItem"
                (place,) = call(name, "/" + path, PROPERTIES, "Get", "(ss)", icon, "Menu")
                _, layout = call(name, place, "com.canonical.dbusmenu", "GetLayout", "(iias)", 0, -1, [])
                return [plain(child) for child in layout[2]]
    return []


def call(name: str, path: str, interface: str, method: str, form: str, *arguments: Any) -> Any:
    """A call on the session bus."""
    bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
    given = GLib.Variant(form, arguments)
    return bus.call_sync(
        name, path, interface, method, given, None, Gio.DBusCallFlags.NONE, 3000, None
    ).unpack()


def plain(node: Any) -> dict[str, Any]:
    _, properties, below = node
    return {
        "label": properties.get("label", "").replace("__", "_"),
        "type": properties.get("type", "standard"),
        "enabled": properties.get("enabled", True),
        "checked": properties.get("toggle-state", -1),
        "children": [plain(child) for child in below],
    }


def owned(name: str) -> bool:
    """Whether somebody owns a name on the session bus."""
    bus = "org.freedesktop.DBus"
    (found,) = call(bus, "/", bus, "NameHasOwner", "(s)", name)
    return bool(found)


def desktop() -> Any:
    """Everything there is, with nothing remembered of an earlier look."""
    found = Atspi.get_desktop(0)
    found.clear_cache()
    return found


def stay() -> bool:
    """Be a reader of every program from its start on."""
    for program in children(desktop()):
        with contextlib.suppress(*GONE):
            program.get_name()
    return True


QUESTIONS: dict[str, Callable[..., Any]] = {
    "find": lambda role, name: find(desktop(), role, name),
    "texts": lambda role: texts(desktop(), role),
    "focused": lambda: focused(desktop()),
    "menu": menu,
    "owned": owned,
}


def main() -> None:
    """Answer until nobody asks any more."""
    loop = GLib.MainLoop()

    def answer(*_: Any) -> bool:
        if line := sys.stdin.readline():
            name, *about = json.loads(line)
            print(json.dumps(QUESTIONS[name](*about)), flush=True)
        else:
            loop.quit()
        return bool(line)

    Atspi.init()
    GLib.timeout_add(200, stay)
    GLib.io_add_watch(0, GLib.IO_IN | GLib.IO_HUP, answer)
    loop.run()


if __name__ == "__main__":
    main()
