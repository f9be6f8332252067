"""The unit that `pitchgate home` offers, really started by a systemd of the user's own: it serves, comes back when it
was killed, and stops when told to. The manager lives in a mount namespace of its own, which only root may make."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from backend import home
from backend.demo.people import free_port

MANAGER = Path("/lib/systemd/systemd")
INSIDE = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/user/0
chmod 700 /run/user/0
mount -t cgroup2 none /sys/fs/cgroup
echo namespace
export XDG_RUNTIME_DIR=/run/user/0
{manager} --user --log-target=null & manager=$!
trap 'kill -9 $manager' EXIT  # a step that fails leaves nobody who holds our pipes
ask() {{ {python} -c 'import sys, urllib.request as web; web.urlopen(sys.argv[1])' {url}/readyz 2>/dev/null; }}
until_() {{ for _ in $(seq 600); do "$@" && return; sleep 0.1; done; return 1; }}
until_ systemctl --user is-system-running --quiet
echo manager
systemctl --user enable --now --quiet pitchgate.service
until_ ask
echo serves
killed=$(systemctl --user show -p MainPID --value pitchgate.service)
kill -9 $killed
again() {{ test "$(systemctl --user show -p NRestarts --value pitchgate.service)" = 1; }}
until_ again
until_ ask
echo returns
systemctl --user stop pitchgate.service
systemctl --user show -p ActiveState,Result,ExecMainStatus pitchgate.service | sort
"""


def test_the_unit_of_a_home_serves_comes_back_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (MANAGER.exists() and shutil.which("unshare") and os.geteuid() == 0):
        pytest.skip("needs systemd, unshare and root")
    url = f"http://127.0.0.1:{free_port()}"
    file = tmp_path / "settings of 100%.env"
    file.write_text(
        f"PITCHGATE_PUBLIC_URL={url}\nPITCHGATE_BIND={url.removeprefix('http://')}\nPITCHGATE_NOTICES=poll\n"
        f"PITCHGATE_STATE_DIR={tmp_path}/state\nPITCHGATE_SECRET_KEYS={Fernet.generate_key().decode()}\n"
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    home.write_unit(file)
    script = INSIDE.format(manager=MANAGER, python=shutil.which("python3"), url=url)
    command = ["unshare", "--mount", "--propagation", "private", "bash", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd="/")
    output = done.stdout.split()
    if "manager" not in output:
        pytest.skip("this system lets nobody start a manager of their own")
    assert output == [
        *("namespace", "manager", "serves", "returns"),
        *("ActiveState=inactive", "ExecMainStatus=0", "Result=success"),
    ], done.stderr
