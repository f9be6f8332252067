"""Whether this desktop can show a tray icon, decided before pystray is imported; `WindowOnly` replaces it if not."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping

from tray_app.errors import NoTray
from tray_app.menu import Screen
from tray_app.words import t

# ---- The pystray back end for this desktop


WATCHER = "org.kde.StatusNotifierWatcher"
STEP = 0.5


def choose(
    platform: str = sys.platform,
    environ: Mapping[str, str] = os.environ,
    patience: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """The name of the back end for PYSTRAY_BACKEND; "" leaves the choice to pystray (Windows, macOS).

    Raises `NoTray` where none can show a menu. pystray's Xorg back end is never chosen: it has no menu and gets no
    clicks. At login the panel may start after us: wait for it up to `patience` s.
    """
    if not platform.startswith("linux"):
        return ""
    wanted = environ.get("PYSTRAY_BACKEND", "")
    if wanted == "xorg":
        raise NoTray(t("error.xorg"), t("error.no_parts_remedy"))
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        raise NoTray(t("error.no_desktop"), t("error.no_desktop_remedy"))
    remaining = patience
    while True:
        found = _available_backend(wanted)
        if found:
            return found
        if remaining <= 0:
            raise NoTray(t("error.no_host"), t("error.no_host_remedy"))
        sleep(STEP)
        remaining -= STEP


def _available_backend(wanted: str) -> str:
    try:
        import gi

        gi.require_version("Gtk", "3.0")
    except (ImportError, ValueError) as error:
        raise NoTray(t("error.no_parts"), t("error.no_parts_remedy")) from error
    if wanted != "gtk" and _has_indicator() and _has_indicator_host():
        return "appindicator"
    if wanted != "appindicator" and _has_xembed_tray():
        return "gtk"
    return ""


def _has_indicator() -> bool:
    import gi

    for name in ("AyatanaAppIndicator3", "AppIndicator3"):
        try:
            gi.require_version(name, "0.1")
        except ValueError:
            continue
        return True
    return False


def _has_indicator_host() -> bool:
    """Whether a panel on the session bus shows StatusNotifierItems."""
    from gi.repository import Gio, GLib

    try:
        bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        answer = bus.call_sync(
            WATCHER,
            "/StatusNotifierWatcher",
            "org.freedesktop.DBus.Properties",
            "Get",
            GLib.Variant("(ss)", (WATCHER, "IsStatusNotifierHostRegistered")),
            GLib.VariantType("(v)"),
            Gio.DBusCallFlags.NO_AUTO_START,
            1000,
            None,
        )
    except GLib.Error:
        return False
    return bool(answer.unpack()[0])


def _has_xembed_tray() -> bool:
    """Whether an X11 tray of the older kind (XEmbed) is running."""
    if not os.environ.get("DISPLAY"):
        return False
    from Xlib import X
    from Xlib.display import Display
    from Xlib.error import DisplayError

    try:
        display = Display()
    except (DisplayError, OSError):
        return False
    try:
        selection = display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
        return bool(display.get_selection_owner(selection) != X.NONE)
    finally:
        display.close()


# ---- The view of a desktop without a tray


class WindowOnly:
    """The `IconView` port where there is no tray. Notices go to standard error."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def run(self, on_ready: Callable[[], None]) -> None:
        """Block the main thread until `stop`."""
        on_ready()
        self._stopped.wait()

    def show(self, screen: Screen) -> None:
        """Nothing to draw."""

    def notify(self, title: str, body: str) -> None:
        """Write to standard error, if there is a console."""
        if sys.stderr:
            sys.stderr.write(f"{title}: {body}\n")

    def stop(self) -> None:
        """End `run`."""
        self._stopped.set()
