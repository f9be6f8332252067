"""An image built with Buildah from what is committed, and its containers, run as shut in as the manifests say."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.architecture.source import ROOT
from tests.deploy.debian import CERTIFICATES, base, entering, pip_settings, run

STATE = "/var/lib/pitchgate"
COMPOSE = Path(__file__).with_name("compose.sh")


@dataclass(frozen=True)
class Image:
    """One that is built. `size` in bytes, `config` as the image has it."""

    name: str
    size: int
    config: dict[str, Any]


class Builder:
    """Buildah with a store of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = folder / "store"
        limits = [
            f'"{name}={soft}:{hard}"'
            for name, number in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))
            for soft, hard in (resource.getrlimit(number),)
        ]
        # The greatest limits that are usual for containers are more than a container may ask for in one.
        # Not every machine gives control groups that count processes.
        text = f"[containers]\ndefault_ulimits = [{', '.join(limits)}]\npids_limit = 0\n"
        (folder / "containers.conf").write_text(text)
        (folder / "pip.conf").write_text(pip_settings())

    def __call__(self, *words: str | Path) -> str:
        store = ("--root", self._store, "--runroot", self._folder / "run")
        return run("buildah", *store, *words, env=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "CONTAINERS_CONF": str(self._folder / "containers.conf")}

    @functools.cached_property
    def base(self) -> str:
        """An image with nothing but Debian and Python in it."""
        container = self("from", "--network=host", "scratch").strip()
        run("cp", "-a", f"{base()}/.", self("mount", container).strip())
        self("commit", "--quiet", "--rm", container, "localhost/base")
        return "localhost/base"

    def build(self, file: Path, target: str = "") -> Image:
        """What is committed, as `file` says."""
        source = self._folder / "source"
        if not source.exists():
            run("git", "clone", "--quiet", ROOT, source)
        name = f"localhost/pitchgate:{target or 'serve'}"
        self.make(name, source, "--file", file, "--build-arg", f"COMMIT={head()}", target=target)
        response = json.loads(self("inspect", "--type=image", name))
        (size,) = json.loads(self("images", "--json", name))
        return Image(name, _bytes(size["size"]), response["Docker"]["config"])

    def make(self, name: str, source: Path, *words: str | Path, target: str = "") -> None:
        """An image of this name."""
        self(
            *("build", "--layers", "--network=host", "--isolation=chroot", "--format=docker", "--tag", name),
            *("--build-arg", f"BASE={self.base}"),
            *("--volume", f"{self._folder / 'pip.conf'}:/etc/pip.conf:ro"),
            *("--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"),
            *(("--target", target) if target else ()),
            *words,
            source,
        )

    def composed(self, folder: Path, script: str) -> str:
        """What a script says in a folder with compose.yaml, where `docker-compose` has these images; with a network of
        its own, and what runs then ends with it."""
        apart = ("--mount", "--pid", "--fork", "--kill-child", "--net", "--cgroup", "--uts", "--ipc")
        command = ("unshare", *apart, "bash", COMPOSE, folder, self._store, script)
        return run(*command, env=self._environment)

    def close(self) -> None:
        """Give the room back, some gigabytes."""
        self("rm", "--all")
        for mount in self._store.glob("overlay"):
            subprocess.run(["umount", "--recursive", mount], check=False, capture_output=True)
        run("rm", "-rf", "--one-file-system", self._store)

    @contextlib.contextmanager
    def mounted(self, image: Image) -> Iterator[Path]:
        """Its files."""
        container = self("from", "--network=host", "--pull=never", image.name).strip()
        try:
            yield Path(self("mount", container).strip())
        finally:
            self("rm", container)


def head() -> str:
    return run("git", "-C", ROOT, "rev-parse", "HEAD").strip()


def started(root: Path, image: Image, *words: str, **settings: str) -> subprocess.Popen[str]:
    """A container: read-only but for its state, no rights, the image's user, environment and entry. It shares this
    machine's network."""
    user = image.config["User"].split(":")
    environment = [
        *image.config["Env"],
        f"HOME={STATE}",
        *(f"{key}={value}" for key, value in settings.items()),
    ]
    command = [
        *entering(root),
        *("setpriv", f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups", "--bounding-set=-all"),
        *("--inh-caps=-all", "--no-new-privs", "env", "-i", "-C", image.config["WorkingDir"], *environment),
        *(words or [*image.config["Entrypoint"], *image.config["Cmd"]]),
    ]
    return subprocess.Popen(
        command,
        env={**os.environ, "STATE": STATE},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _bytes(expected: str) -> int:
    """Buildah's "407 MB" as a number."""
    number, unit = expected.split()
    return int(float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit.upper()])
