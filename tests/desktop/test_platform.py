"""Autostart, menu entry, single instance, choice of tray: with real files, and stand-ins elsewhere."""

from __future__ import annotations

import asyncio
import plistlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.rights import WINDOWS, posix_only, private
from tray_app import icon_view, install
from tray_app.__main__ import restore_library_path
from tray_app.app import Instance, start_command
from tray_app.errors import AlreadyRunning, ConnectFailed, NoTray
from tray_app.install import RUN_KEY, LinuxAutostart, MacAutostart, WindowsAutostart, quoted
from tray_app.orders import checked_server
from tray_app.window_host import window_command

COMMAND = ["/opt/my apps/pitchgate-tray", "--server", 'https://p.example/100%/a"b$c`d\\e', "--at-login"]


@posix_only
def test_autostart_on_linux_is_a_valid_entry(tmp_path: Path) -> None:
    autostart = LinuxAutostart(tmp_path)
    assert not autostart.enabled()
    autostart.enable(COMMAND)
    assert autostart.enabled()
    entry = tmp_path / "pitchgate-tray.desktop"
    assert exec_line(entry) == COMMAND
    entry.write_text(entry.read_text() + "Hidden=true\n")
    assert not autostart.enabled(), "switched off in the desktop's own settings"
    autostart.disable()
    autostart.disable()
    assert not entry.exists()


def exec_line(entry: Path) -> list[str]:
    """The command of a desktop entry, read as the specification says: string escapes, then a shell's quotes."""
    line = next(line for line in entry.read_text().splitlines() if line.startswith("Exec="))
    unescaped = line.removeprefix("Exec=").replace("\\\\", "\\")
    printed = subprocess.run(["sh", "-c", f"printf '%s\\0' {unescaped}"], capture_output=True, check=True)
    return [part.replace("%%", "%") for part in printed.stdout.decode().split("\0")[:-1]]


def test_quoting_leaves_plain_words_alone() -> None:
    assert quoted("/usr/bin/pitchgate-tray") == "/usr/bin/pitchgate-tray"
    assert quoted("") == '""'
    assert quoted("50%") == "50%%"


class Registry:
    """What winreg offers, over a dictionary."""

    HKEY_CURRENT_USER, KEY_READ, KEY_SET_VALUE, REG_SZ = 1, 2, 4, 1

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def CreateKeyEx(self, root: int, path: str, reserved: int, access: int) -> Registry:  # noqa: N802
        assert (root, path) == (self.HKEY_CURRENT_USER, RUN_KEY)
        return self

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def QueryValueEx(self, key: Registry, name: str) -> tuple[str, int]:  # noqa: N802
        if name not in self.values:
            raise FileNotFoundError(name)
        return self.values[name], self.REG_SZ

    def SetValueEx(self, key: Registry, name: str, zero: int, kind: int, value: str) -> None:  # noqa: N802
        self.values[name] = value

    def DeleteValue(self, key: Registry, name: str) -> None:  # noqa: N802
        if name not in self.values:
            raise FileNotFoundError(name)
        del self.values[name]


def test_autostart_on_windows_is_a_quoted_run_value() -> None:
    registry = Registry()
    autostart = WindowsAutostart(registry)
    assert not autostart.enabled()
    autostart.enable(["C:\\Program Files\\p\\pitchgate-tray.exe", "--at-login"])
    assert registry.values == {"Pitchgate": '"C:\\Program Files\\p\\pitchgate-tray.exe" --at-login'}
    assert autostart.enabled()
    autostart.disable()
    autostart.disable()
    assert not autostart.enabled()


def test_autostart_on_macos_is_a_launch_agent(tmp_path: Path) -> None:
    autostart = MacAutostart(tmp_path)
    autostart.enable(COMMAND)
    agent = plistlib.loads((tmp_path / "Library/LaunchAgents/org.pitchgate.tray.plist").read_bytes())
    assert agent["ProgramArguments"] == COMMAND
    assert agent["RunAtLoad"] is True
    assert autostart.enabled()
    autostart.disable()
    assert not autostart.enabled()


@posix_only
def test_install_and_uninstall_on_linux_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    written = install.install(COMMAND, "linux")
    assert exec_line(written[0]) == COMMAND
    assert all(path.exists() for path in written)
    assert install.install(COMMAND, "linux") == written
    assert sorted(install.uninstall("linux")) == sorted(written)
    assert list((tmp_path / "data").iterdir()) == [], "no empty folders either"
    assert install.uninstall("linux") == []
    of_the_window = [tmp_path / "cache/pitchgate-tray", tmp_path / "data/pitchgate-tray"]
    for folder in of_the_window:
        (folder / "WebKitCache").mkdir(parents=True)
    assert install.uninstall("linux") == of_the_window
    assert not [folder for folder in of_the_window if folder.exists()]


def test_uninstall_leaves_other_programs_their_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    other = tmp_path / "icons/hicolor/48x48/apps/other.png"
    other.parent.mkdir(parents=True)
    other.touch()
    install.install(COMMAND, "linux")
    install.uninstall("linux")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [other]
    assert [path.name for path in (tmp_path / "icons/hicolor").iterdir()] == ["48x48"]


def test_install_on_windows_makes_a_shortcut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPDATA", str(tmp_path / "r"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "l"))
    found: list[tuple[Path, list[str], Path]] = []
    command = ["C:\\o'brien\\pitchgate-trayw.exe"]
    written = install.install(command, "win32", lambda *link: found.append(link))
    link, icon = written
    assert found == [(link, command, icon)]
    assert link.name == "Pitchgate.lnk"
    assert icon.stat().st_size > 1000
    link.touch()
    assert install.uninstall("win32") == written


def test_windows_starts_what_opens_no_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    python, quiet = tmp_path / "python.exe", tmp_path / "pythonw.exe"
    assert start_command("win32", str(python)) == [str(python), "-m", "tray_app"]
    quiet.touch()
    assert start_command("win32", str(python)) == [str(quiet), "-m", "tray_app"]
    assert start_command("linux", str(python)) == [str(python), "-m", "tray_app"]
    for name in ("pitchgate-tray", "pitchgate-trayw"):
        program = tmp_path / (name + (".exe" if WINDOWS else ""))
        program.touch(0o755)
        platform = "win32" if name.endswith("w") else "linux"
        assert [Path(part).stem for part in start_command(platform, str(python))] == [name]


def test_a_folder_with_everything_in_it_is_its_own_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "/opt/pitchgate/pitchgate-tray"
    assert window_command(program) == (program, "-m", "tray_app.window")
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert start_command("linux", program) == [program]
    assert window_command(program) == (program, "window")


@posix_only
def test_what_the_folder_starts_does_not_load_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    started = {"LD_LIBRARY_PATH": "/opt/pitchgate/_internal", "LD_LIBRARY_PATH_ORIG": "/usr/local/lib"}
    monkeypatch.setattr("sys.platform", "linux")
    restore_library_path(started)
    assert "LD_LIBRARY_PATH_ORIG" in started, "set by others where nothing is frozen"
    monkeypatch.setattr("sys.frozen", True, raising=False)
    restore_library_path(started)
    assert started == {"LD_LIBRARY_PATH": "/usr/local/lib"}
    bare = {"LD_LIBRARY_PATH": "/opt/pitchgate/_internal"}
    restore_library_path(bare)
    assert bare == {}


@posix_only
def test_install_on_macos_makes_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (bundle,) = install.install(["/bin/echo", "it's", "me"], "darwin")
    result = subprocess.run([bundle / "Contents/MacOS/Pitchgate"], capture_output=True, text=True, check=True)
    assert result.stdout == "it's me\n"
    assert plistlib.loads((bundle / "Contents/Info.plist").read_bytes())["LSUIElement"] is True
    assert install.uninstall("darwin") == [bundle]


async def test_a_second_instance_wakes_the_first_and_ends(tmp_path: Path) -> None:
    first, woken = Instance(tmp_path), asyncio.Event()
    first.take()
    await first.listen(woken.set)
    with pytest.raises(AlreadyRunning) as refused:
        await asyncio.to_thread(Instance(tmp_path).take)
    assert refused.value.remedy == "Its window was opened."
    assert woken.is_set()
    await first.stop()
    first.release()
    again = Instance(tmp_path)
    again.take()
    again.release()


async def test_a_stranger_on_the_port_wakes_nobody(tmp_path: Path) -> None:
    first, woken = Instance(tmp_path), asyncio.Event()
    first.take()
    await first.listen(woken.set)
    address = tmp_path / "running.json"
    assert private(address)
    port = int(address.read_text().split(":")[1].split(",")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"x" * 32)
    assert await reader.read() == b""
    writer.close()
    assert not woken.is_set()
    await first.stop()
    first.release()


def test_the_lock_of_a_killed_instance_is_free_again(tmp_path: Path) -> None:
    hold = (
        "import sys, pathlib, time; from tray_app.app import Instance; "
        "i = Instance(pathlib.Path(sys.argv[1])); i.take(); print('taken', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", hold, tmp_path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"taken"
    with pytest.raises(AlreadyRunning):
        Instance(tmp_path).take()
    process.kill()
    process.wait()
    process.stdout.close()
    again = Instance(tmp_path)
    again.take()
    again.release()


def test_windows_and_macos_choose_by_themselves() -> None:
    assert icon_view.choose_backend("win32", {}) == icon_view.choose_backend("darwin", {}) == ""


def test_the_xorg_tray_is_refused_in_plain_words() -> None:
    with pytest.raises(NoTray, match="picture only, without a menu"):
        icon_view.choose_backend("linux", {"PYSTRAY_BACKEND": "xorg", "DISPLAY": ":1"})


def test_no_desktop_is_said() -> None:
    with pytest.raises(NoTray, match="no graphical desktop"):
        icon_view.choose_backend("linux", {})


def test_the_panel_is_waited_for_at_login(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["", "", "appindicator"])
    monkeypatch.setattr(icon_view, "_available_backend", lambda found: next(answers))
    naps: list[float] = []
    assert (
        icon_view.choose_backend("linux", {"DISPLAY": ":1"}, patience=5, sleep=naps.append) == "appindicator"
    )
    assert naps == [icon_view.PANEL_CHECK_PAUSE] * 2
    monkeypatch.setattr(icon_view, "_available_backend", lambda found: "")
    with pytest.raises(NoTray, match="no tray that shows icons"):
        icon_view.choose_backend("linux", {"DISPLAY": ":1"}, patience=1, sleep=naps.append)


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://pitchgate.example", "https://pitchgate.example"),
        (" https://pitchgate.example/mail/ ", "https://pitchgate.example/mail"),
        ("http://127.0.0.1:8400/", "http://127.0.0.1:8400"),
        ("http://localhost:8400", "http://localhost:8400"),
        ("http://pitchgate.example", None),
        ("pitchgate.example", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("https://user:pw@p.example", None),
        ("https://p.example/?x=1", None),
    ],
)
def test_only_addresses_that_keep_the_token_safe_are_taken(address: str, safe: Any) -> None:
    if safe is None:
        with pytest.raises(ConnectFailed):
            checked_server(address)
    else:
        assert checked_server(address) == safe
