"""Debian from its packages: a folder to build images on, and a machine with systemd in namespaces of this one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.architecture.source import ROOT

SUITE = "trixie"
CACHE = ROOT / ".venv" / "deploy"
ENTER = Path(__file__).with_name("enter.sh")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
BOOT_SECONDS = 60.0
NEEDLESS = (
    *"""
    usr/share/doc usr/share/man usr/share/info usr/share/locale var/lib/apt/lists var/cache
    """.split(),
)
"""What Debian's own small images leave out too."""
PACKAGES = ("systemd", "systemd-sysv", "dbus", "sudo", "curl", "openssl", "nginx", "caddy", "docker-compose")
OPERATOR = "ana"
"""A person with sudo."""


def run(*command: str | Path, **how: object) -> str:
    """What a command says; fails with all of it if its status is not 0."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, **how)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"[-6000:]
    return str(done.stdout)


def base() -> Path:
    """Debian with Python and its venv module, as small as Debian's images. Made once, until `make clean`."""
    if not (done := CACHE / "base").exists():
        new = _fresh(CACHE / "base.new")
        run("debootstrap", "--variant=minbase", "--include=ca-certificates,python3,python3-venv", SUITE, new)
        for name in NEEDLESS:
            run("find", new / name, "-mindepth", "1", "-delete")
        new.rename(done)
    return done


def machine() -> Path:
    """A server of Debian's as it is before Pitchgate comes: systemd, both proxies, a person with sudo. Made once."""
    if not (done := CACHE / "machine").exists():
        base()
        new = _fresh(CACHE / "machine.new")
        run("cp", "-a", f"{CACHE / 'base'}/.", new)
        shutil.copyfile("/etc/resolv.conf", new / "etc/resolv.conf")
        shutil.copyfile("/etc/hosts", new / "etc/hosts")
        shutil.copyfile(CERTIFICATES, new / CERTIFICATES.relative_to("/"))
        (new / "etc/pip.conf").write_text(pip_settings())
        (new / "etc/apt/apt.conf.d/90yes").write_text('APT::Get::Assume-Yes "true";\n')
        (new / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")  # starts nothing while it is made
        (new / "usr/sbin/policy-rc.d").chmod(0o755)
        apt = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "
        run(*entering(new), "env", f"PATH={PATH}", "sh", "-c", apt + " ".join(PACKAGES))
        run("chroot", new, "useradd", "--create-home", "--shell", "/bin/bash", OPERATOR)
        (new / f"etc/sudoers.d/{OPERATOR}").write_text(f"{OPERATOR} ALL=(ALL) NOPASSWD: ALL\n")
        # Both want the same ports, which are this machine's. Modules are this machine's kernel's.
        for unit in ("nginx", "caddy", "systemd-modules-load", "apt-daily.timer", "apt-daily-upgrade.timer"):
            name = unit if "." in unit else f"{unit}.service"
            (new / f"etc/systemd/system/{name}").symlink_to("/dev/null")
        new.rename(done)
    return done


def pip_settings() -> str:
    """Where pip finds packages on this machine, for a machine or an image that is made on it."""
    kept = ("cert", "index-url", "extra-index-url", "trusted-host", "proxy")
    lines = [line.partition("=") for line in run(ROOT / ".venv/bin/pip", "config", "list").splitlines()]
    fields = {name.rpartition(".")[2]: value.strip("'") for name, _, value in lines}
    return "[global]\n" + "".join(f"{name} = {fields[name]}\n" for name in kept if name in fields)


def entering(root: Path, *flags: str) -> list[str]:
    """The beginning of a command that runs the rest with `root` as /."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", *flags, "bash", str(ENTER), str(root)]


def first_inside(pid: int) -> int:
    """The process that is number 1 to what runs inside, by its number here, of an `unshare`; 0 before there is one."""
    return int((Path(f"/proc/{pid}/task/{pid}/children").read_text().split() or ["0"])[0])


def boots() -> str:
    """Why systemd cannot be started in a namespace here; "" if it can."""
    return "" if _control_groups() else "there is no cgroup2 here for a systemd"


class Machine:
    """A machine with systemd that runs; it shares this one's network. What it writes goes to `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.new = folder / "new"
        self._pid = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[Machine]:
        """Booted, and at the end gone with all of its processes."""
        groups = (_control_groups() or Path()) / f"pitchgate-{os.getpid()}-{self.folder.name}"
        groups.mkdir()
        command = [
            *("bash", "-c", f'echo $$ >{groups}/cgroup.procs && exec "$@"', "bash"),
            *entering(machine(), "--cgroup", "--uts", "--ipc"),
            *("/lib/systemd/systemd", "--log-target=journal", "--show-status=no"),
        ]
        environment = {**os.environ, "CHANGES": str(self.folder), "BOOT": "1"}
        log = (self.folder / "boot.log").open("wb")
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            self._await(process)
            yield self
        finally:
            process.kill()
            process.wait(30)
            log.close()
            _end(groups)

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < until:
            assert process.poll() is None, (self.folder / "boot.log").read_text()
            self._pid = first_inside(process.pid)
            if self._pid and self.call("systemctl", "is-system-running").stdout.strip() in (
                "running",
                "degraded",
            ):
                return
            time.sleep(0.2)
        raise AssertionError(f"systemd did not start: {(self.folder / 'boot.log').read_text()}")

    def call(
        self, *command: str, user: str = "root", script: str = "", given: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command in the machine as one of its users, whatever it ends with; `script` is its standard input."""
        home = "/root" if user == "root" else f"/home/{user}"
        environment = {"HOME": home, "PATH": PATH, "USER": user, "LANG": "C.UTF-8", **(given or {})}
        words = [f"{name}={value}" for name, value in environment.items()]
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user != "root" else []
        enter = ["nsenter", "--target", str(self._pid), "--all", *become, "env", "-i", "-C", "/tmp", *words]
        return subprocess.run(
            [*enter, *command], input=script, capture_output=True, text=True, timeout=900, check=False
        )

    def do(self, *command: str, user: str = "root", script: str = "") -> str:
        """What it says; fails with all of it if its status is not 0."""
        done = self.call(*command, user=user, script=script)
        assert done.returncode == 0, f"{' '.join(command)} {script}\n{done.stdout}{done.stderr}"[-6000:]
        return done.stdout


def _control_groups() -> Path | None:
    """Where the tree of control groups is mounted."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return next((Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"), None)


def _end(groups: Path) -> None:
    """Kill whatever is in a control group and take it away."""
    (groups / "cgroup.kill").write_text("1")
    until = time.monotonic() + BOOT_SECONDS
    while "populated 1" in (groups / "cgroup.events").read_text() and time.monotonic() < until:
        time.sleep(0.1)
    for group in sorted((path for path in groups.rglob("*") if path.is_dir()), reverse=True):
        group.rmdir()
    groups.rmdir()


def _fresh(folder: Path) -> Path:
    """An empty folder, whatever was left of an earlier try."""
    if folder.exists():
        run("rm", "-rf", "--one-file-system", folder)
    folder.mkdir(parents=True)
    return folder
