"""The tray menu as the panel gets it over D-Bus: `python -m tests.desktop.menu_layout` prints it as JSON.

One object an item: label, type, enabled, checked, children.
"""

from __future__ import annotations

import json
from typing import Any

from gi.repository import Gio, GLib

WATCHER = ("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher")
PROPERTIES = "org.freedesktop.DBus.Properties"


def call(bus: Any, name: str, path: str, interface: str, method: str, arguments: Any) -> Any:
    return bus.call_sync(
        name, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE, 3000, None
    ).unpack()


def read() -> list[dict[str, Any]]:
    bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
    wanted = GLib.Variant("(ss)", (WATCHER[0], "RegisteredStatusNotifierItems"))
    (items,) = call(bus, *WATCHER, PROPERTIES, "Get", wanted)
    name, _, path = next(item for item in items if item.endswith("/pitchgate")).partition("/")
    wanted = GLib.Variant("(ss)", ("org.kde.StatusNotifierItem", "Menu"))
    (menu,) = call(bus, name, "/" + path, PROPERTIES, "Get", wanted)
    wanted = GLib.Variant("(iias)", (0, -1, []))
    _, layout = call(bus, name, menu, "com.canonical.dbusmenu", "GetLayout", wanted)
    return [plain(child) for child in layout[2]]


def plain(node: Any) -> dict[str, Any]:
    _, properties, children = node
    return {
        "label": properties.get("label", "").replace("__", "_"),
        "type": properties.get("type", "standard"),
        "enabled": properties.get("enabled", True),
        "checked": properties.get("toggle-state", -1),
        "children": [plain(child) for child in children],
    }


if __name__ == "__main__":
    print(json.dumps(read()))
