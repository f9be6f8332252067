"""The shell blocks of the documents can be run as they stand: all are parsed, and installing is played through."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from tests.architecture.shell_blocks import PLAYED, REASONS, blocks, to_play
from tests.architecture.source import ROOT, files, listing, text

PAGES = [path for path in files() if path.suffix == ".md"]
COMMANDS = {*"pitchgate pitchgate-model pitchgate-tray make git sudo curl pip pipx python".split()}
COMMANDS |= {"gcloud", "podman", "docker", "kubectl", ".venv/bin/python"}
SERVICE = 23_456  # nobody's number: the service's user in the play

# The operator is root without the right to pass closed folders, which is what a person with sudo is before "sudo".
OPERATOR = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
STUBS = {
    "apt-get": "exit 0",
    "id": "test -d $HOUSE",
    "useradd": f"mkdir -m 0700 $HOUSE && chown {SERVICE}:{SERVICE} $HOUSE",
    "sudo": f'if [ "$1" = -u ]; then shift 2; exec setpriv --reuid={SERVICE} --regid={SERVICE} --clear-groups env '
    'HOME=$HOUSE "$@"; fi; exec "$@"',
    # What it installs has tests of its own, and takes minutes.
    "make": 'while [ $# -gt 0 ]; do [ "$1" = -C ] && cd "$2"; shift; done; test -f requirements/setup.sh; mkdir -p '
    ".venv/bin; printf '#!/bin/sh\\necho made with: $*\\n' >.venv/bin/pitchgate; chmod +x .venv/bin/pitchgate",
}


def test_every_block_is_shell() -> None:
    for block in chain.from_iterable(blocks(str(page)) for page in PAGES):
        done = subprocess.run(
            ["bash", "-n"], input=block.code, capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, f"in {block.page}: {done.stderr}{block.code}"


def test_every_block_is_played_or_says_why_not() -> None:
    for page in sorted({*map(str, PAGES), *PLAYED}):
        found = list(blocks(page))
        played = Counter(block.heading for block in found if not block.why and not block.tried)
        assert played == PLAYED.get(page, {}), (
            f"in {page}: play it in tests/deploy/test_machine.py, or say above it why not"
        )
        for block in found:
            assert not block.why or block.why.startswith(REASONS), block
            assert all((ROOT / place).exists() for place in block.tried.split()), block


@pytest.mark.parametrize(
    "page", [f"docs/how-to/{name}.md" for name in ("deploy", "upgrade", "containers", "back-up")]
)
def test_a_pasted_block_stops_at_the_first_failure(page: str) -> None:
    """A shell at which it is pasted would go on with the next line, whatever the one before ended with."""
    for block in to_play(page):
        parsed = subprocess.run(
            ["bash", "-c", f"run() {{\n{block.code}\n}}; declare -f run"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout.splitlines()[2:-1]
        commands = [
            line for line in parsed if re.match(r" {4}\S", line) and not line.strip().startswith("export ")
        ]
        together = block.code.startswith("(\nset -e\n") and block.code.endswith("\n)\n")
        assert len(commands) < 2 or together, f"in {page}: begin it with ( and set -e:\n{block.code}"


def test_a_block_of_commands_is_marked_as_shell() -> None:
    wrong = [
        f"{page}: {word}"
        for page in PAGES
        if page.parts[0] != "tests"
        for language, word in re.findall(r"^ *```(\w*)\n *([\w./-]+)", text(page) or "", re.MULTILINE)
        if language != "sh" and word in COMMANDS
    ]
    assert not wrong, "blocks that nobody looks at:" + listing(wrong)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="plays two users of the machine: needs root and setpriv",
)
def test_a_person_with_sudo_can_install_it_step_by_step(tmp_path: Path) -> None:
    fixture = _open_to_all(tmp_path) / "house"
    stubs = tmp_path / "bin"
    stubs.mkdir()
    for name, body in STUBS.items():
        (stubs / name).write_text(f"#!/bin/bash\nset -e\n{body}\n")
        (stubs / name).chmod(0o755)
    source = tmp_path / "source"
    (source / "requirements").mkdir(parents=True)
    (source / "requirements/setup.sh").touch()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.test", "-C", str(source)]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All of it"]):
        subprocess.run([*git, *command], check=True, timeout=20)
    subprocess.run([*git, "bundle", "create", "-q", str(tmp_path / "all"), "HEAD"], check=True, timeout=20)

    step = to_play("docs/how-to/deploy.md", "5. ")[0].code
    code = step.replace("/opt/pitchgate", str(fixture)).replace("<this repository>", str(tmp_path / "all"))
    for _ in range(2):  # pasted again it harms nothing
        done = subprocess.run(
            [*OPERATOR, "bash", "-e"],
            input=code,
            env={"PATH": f"{stubs}:{os.environ['PATH']}", "HOUSE": str(fixture)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert (fixture / "app/.venv/bin/pitchgate").exists()
    assert stat.S_IMODE(fixture.stat().st_mode) == 0o700, "still closed to others"


def _open_to_all(folder: Path) -> Path:
    """A folder whose parents let other users pass, as /opt does."""
    for one in (folder, *folder.parents):
        if one.owner() == "root" and one != one.parent and not one.stat().st_mode & stat.S_ISVTX:
            one.chmod(one.stat().st_mode | 0o011)
    return folder
