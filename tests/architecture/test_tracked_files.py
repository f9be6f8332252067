"""What must not be in the repository."""

from __future__ import annotations

import configparser
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from tests.architecture.source import files, listing, text

TOP_LEVEL = {
    ".ci", ".editorconfig", ".github", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md", "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md", "addon_manifest", "backend", "docs",
    "model_export", "pyproject.toml", "requirements", "tests", "tray_app",
}  # fmt: skip

# Written in pieces, so that this file does not name what it looks for.
REGISTRIES = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "deb.debian" + ".org",
    "artifact" + "registry",
)
MACHINE_PATHS = re.compile(
    "(?<![\\w.])/(?:" + "|".join(("wor" + "k/", "roo" + "t/", "opt/" + "wheels", "tmp/te" + "am")) + ")"
)
SESSIONS = re.compile(r"\bshared" + r"/(design|reference|mail|corpus|seed)\b", re.IGNORECASE)

LONGEST_LINE = {".js": 200, ".css": 200, ".html": 400}


def test_nothing_lies_at_the_top_that_has_no_place_there() -> None:
    tops = {path.parts[0] for path in files()}
    assert tops <= TOP_LEVEL, listing(tops - TOP_LEVEL)


def test_no_file_names_a_package_registry() -> None:
    assert (
        _mentions(
            re.compile("|".join(re.escape(host) for host in (*REGISTRIES, *_registries_of_this_machine())))
        )
        == []
    )


def test_no_file_names_a_path_of_a_build_machine() -> None:
    found = _mentions(MACHINE_PATHS)
    assert not found, listing(found)


def test_the_project_speaks_of_itself_alone() -> None:
    found = _mentions(SESSIONS)
    assert not found, listing(found)


def test_no_script_or_style_is_vendored_or_minified() -> None:
    suspects = []
    for path in files():
        if {"vendor", "node_modules", "third_party"} & set(path.parts) or ".min." in path.name:
            suspects.append(str(path))
        elif path.suffix in LONGEST_LINE and (content := text(path)) is not None:
            longest = max(map(len, content.splitlines()), default=0)
            if longest > LONGEST_LINE[path.suffix] or re.search(
                r"@license|@preserve|Copyright \(c\)", content, re.I
            ):
                suspects.append(f"{path} (longest line {longest})")
    assert not suspects, listing(suspects)


def test_no_file_is_a_secret_or_a_left_over() -> None:
    unwanted = re.compile(r"(\.pem|\.key|\.sqlite3?|\.db|\.env|\.pyc|\.orig|\.rej|~|client_secret.*\.json)$")
    assert [str(path) for path in files() if unwanted.search(path.name)] == []


def _mentions(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in files():
        content = text(path)
        if content is None or path.suffix in (".jsonl", ".mbox"):  # written mail may name whom it likes
            continue
        for number, line in enumerate(content.splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path}:{number} {line.strip()[:120]}")
    return found


def _registries_of_this_machine() -> set[str]:
    """Hosts that this machine's pip is set to ask: they are its own affair."""
    values = [
        os.environ.get(name, "") for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX")
    ]
    for path in (Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf"), Path.home() / ".config/pip/pip.conf"):
        parser = configparser.RawConfigParser()
        parser.read(path)
        values += [
            value for section in parser.sections() for key, value in parser.items(section) if "index" in key
        ]
    hosts = {urlsplit(address).hostname for value in values for address in value.split()}
    return {host for host in hosts if host and host not in ("localhost", "127.0.0.1")}
