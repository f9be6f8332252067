"""Where a widget is, asked of the accessibility bus: `python -m tests.desktop.accessible ROLE [NAME]`.

With a name: prints [x, y, width, height] of the first showing widget of that role whose name begins so, or nothing.
Without: prints the texts of all showing widgets of that role, or with "" of any. It is what a screen reader says.
With the role "focused": prints the name of what has the keyboard. With "stay": asks for every program's name for ever.
A program that loses its last reader while a key is on its way dies in GTK 3, and each of the looks above is a reader
that comes and goes.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402


def find(widget: Any, role: str, name: str, depth: int = 0) -> list[int] | None:
    """Depth first, showing widgets only."""
    if widget is None or depth > 40:
        return None
    try:
        if widget.get_role_name() == role and (widget.get_name() or "").startswith(name):
            box = widget.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
            if (
                box.width > 0
                and box.height > 0
                and box.x >= 0
                and widget.get_state_set().contains(Atspi.StateType.SHOWING)
            ):
                return [box.x, box.y, box.width, box.height]
        for i in range(widget.get_child_count()):  # one by one: a list may have thousands
            if found := find(widget.get_child_at_index(i), role, name, depth + 1):
                return found
    except (GLib.Error, AttributeError):
        pass  # it went away while we looked
    return None


def focused(widget: Any, depth: int = 0) -> str:
    """The name of the widget that keys go to."""
    if widget is None or depth > 40:
        return ""
    try:
        states = widget.get_state_set()
        children = [widget.get_child_at_index(i) for i in range(widget.get_child_count())]
        for child in children:
            if found := focused(child, depth + 1):
                return found
        return (widget.get_name() or "") if states.contains(Atspi.StateType.FOCUSED) else ""
    except (GLib.Error, AttributeError):
        return ""


def texts(widget: Any, role: str, depth: int = 0) -> list[str]:
    """Names and texts, in reading order."""
    found: list[str] = []
    if widget is None or depth > 40:
        return found
    try:
        showing = depth < 2 or widget.get_state_set().contains(Atspi.StateType.SHOWING)
        if showing and role in ("", widget.get_role_name()):
            text = widget.get_text_iface()
            found += [widget.get_name() or "", Atspi.Text.get_text(text, 0, -1) if text else ""]
        for i in range(widget.get_child_count()):
            found += texts(widget.get_child_at_index(i), role, depth + 1)
    except (GLib.Error, AttributeError):
        pass
    return [line for line in found if line]


def stay() -> None:
    """Be a reader of every program, from its start to the end of the desktop."""

    def look() -> bool:
        desktop = Atspi.get_desktop(0)
        desktop.clear_cache()
        for i in range(desktop.get_child_count()):
            with contextlib.suppress(GLib.Error, AttributeError):  # it went away while we looked
                desktop.get_child_at_index(i).get_name()
        return True

    GLib.timeout_add(200, look)
    GLib.MainLoop().run()


if __name__ == "__main__":
    Atspi.init()
    if sys.argv[1] == "stay":
        stay()
    elif sys.argv[1] == "focused":
        print(json.dumps(focused(Atspi.get_desktop(0))))
    elif len(sys.argv) < 3:
        print(json.dumps(texts(Atspi.get_desktop(0), sys.argv[1])))
    elif found := find(Atspi.get_desktop(0), sys.argv[1], sys.argv[2]):
        print(json.dumps(found))
