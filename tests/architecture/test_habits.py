"""What hooks and hosted runs call is there, and the check of a commit's subject says no when it should."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, listing, project

CHECK = ROOT / ".ci/commit-subject"
CALLERS = (".pre-commit-config.yaml", ".github/workflows/release.yml", ".github/workflows/tests.yml")


@pytest.mark.parametrize(
    ("message", "good"),
    [
        ("Refuse a body without its end\n\nWhy.\n", True),
        ("x" * 72 + "\n", True),
        ("x" * 73 + "\n", False),
        ("ü" * 72 + "\n", True),  # characters, not bytes
        ("# a comment of git's, longer than any subject may be, as they often are, and more\nShort\n", True),
        ("\n", False),
    ],
)
def test_a_subject_has_72_characters_at_most(message: str, good: bool, tmp_path: Path) -> None:
    (tmp_path / "message").write_text(message)
    done = subprocess.run([CHECK, tmp_path / "message"], capture_output=True, check=False, timeout=20)
    assert (done.returncode == 0) is good


def test_a_range_of_commits_is_looked_through(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    names = {f"GIT_{who}_{what}": "a@b.test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def git(*arguments: str) -> None:
        command = ["git", "-c", "core.hooksPath=/dev/null", *arguments]
        subprocess.run(
            command, cwd=tmp_path, env=os.environ | names, check=True, capture_output=True, timeout=20
        )

    git("init", "--initial-branch=main")
    for subject in ("First", "Short", "x" * 80, "Short again"):
        git("commit", "--allow-empty", "-m", subject)
    found = {
        commits: subprocess.run(
            [CHECK, commits], cwd=tmp_path, capture_output=True, check=False, timeout=20
        ).returncode
        for commits in ("main~3..main~2", "main~3..main", "main~1..main")
    }
    assert found == {"main~3..main~2": 0, "main~3..main": 1, "main~1..main": 0}


@pytest.mark.parametrize("caller", CALLERS)
def test_what_is_called_is_there(caller: str) -> None:
    content = (ROOT / caller).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lacking = [f"make {name}" for name in re.findall(r"\bmake ([a-z-]+)", content) if name not in targets]
    places = re.findall(r"(?<![\w/.])((?:tests|requirements|\.ci)/[\w./-]*\w)", content)
    lacking += [place for place in places if not (ROOT / place).exists()]
    assert not lacking, listing(lacking)


def test_every_python_that_is_promised_is_tried() -> None:
    least = re.fullmatch(r">=3\.(\d+)", project()["project"]["requires-python"])
    assert least
    workflow = (ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    tried = set(re.findall(r'"(3\.\d+)"', workflow))
    assert {f"3.{minor}" for minor in range(int(least[1]), 15)} <= tried
